//! The store keeps the contracts of SidecarStore, SidecarQueue and QueueControl, in a file and on a
//! server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use libtest_mimic::Trial;
use tempfile::TempDir;
use vss_conformance::rows::{Rows, RowsHarness};
use vss_store_seaorm::{Durability, SeaOrmStore, StoreOptions};

#[cfg(feature = "postgres")]
mod server;

// No check pulls the plug, so none needs to wait for the disk.
fn options() -> StoreOptions {
    StoreOptions {
        durability: Durability::Fast,
        ..StoreOptions::default()
    }
}

struct Files(TempDir);

#[async_trait]
impl RowsHarness for Files {
    async fn open(&self, place: &str) -> Rows {
        let path = self.0.path().join(format!("{place}.db"));
        Rows::of(Arc::new(
            SeaOrmStore::open(&path, &options()).await.unwrap(),
        ))
    }
}

#[cfg(feature = "postgres")]
struct Schemas {
    server: String,
    /// The URL of each place.
    places: std::sync::Mutex<std::collections::HashMap<String, String>>,
}

#[cfg(feature = "postgres")]
#[async_trait]
impl RowsHarness for Schemas {
    async fn open(&self, place: &str) -> Rows {
        let known = self.places.lock().unwrap().get(place).cloned();
        let url = match known {
            Some(url) => url,
            None => server::schema(&self.server).await,
        };
        let store = SeaOrmStore::open_url(&url, &options()).await.unwrap();
        self.places.lock().unwrap().insert(place.to_owned(), url);
        Rows::of(Arc::new(store))
    }
}

fn trials<H: RowsHarness + 'static>(adapter: &str, harness: H) -> Vec<Trial> {
    let harness = Arc::new(harness);
    let mut trials = vss_conformance::store::trials(adapter, Arc::clone(&harness) as _);
    let more = vss_conformance::queue::trials(adapter, Arc::clone(&harness) as _);
    trials.extend(more);
    let more = vss_conformance::control::trials(adapter, Arc::clone(&harness) as _);
    trials.extend(more);
    let more = vss_conformance::reference::trials(adapter, Arc::clone(&harness) as _);
    trials.extend(more);
    trials.extend(vss_conformance::conversion::trials(adapter, harness));
    trials
}

fn main() {
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_mut, reason = "there is one database")
    )]
    let mut all = trials("sqlite", Files(tempfile::tempdir().unwrap()));
    #[cfg(feature = "postgres")]
    if let Some(server) = server::url() {
        let places = std::sync::Mutex::default();
        all.extend(trials("postgres", Schemas { server, places }));
    }
    vss_conformance::run(all);
}
