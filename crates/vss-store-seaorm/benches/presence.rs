//! Presence of 1,000 contents x 3 variants among a million rows. Aim: 8 ms.
//!
//! `cargo bench -p vss-store-seaorm --bench presence`; the database is built once, into
//! `target/bench/`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints its figures"
)]

#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod library;

use std::path::PathBuf;

use divan::Bencher;
use library::{NOW, VARIANTS, batch, content, cpu_seconds, runtime, store_at};
use vss_core::{Digest, Kind};
use vss_ports::{Adoption, SidecarQueue, SidecarStore};
use vss_store_seaorm::SeaOrmStore;

/// With three variants each, a million rows.
const CONTENTS: u32 = 333_334;

#[expect(clippy::disallowed_methods, reason = "a benchmark keeps its database")]
fn place() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("presence-1m-v2.db")
}

/// Every second content is ready, the others are pending.
async fn million_rows() -> SeaOrmStore {
    let store = store_at(&place()).await;
    let counts = store.counts().await.unwrap();
    let rows: u64 = counts
        .rows
        .values()
        .flat_map(|of_kind| of_kind.values())
        .sum();
    if rows == u64::from(CONTENTS) * 3 {
        return store;
    }
    println!("building the database of a million rows, once");
    for first in (0..CONTENTS).step_by(20_000) {
        let range = first..CONTENTS.min(first + 20_000);
        let batch = batch(range);
        store.enqueue(&batch, NOW).await.unwrap();
        let ready = batch.items.iter().step_by(2);
        let found: Vec<_> = ready
            .flat_map(|item| {
                let content = item.content;
                VARIANTS.map(|variant| Adoption {
                    key: vss_core::SidecarKey::new(content, Kind::THUMB, variant),
                    format: vss_core::Format::WEBP,
                    size: 12_345,
                    digest: Digest::of(content.as_bytes()),
                    source: vss_core::SidecarSource::Adopted,
                    version: None,
                    original: None,
                })
            })
            .collect();
        store.adopt(&found, NOW).await.unwrap();
    }
    store
}

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 100, sample_size = 1)]
fn presence_of_1000_contents_x_3_variants_in_1m_rows_aim_8_ms(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let store = runtime.block_on(million_rows());
    // Spread over the whole library, as a search result is.
    let step = usize::try_from(CONTENTS / 1_000).unwrap();
    let contents: Vec<_> = (0..CONTENTS)
        .step_by(step)
        .take(1_000)
        .map(content)
        .collect();
    let look = || {
        let rows = runtime.block_on(store.presence(&contents, &Kind::THUMB, &VARIANTS));
        assert_eq!(rows.unwrap().len(), 3_000);
    };
    look();
    let before = cpu_seconds();
    (0..50).for_each(|_| look());
    let each = (cpu_seconds() - before) / 50.0 * 1e3;
    println!("presence of 1,000 x 3 in 1 M rows: {each:.1} ms CPU (aim: 8)");
    bencher.bench_local(look);
}
