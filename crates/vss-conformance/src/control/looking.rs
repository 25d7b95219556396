//! Checks of depths and list.

use vss_core::{FailureClass, Kind, Priority, Status, Variant};
use vss_ports::{QueueDepth, Selection, SidecarRecord};

use crate::rows::{
    Bench, RowsHarness, at, content, failure_of, item, makers, wanted, wanted_kind, wanted_text,
};

const GRID: Variant = Variant::GRID_1X;

pub(super) async fn depths_count_due_later_and_running(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    assert_eq!(bench.control.depths(at(0)).await.unwrap(), []);
    bench.ready(1, &GRID).await;
    bench.failed(2, &GRID, FailureClass::Policy).await;
    let output = bench.claimed(3, &GRID).await;
    let failure = failure_of(&output, FailureClass::TransientIo);
    bench.fail(failure, at(0)).await;
    bench.claimed(4, &GRID).await;
    for (number, version) in [(5, "1.0.0"), (6, "2.0.0"), (7, "2.0.0")] {
        let outputs = vec![wanted(&GRID, version), wanted_text()];
        bench.plan(vec![item(number, Priority::New, outputs)]).await;
    }
    let urgent = vec![wanted_kind(&Kind::PROXY), wanted(&GRID, "1.0.0")];
    bench
        .plan_at(vec![item(8, Priority::Visible, urgent)], at(9))
        .await;
    let depth = |kind, priority, due, later, running| QueueDepth {
        kind,
        priority,
        due,
        later,
        running,
    };
    let expected = [
        depth(Kind::OCR, Priority::New, 3, 0, 0),
        depth(Kind::PROXY, Priority::Visible, 0, 1, 0),
        depth(Kind::THUMB, Priority::Visible, 0, 1, 0),
        depth(Kind::THUMB, Priority::New, 3, 1, 1),
    ];
    assert_eq!(bench.control.depths(at(8)).await.unwrap(), expected);
    let now_due = bench.control.depths(at(9)).await.unwrap();
    let urgent = now_due
        .iter()
        .filter(|one| one.priority == Priority::Visible);
    assert!(urgent.clone().all(|one| (one.due, one.later) == (1, 0)));
    assert_eq!(urgent.count(), 2);
    bench.claim("a", at(9), 1).await;
    let expected = [
        depth(Kind::OCR, Priority::New, 3, 0, 0),
        depth(Kind::PROXY, Priority::Visible, 0, 0, 1),
        depth(Kind::THUMB, Priority::Visible, 0, 0, 1),
        depth(Kind::THUMB, Priority::New, 3, 1, 1),
    ];
    assert_eq!(bench.control.depths(at(9)).await.unwrap(), expected);
}

pub(super) async fn list_answers_a_selection_by_pages(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(9, &GRID).await;
    bench.ready(10, &GRID).await;
    let made = bench.row(10, &GRID).await;
    let room = [(made.key, made.digest.unwrap())];
    assert_eq!(bench.store.evict(&room, at(2)).await.unwrap(), [true]);
    bench.failed(7, &GRID, FailureClass::TooLarge).await;
    bench.failed(8, &GRID, FailureClass::Crash).await;
    bench.claimed(6, &GRID).await;
    // The order is the one of keys, not the one in which they came.
    for number in [3, 5, 1] {
        let outputs = vec![
            wanted(&GRID, "1.0.0"),
            wanted(&Variant::DETAIL_1X, "1.0.0"),
            wanted_text(),
        ];
        bench.plan(vec![item(number, Priority::New, outputs)]).await;
    }
    let list = async |selection: &Selection, after: Option<&SidecarRecord>, limit| {
        let after = after.map(|row| &row.key);
        let found = bench.control.list(selection, after, limit).await;
        found.unwrap()
    };
    let all = bench.store.page(None, None, 99).await.unwrap();
    assert_eq!(all.len(), 14);
    let of = |means: &dyn Fn(&SidecarRecord) -> bool| {
        let rows = all.iter().filter(|row| means(row)).cloned();
        rows.collect::<Vec<_>>()
    };
    let any = Selection {
        statuses: Status::ALL.to_vec(),
        ..Selection::default()
    };
    assert_eq!(list(&any, None, 99).await, all);
    assert_eq!(list(&any, None, 0).await, []);
    assert_eq!(list(&Selection::default(), None, 99).await, []);
    for size in [1, 2, 5] {
        let mut found: Vec<SidecarRecord> = Vec::new();
        for _ in 0..all.len().div_ceil(size) {
            let page = list(&any, found.last(), size).await;
            assert!(page.len() <= size);
            found.extend(page);
        }
        assert_eq!(list(&any, found.last(), size).await, []);
        assert_eq!(found, all, "pages of {size}");
    }
    let thumbs = Selection {
        statuses: vec![Status::Pending],
        kind: Some(Kind::THUMB),
        contents: Some(vec![content(3), content(1), content(6)]),
        ..Selection::default()
    };
    let expected = of(&|row| {
        let number = row.key.content.as_bytes()[0];
        row.key.kind == Kind::THUMB && [1, 3].contains(&number)
    });
    assert_eq!(expected.len(), 4);
    assert_eq!(list(&thumbs, None, 99).await, expected);
    assert_eq!(list(&thumbs, Some(&expected[1]), 1).await, expected[2..3]);
    let crashed = Selection {
        class: Some(FailureClass::Crash),
        ..any.clone()
    };
    let expected = of(&|row| row.status == Status::Quarantined);
    assert_eq!(list(&crashed, None, 99).await, expected);
    let stale = Selection {
        stale_against: Some(makers("2.0.0")),
        ..any
    };
    let expected = of(&|row| row.key.kind != Kind::OCR);
    assert_eq!(list(&stale, None, 99).await, expected);
    for status in Status::ALL {
        let one = Selection {
            statuses: vec![status],
            ..Selection::default()
        };
        let expected = of(&|row| row.status == status);
        assert!(!expected.is_empty());
        assert_eq!(list(&one, None, 99).await, expected, "{status}");
    }
}
