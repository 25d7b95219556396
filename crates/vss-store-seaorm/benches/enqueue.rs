//! What planning, claiming and committing cost: CPU a batch, jobs a second, bytes a row.
//!
//! `cargo bench -p vss-store-seaorm --bench enqueue`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints its figures"
)]

mod library;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use library::{NOW, batch, cpu_seconds, generator, runtime, store_at};
use vss_core::Digest;
use vss_ports::{
    AttemptUsage, ClaimOrder, ClaimRequest, Commit, CommitOutcome, LeaseOwner, PortResult,
    Publisher, SidecarQueue,
};

/// Contents with three variants each: 99,999 rows.
const CONTENTS: u32 = 33_333;

struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        positions.iter().map(|_| Ok(())).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn main() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let rows = f64::from(CONTENTS) * 3.0;
    runtime.block_on(async {
        let store = store_at(&path).await;
        let items = batch(0..CONTENTS);
        let before = cpu_seconds();
        let report = store.enqueue(&items, NOW).await.unwrap();
        let first = cpu_seconds() - before;
        assert_eq!(report.inserted, u64::from(CONTENTS) * 3);
        println!("enqueue of {rows} rows: {first:.2} CPU s (aim: 0.5)");
        let before = cpu_seconds();
        store.enqueue(&items, NOW).await.unwrap();
        let again = cpu_seconds() - before;
        println!("the same once more, nothing to do: {again:.2} CPU s");
        store.clone().close().await.unwrap();
        println!("bytes a row, pending: {:.0}", library::bytes(&path) / rows);
    });
    runtime.block_on(async {
        let store = store_at(&path).await;
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
        store.close().await.unwrap();
        println!(
            "bytes a row, ready: {:.0} (aim: 115)",
            library::bytes(&path) / rows
        );
    });
}
