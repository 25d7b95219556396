//! The in-memory adapters keep the contracts of the ports they stand in for.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "originals that are moved are real files"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vss_conformance::catalog::{CatalogHarness, Fresh};
use vss_conformance::clock::ClockHarness;
use vss_conformance::entropy::EntropyHarness;
use vss_conformance::event_sink::{EventSinkHarness, Heard};
use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_conformance::job_host::JobHostHarness;
use vss_conformance::mover::{MoverHarness, MoverUnderTest};
use vss_conformance::rows::{Rows, RowsHarness};
use vss_conformance::vault::{VaultHarness, VaultUnderTest};
use vss_conformance::watcher::{Ground, KEPT, WatcherHarness};
use vss_core::plan::{Recipe, StillRecipe};
use vss_core::{ContentUuid, Format};
use vss_ports::{Clock, Entropy, EventSink, Generator, JobHost, Unlimited, Vault, Watcher};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::clock::ManualClock;
use vss_testkit::entropy::SeededEntropy;
use vss_testkit::event_sink::RecordingSink;
use vss_testkit::faulty_vault::FaultyVault;
use vss_testkit::generator::FakeGenerator;
use vss_testkit::store::{FaultyStore, MemoryStore};
use vss_testkit::vault::MemoryVault;
use vss_testkit::watcher::MemoryWatcher;

struct Listeners;

impl WatcherHarness for Listeners {
    fn fresh(&self, cramped: bool) -> Box<dyn Ground> {
        let watcher = if cramped {
            MemoryWatcher::new(KEPT)
        } else {
            MemoryWatcher::default()
        };
        watcher.made(Path::new("/top"));
        Box::new(Told(watcher))
    }
}

/// Nothing happens but in what the watcher is told.
struct Told(MemoryWatcher);

impl Ground for Told {
    fn watcher(&self) -> Arc<dyn Watcher> {
        Arc::new(self.0.clone())
    }

    fn top(&self) -> PathBuf {
        "/top".into()
    }

    fn link(&self) -> Option<PathBuf> {
        None
    }

    fn write(&self, file: &Path, _: &[u8]) {
        self.0.changed(file);
    }

    fn read(&self, _: &Path) {}

    fn make(&self, folder: &Path) {
        self.0.made(folder);
    }

    fn rename(&self, from: &Path, to: &Path) {
        self.0.moved(from, to);
    }

    fn remove(&self, path: &Path) {
        self.0.removed(path);
    }
}

struct Hosts;

impl JobHostHarness for Hosts {
    fn fresh(&self) -> Arc<dyn JobHost> {
        Arc::new(Unlimited)
    }
}

struct Clocks;

impl ClockHarness for Clocks {
    fn fresh(&self) -> Arc<dyn Clock> {
        let clock = Arc::new(ManualClock::default());
        let pushed = Arc::downgrade(&clock);
        std::thread::spawn(move || {
            while let Some(clock) = pushed.upgrade() {
                clock.advance(Duration::from_millis(7));
                std::thread::yield_now();
            }
        });
        clock
    }
}

struct Seeds(AtomicU64);

