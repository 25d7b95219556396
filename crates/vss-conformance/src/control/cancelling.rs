//! Checks of cancel.

use vss_core::{FailureClass, Kind, Priority, Status, Variant};
use vss_ports::{AttemptOutcome, AttemptUsage, CommitOutcome, Invalidation, Selection};

use crate::rows::{
    Bench, RowsHarness, at, commit_of, content, failure_of, item, key, wanted, wanted_text,
};

const GRID: Variant = Variant::GRID_1X;

/// Rows in any state.
fn any() -> Selection {
    Selection {
        statuses: Status::ALL.to_vec(),
        ..Selection::default()
    }
}

pub(super) async fn cancel_fails_pending_and_running_rows(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &GRID).await;
    bench.failed(2, &GRID, FailureClass::TooLarge).await;
    bench.failed(3, &GRID, FailureClass::Crash).await;
    let backing_off = bench.claimed(4, &GRID).await;
    let failure = failure_of(&backing_off, FailureClass::TransientIo);
    bench.fail(failure, at(3)).await;
    bench.claimed(5, &GRID).await;
    let both = vec![wanted(&GRID, "1.0.0"), wanted_text()];
    bench.plan(vec![item(6, Priority::New, both)]).await;
    let cancel = async |selection: Selection| {
        let done = bench.control.cancel(&selection, at(50)).await;
        done.unwrap()
    };
    let before = bench.store.page(None, None, 99).await.unwrap();
    let others = vec![Status::Ready, Status::Failed, Status::Quarantined];
    for nothing in [
        Selection::default(),
        Selection {
            statuses: others,
            ..any()
        },
        Selection {
            contents: Some(vec![content(1), content(2), content(77)]),
            ..any()
        },
        Selection {
            kind: Some(Kind::PROXY),
            ..any()
        },
        Selection {
            class: Some(FailureClass::Crash),
            ..any()
        },
    ] {
        assert_eq!(cancel(nothing.clone()).await, 0, "{nothing:?}");
    }
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);
    let text = Selection {
        kind: Some(Kind::OCR),
        ..any()
    };
    assert_eq!(cancel(text).await, 1);
    assert_eq!(bench.status(6, &GRID).await, Status::Pending);
    let transient = Selection {
        class: Some(FailureClass::TransientIo),
        ..any()
    };
    assert_eq!(cancel(transient).await, 1);
    let running = Selection {
        statuses: vec![Status::Running],
        ..any()
    };
    assert_eq!(cancel(running).await, 1);
    assert_eq!(cancel(any()).await, 1);
    assert_eq!(cancel(any()).await, 0);
    for (number, attempt) in [(4, 1), (5, 1), (6, 0)] {
        let row = bench.row(number, &GRID).await;
        assert_eq!((row.status, row.attempt), (Status::Failed, attempt));
        let failure = row.failure.unwrap();
        // Not the words of an earlier failure.
        let expected = (FailureClass::Cancelled, "");
        assert_eq!((failure.class, failure.detail.as_str()), expected);
        assert_eq!(
            (row.priority, row.not_before, row.lease),
            (None, None, None)
        );
        assert_eq!(row.updated_at, at(50));
    }
    for (number, status) in [
        (1, Status::Ready),
        (2, Status::Failed),
        (3, Status::Quarantined),
    ] {
        let row = bench.row(number, &GRID).await;
        assert_eq!(row.status, status);
        assert!(row.updated_at != at(50));
    }
    assert_eq!(bench.claim("a", at(99_000_000), 99).await, []);
}

pub(super) async fn cancel_fences_off_workers_and_keeps_old_files(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &GRID).await;
    let how = Invalidation::KeepServing;
    let keys = [key(1, &GRID)];
    let store = &bench.store;
    let changed = store.invalidate(&keys, how, Priority::New, at(2)).await;
    assert_eq!(changed.unwrap(), 1);
    let claims = bench.claim("a", at(3), 1).await;
    let late = &claims[0].outputs[0];
    assert_eq!(bench.control.cancel(&any(), at(4)).await.unwrap(), 1);
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.size), (Status::Failed, Some(500)));
    assert_eq!(row.digest, late.replaces);
    assert!(row.fence > late.fence);
    // The worker's time went into it all the same.
    let attempts = bench.attempts(1, &GRID).await;
    assert_eq!(attempts.len(), 1);
    let cancelled = AttemptOutcome::Failed(FailureClass::Cancelled);
    let usage = AttemptUsage::between(at(3), at(4));
    assert_eq!((attempts[0].outcome, attempts[0].usage), (cancelled, usage));
    assert_eq!(attempts[0].fence, late.fence);
    let late_failure = failure_of(late, FailureClass::Crash);
    for again in [false, true] {
        let outcomes = bench.commit(&[commit_of(late)], at(5)).await;
        assert!(matches!(outcomes[..], [CommitOutcome::Fenced]));
        assert_eq!(bench.fail(late_failure.clone(), at(5)).await, None);
        if !again {
            // Nor does it hold when the row is wanted and claimed once more.
            let moved = bench.control.requeue(&any(), Priority::New, at(5)).await;
            assert_eq!(moved.unwrap(), 1);
            let claims = bench.claim("a", at(6), 1).await;
            assert!(claims[0].outputs[0].fence > late.fence);
            assert_eq!(claims[0].outputs[0].attempt, 1);
        }
    }
    assert_eq!(bench.status(1, &GRID).await, Status::Running);
}

pub(super) async fn a_cancelled_row_comes_back_by_requeue_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.plan_one(1, &GRID).await;
    bench.claimed(2, &GRID).await;
    assert_eq!(bench.control.cancel(&any(), at(4)).await.unwrap(), 2);
    bench.failed(3, &GRID, FailureClass::Policy).await;
    let before = bench.store.page(None, None, 99).await.unwrap();
    for version in ["1.0.0", "2.0.0"] {
        let again = [1, 2].map(|number| {
            let outputs = vec![wanted(&GRID, version)];
            item(number, Priority::Interactive, outputs)
        });
        let report = bench.plan_at(again.to_vec(), at(9)).await;
        assert_eq!((report.inserted, report.revived), (0, 0), "{version}");
    }
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);
    let cancelled = Selection {
        class: Some(FailureClass::Cancelled),
        ..any()
    };
    let control = &bench.control;
    let moved = control.requeue(&cancelled, Priority::Visible, at(10)).await;
    assert_eq!(moved.unwrap(), 2);
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.failure), (Status::Pending, None));
    assert_eq!(bench.claim("a", at(10), 9).await.len(), 2);
}
