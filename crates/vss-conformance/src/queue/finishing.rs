//! Checks of commit and fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use vss_core::{
    BACKOFF_CEILING_MS, BACKOFF_FLOOR_MS, Digest, Disposition, FailureClass, Priority,
    SidecarSource, Status, Variant,
};
use vss_ports::{CommitOutcome, Recovery};

use crate::rows::{
    Bench, RowsHarness, Shelf, at, commit_of, failure_of, item, key, original, owner, wanted,
};

const GRID: Variant = Variant::GRID_1X;

pub(super) async fn commit_publishes_what_holds_before_rows_are_ready(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let mut commits = Vec::new();
    for number in [1, 2, 3, 4] {
        commits.push(commit_of(&bench.claimed(number, &GRID).await));
    }
    commits[1].fence += 1;
    commits[3].key = key(9, &GRID);
    let shelf = Shelf {
        watch: Some((Arc::clone(&bench.store), key(1, &GRID))),
        ..Shelf::default()
    };
    let outcomes = bench.queue.commit(&commits, &shelf, at(7)).await.unwrap();
    assert!(matches!(
        outcomes[..],
        [
            CommitOutcome::Committed,
            CommitOutcome::Fenced,
            CommitOutcome::Committed,
            CommitOutcome::Fenced
        ]
    ));
    assert_eq!(shelf.asked(), [[0, 2]]);
    assert_eq!(shelf.seen(), [Status::Running]);
    let row = bench.row(1, &GRID).await;
    assert_eq!(row.status, Status::Ready);
    assert_eq!((row.size, row.digest), (Some(500), Some(commits[0].digest)));
    let source = SidecarSource::Generator(commits[0].generator.id.clone());
    assert_eq!(row.source, source);
    assert_eq!(row.source_digest, Some(original(1).1));
    assert_eq!((row.lease, row.failure), (None, None));
    assert_eq!((row.updated_at, row.fence), (at(7), 1));
    assert_eq!((row.priority, row.not_before), (None, None));
    assert_eq!(bench.status(2, &GRID).await, Status::Running);
    assert_eq!(bench.status(4, &GRID).await, Status::Running);
}

pub(super) async fn commit_puts_back_what_could_not_be_published(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let mut commits = Vec::new();
    for number in [1, 2] {
        commits.push(commit_of(&bench.claimed(number, &GRID).await));
    }
    let shelf = Shelf {
        refuse: BTreeSet::from([0]),
        ..Shelf::default()
    };
    let outcomes = bench.queue.commit(&commits, &shelf, at(7)).await.unwrap();
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::Unpublished(_), CommitOutcome::Committed]
    ));
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.digest), (Status::Pending, None));
    assert_eq!(row.source_digest, None);
    assert!(row.not_before > Some(at(7)));
    let failure = row.failure.unwrap();
    assert_eq!(failure.class, FailureClass::TransientIo);
    assert!(failure.detail.contains("the mount is gone"), "{failure:?}");
    assert_eq!(bench.status(2, &GRID).await, Status::Ready);
    // The attempt after it succeeds and clears the failure.
    let claims = bench.claim("b", at(BACKOFF_CEILING_MS), 1).await;
    assert_eq!(claims[0].outputs[0].attempt, 2);
    let commit = commit_of(&claims[0].outputs[0]);
    bench.commit(&[commit], at(9)).await;
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.failure), (Status::Ready, None));
}

pub(super) async fn a_late_commit_is_fenced_off_and_publishes_nothing(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let late = commit_of(&bench.claimed(1, &GRID).await);
    let refused = async |when: &str| {
        let shelf = Shelf::default();
        let late = std::slice::from_ref(&late);
        let outcomes = bench.queue.commit(late, &shelf, at(9)).await.unwrap();
        assert!(matches!(outcomes[..], [CommitOutcome::Fenced]), "{when}");
        assert!(shelf.asked().concat().is_empty(), "{when}");
    };
    let everyone = Recovery::Owner(owner("a"));
    bench.queue.release(&everyone, at(1)).await.unwrap();
    refused("after a release").await;
    let again = bench.claim("b", at(1), 1).await;
    refused("after another claim").await;
    let commit = commit_of(&again[0].outputs[0]);
    let twice = [commit.clone(), commit.clone()];
    let shelf = Shelf::default();
    let outcomes = bench.queue.commit(&twice, &shelf, at(2)).await.unwrap();
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::Committed, CommitOutcome::Fenced]
    ));
    assert_eq!(shelf.asked(), [[0]], "the second of one batch is late too");
    refused("after a commit").await;
    let outcomes = bench.commit(&[commit], at(3)).await;
    assert!(matches!(outcomes[..], [CommitOutcome::Fenced]));
    assert_eq!(bench.row(1, &GRID).await.updated_at, at(2));
}

