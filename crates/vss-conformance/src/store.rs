//! The contract of SidecarStore as checks.

use std::sync::Arc;

use libtest_mimic::Trial;
use vss_core::{
    ContentUuid, Digest, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource, Status,
    Variant,
};
use vss_ports::{Adoption, Invalidation, PresenceRow, Recovery};

use crate::rows::{
    Bench, RowsHarness, adoption, at, content, failure_of, item, key, original, owner, wanted,
    wanted_text,
};
use crate::{Check, check, trials_of};

mod attempts;
mod counting;
mod evicting;
mod outlining;

use attempts::attempts_are_answered_the_newest_last;
use counting::counts_agree_after_every_kind_of_change;
use evicting::{evict_leaves_other_rows_alone, evict_makes_ready_rows_evicted};
use outlining::an_outline_is_a_page_in_few_words;

const CHECKS: &[Check<dyn RowsHarness>] = &[
    check!(find_answers_the_row_or_none),
    check!(of_content_is_ordered_by_kind_and_variant),
    check!(presence_answers_existing_sidecars_only),
    check!(presence_takes_any_number_of_contents),
    check!(page_answers_whole_contents_between_the_bounds),
    check!(an_outline_is_a_page_in_few_words),
    check!(adopt_makes_a_row_ready_with_what_was_found),
    check!(adopt_leaves_a_running_row_alone),
    check!(adopt_clears_an_earlier_failure),
    check!(invalidate_makes_ready_rows_pending),
    check!(invalidate_forgets_a_file_only_when_it_is_gone),
    check!(invalidate_leaves_other_states_alone),
    check!(evict_makes_ready_rows_evicted),
    check!(evict_leaves_other_rows_alone),
    check!(forget_removes_rows_except_running_ones),
    check!(attempts_are_answered_the_newest_last),
    check!(counts_agree_after_every_kind_of_change),
    check!(what_was_written_is_there_after_reopening),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn RowsHarness>) -> Vec<Trial> {
    trials_of("store", adapter, &harness, CHECKS)
}

async fn find_answers_the_row_or_none(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.plan_one(1, &Variant::GRID_1X).await;
    let row = bench.row(1, &Variant::GRID_1X).await;
    assert_eq!(row.key, key(1, &Variant::GRID_1X));
    assert_eq!((row.format, row.status), (Format::WEBP, Status::Pending));
    let source = SidecarSource::Generator("image".parse().unwrap());
    assert_eq!(row.source, source);
    assert_eq!(row.version, Some("1.0.0".parse().unwrap()));
    assert_eq!((row.size, row.digest), (None, None));
    assert_eq!((row.entry, row.source_digest), (None, None));
    assert_eq!((row.created_at, row.updated_at), (at(0), at(0)));
    assert_eq!(row.priority, Some(Priority::New));
    assert_eq!((row.attempt, row.fence), (0, 0));
    assert_eq!(row.not_before, Some(at(0)));
    assert_eq!((row.lease, row.failure), (None, None));
    let other_kind = SidecarKey::new(content(1), Kind::PROXY, Variant::GRID_1X);
    for absent in [
        key(1, &Variant::GRID_2X),
        key(2, &Variant::GRID_1X),
        other_kind,
    ] {
        assert_eq!(bench.store.find(&absent).await.unwrap(), None);
    }
}

async fn of_content_is_ordered_by_kind_and_variant(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let outputs = vec![
        wanted(&Variant::GRID_2X, "1.0.0"),
        wanted(&Variant::DETAIL_1X, "1.0.0"),
        wanted_text(),
    ];
    bench.plan(vec![item(1, Priority::New, outputs)]).await;
    bench.plan_one(2, &Variant::GRID_1X).await;
    let rows = bench.store.of_content(content(1)).await.unwrap();
    let names = rows.iter().map(|row| row.key.variant.as_str());
    assert!(names.eq(["ocr", "detail@1x", "grid@2x"]), "{rows:?}");
}

