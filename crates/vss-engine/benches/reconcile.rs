//! What a reconcile with nothing to do costs, beside `find` over the same tree with a warm cache:
//! a real vault, real databases, originals that are really indexed. Prints times, their ratio, and
//! the memory of the process that reconciled.
//!
//! `VSS_BENCH_SIDECARS` is how many sidecars, a million unless it is said; `VSS_BENCH_FOLDER` where,
//! a temporary folder unless it is said. A tree that is there already is used again.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and it makes its own tree"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use semver::Version;
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::plan::Policy;
use vss_core::{
    ContentUuid, Digest, Format, Kind, Manifest, ManifestEntry, SidecarKey, SidecarSource,
    Timestamp, Variant, layout,
};
use vss_engine::{Engine, ReconcileOptions, Settings};
use vss_ports::{
    Adoption, ChangeSeq, ContentCatalog, Event, EventSink, LeaseOwner, Ports, RefreshObserver,
    RefreshProblem, SidecarStore,
};
use vss_store_seaorm::{Durability, SeaOrmStore, StoreOptions};
use vss_testkit::clock::ManualClock;
use vss_testkit::entropy::SeededEntropy;
use vss_testkit::generator::FakeGenerator;
use vss_vault_fs::{FsVault, FsVaultOptions};

/// What each content has.
const VARIANTS: [Variant; 3] = [Variant::DETAIL_1X, Variant::GRID_1X, Variant::GRID_2X];

const BATCH: usize = 1_000;

/// Tells the child process which part is its.
const PART: &str = "VSS_BENCH_PART";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = std::env::var_os("VSS_BENCH_FOLDER").map(PathBuf::from);
    if std::env::var_os(PART).is_some() {
        runtime.block_on(reconcile(&folder.unwrap()));
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let sidecars = std::env::var("VSS_BENCH_SIDECARS").map_or(1_000_000, |n| n.parse().unwrap());
    if !folder.join("sidecars.db").exists() {
        let started = Instant::now();
        runtime.block_on(make(&folder, sidecars / VARIANTS.len()));
        println!("made the tree in {:.0} s", started.elapsed().as_secs_f64());
    }
    for round in 0..3 {
        let found = find(&folder.join("sidecars/content"));
        let own = std::env::current_exe().unwrap();
        let mut child = Command::new(own);
        child.env(PART, "1").env("VSS_BENCH_FOLDER", &folder);
        let said = child.stderr(Stdio::inherit()).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let seconds: f64 = said.split(' ').next().unwrap().parse().unwrap();
        println!(
            "round {round}: find {:.2} s, reconcile {}, ratio {:.2}",
            found.as_secs_f64(),
            said.trim(),
            seconds / found.as_secs_f64()
        );
    }
}

/// How long `find` takes, the second time.
fn find(tree: &Path) -> Duration {
    let run = || {
        let started = Instant::now();
        let mut find = Command::new("find");
        find.arg(tree).args(["-printf", "%s %T@\n"]);
        assert!(find.stdout(Stdio::null()).status().unwrap().success());
        started.elapsed()
    };
    run();
    run()
}

async fn open(folder: &Path) -> (SeaOrmStore, SeaOrmCatalog, FsVault) {
    let options = StoreOptions {
        durability: Durability::Fast,
        ..StoreOptions::default()
    };
    let store = SeaOrmStore::open(&folder.join("sidecars.db"), &options).await;
    let catalog = SeaOrmCatalog::open(&folder.join("catalog.db"), CatalogSettings::default()).await;
    let vault = FsVault::create(&folder.join("sidecars"), FsVaultOptions::default());
    (store.unwrap(), catalog.unwrap(), vault.unwrap())
}