pub(super) async fn commit_refuses_another_original(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &GRID).await;
    let outputs = vec![
        wanted(&Variant::GRID_2X, "1.0.0"),
        wanted(&Variant::ICON_1X, "1.0.0"),
    ];
    bench.plan(vec![item(1, Priority::New, outputs)]).await;
    let claims = bench.claim("a", at(2), 1).await;
    let mut commits: Vec<_> = claims[0].outputs.iter().map(commit_of).collect();
    commits[0].original = (1_001, Digest::of(b"another file"));
    let shelf = Shelf::default();
    let outcomes = bench.queue.commit(&commits, &shelf, at(3)).await.unwrap();
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::SourceConflict, CommitOutcome::Committed]
    ));
    assert_eq!(shelf.asked(), [[1]]);
    let row = bench.row(1, &Variant::GRID_2X).await;
    assert_eq!((row.status, row.digest), (Status::Failed, None));
    let failure = row.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Policy);
    let other = Digest::of(b"another file").to_string();
    assert!(failure.detail.contains(&other), "{failure:?}");
    // The two of one batch are compared with each other as well.
    let outputs = vec![wanted(&GRID, "1.0.0"), wanted(&Variant::GRID_2X, "1.0.0")];
    bench.plan(vec![item(2, Priority::New, outputs)]).await;
    let claims = bench.claim("a", at(4), 1).await;
    let mut commits: Vec<_> = claims[0].outputs.iter().map(commit_of).collect();
    commits[1].original.1 = Digest::of(b"another file");
    let outcomes = bench.commit(&commits, at(5)).await;
    assert!(matches!(
        outcomes[..],
        [CommitOutcome::Committed, CommitOutcome::SourceConflict]
    ));
}

pub(super) async fn fail_moves_a_row_as_its_class_says_and_is_fenced(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for (number, class) in (1..).zip(FailureClass::ALL) {
        let output = bench.claimed(number, &GRID).await;
        let failure = failure_of(&output, class);
        let mut late = failure.clone();
        late.fence += 1;
        let before = bench.row(number, &GRID).await;
        assert_eq!(bench.fail(late, at(4)).await, None);
        assert_eq!(bench.row(number, &GRID).await, before);
        let disposition = class.disposition(1, 1, 7);
        assert_eq!(bench.fail(failure.clone(), at(5)).await, Some(disposition));
        let again = bench.fail(failure, at(6)).await;
        assert_eq!(again, None, "it has ended already");
        let row = bench.row(number, &GRID).await;
        let (status, not_before) = match disposition {
            Disposition::Failed => (Status::Failed, None),
            Disposition::Quarantined => (Status::Quarantined, None),
            Disposition::RetryAfter(delay) => (Status::Pending, Some(at(5).plus(delay))),
        };
        assert_eq!(
            (row.status, row.not_before),
            (status, not_before),
            "{class}"
        );
        let kept = not_before.map(|_| match class.is_harmful() {
            true => Priority::Regenerate,
            false => Priority::New,
        });
        assert_eq!((row.priority, row.lease), (kept, None), "{class}");
        assert_eq!((row.attempt, row.fence), (1, 1));
        let note = row.failure.unwrap();
        assert_eq!(
            (note.class, note.detail),
            (class, format!("it was {class}"))
        );
    }
    // What harms its worker again and again is set aside.
    let bench = Bench::fresh(harness).await;
    bench.failed(100, &GRID, FailureClass::Crash).await;
    let row = bench.row(100, &GRID).await;
    assert_eq!((row.status, row.attempt), (Status::Quarantined, 3));
}

pub(super) async fn what_is_to_be_tried_again_waits_for_its_time(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let output = bench.claimed(1, &GRID).await;
    let failure = failure_of(&output, FailureClass::TransientIo);
    bench.fail(failure, at(0)).await;
    let due = bench.row(1, &GRID).await.not_before.unwrap();
    assert!(due >= at(BACKOFF_FLOOR_MS));
    let early = at(due.since(at(1)).as_millis().try_into().unwrap());
    assert_eq!(bench.claim("a", early, 9).await, []);
    let claims = bench.claim("a", due, 9).await;
    assert_eq!(claims[0].outputs[0].attempt, 2);
    assert_eq!(claims[0].outputs[0].fence, 2);
}
