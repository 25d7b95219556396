//! The check of counts.

use vss_core::{FailureClass, Priority, SidecarSource, Status, Variant};
use vss_ports::{Adoption, Invalidation, Recovery, Selection};

use crate::rows::{
    Bench, RowsHarness, adoption, at, commit_of, failure_of, item, key, owner, wanted, wanted_text,
};

pub(super) async fn counts_agree_after_every_kind_of_change(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    let grid = &Variant::GRID_1X;
    bench.assert_counts("nothing").await;
    let items = (1..=9).map(|n| {
        let outputs = vec![wanted(grid, "1.0.0"), wanted_text()];
        item(n, Priority::New, outputs)
    });
    bench.plan(items.collect()).await;
    bench.assert_counts("enqueue").await;
    let claims = bench.claim("a", at(0), 16).await;
    bench.assert_counts("claim").await;
    let outputs: Vec<_> = claims.iter().flat_map(|claim| &claim.outputs).collect();
    let commits: Vec<_> = outputs[..6]
        .iter()
        .map(|output| commit_of(output))
        .collect();
    bench.commit(&commits, at(1)).await;
    bench.assert_counts("commit").await;
    for (output, class) in outputs[6..12].iter().zip(FailureClass::ALL) {
        bench.fail(failure_of(output, class), at(2)).await;
    }
    bench.assert_counts("fail").await;
    let everyone = Recovery::Owner(owner("a"));
    bench.queue.release(&everyone, at(3)).await.unwrap();
    bench.assert_counts("release").await;
    // Pending and running ones, of both kinds.
    assert!(!bench.claim("c", at(3), 2).await.is_empty());
    let everything = Selection {
        statuses: Status::ALL.to_vec(),
        ..Selection::default()
    };
    assert!(bench.control.cancel(&everything, at(3)).await.unwrap() > 2);
    bench.assert_counts("cancel").await;
    let hows = [Invalidation::FileGone, Invalidation::KeepServing];
    for (commit, how) in commits.iter().zip(hows) {
        let keys = [commit.key.clone()];
        let store = &bench.store;
        let changed = store.invalidate(&keys, how, Priority::New, at(4)).await;
        assert_eq!(changed.unwrap(), 1);
    }
    bench.assert_counts("invalidate").await;
    let found = Adoption {
        source: SidecarSource::Reference,
        ..adoption(80, grid)
    };
    let found = [found, adoption(1, grid), adoption(81, grid)];
    bench.store.adopt(&found, at(5)).await.unwrap();
    bench.assert_counts("adopt").await;
    let keys = [key(81, grid), key(2, grid)];
    bench.store.forget(&keys).await.unwrap();
    bench.assert_counts("forget").await;
    let adopted = bench.row(1, grid).await.digest.unwrap();
    let evicted = bench.store.evict(&[(key(1, grid), adopted)], at(5)).await;
    assert_eq!(evicted.unwrap(), [true]);
    bench.assert_counts("evict").await;
    let requeued = bench
        .control
        .requeue(&everything, Priority::New, at(6))
        .await;
    assert!(requeued.unwrap() > 0);
    bench.assert_counts("requeue").await;
}