async fn presence_answers_existing_sidecars_only(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &Variant::GRID_1X).await;
    bench.plan_one(1, &Variant::DETAIL_1X).await;
    bench.plan_one(2, &Variant::GRID_2X).await;
    let text = item(2, Priority::New, vec![wanted_text()]);
    bench.plan(vec![text]).await;
    let contents = [content(1), content(2), content(3)];
    let variants = [Variant::GRID_1X, Variant::GRID_2X, Variant::ICON_1X];
    let mut rows = bench
        .store
        .presence(&contents, &Kind::THUMB, &variants)
        .await
        .unwrap();
    rows.sort_by_key(|row| row.content);
    let row = |number, variant: &Variant, status, size| PresenceRow {
        content: content(number),
        variant: variant.clone(),
        status,
        format: Format::WEBP,
        size,
    };
    let ready = row(1, &Variant::GRID_1X, Status::Ready, Some(500));
    let pending = row(2, &Variant::GRID_2X, Status::Pending, None);
    assert_eq!(rows, [ready, pending]);
    let none = bench.store.presence(&contents, &Kind::LIVE, &variants);
    assert_eq!(none.await.unwrap(), []);
}

async fn presence_takes_any_number_of_contents(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.plan_one(1, &Variant::GRID_1X).await;
    bench.plan_one(2, &Variant::GRID_1X).await;
    // More than SQLite or PostgreSQL take as binds of one statement.
    let mut contents: Vec<ContentUuid> = (0..70_000_u32)
        .map(|n| {
            let digest = Digest::of(&n.to_le_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest.as_bytes()[..16]);
            ContentUuid::from_bytes(bytes)
        })
        .collect();
    contents.extend([content(1), content(2), content(1)]);
    let variants = [Variant::GRID_1X, Variant::GRID_1X];
    let rows = bench
        .store
        .presence(&contents, &Kind::THUMB, &variants)
        .await
        .unwrap();
    let mut found: Vec<_> = rows.iter().map(|row| row.content).collect();
    found.sort_unstable();
    assert_eq!(found, [content(1), content(2)]);
}

async fn page_answers_whole_contents_between_the_bounds(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for number in [0, 4, 2, 1, 3, 255] {
        let outputs = vec![
            wanted(&Variant::GRID_2X, "1.0.0"),
            wanted(&Variant::GRID_1X, "1.0.0"),
        ];
        bench.plan(vec![item(number, Priority::New, outputs)]).await;
    }
    let page = async |after: Option<u8>, until: Option<u8>, limit| {
        let page = bench
            .store
            .page(after.map(content), until.map(content), limit)
            .await;
        let page = page.unwrap();
        let both = [Variant::GRID_1X, Variant::GRID_2X];
        let variants = page.iter().map(|row| &row.key.variant);
        assert!(variants.eq(both.iter().cycle().take(page.len())));
        let numbers = page.iter().step_by(2);
        let numbers = numbers.map(|row| row.key.content.as_bytes()[0]);
        (page.len(), numbers.collect::<Vec<_>>())
    };
    assert_eq!(page(None, None, 99).await, (12, vec![0, 1, 2, 3, 4, 255]));
    assert_eq!(page(None, None, 2).await, (4, vec![0, 1]));
    assert_eq!(page(Some(1), None, 2).await, (4, vec![2, 3]));
    assert_eq!(page(Some(1), Some(3), 9).await, (4, vec![2, 3]));
    assert_eq!(page(Some(255), None, 9).await, (0, vec![]));
    assert_eq!(page(None, None, 0).await, (0, vec![]));
}

