//! What `Engine::path` costs for a sidecar that is there and was found whole before: a real vault on
//! disk, and a store that refuses every call, so that a figure can only come from an answer without
//! a database. And what the first read of it costs, with a store in memory.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::sync::Arc;

use semver::Version;
use vss_core::plan::Policy;
use vss_core::{
    ContentUuid, Digest, Format, Kind, ManifestEntry, SidecarKey, SidecarSource, Variant,
};
use vss_engine::{Engine, PathAnswer, Settings};
use vss_ports::{LeaseOwner, PortErrorKind, Ports, Publication, Vault};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::clock::ManualClock;
use vss_testkit::entropy::SeededEntropy;
use vss_testkit::event_sink::RecordingSink;
use vss_testkit::store::{Call, FaultyStore, MemoryStore};
use vss_vault_fs::{FsVault, FsVaultOptions};

const CONTENTS: usize = 1_000;

fn main() {
    divan::main();
}

/// One of 1,000 ready thumbnails, each in a folder of its own; names are in the kernel's cache.
#[divan::bench(sample_count = 200, sample_size = 1_000)]
fn ready_without_a_database(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let vault = FsVault::create(folder.path(), FsVaultOptions::default()).unwrap();
    let contents = runtime.block_on(fill(&vault));
    let store = Arc::new(FaultyStore::over(Arc::new(MemoryStore::default())));
    let vault = Arc::new(vault);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        references: Arc::clone(&store) as _,
        conversions: Arc::clone(&store) as _,
        control: Arc::clone(&store) as _,
        mover: Arc::clone(&vault) as _,
        vault,
        catalog: Arc::new(MemoryCatalog::new()),
        generators: Vec::new(),
        clock: Arc::new(ManualClock::default()),
        entropy: Arc::new(SeededEntropy::new(1)),
        events: Arc::new(RecordingSink::default()),
    };
    let settings = Settings::new(Policy::standard(), 1);
    let engine = Engine::new(ports, settings, LeaseOwner::new("bench"));
    // The first read compares each file with its row.
    for content in &contents {
        let asked = engine.path(*content, &Kind::THUMB, &Variant::GRID_1X);
        runtime.block_on(asked).unwrap();
    }
    for call in [Call::Find, Call::Presence, Call::OfContent, Call::Enqueue] {
        store.refuse(call, 0, PortErrorKind::Unavailable);
    }
    let mut contents = contents.iter().cycle();
    bencher.bench_local(|| {
        let content = *contents.next().unwrap();
        let asked = engine.path(content, &Kind::THUMB, &Variant::GRID_1X);
        let answer = runtime.block_on(asked).unwrap();
        assert!(matches!(answer, PathAnswer::Ready { .. }));
        answer
    });
}

/// The first read: a query, 12 KB hashed. Each engine reads 1,000 files, each once.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn first_read_of_a_thousand(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(FsVault::create(folder.path(), FsVaultOptions::default()).unwrap());
    let contents = runtime.block_on(fill(&vault));
    let store = Arc::new(MemoryStore::default());
    let engine = || {
        let ports = Ports {
            store: Arc::clone(&store) as _,
            queue: Arc::clone(&store) as _,
            references: Arc::clone(&store) as _,
            conversions: Arc::clone(&store) as _,
            control: Arc::clone(&store) as _,
            mover: Arc::clone(&vault) as _,
            vault: Arc::clone(&vault) as _,
            catalog: Arc::new(MemoryCatalog::new()),
            generators: Vec::new(),
            clock: Arc::new(ManualClock::default()),
            entropy: Arc::new(SeededEntropy::new(1)),
            events: Arc::new(RecordingSink::default()),
        };
        Engine::new(
            ports,
            Settings::new(Policy::standard(), 1),
            LeaseOwner::new("bench"),
        )
    };
    let read = |engine: Engine| {
        for content in &contents {
            let asked = engine.path(*content, &Kind::THUMB, &Variant::GRID_1X);
            let answer = runtime.block_on(asked).unwrap();
            assert!(matches!(answer, PathAnswer::Ready { .. }));
        }
    };
    // Rows first: there are none yet.
    read(engine());
    bencher.with_inputs(engine).bench_local_values(read);
}

async fn fill(vault: &FsVault) -> Vec<ContentUuid> {
    let mut contents = Vec::with_capacity(CONTENTS);
    let mut batch = Vec::with_capacity(CONTENTS);
    for number in 0..CONTENTS {
        let digest = Digest::of(&number.to_le_bytes());
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&digest.as_bytes()[..16]);
        let key = SidecarKey::new(ContentUuid::from_bytes(uuid), Kind::THUMB, Variant::GRID_1X);
        let staged = vault.stage().await.unwrap();
        std::io::Write::write_all(&mut &staged.file, &sidecar(number)).unwrap();
        let sealed = vault.seal(staged).await.unwrap();
        let entry = ManifestEntry {
            kind: key.kind.clone(),
            variant: key.variant.clone(),
            format: Format::WEBP,
            size: sealed.size,
            blake3: sealed.digest,
            source: SidecarSource::Generator("image".parse().unwrap()),
            generator_version: Some(Version::new(1, 0, 0)),
            created_at: vss_core::Timestamp::default(),
        };
        contents.push(key.content);
        batch.push(Publication {
            content: key.content,
            entry,
            source: None,
            sealed,
            replaces: None,
        });
    }
    let batch: Vec<_> = batch.iter().collect();
    for published in vault.publish(&batch).await {
        published.unwrap();
    }
    contents
}

/// 12 KB that look like a WebP.
fn sidecar(number: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; 12 * 1_024];
    bytes[..12].copy_from_slice(b"RIFF....WEBP");
    bytes[12..20].copy_from_slice(&number.to_le_bytes());
    bytes
}
