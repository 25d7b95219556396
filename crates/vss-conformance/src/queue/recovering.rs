//! Checks of release and renew.

use vss_core::{Priority, Status, Variant};
use vss_ports::{CommitOutcome, EnqueueBatch, Recovery};

use crate::rows::{Bench, RowsHarness, at, commit_of, item, owner, wanted};

const GRID: Variant = Variant::GRID_1X;

/// Content 1 is held by `a` until 30 s, content 2 by `b` until 40 s.
async fn two_owners(bench: &Bench) -> Vec<vss_ports::Commit> {
    let mut commits = vec![commit_of(&bench.claimed(1, &GRID).await)];
    bench.plan_one(2, &GRID).await;
    let claims = bench.claim("b", at(10_000), 1).await;
    commits.push(commit_of(&claims[0].outputs[0]));
    commits
}

async fn release(bench: &Bench, which: Recovery, now: u64) -> u64 {
    bench.queue.release(&which, at(now)).await.unwrap()
}

pub(super) async fn release_of_an_owner_makes_its_rows_due_and_fences_it_off(
    harness: &dyn RowsHarness,
) {
    let bench = Bench::fresh(harness).await;
    let commits = two_owners(&bench).await;
    assert_eq!(
        release(&bench, Recovery::Owner(owner("a")), 11_000).await,
        1
    );
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.lease), (Status::Pending, None));
    assert_eq!(row.not_before, Some(at(11_000)));
    assert_eq!(row.priority, Some(Priority::New));
    assert_eq!(row.attempt, 1, "the attempt was made");
    let outcomes = bench.commit(&commits, at(11_000)).await;
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::Fenced, CommitOutcome::Committed]
    ));
    assert_eq!(bench.claim("c", at(11_000), 9).await.len(), 1);
    assert_eq!(
        release(&bench, Recovery::Owner(owner("a")), 12_000).await,
        0
    );
}

pub(super) async fn release_of_expired_leases_spares_those_that_run(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    two_owners(&bench).await;
    assert_eq!(release(&bench, Recovery::Expired, 29_999).await, 0);
    assert_eq!(release(&bench, Recovery::Expired, 39_999).await, 1);
    assert_eq!(bench.status(1, &GRID).await, Status::Pending);
    assert_eq!(bench.status(2, &GRID).await, Status::Running);
    assert_eq!(release(&bench, Recovery::Expired, 40_000).await, 1);
}

pub(super) async fn release_of_what_lies_ahead_makes_it_due(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    two_owners(&bench).await;
    let later = EnqueueBatch {
        items: vec![item(3, Priority::New, vec![wanted(&GRID, "1.0.0")])],
        watermark: None,
    };
    bench.queue.enqueue(&later, at(90_000)).await.unwrap();
    assert_eq!(release(&bench, Recovery::Ahead(at(90_000)), 5).await, 0);
    assert_eq!(release(&bench, Recovery::Ahead(at(39_999)), 5).await, 2);
    assert_eq!(bench.status(1, &GRID).await, Status::Running);
    for number in [2, 3] {
        let row = bench.row(number, &GRID).await;
        assert_eq!((row.status, row.not_before), (Status::Pending, Some(at(5))));
    }
}

pub(super) async fn release_of_all_but_one_owner_keeps_its_rows(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    two_owners(&bench).await;
    assert_eq!(
        release(&bench, Recovery::AllBut(owner("b")), 11_000).await,
        1
    );
    assert_eq!(bench.status(1, &GRID).await, Status::Pending);
    assert_eq!(bench.status(2, &GRID).await, Status::Running);
    // An owner that never claimed has nothing to keep.
    assert_eq!(
        release(&bench, Recovery::AllBut(owner("c")), 11_000).await,
        1
    );
    assert_eq!(bench.status(2, &GRID).await, Status::Pending);
}

pub(super) async fn renew_moves_the_owners_leases_and_counts_them(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    two_owners(&bench).await;
    let renew = async |name| bench.queue.renew(&owner(name), at(60_000)).await.unwrap();
    assert_eq!(renew("a").await, 1);
    assert_eq!(renew("nobody").await, 0);
    assert_eq!(bench.row(1, &GRID).await.lease.unwrap().until, at(60_000));
    assert_eq!(bench.row(2, &GRID).await.lease.unwrap().until, at(40_000));
    assert_eq!(release(&bench, Recovery::Expired, 59_999).await, 1);
    assert_eq!(bench.status(1, &GRID).await, Status::Running);
}
