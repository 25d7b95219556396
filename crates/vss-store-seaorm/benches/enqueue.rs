//! What planning, claiming and committing cost: CPU a batch, jobs a second, bytes a row.
//!
//! `cargo bench -p vss-store-seaorm --bench enqueue`; with `--features postgres` also on the server
//! that VSS_TEST_POSTGRES names.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints its figures"
)]

mod library;
#[cfg(feature = "postgres")]
#[path = "../tests/server/mod.rs"]
mod server;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use library::{NOW, batch, cpu_seconds, generator, runtime, store_at};
use vss_core::Digest;
use vss_ports::{
    AttemptUsage, ClaimOrder, ClaimRequest, Commit, CommitOutcome, LeaseOwner, PortResult,
    Publisher, SidecarQueue,
};
use vss_store_seaorm::SeaOrmStore;
#[cfg(feature = "postgres")]
use vss_store_seaorm::StoreOptions;

/// Contents with three variants each: 99,999 rows.
const CONTENTS: u32 = 33_333;

struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        positions.iter().map(|_| Ok(())).collect()
    }
}

/// The same as a number to divide by.
const ROWS: f64 = 99_999.0;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    runtime().block_on(async {
        let store = store_at(&path).await;
        plan(&store).await;
        store.close().await.unwrap();
        println!("bytes a row, pending: {:.0}", library::bytes(&path) / ROWS);
        let store = store_at(&path).await;
        drain(&store).await;
        store.close().await.unwrap();
        println!(
            "bytes a row, ready: {:.0} (aim: 115)",
            library::bytes(&path) / ROWS
        );
    });
    #[cfg(feature = "postgres")]
    if let Some(server) = server::url() {
        println!("on PostgreSQL; CPU is that of this process, the server's is its own:");
        runtime().block_on(async {
            let url = server::schema(&server).await;
            let options = StoreOptions::default();
            let store = SeaOrmStore::open_url(&url, &options).await.unwrap();
            plan(&store).await;
            drain(&store).await;
            store.close().await.unwrap();
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
async fn plan(store: &SeaOrmStore) {
    let items = batch(0..CONTENTS);
    for (what, inserted) in [
        (
            "enqueue of 99,999 rows (aim: 0.5 CPU s)",
            u64::from(CONTENTS) * 3,
        ),
        ("the same once more, nothing to do", 0),
    ] {
        let (started, before) = (Instant::now(), cpu_seconds());
        let report = store.enqueue(&items, NOW).await.unwrap();
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - before);
        assert_eq!(report.inserted, inserted);
        println!("{what}: {cpu:.2} CPU s, {wall:.2} s");
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
async fn drain(store: &SeaOrmStore) {
    let request = ClaimRequest {
        owner: LeaseOwner::new("bench"),
        now: NOW,
        lease_until: NOW.plus(Duration::from_secs(30)),
        limit: 43,
        generators: vec![generator().id],
        except: Vec::new(),
        order: ClaimOrder::Urgent,
    };
    let (started, before) = (Instant::now(), cpu_seconds());
    let (mut jobs, mut claiming) = (0_u32, 0.0);
    loop {
        let asked = cpu_seconds();
        let claims = store.claim(&request).await.unwrap();
        claiming += cpu_seconds() - asked;
        let outputs = claims.into_iter().flat_map(|claim| claim.outputs);
        let commits: Vec<_> = outputs
            .map(|output| Commit {
                digest: Digest::of(output.key.to_string().as_bytes()),
                key: output.key,
                fence: output.fence,
                format: output.format,
                size: 12_345,
                generator: generator(),
                original: (4_000_000, Digest::of(b"original")),
                usage: AttemptUsage::between(NOW, NOW),
            })
            .collect();
        if commits.is_empty() {
            break;
        }
        let outcomes = store.commit(&commits, &Nowhere, NOW).await.unwrap();
        let committed = |outcome| matches!(outcome, &CommitOutcome::Committed);
        assert!(outcomes.iter().all(committed));
        jobs += u32::try_from(commits.len()).unwrap();
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - before);
    let jobs = f64::from(jobs);
    println!(
        "claim + commit in batches of 129: {:.0} sidecars/s, {:.0} us CPU each ({:.0} us of \
         it claim), synchronous FULL, no files",
        jobs / wall,
        cpu / jobs * 1e6,
        claiming / jobs * 1e6,
    );
}