/// One reconcile: seconds and peak memory on stdout.
async fn reconcile(folder: &Path) {
    let (store, catalog, vault) = open(folder).await;
    let store = Arc::new(store);
    let vault = Arc::new(vault);
    let ports = Ports {
        store: Arc::clone(&store) as _,
        queue: Arc::clone(&store) as _,
        references: Arc::clone(&store) as _,
        conversions: Arc::clone(&store) as _,
        control: store,
        mover: Arc::clone(&vault) as _,
        vault,
        catalog: Arc::new(catalog),
        generators: vec![Arc::new(FakeGenerator::default())],
        clock: Arc::new(ManualClock::default()),
        entropy: Arc::new(SeededEntropy::new(1)),
        // One that remembers would be most of the memory.
        events: Arc::new(Deaf),
    };
    let settings = Settings::new(Policy::standard(), 1);
    let engine = Engine::new(ports, settings, LeaseOwner::new("bench"));
    let started = Instant::now();
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let changed = (report.adopted, report.missing, report.repaired);
    assert_eq!(changed, (0, 0, 0));
    assert_eq!((report.amended, report.enqueued), (0, 0));
    assert!(report.unknown.is_empty(), "{:?}", report.unknown.first());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    let peak = peak.unwrap_or("VmHWM: unknown");
    println!("{seconds:.2} s of {} sidecars, {peak}", report.scanned);
}

/// Originals that are indexed, and for each its sidecars, their manifest, sums and rows.
async fn make(folder: &Path, contents: usize) {
    let originals = folder.join("originals");
    for number in 0..contents {
        let inner = originals.join((number / BATCH).to_string());
        if number % BATCH == 0 {
            fs::create_dir_all(&inner).unwrap();
        }
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
        bytes.extend(number.to_le_bytes());
        fs::write(inner.join(format!("{number}.jpg")), bytes).unwrap();
    }
    let (store, catalog, _vault) = open(folder).await;
    let now = Timestamp::from_millis(1_767_225_600_000);
    let options = Default::default();
    catalog
        .refresh(&[originals], &options, &Deaf, now)
        .await
        .unwrap();
    let mut after = ChangeSeq::default();
    loop {
        let records = catalog.changes(after, BATCH).await.unwrap();
        let Some(last) = records.last() else { return };
        after = last.seq;
        let found: Vec<_> = records
            .iter()
            .flat_map(|record| sidecars(folder, record.content, now))
            .collect();
        store.adopt(&found, now).await.unwrap();
    }
}

fn sidecars(folder: &Path, content: ContentUuid, now: Timestamp) -> Vec<Adoption> {
    let place = folder.join("sidecars");
    let (source, version) = (
        SidecarSource::Generator("fake".parse().unwrap()),
        Some(Version::new(1, 0, 0)),
    );
    let mut manifest = Manifest::empty(content);
    let mut adoptions = Vec::new();
    for variant in VARIANTS {
        let bytes = format!("RIFF....WEBP{content}{variant}");
        let (size, digest) = (bytes.len() as u64, Digest::of(bytes.as_bytes()));
        let key = SidecarKey::new(content, Kind::THUMB, variant.clone());
        let path = place.join(layout::sidecar_path(&key, &Format::WEBP).as_str());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        manifest.set(ManifestEntry {
            kind: Kind::THUMB,
            variant,
            format: Format::WEBP,
            size,
            blake3: digest,
            source: source.clone(),
            generator_version: version.clone(),
            created_at: now,
        });
        adoptions.push(Adoption {
            key,
            format: Format::WEBP,
            size,
            digest,
            source: source.clone(),
            version: version.clone(),
            original: Some((12, Digest::of(content.as_bytes()))),
        });
    }
    let of_content = place.join(layout::content_folder(content).as_str());
    let mut text = serde_json::to_vec_pretty(&manifest).unwrap();
    text.push(b'\n');
    fs::write(of_content.join(layout::MANIFEST_NAME), text).unwrap();
    fs::write(of_content.join(layout::SUMS_NAME), manifest.b3sums()).unwrap();
    adoptions
}

struct Deaf;

impl EventSink for Deaf {
    fn emit(&self, _: Event) {}
}

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, _: RefreshProblem) {}
}
