//! The SQLite store keeps the contracts of SidecarStore, SidecarQueue and QueueControl.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use vss_conformance::rows::{Rows, RowsHarness};
use vss_store_seaorm::{Durability, SeaOrmStore, StoreOptions};

struct Files(TempDir);

#[async_trait]
impl RowsHarness for Files {
    async fn open(&self, place: &str) -> Rows {
        // No check pulls the plug, so none needs to wait for the disk.
        let options = StoreOptions {
            durability: Durability::Fast,
            ..StoreOptions::default()
        };
        let path = self.0.path().join(format!("{place}.db"));
        Rows::of(Arc::new(SeaOrmStore::open(&path, &options).await.unwrap()))
    }
}

fn main() {
    let files = Arc::new(Files(tempfile::tempdir().unwrap()));
    let mut trials = vss_conformance::store::trials("sqlite", Arc::clone(&files) as _);
    trials.extend(vss_conformance::queue::trials(
        "sqlite",
        Arc::clone(&files) as _,
    ));
    trials.extend(vss_conformance::control::trials("sqlite", files));
    vss_conformance::run(trials);
}
