//! The check of requeue.

use vss_core::{
    Digest, Disposition, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource, Status,
    Variant,
};
use vss_ports::{Adoption, ClaimRequest, Maker, Selection};

use crate::rows::{
    Bench, RowsHarness, at, content, failure_of, generator, item, makers, request, wanted,
    wanted_kind, wanted_text,
};

const GRID: Variant = Variant::GRID_1X;

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
    let converted = Adoption {
        key: SidecarKey::new(content(8), Kind::LIVE, Variant::ORIGINAL),
        format: Format::MOV,
        size: 8,
        digest: Digest::of(&[8]),
        source: SidecarSource::Converted,
        version: None,
        original: None,
    };
    bench.store.adopt(&[converted], at(1)).await.unwrap();
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
            contents: contents(&[6, 7, 8]),
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
            stale_against: Some(makers("1.0.0")),
            ..any.clone()
        },
        Selection {
            stale_against: Some(Vec::new()),
            ..any.clone()
        },
        // Of another variant, and of another kind.
        Selection {
            statuses: vec![Status::Ready],
            stale_against: Some(vec![
                Maker {
                    variant: Variant::MOBILE,
                    ..makers("9.0.0").remove(0)
                },
                Maker {
                    kind: Kind::WAVEFORM,
                    ..makers("9.0.0").remove(0)
                },
            ]),
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
        stale_against: Some(makers("1.1.0")),
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

    // Two kinds of one generator have numbers of their own.
    let proxy = vec![wanted_kind(&Kind::PROXY), wanted(&GRID, "1.0.0")];
    bench.plan(vec![item(9, Priority::New, proxy)]).await;
    for claim in bench.claim("z", at(60), 99).await {
        for output in claim.outputs {
            bench
                .commit(&[crate::rows::commit_of(&output)], at(61))
                .await;
        }
    }
    let stale = Selection {
        contents: contents(&[9]),
        stale_against: Some(makers("3.0.0")),
        ..any
    };
    assert_eq!(requeue(stale).await, 2);
    // Which is seen by a claim that leaves one of them out.
    let request = ClaimRequest {
        except: vec![Kind::THUMB],
        ..request("z", at(70), 99)
    };
    let claims = bench.queue.claim(&request).await.unwrap();
    let outputs = claims.iter().flat_map(|claim| &claim.outputs);
    let kinds: Vec<_> = outputs.map(|output| output.key.kind.clone()).collect();
    assert!(kinds.contains(&Kind::PROXY) && !kinds.contains(&Kind::THUMB));
    let rows = bench.store.of_content(content(9)).await.unwrap();
    for row in rows {
        assert_eq!(row.version, Some(generator("3.0.0").version), "{}", row.key);
    }
}

/// In its own place of the queue; what was never tried stays as it is.
pub(super) async fn requeue_ends_the_wait_after_a_failure(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let waiting = bench.claimed(1, &GRID).await;
    let failure = failure_of(&waiting, FailureClass::ToolMissing);
    let later = bench.fail(failure, at(20)).await;
    assert!(matches!(later, Some(Disposition::RetryAfter(_))));
    bench.plan_one(2, &GRID).await;
    let before = [bench.row(1, &GRID).await, bench.row(2, &GRID).await];
    let requeue = async |class: Option<FailureClass>| {
        let pending = Selection {
            statuses: vec![Status::Pending],
            class,
            ..Selection::default()
        };
        let control = &bench.control;
        let moved = control.requeue(&pending, Priority::Visible, at(50)).await;
        moved.unwrap()
    };
    assert_eq!(requeue(Some(FailureClass::Crash)).await, 0);
    assert_eq!(requeue(Some(FailureClass::ToolMissing)).await, 1);
    let row = bench.row(1, &GRID).await;
    assert_eq!((row.status, row.attempt), (Status::Pending, 0));
    assert_eq!((row.not_before, row.failure), (Some(at(50)), None));
    assert_eq!(row.priority, before[0].priority, "not that of the request");
    assert_ne!(row.priority, Some(Priority::Visible));
    assert_eq!(bench.row(2, &GRID).await, before[1]);
    assert_eq!(requeue(None).await, 0, "both are due");
}
