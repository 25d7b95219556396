//! The check of attempts: what is told of one, and in which order.

use std::time::Duration;

use vss_core::{FailureClass, Variant};
use vss_ports::{AttemptOutcome, AttemptRecord, AttemptUsage, Recovery};

use crate::rows::{Bench, RowsHarness, at, commit_of, failure_of, generator, owner, usage};

const GRID: Variant = Variant::GRID_1X;

pub(super) async fn attempts_are_answered_the_newest_last(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    assert_eq!(bench.attempts(1, &GRID).await, [], "there is no such row");
    let output = bench.claimed(1, &GRID).await;
    assert_eq!(bench.attempts(1, &GRID).await, [], "none has ended");
    let failure = failure_of(&output, FailureClass::TransientIo);
    bench.fail(failure, at(5)).await;
    bench.claim("b", at(10_000), 1).await;
    let everyone = Recovery::Owner(owner("b"));
    bench.queue.release(&everyone, at(11_500)).await.unwrap();
    let claims = bench.claim("c", at(12_000), 1).await;
    let mut commit = commit_of(&claims[0].outputs[0]);
    commit.generator = generator("1.7.0");
    commit.usage.cpu = None;
    commit.usage.peak_memory = None;
    bench.commit(&[commit], at(13_000)).await;
    // Another row's story is its own.
    bench.failed(2, &GRID, FailureClass::Policy).await;

    // Whole milliseconds and microseconds are kept.
    let kept = AttemptUsage {
        duration: Duration::from_millis(3),
        cpu: Some(Duration::from_micros(2_500)),
        ..usage()
    };
    let first = AttemptRecord {
        fence: 1,
        attempt: 1,
        generator: generator("1.0.0").id,
        version: Some(generator("1.0.0").version),
        owner: owner("a"),
        ended_at: at(5),
        outcome: AttemptOutcome::Failed(FailureClass::TransientIo),
        detail: "it was transient_io".into(),
        usage: kept,
    };
    let taken_back = AttemptRecord {
        fence: 2,
        attempt: 2,
        owner: owner("b"),
        ended_at: at(11_500),
        outcome: AttemptOutcome::Released,
        detail: String::new(),
        // Nobody told, so it is the time of its claim.
        usage: AttemptUsage::between(at(10_000), at(11_500)),
        ..first.clone()
    };
    let made = AttemptRecord {
        fence: 3,
        attempt: 3,
        version: Some(generator("1.7.0").version),
        owner: owner("c"),
        ended_at: at(13_000),
        outcome: AttemptOutcome::Ready,
        usage: AttemptUsage {
            cpu: None,
            peak_memory: None,
            ..kept
        },
        ..taken_back.clone()
    };
    assert_eq!(bench.attempts(1, &GRID).await, [first, taken_back, made]);
}
