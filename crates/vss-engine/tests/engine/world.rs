//! A library in memory, with engines over it that can be stopped, killed and replaced.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vss_core::plan::Policy;
use vss_core::{ContentUuid, Digest, Status};
use vss_engine::{Engine, IndexReport, RunOptions, RunReport, Settings};
use vss_ports::{
    Clock, ContentCatalog, Generator, LeaseOwner, Ports, RefreshObserver, RefreshProblem,
    SidecarRecord, SidecarStore,
};
use vss_testkit::catalog::MemoryCatalog;
use vss_testkit::clock::ManualClock;
use vss_testkit::entropy::SeededEntropy;
use vss_testkit::event_sink::RecordingSink;
use vss_testkit::faulty_vault::FaultyVault;
use vss_testkit::generator::FakeGenerator;
use vss_testkit::store::{FaultyStore, MemoryStore};
use vss_testkit::vault::MemoryVault;

pub(crate) struct World {
    pub(crate) rows: Arc<MemoryStore>,
    pub(crate) store: Arc<FaultyStore<MemoryStore>>,
    pub(crate) files: Arc<MemoryVault>,
    pub(crate) vault: Arc<FaultyVault>,
    pub(crate) catalog: Arc<MemoryCatalog>,
    pub(crate) generator: Arc<FakeGenerator>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) events: Arc<RecordingSink>,
    engines: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        let rows = Arc::new(MemoryStore::default());
        let files = Arc::new(MemoryVault::new());
        Self {
            store: Arc::new(FaultyStore::over(Arc::clone(&rows))),
            vault: Arc::new(FaultyVault::new(Arc::clone(&files) as _)),
            rows,
            files,
            catalog: Arc::new(MemoryCatalog::new()),
            generator: Arc::new(FakeGenerator::default()),
            clock: Arc::new(ManualClock::default()),
            events: Arc::new(RecordingSink::default()),
            engines: AtomicU64::new(0),
        }
    }

    /// A world with so many pictures, planned.
    pub(crate) async fn with_pictures(count: u8) -> Self {
        let world = Self::new();
        for number in 0..count {
            world.add(&[b'p', number]);
        }
        world.plan().await;
        world
    }

    pub(crate) fn add(&self, bytes: &[u8]) -> ContentUuid {
        self.catalog.add(bytes, "image/jpeg".parse().unwrap())
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            store: Arc::clone(&self.store) as _,
            queue: Arc::clone(&self.store) as _,
            control: Arc::clone(&self.store) as _,
            references: Arc::clone(&self.store) as _,
            conversions: Arc::clone(&self.store) as _,
            mover: Arc::clone(&self.files) as _,
            vault: Arc::clone(&self.vault) as _,
            catalog: Arc::clone(&self.catalog) as _,
            generators: vec![Arc::clone(&self.generator) as _],
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::new(SeededEntropy::new(7)),
            events: Arc::clone(&self.events) as _,
        }
    }

    /// A new engine, as after a restart.
    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine_over(self.ports())
    }

    pub(crate) fn engine_with(&self, generator: impl Generator + 'static) -> Arc<Engine> {
        self.engine_over(Ports {
            generators: vec![Arc::new(generator)],
            ..self.ports()
        })
    }

    pub(crate) fn engine_over(&self, ports: Ports) -> Arc<Engine> {
        self.engine_told(ports, |_| {})
    }

    /// An engine with settings of its own.
    pub(crate) fn engine_told(&self, ports: Ports, tell: impl Fn(&mut Settings)) -> Arc<Engine> {
        let number = self.engines.fetch_add(1, Ordering::Relaxed);
        let owner = LeaseOwner::new(format!("engine-{number}"));
        let mut settings = Settings {
            // A fault ends a run here, unless a test has more patience.
            patience: Duration::ZERO,
            ..Settings::new(Policy::standard(), 2)
        };
        tell(&mut settings);
        Arc::new(Engine::new(ports, settings, owner))
    }

    /// Looks at a folder.
    pub(crate) async fn index(&self, folder: &Path) -> IndexReport {
        self.engine()
            .index(&[folder.to_path_buf()], &Default::default(), &Deaf)
            .await
            .unwrap()
    }

    /// Plans whatever changed, without looking at folders.
    pub(crate) async fn plan(&self) -> u64 {
        self.engine()
            .index(&[], &Default::default(), &Deaf)
            .await
            .unwrap()
            .enqueued
    }

    pub(crate) async fn run(&self) -> RunReport {
        run(&self.engine()).await
    }

    pub(crate) async fn rows(&self) -> Vec<SidecarRecord> {
        self.rows.page(None, None, usize::MAX).await.unwrap()
    }

    /// Rows in a state.
    pub(crate) async fn count(&self, status: Status) -> usize {
        self.rows()
            .await
            .iter()
            .filter(|row| row.status == status)
            .count()
    }

    /// Fails unless every ready row has the file it vouches for.
    pub(crate) async fn assert_true(&self) {
        for row in self.rows().await {
            if row.status == Status::Ready {
                let bytes = self.files.bytes(&row.key, &row.format);
                let bytes = bytes.unwrap_or_else(|| panic!("{} is ready without a file", row.key));
                assert_eq!(Some(Digest::of(&bytes)), row.digest, "{}", row.key);
            }
        }
    }

    pub(crate) fn contents(&self) -> Arc<dyn ContentCatalog> {
        Arc::clone(&self.catalog) as _
    }

    pub(crate) fn now(&self) -> vss_core::Timestamp {
        self.clock.now()
    }
}

/// Runs alone on the store.
pub(crate) async fn run(engine: &Arc<Engine>) -> RunReport {
    engine
        .run(&RunOptions {
            sole_owner: true,
            ..RunOptions::default()
        })
        .await
        .unwrap()
}

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        panic!("{problem:?}");
    }
}
