//! Checks of enqueue and its watermark.

use vss_core::{FailureClass, GeneratorRef, Priority, Status, Variant};
use vss_ports::{EnqueueBatch, EnqueueReport, Watermark};

use crate::rows::{Bench, RowsHarness, at, content, item, key, wanted, wanted_text};

const GRID: Variant = Variant::GRID_1X;

fn report(inserted: u64, revived: u64) -> EnqueueReport {
    EnqueueReport { inserted, revived }
}

pub(super) async fn enqueue_makes_pending_rows_and_counts_them(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let many = (0..=255).map(|number| {
        let outputs = vec![wanted(&GRID, "1.0.0"), wanted_text()];
        item(number, Priority::Missing, outputs)
    });
    assert_eq!(bench.plan(many.collect()).await, report(512, 0));
    let row = bench.row(200, &GRID).await;
    assert_eq!(row.status, Status::Pending);
    assert_eq!(row.priority, Some(Priority::Missing));
    // What is there is not counted again; what is new is.
    let both = [Variant::GRID_1X, Variant::GRID_2X];
    let outputs = both.map(|variant| wanted(&variant, "1.0.0")).to_vec();
    let again = vec![item(1, Priority::Missing, outputs)];
    assert_eq!(bench.plan(again).await, report(1, 0));
    // A content that wants nothing, and nothing at all.
    let nothing = vec![item(1, Priority::New, Vec::new())];
    assert_eq!(bench.plan(nothing).await, report(0, 0));
    assert_eq!(bench.plan(Vec::new()).await, report(0, 0));
}

pub(super) async fn enqueue_again_changes_nothing_but_raises_priority(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, &GRID).await;
    bench.claimed(2, &GRID).await;
    bench.plan_one(3, &GRID).await;
    let again = async |priority| {
        let items = [1, 2, 3].map(|n| item(n, priority, vec![wanted(&GRID, "2.0.0")]));
        let done = bench.plan_at(items.to_vec(), at(50)).await;
        assert_eq!(done, report(0, 0));
        bench.store.page(None, None, 9).await.unwrap()
    };
    let mut expected = bench.store.page(None, None, 9).await.unwrap();
    let states = [Status::Ready, Status::Running, Status::Pending];
    assert!(expected.iter().map(|row| row.status).eq(states));
    assert_eq!(again(Priority::Regenerate).await, expected);
    expected[2].priority = Some(Priority::Interactive);
    assert_eq!(again(Priority::Interactive).await, expected);
    assert_eq!(again(Priority::Visible).await, expected);
}

pub(super) async fn enqueue_revives_failures_of_another_version(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.failed(1, &GRID, FailureClass::CorruptSource).await;
    bench.failed(2, &GRID, FailureClass::Crash).await;
    let items = [1, 2].map(|n| item(n, Priority::Missing, vec![wanted(&GRID, "1.0.1")]));
    let now = at(20_000_000);
    assert_eq!(bench.plan_at(items.to_vec(), now).await, report(0, 2));
    for number in [1, 2] {
        let row = bench.row(number, &GRID).await;
        assert_eq!((row.status, row.attempt), (Status::Pending, 0));
        assert_eq!(row.version, Some("1.0.1".parse().unwrap()));
        assert_eq!(row.priority, Some(Priority::Missing));
        assert_eq!((row.not_before, row.failure), (Some(now), None));
    }
}

pub(super) async fn enqueue_revives_what_lacked_an_original(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.failed(1, &GRID, FailureClass::MissingSource).await;
    bench.failed(2, &GRID, FailureClass::MissingSource).await;
    let again = vec![item(1, Priority::New, vec![wanted(&GRID, "1.0.0")])];
    assert_eq!(bench.plan_at(again, at(9)).await, report(0, 1));
    assert_eq!(bench.status(1, &GRID).await, Status::Pending);
    assert_eq!(bench.status(2, &GRID).await, Status::Failed);
}

