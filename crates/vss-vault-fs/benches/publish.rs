//! How many files a second are settled and published, by batch and durability: 12 KB files, each
//! of a content of its own (the worst case: a folder, a manifest and up to three shards a file).
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic is the report"
)]

#[path = "../tests/files/support.rs"]
#[expect(dead_code, reason = "the tests use what this does not")]
mod support;

use std::io::Write;

use divan::counter::ItemsCount;
use support::{Library, content};
use vss_core::{Digest, Format, Kind, ManifestEntry, SidecarSource, Timestamp, Variant};
use vss_ports::{Publication, Sealed, Vault};
use vss_vault_fs::{Durability, FsVaultOptions};

const BATCHES: [usize; 3] = [1, 16, 128];
const SIZE: usize = 12 * 1024;

fn main() {
    divan::main();
}

#[divan::bench(args = BATCHES, sample_count = 30, sample_size = 1)]
fn strict(bencher: divan::Bencher<'_, '_>, batch: usize) {
    measure(bencher, batch, Durability::Strict);
}

#[divan::bench(args = BATCHES, sample_count = 30, sample_size = 1)]
fn group(bencher: divan::Bencher<'_, '_>, batch: usize) {
    measure(bencher, batch, Durability::Group);
}

#[divan::bench(args = BATCHES, sample_count = 30, sample_size = 1)]
fn fast(bencher: divan::Bencher<'_, '_>, batch: usize) {
    measure(bencher, batch, Durability::Fast);
}

fn measure(bencher: divan::Bencher<'_, '_>, batch: usize, durability: Durability) {
    let library = Library::new(FsVaultOptions {
        durability,
        ..FsVaultOptions::default()
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut next = 0_u64;
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| {
            next += u64::try_from(batch).unwrap();
            runtime.block_on(sealed(&library, next, batch))
        })
        .bench_local_values(|batch| {
            runtime.block_on(async {
                let sealed: Vec<&Sealed> = batch.iter().map(|one| &one.sealed).collect();
                library.vault.settle(&sealed).await.unwrap();
                let all: Vec<&Publication> = batch.iter().collect();
                for result in library.vault.publish(&all).await {
                    result.unwrap();
                }
            });
        });
}

/// Files as a generator leaves them: written and hashed, on no disk yet.
async fn sealed(library: &Library, first: u64, batch: usize) -> Vec<Publication> {
    let mut all = Vec::with_capacity(batch);
    for n in (first..).take(batch) {
        let mut staged = library.vault.stage().await.unwrap();
        let mut bytes = vec![0x5a; SIZE];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        staged.file.write_all(&bytes).unwrap();
        let sealed = library.vault.seal(staged).await.unwrap();
        all.push(Publication {
            content: content(n),
            entry: ManifestEntry {
                kind: Kind::THUMB,
                variant: Variant::GRID_1X,
                format: Format::WEBP,
                size: sealed.size,
                blake3: sealed.digest,
                source: SidecarSource::Adopted,
                generator_version: None,
                created_at: Timestamp::from_millis(1_767_225_600_000),
            },
            source: Some((1, Digest::of(b"the original"))),
            sealed,
            replaces: None,
        });
    }
    all
}
