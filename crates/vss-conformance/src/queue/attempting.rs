//! Checks of what is remembered of attempts, and of what follows from the harmful ones.

use vss_core::{BACKOFF_CEILING_MS, Disposition, FailureClass, Priority, Status, Variant};
use vss_ports::{AttemptOutcome, Recovery, Selection};

use crate::rows::{Bench, RowsHarness, Shelf, at, commit_of, failure_of, item, key, owner, wanted};

const GRID: Variant = Variant::GRID_1X;

/// Claims content 1 past every back-off and lets the attempt fail.
async fn attempt(bench: &Bench, hour: u64, class: FailureClass) -> Disposition {
    let now = at(hour * BACKOFF_CEILING_MS);
    let claims = bench.claim("a", now, 1).await;
    let failure = failure_of(&claims[0].outputs[0], class);
    bench.fail(failure, now).await.unwrap()
}

pub(super) async fn the_third_harmful_attempt_quarantines(harness: &dyn RowsHarness) {
    use FailureClass as Class;
    let bench = Bench::fresh(harness).await;
    bench.plan_one(1, &GRID).await;
    let mut hours = (1..4).chain(23..);
    let mut go = async |classes: &[FailureClass]| {
        for class in classes {
            let became = attempt(&bench, hours.next().unwrap(), *class).await;
            assert!(matches!(became, Disposition::RetryAfter(_)), "{classes:?}");
        }
    };
    go(&[Class::TransientIo, Class::Crash, Class::DiskFull]).await;
    // A daemon that dies is no fault of the sidecar.
    for hour in [20, 21, 22] {
        let now = at(hour * BACKOFF_CEILING_MS);
        assert_eq!(bench.claim("dead", now, 9).await.len(), 1);
        let everyone = Recovery::AllBut(owner("a"));
        assert_eq!(bench.queue.release(&everyone, now).await.unwrap(), 1);
    }
    go(&[Class::ToolMissing, Class::Timeout]).await;
    let third = attempt(&bench, 30, Class::OutOfMemory).await;
    assert_eq!(third, Disposition::Quarantined);
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.attempt), (Status::Quarantined, 9));
    // Sent back by a person, or to another version, it has three again.
    let aside = Selection {
        statuses: vec![Status::Quarantined],
        ..Selection::default()
    };
    let moved = bench.control.requeue(&aside, Priority::New, at(0)).await;
    assert_eq!(moved.unwrap(), 1);
    let mut hours = 31..;
    for version in ["1.0.0", "1.0.1"] {
        let again = vec![item(1, Priority::New, vec![wanted(&GRID, version)])];
        bench.plan(again).await;
        let mut next = async || attempt(&bench, hours.next().unwrap(), Class::Crash).await;
        assert!(matches!(next().await, Disposition::RetryAfter(_)));
        assert!(matches!(next().await, Disposition::RetryAfter(_)));
        assert_eq!(next().await, Disposition::Quarantined, "{version}");
    }
}

pub(super) async fn attempts_are_recorded_unless_the_first_succeeds(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let outcomes = async |number| {
        let attempts = bench.attempts(number, &GRID).await;
        let short = attempts.into_iter().map(|one| (one.attempt, one.outcome));
        short.collect::<Vec<_>>()
    };
    bench.ready(1, &GRID).await;
    assert_eq!(outcomes(1).await, [], "easy ones cost nothing");
    // What is fenced off has ended otherwise.
    let late = bench.claimed(2, &GRID).await;
    let everyone = Recovery::Owner(owner("a"));
    bench.queue.release(&everyone, at(3)).await.unwrap();
    let released = (1, AttemptOutcome::Released);
    assert_eq!(outcomes(2).await, [released]);
    bench
        .fail(failure_of(&late, FailureClass::Crash), at(4))
        .await;
    bench.commit(&[commit_of(&late)], at(4)).await;
    assert_eq!(outcomes(2).await, [released]);
    // Leases that run are not touched, so nothing ends.
    let held = bench.claim("a", at(5), 1).await;
    bench
        .queue
        .release(&Recovery::Expired, at(6))
        .await
        .unwrap();
    assert_eq!(outcomes(2).await, [released]);
    let shelf = Shelf {
        refuse: [0].into(),
        ..Shelf::default()
    };
    let commit = commit_of(&held[0].outputs[0]);
    bench.queue.commit(&[commit], &shelf, at(7)).await.unwrap();
    let unpublished = (2, AttemptOutcome::Failed(FailureClass::TransientIo));
    assert_eq!(outcomes(2).await, [released, unpublished]);
    let held = bench.claim("a", at(BACKOFF_CEILING_MS), 1).await;
    bench.commit(&[commit_of(&held[0].outputs[0])], at(8)).await;
    let ready = (3, AttemptOutcome::Ready);
    assert_eq!(outcomes(2).await, [released, unpublished, ready]);
    // Another original is a failed attempt as well, and each ends once.
    let other = vec![wanted(&Variant::GRID_2X, "1.0.0")];
    bench.plan(vec![item(2, Priority::New, other)]).await;
    let held = bench.claim("a", at(BACKOFF_CEILING_MS), 1).await;
    let mut commit = commit_of(&held[0].outputs[0]);
    commit.original.0 = 1;
    commit.original.1 = vss_core::Digest::of(b"another file");
    let twice = [commit.clone(), commit];
    bench.commit(&twice, at(9)).await;
    let found = bench.store.attempts(&key(2, &Variant::GRID_2X)).await;
    let policy = AttemptOutcome::Failed(FailureClass::Policy);
    let found = found.unwrap();
    assert_eq!((found.len(), found[0].outcome), (1, policy));
    assert!(found[0].detail.contains("two different files"));
}