pub(super) async fn enqueue_leaves_other_failures_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let classes = [
        FailureClass::CorruptSource,
        FailureClass::Unsupported,
        FailureClass::TooLarge,
        FailureClass::Policy,
        FailureClass::Timeout,
        FailureClass::OutOfMemory,
        FailureClass::Crash,
    ];
    for (number, class) in (1..).zip(classes) {
        bench.failed(number, &GRID, class).await;
    }
    let before = bench.store.page(None, None, 99).await.unwrap();
    let again = (1..).zip(classes);
    let again = again.map(|(n, _)| item(n, Priority::Interactive, vec![wanted(&GRID, "1.0.0")]));
    let found = bench.plan_at(again.collect(), at(90_000_000)).await;
    assert_eq!(found, report(0, 0));
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);
}

pub(super) async fn enqueue_brings_back_what_made_room_for_who_waits(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let again = |number, priority| vec![item(number, priority, vec![wanted(&GRID, "1.0.1")])];
    for (number, priority) in (1..).zip(Priority::ALL) {
        bench.ready(number, &GRID).await;
        let sidecar = (
            key(number, &GRID),
            bench.row(number, &GRID).await.digest.unwrap(),
        );
        assert_eq!(bench.store.evict(&[sidecar], at(5)).await.unwrap(), [true]);
        let (expected, status) = match priority {
            Priority::Interactive | Priority::Visible => (report(0, 1), Status::Pending),
            _ => (report(0, 0), Status::Evicted),
        };
        let before = bench.row(number, &GRID).await;
        assert_eq!(
            bench.plan_at(again(number, priority), at(6)).await,
            expected
        );
        let row = bench.row(number, &GRID).await;
        assert_eq!(row.status, status, "{priority}");
        match status {
            Status::Evicted => assert_eq!(row, before),
            _ => {
                assert_eq!(
                    (row.priority, row.not_before),
                    (Some(priority), Some(at(6)))
                );
                assert_eq!(row.version, Some("1.0.1".parse().unwrap()));
            }
        }
    }
    bench.assert_counts("enqueue of what made room").await;
    assert_eq!(bench.claim("a", at(7), 9).await.len(), 2);
}

pub(super) async fn enqueue_records_a_watermark_in_the_same_step(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let mark = |value: &str| {
        Some(Watermark {
            name: "planned".into(),
            value: value.into(),
        })
    };
    assert_eq!(bench.queue.watermark("planned").await.unwrap(), None);
    for value in ["17", "23", "a 'quoted' one"] {
        let batch = EnqueueBatch {
            items: Vec::new(),
            watermark: mark(value),
        };
        bench.queue.enqueue(&batch, at(0)).await.unwrap();
        let found = bench.queue.watermark("planned").await.unwrap();
        assert_eq!(found.as_deref(), Some(value));
    }
    // A batch without one leaves it.
    bench.plan_one(1, &GRID).await;
    let found = bench.queue.watermark("planned").await.unwrap();
    assert_eq!(found.as_deref(), Some("a 'quoted' one"));
    assert_eq!(bench.queue.watermark("other").await.unwrap(), None);
    // Rows and mark come together, with another generator of the same name length.
    let mut other = wanted(&GRID, "1.0.0");
    other.generator = GeneratorRef {
        id: "audio".parse().unwrap(),
        ..other.generator
    };
    let batch = EnqueueBatch {
        items: vec![item(9, Priority::New, vec![other])],
        watermark: mark("99"),
    };
    let done = bench.queue.enqueue(&batch, at(0)).await.unwrap();
    assert_eq!(done, report(1, 0));
    let rows = bench.store.of_content(content(9)).await.unwrap();
    assert_eq!(rows.len(), 1);
    let found = bench.queue.watermark("planned").await.unwrap();
    assert_eq!(found.as_deref(), Some("99"));
}
