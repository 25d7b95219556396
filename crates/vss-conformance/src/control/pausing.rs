//! Checks of pause, resume and paused.

use vss_core::{FailureClass, Kind, Priority, Status, Variant};
use vss_ports::{ClaimOrder, ClaimRequest, CommitOutcome, Recovery};

use crate::rows::{
    Bench, RowsHarness, at, commit_of, failure_of, item, owner, request, wanted, wanted_kind,
    wanted_text,
};

const GRID: Variant = Variant::GRID_1X;

pub(super) async fn pause_keeps_kinds_from_being_claimed_until_resume(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let outputs = vec![
        wanted(&GRID, "1.0.0"),
        wanted_kind(&Kind::PROXY),
        wanted_text(),
    ];
    bench.plan(vec![item(1, Priority::New, outputs)]).await;
    let pause = async |kinds: &[Kind]| bench.control.pause(kinds, at(1)).await.unwrap();
    let resume = async |kinds: &[Kind]| bench.control.resume(kinds).await.unwrap();
    let claim = async |order| {
        let request = ClaimRequest {
            order,
            ..request("a", at(2), 9)
        };
        let claims = bench.queue.claim(&request).await.unwrap();
        let outputs = claims.into_iter().flat_map(|claim| claim.outputs);
        outputs.map(|output| output.key.kind).collect::<Vec<_>>()
    };
    assert_eq!(pause(&[]).await, 0);
    // Also a kind that no row has yet, and one twice.
    let kinds = [Kind::PROXY, Kind::OCR, Kind::WAVEFORM, Kind::OCR];
    assert_eq!(pause(&kinds).await, 3);
    assert_eq!(pause(&[Kind::OCR, Kind::THUMB]).await, 1);
    assert_eq!(claim(ClaimOrder::Urgent).await, []);
    assert_eq!(claim(ClaimOrder::Oldest).await, []);
    assert_eq!(resume(&[Kind::LIVE]).await, 0);
    assert_eq!(resume(&[Kind::THUMB, Kind::WAVEFORM]).await, 2);
    assert_eq!(claim(ClaimOrder::Urgent).await, [Kind::THUMB]);
    assert_eq!(claim(ClaimOrder::Oldest).await, []);
    assert_eq!(resume(&kinds).await, 2);
    assert_eq!(claim(ClaimOrder::Oldest).await, [Kind::PROXY, Kind::OCR]);
}

pub(super) async fn paused_answers_kinds_and_when_they_were_first_paused(
    harness: &dyn RowsHarness,
) {
    let bench = Bench::fresh(harness).await;
    assert_eq!(bench.control.paused().await.unwrap(), []);
    let own: Kind = "my-kind".parse().unwrap();
    for (kinds, time) in [
        (vec![Kind::THUMB, own.clone()], 5),
        (vec![own.clone(), Kind::OCR], 7),
    ] {
        bench.control.pause(&kinds, at(time)).await.unwrap();
    }
    let expected = [(own, at(5)), (Kind::OCR, at(7)), (Kind::THUMB, at(5))];
    assert_eq!(bench.control.paused().await.unwrap(), expected);
    let bench = bench.reopen(harness).await;
    assert_eq!(bench.control.paused().await.unwrap(), expected);
    bench.control.resume(&[Kind::OCR]).await.unwrap();
    bench.control.pause(&[Kind::OCR], at(9)).await.unwrap();
    let found = bench.control.paused().await.unwrap();
    assert_eq!(found[1], (Kind::OCR, at(9)));
}

pub(super) async fn a_paused_kind_is_otherwise_as_any_other(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let outputs = [1, 2, 3].map(|number| bench.claimed(number, &GRID));
    let [made, failed, released] = outputs;
    let (made, failed) = (made.await, failed.await);
    released.await;
    bench.control.pause(&[Kind::THUMB], at(1)).await.unwrap();
    let until = at(50_000);
    assert_eq!(bench.queue.renew(&owner("a"), until).await.unwrap(), 3);
    let outcomes = bench.commit(&[commit_of(&made)], at(2)).await;
    assert!(matches!(outcomes[..], [CommitOutcome::Committed]));
    let failure = failure_of(&failed, FailureClass::TooLarge);
    assert!(bench.fail(failure, at(3)).await.is_some());
    let everyone = Recovery::Owner(owner("a"));
    assert_eq!(bench.queue.release(&everyone, at(4)).await.unwrap(), 1);
    bench.plan_one(4, &GRID).await;
    let states = [
        Status::Ready,
        Status::Failed,
        Status::Pending,
        Status::Pending,
    ];
    for (number, status) in (1..).zip(states) {
        assert_eq!(bench.status(number, &GRID).await, status, "{number}");
    }
}