async fn adopt_makes_a_row_ready_with_what_was_found(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.plan_one(2, &Variant::GRID_1X).await;
    bench.ready(3, &Variant::GRID_1X).await;
    for number in [1, 2, 3] {
        let found = Adoption {
            source: SidecarSource::Generator("image".parse().unwrap()),
            version: Some("2.1.0".parse().unwrap()),
            original: Some(original(number)),
            ..adoption(number, &Variant::GRID_1X)
        };
        let adopted = bench.store.adopt(std::slice::from_ref(&found), at(9)).await;
        assert_eq!(adopted.unwrap(), [true]);
        let row = bench.row(number, &Variant::GRID_1X).await;
        assert_eq!(row.status, Status::Ready);
        assert_eq!((row.source, row.version), (found.source, found.version));
        assert_eq!((row.size, row.digest), (Some(321), Some(found.digest)));
        assert_eq!(row.source_digest, Some(original(number).1));
        assert_eq!(row.updated_at, at(9));
        let created = if number == 1 { at(9) } else { at(0) };
        assert_eq!(row.created_at, created);
        assert_eq!((row.priority, row.not_before), (None, None));
    }
    // It is no work any more.
    assert_eq!(bench.claim("a", at(99), 9).await, []);
}

async fn adopt_leaves_a_running_row_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.claimed(1, &Variant::GRID_1X).await;
    let before = bench.row(1, &Variant::GRID_1X).await;
    let both = [
        adoption(1, &Variant::GRID_1X),
        adoption(2, &Variant::GRID_1X),
    ];
    let adopted = bench.store.adopt(&both, at(9)).await.unwrap();
    assert_eq!(adopted, [false, true]);
    assert_eq!(bench.row(1, &Variant::GRID_1X).await, before);
    assert_eq!(bench.status(2, &Variant::GRID_1X).await, Status::Ready);
}

async fn adopt_clears_an_earlier_failure(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.failed(1, grid, FailureClass::CorruptSource).await;
    bench.failed(2, grid, FailureClass::Crash).await;
    for number in [1, 2] {
        let before = bench.row(number, grid).await;
        assert!(before.failure.is_some());
        let found = [adoption(number, grid)];
        bench.store.adopt(&found, at(9)).await.unwrap();
        let row = bench.row(number, grid).await;
        assert_eq!((row.status, row.failure), (Status::Ready, None));
    }
}

async fn invalidate_makes_ready_rows_pending(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.ready(1, grid).await;
    bench.ready(2, grid).await;
    bench.ready(3, grid).await;
    let keys = [key(1, grid), key(2, grid), key(9, grid)];
    let how = Invalidation::FileGone;
    let changed = bench
        .store
        .invalidate(&keys, how, Priority::Missing, at(5))
        .await;
    assert_eq!(changed.unwrap(), 2);
    let row = bench.row(1, grid).await;
    assert_eq!(row.status, Status::Pending);
    assert_eq!(row.priority, Some(Priority::Missing));
    assert_eq!((row.not_before, row.attempt), (Some(at(5)), 0));
    assert_eq!(bench.status(3, grid).await, Status::Ready);
    assert_eq!(bench.claim("a", at(5), 9).await.len(), 2);
}

async fn invalidate_forgets_a_file_only_when_it_is_gone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.ready(1, grid).await;
    let served = bench.row(1, grid).await;
    bench.ready(2, grid).await;
    for (number, how) in [(1, Invalidation::KeepServing), (2, Invalidation::FileGone)] {
        let keys = [key(number, grid)];
        let changed = bench
            .store
            .invalidate(&keys, how, Priority::Regenerate, at(5))
            .await;
        assert_eq!(changed.unwrap(), 1);
    }
    let kept = bench.row(1, grid).await;
    assert_eq!((kept.size, kept.digest), (served.size, served.digest));
    assert!(kept.digest.is_some());
    let gone = bench.row(2, grid).await;
    assert_eq!((gone.size, gone.digest), (None, None));
    // The worker is told what it may replace.
    let claims = bench.claim("a", at(5), 9).await;
    let replaces = claims.iter().map(|claim| claim.outputs[0].replaces);
    let mut replaces: Vec<_> = replaces.collect();
    replaces.sort_unstable();
    assert_eq!(replaces, [None, served.digest]);
}