impl EntropyHarness for Seeds {
    fn fresh(&self) -> Arc<dyn Entropy> {
        Arc::new(SeededEntropy::new(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

struct Sinks;

impl EventSinkHarness for Sinks {
    fn fresh(&self) -> (Arc<dyn EventSink>, Heard) {
        let sink = Arc::new(RecordingSink::default());
        let heard = Arc::clone(&sink);
        (sink, Box::new(move || heard.events()))
    }

    fn unheard(&self) -> Arc<dyn EventSink> {
        Arc::new(RecordingSink::default())
    }
}

/// Vaults in memory, behind a decorator or not.
struct Vaults {
    decorated: bool,
}

struct InMemory {
    memory: Arc<MemoryVault>,
    vault: Arc<dyn Vault>,
}

impl VaultHarness for Vaults {
    fn fresh(&self) -> Box<dyn VaultUnderTest> {
        let memory = Arc::new(MemoryVault::new());
        let vault: Arc<dyn Vault> = Arc::clone(&memory) as _;
        let vault = match self.decorated {
            true => Arc::new(FaultyVault::new(vault)),
            false => vault,
        };
        Box::new(InMemory { memory, vault })
    }
}

impl VaultUnderTest for InMemory {
    fn vault(&self) -> Arc<dyn Vault> {
        Arc::clone(&self.vault)
    }

    fn set_aside(&self) -> Vec<Vec<u8>> {
        self.memory.set_aside()
    }

    fn plant(&self, path: &str, bytes: &[u8]) {
        self.memory.plant(path, bytes);
    }

    fn block(&self, content: ContentUuid) {
        self.memory.block(content);
    }

    fn sums(&self, content: ContentUuid) -> String {
        self.memory.sums(content)
    }

    fn lose_sums(&self, content: ContentUuid) -> bool {
        self.memory.lose_sums(content)
    }

    fn root(&self) -> Option<PathBuf> {
        None
    }
}

struct Fakes;

impl Fakes {
    fn sample(text: &str) -> Sample {
        Sample {
            media_type: "image/jpeg".parse().unwrap(),
            bytes: text.into(),
        }
    }

    fn still(format: Format, max_side: u32) -> Wanted {
        let quality = 80;
        Wanted {
            format,
            recipe: Recipe::Still(StillRecipe { max_side, quality }),
        }
    }
}

impl GeneratorHarness for Fakes {
    fn fresh(&self) -> Arc<dyn Generator> {
        Arc::new(FakeGenerator::default())
    }

    fn good(&self) -> Sample {
        Self::sample("a photo")
    }

    fn mistaken(&self) -> Sample {
        Self::sample("!corrupt_source")
    }

    fn boastful(&self) -> Option<Sample> {
        Some(Self::sample("!too_large"))
    }

    fn known(&self) -> Vec<Wanted> {
        vec![
            Self::still(Format::WEBP, 256),
            Self::still(Format::WEBP, 1024),
            Self::still(Format::MP4, 300),
            Self::still(Format::JSON, 400),
        ]
    }

    fn unknown(&self) -> Wanted {
        Self::still(Format::WEBP, 0)
    }
}

struct Catalogs;

#[async_trait::async_trait]
impl CatalogHarness for Catalogs {
    async fn fresh(&self) -> Fresh {
        Fresh {
            catalog: Arc::new(MemoryCatalog::new()),
            keep: Box::new(()),
        }
    }
}

/// Stores by place; with a decorator that fails nothing, or without.
struct Stores {
    decorated: bool,
    places: Mutex<BTreeMap<String, Arc<MemoryStore>>>,
}

#[async_trait::async_trait]
impl RowsHarness for Stores {
    async fn open(&self, place: &str) -> Rows {
        let mut places = self.places.lock().unwrap();
        let store = Arc::clone(places.entry(place.to_owned()).or_default());
        if self.decorated {
            return Rows::of(Arc::new(FaultyStore::over(store)));
        }
        Rows::of(store)
    }
}

struct Movers;

impl MoverHarness for Movers {
    fn fresh(&self) -> MoverUnderTest {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(MemoryVault::new());
        MoverUnderTest {
            mover: Arc::clone(&vault) as _,
            vault,
            folder: folder.path().canonicalize().unwrap(),
            keep: Box::new(folder),
        }
    }
}

fn main() {
    let mut trials = vss_conformance::clock::trials("manual", Arc::new(Clocks));
    trials.extend(vss_conformance::job_host::trials(
        "unlimited",
        Arc::new(Hosts),
    ));
    trials.extend(vss_conformance::entropy::trials(
        "seeded",
        Arc::new(Seeds(AtomicU64::new(0))),
    ));
    trials.extend(vss_conformance::event_sink::trials(
        "recording",
        Arc::new(Sinks),
    ));
    for (adapter, decorated) in [("memory", false), ("faulty", true)] {
        let vaults = Arc::new(Vaults { decorated });
        trials.extend(vss_conformance::vault::trials(adapter, vaults));
    }
    trials.extend(vss_conformance::generator::trials("fake", Arc::new(Fakes)));
    trials.extend(vss_conformance::catalog::trials(
        "memory",
        Arc::new(Catalogs),
    ));
    for (adapter, decorated) in [("memory", false), ("faulty", true)] {
        let stores = Arc::new(Stores {
            decorated,
            places: Mutex::default(),
        });
        let harness = Arc::clone(&stores);
        trials.extend(vss_conformance::store::trials(adapter, harness));
        trials.extend(vss_conformance::queue::trials(
            adapter,
            Arc::clone(&stores) as _,
        ));
        let harness = Arc::clone(&stores);
        trials.extend(vss_conformance::control::trials(adapter, harness));
        let harness = Arc::clone(&stores);
        trials.extend(vss_conformance::reference::trials(adapter, harness));
        trials.extend(vss_conformance::conversion::trials(adapter, stores));
    }
    trials.extend(vss_conformance::mover::trials("memory", Arc::new(Movers)));
    let listeners = Arc::new(Listeners);
    trials.extend(vss_conformance::watcher::trials("memory", listeners));
    vss_conformance::run(trials);
}
