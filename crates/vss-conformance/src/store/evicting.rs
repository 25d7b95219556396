//! The checks of evict.

use vss_core::Priority;
use vss_core::{Digest, FailureClass, SidecarKey, SidecarSource, Status, Variant};
use vss_ports::{Adoption, Invalidation};

use crate::rows::{Bench, RowsHarness, adoption, at, key};

const GRID: &Variant = &Variant::GRID_1X;

impl Bench {
    /// Evicts one variant of some contents, each with the digest that its row says.
    async fn evict(&self, numbers: &[u8], millis: u64) -> Vec<bool> {
        let mut sidecars: Vec<(SidecarKey, Digest)> = Vec::new();
        for number in numbers {
            let row = self.store.find(&key(*number, GRID)).await.unwrap();
            let digest = row.and_then(|row| row.digest);
            sidecars.push((key(*number, GRID), digest.unwrap_or(Digest::of(b"none"))));
        }
        self.store.evict(&sidecars, at(millis)).await.unwrap()
    }
}

pub(super) async fn evict_makes_ready_rows_evicted(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    for number in 1..=3 {
        bench.ready(number, GRID).await;
    }
    let before = bench.row(1, GRID).await;
    assert_eq!(
        bench.evict(&[1, 9, 3, 1], 70).await,
        [true, false, true, false]
    );
    for number in [1, 3] {
        let row = bench.row(number, GRID).await;
        assert_eq!(
            (row.status, row.size, row.digest),
            (Status::Evicted, None, None)
        );
        assert_eq!(
            (row.created_at, row.updated_at),
            (before.created_at, at(70))
        );
        assert_eq!(
            (row.priority, row.not_before, row.failure),
            (None, None, None)
        );
        assert_eq!(
            (row.source, row.version),
            (before.source.clone(), before.version.clone())
        );
        assert_eq!(row.fence, before.fence);
    }
    assert_eq!(bench.status(2, GRID).await, Status::Ready);
    assert_eq!(bench.store.find(&key(9, GRID)).await.unwrap(), None);
    bench.assert_counts("evict").await;
    // Nobody makes it by itself, and a file that is found makes it ready again.
    assert_eq!(bench.claim("a", at(9_000_000), 9).await, []);
    let found = [adoption(1, GRID)];
    assert_eq!(bench.store.adopt(&found, at(80)).await.unwrap(), [true]);
    assert_eq!(bench.status(1, GRID).await, Status::Ready);
    bench.assert_counts("adopt").await;
}

pub(super) async fn evict_leaves_other_rows_alone(harness: &dyn RowsHarness) {
    let bench = Bench::fresh(harness).await;
    bench.ready(1, GRID).await;
    let other = [(key(1, GRID), Digest::of(b"what it was before"))];
    assert_eq!(bench.store.evict(&other, at(9)).await.unwrap(), [false]);
    let reference = Adoption {
        source: SidecarSource::Reference,
        ..adoption(2, GRID)
    };
    bench.store.adopt(&[reference], at(1)).await.unwrap();
    bench.failed(3, GRID, FailureClass::TooLarge).await;
    // Its old file is served until the new one is there.
    bench.ready(4, GRID).await;
    let keys = [key(4, GRID)];
    let how = Invalidation::KeepServing;
    let invalidated = bench
        .store
        .invalidate(&keys, how, Priority::New, at(3))
        .await;
    assert_eq!(invalidated.unwrap(), 1);
    bench.plan_one(5, GRID).await;
    let before = bench.store.page(None, None, 99).await.unwrap();
    assert_eq!(bench.evict(&[2, 3, 4, 5], 9).await, [false; 4]);
    assert_eq!(
        bench.store.evict(&[], at(9)).await.unwrap(),
        [] as [bool; 0]
    );
    assert_eq!(bench.store.page(None, None, 99).await.unwrap(), before);
}
