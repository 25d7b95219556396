//! What it costs to find a ready sidecar without a database.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic is the report"
)]

#[path = "../tests/files/support.rs"]
#[expect(dead_code, reason = "the tests use what this does not")]
mod support;

use support::{FAST, Library, PORTABLE, publish, thumb};
use vss_core::{Format, SidecarKey};
use vss_ports::Vault;

const CONTENTS: u64 = 1_000;

fn main() {
    divan::main();
}

fn filled(portable: bool) -> (Library, Vec<SidecarKey>) {
    let library = Library::new(if portable { PORTABLE } else { FAST });
    let keys: Vec<SidecarKey> = (0..CONTENTS).map(thumb).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for key in &keys {
            publish(&library.vault, key, b"a thumbnail").await.unwrap();
        }
    });
    (library, keys)
}

/// One of 1,000 files, each in a folder of its own; names are in the kernel's cache.
#[divan::bench(args = [false, true], sample_count = 200, sample_size = 1_000)]
fn there(bencher: divan::Bencher<'_, '_>, portable: bool) {
    let (library, keys) = filled(portable);
    let mut keys = keys.iter().cycle();
    bencher.bench_local(|| {
        let key = keys.next().unwrap();
        let found = library.vault.locate(key, &Format::WEBP).unwrap();
        assert!(found.is_some());
        found
    });
}

/// A content that has no folder.
#[divan::bench(args = [false, true], sample_count = 200, sample_size = 1_000)]
fn not_there(bencher: divan::Bencher<'_, '_>, portable: bool) {
    let (library, _) = filled(portable);
    let key = thumb(CONTENTS + 1);
    bencher.bench_local(|| {
        let found = library.vault.locate(&key, &Format::WEBP).unwrap();
        assert!(found.is_none());
    });
}
