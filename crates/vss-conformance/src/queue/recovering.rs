//! Checks of release, renew and requeue.

use vss_core::{FailureClass, Kind, Priority, Status, Variant};
use vss_ports::{CommitOutcome, Recovery, Selection};

use crate::rows::{
    Bench, RowsHarness, at, commit_of, content, generator, item, owner, wanted, wanted_text,
};

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

pub(super) async fn requeue_moves_what_was_selected_and_may_move(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.failed(1, &GRID, FailureClass::CorruptSource).await;
    bench.failed(2, &GRID, FailureClass::TooLarge).await;
    bench.failed(3, &GRID, FailureClass::Crash).await;
    bench.ready(4, &GRID).await;
    bench.ready(5, &GRID).await;
    bench.claimed(6, &GRID).await;
    let late = vec![item(7, Priority::Missing, vec![wanted_text()])];
    bench.plan_at(late, at(0)).await;
    let requeue = async |selection: Selection| {
        let control = &bench.control;
        let moved = control.requeue(&selection, Priority::Visible, at(50)).await;
        moved.unwrap()
    };
    let any = Selection {
        statuses: Status::ALL.to_vec(),
        ..Selection::default()
    };
    let before = bench.store.page(None, None, 99).await.unwrap();
    let contents = |numbers: &[u8]| Some(numbers.iter().map(|n| content(*n)).collect());
    for nothing in [
        Selection::default(),
        Selection {
            contents: Some(Vec::new()),
            ..any.clone()
        },
        Selection {
            contents: contents(&[6, 7]),
            ..any.clone()
        },
        Selection {
            kind: Some(Kind::OCR),
            ..any.clone()
        },
        Selection {
            class: Some(FailureClass::Timeout),
            ..any.clone()
        },
        Selection {
            stale_against: Some(vec![generator("1.0.0")]),
            ..any.clone()
        },
        Selection {
            stale_against: Some(Vec::new()),
            ..any.clone()
        },
        Selection {
            statuses: vec![Status::Pending, Status::Running],
            ..any.clone()
        },
        Selection {
            statuses: vec![Status::Ready],
            contents: contents(&[1]),
            ..any.clone()
        },
    ] {
        assert_eq!(requeue(nothing.clone()).await, 0, "{nothing:?}");
    }
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);

    let too_large = Selection {
        class: Some(FailureClass::TooLarge),
        ..any.clone()
    };
    assert_eq!(requeue(too_large).await, 1);
    let row = bench.row(2, &GRID).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 0));
    assert_eq!(row.priority, Some(Priority::Visible));
    assert_eq!((row.not_before, row.failure), (Some(at(50)), None));

    let newer = generator("1.1.0");
    let stale = Selection {
        statuses: vec![Status::Ready],
        contents: contents(&[1, 4]),
        stale_against: Some(vec![newer.clone()]),
        ..any.clone()
    };
    assert_eq!(requeue(stale).await, 1);
    let row = bench.row(4, &GRID).await;
    assert_eq!((row.status, row.size), (Status::Pending, Some(500)));
    assert_eq!(row.version, Some(newer.version), "by whom it is to be made");

    let thumbs = Selection {
        kind: Some(Kind::THUMB),
        ..any.clone()
    };
    assert_eq!(requeue(thumbs.clone()).await, 3);
    assert_eq!(requeue(thumbs).await, 0);
    assert_eq!(bench.status(6, &GRID).await, Status::Running);
    let again = vec![wanted(&GRID, "1.0.0")];
    bench.plan(vec![item(3, Priority::Missing, again)]).await;
    assert_eq!(bench.row(3, &GRID).await.priority, Some(Priority::Visible));
}