async fn invalidate_leaves_other_states_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.failed(1, grid, FailureClass::CorruptSource).await;
    bench.failed(2, grid, FailureClass::Crash).await;
    bench.claimed(3, grid).await;
    bench.ready(4, grid).await;
    bench.ready(6, grid).await;
    bench.plan_one(5, grid).await;
    let invalidate = async |numbers: &[u8], how| {
        let keys: Vec<_> = numbers.iter().map(|n| key(*n, grid)).collect();
        let store = &bench.store;
        let changed = store.invalidate(&keys, how, Priority::New, at(5)).await;
        changed.unwrap()
    };
    let mut before = Vec::new();
    for number in [1, 2, 3, 5] {
        before.push(bench.row(number, grid).await);
    }
    for how in [Invalidation::KeepServing, Invalidation::FileGone] {
        assert_eq!(invalidate(&[1, 2, 3, 5], how).await, 0);
        for (number, before) in [1, 2, 3, 5].into_iter().zip(&before) {
            assert_eq!(&bench.row(number, grid).await, before);
        }
    }
    // A pending row whose old file was served until that was gone as well.
    assert_eq!(invalidate(&[4], Invalidation::KeepServing).await, 1);
    assert_eq!(invalidate(&[4], Invalidation::KeepServing).await, 0);
    assert_eq!(invalidate(&[4], Invalidation::FileGone).await, 1);
    let row = bench.row(4, grid).await;
    assert_eq!((row.status, row.size), (Status::Pending, None));
    // And one that failed to be made anew.
    assert_eq!(invalidate(&[6], Invalidation::KeepServing).await, 1);
    let claims = bench.claim("a", at(5), 9).await;
    let output = claims.iter().find(|claim| claim.content == content(6));
    let failure = failure_of(&output.unwrap().outputs[0], FailureClass::Policy);
    bench.fail(failure, at(6)).await;
    assert_eq!(bench.row(6, grid).await.size, Some(500));
    assert_eq!(invalidate(&[6], Invalidation::FileGone).await, 1);
    let row = bench.row(6, grid).await;
    assert_eq!((row.status, row.size), (Status::Failed, None));
}

async fn forget_removes_rows_except_running_ones(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.ready(1, grid).await;
    bench.failed(2, grid, FailureClass::CorruptSource).await;
    let late = bench.claimed(3, grid).await;
    let keys: Vec<_> = (1..=4).map(|n| key(n, grid)).collect();
    assert_eq!(bench.store.forget(&keys).await.unwrap(), 2);
    assert_eq!(bench.status(3, grid).await, Status::Running);
    for gone in [1, 2] {
        let found = bench.store.find(&key(gone, grid)).await;
        assert_eq!(found.unwrap(), None);
        assert_eq!(bench.attempts(gone, grid).await, []);
    }
    // A row that comes back does not honour a claim from before it was removed.
    let everyone = Recovery::Owner(owner("a"));
    bench.queue.release(&everyone, at(2)).await.unwrap();
    assert_eq!(bench.store.forget(&keys).await.unwrap(), 1);
    bench.plan_one(3, grid).await;
    let again = bench.claim("b", at(3), 9).await;
    assert_ne!(again[0].outputs[0].fence, late.fence);
}

async fn what_was_written_is_there_after_reopening(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &Variant::GRID_1X).await;
    bench
        .failed(2, &Variant::GRID_1X, FailureClass::TooLarge)
        .await;
    bench.claimed(3, &Variant::GRID_1X).await;
    bench.plan_one(4, &Variant::GRID_1X).await;
    let before = bench.store.page(None, None, 99).await.unwrap();
    let counts = bench.store.counts().await.unwrap();
    let story = bench.attempts(2, &Variant::GRID_1X).await;
    assert_eq!((before.len(), story.len()), (4, 1));
    let bench = bench.reopen(harness).await;
    assert_eq!(bench.attempts(2, &Variant::GRID_1X).await, story);
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);
    assert_eq!(bench.store.counts().await.unwrap(), counts);
}
