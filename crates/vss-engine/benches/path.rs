//! What `Engine::path` costs for a sidecar that is there: a real vault on disk, and a store that
//! refuses every call, so that a figure can only come from an answer without a database.
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
    for call in [Call::Find, Call::Presence, Call::OfContent, Call::Enqueue] {
        store.refuse(call, 0, PortErrorKind::Unavailable);
    }
    let vault = Arc::new(vault);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        references: Arc::clone(&store) as _,
        conversions: Arc::clone(&store) as _,
        control: store,
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
    let mut contents = contents.iter().cycle();
    bencher.bench_local(|| {
        let content = *contents.next().unwrap();
        let asked = engine.path(content, &Kind::THUMB, &Variant::GRID_1X);
        let answer = runtime.block_on(asked).unwrap();
        assert!(matches!(answer, PathAnswer::Ready { .. }));
        answer
    });
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
        std::io::Write::write_all(&mut &staged.file, b"RIFF....WEBP").unwrap();
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
