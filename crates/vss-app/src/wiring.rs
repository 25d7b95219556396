//! Dependency injection: the one place that names concrete adapters.

use std::path::Path;
use std::sync::Arc;

use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::DeviceUuid;
use vss_core::plan::GeneratorDescriptor;
use vss_engine::{Engine, Settings};
use vss_gen_image::ImageGenerator;
use vss_ports::{Entropy, Generator, LeaseOwner, PortError, PortErrorKind, Ports};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};
use vss_system::{BroadcastSink, OsEntropy, SystemClock};
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::config::{Config, Durability};
use crate::device;
use crate::failure::{Exit, Failure};
use crate::library::{Library, Lock, Work};

/// Events kept for the progress display while it is busy drawing.
const EVENTS_KEPT: usize = 4_096;

/// A library with everything wired to it.
pub(crate) struct App {
    pub(crate) library: Library,
    pub(crate) config: Config,
    pub(crate) engine: Arc<Engine>,
    pub(crate) events: BroadcastSink,
    pub(crate) device: DeviceUuid,
    /// Held as long as the app lives, by commands that must be alone.
    _lock: Option<Lock>,
}

impl App {
    /// Opens the library that was named, for work that any number of processes may do at once.
    pub(crate) async fn open(place: Option<&Path>) -> Result<Self, Failure> {
        Self::wire(Library::open(place)?, None, None).await
    }

    /// Opens the library for work that only one process may do.
    pub(crate) async fn open_for(
        place: Option<&Path>,
        work: Work,
        workers: Option<u16>,
    ) -> Result<Self, Failure> {
        let library = Library::open(place)?;
        let lock = library.lock(work)?;
        Self::wire(library, Some((lock, work)), workers).await
    }

    async fn wire(
        library: Library,
        lock: Option<(Lock, Work)>,
        workers: Option<u16>,
    ) -> Result<Self, Failure> {
        let mut config = Config::load(&library.root)?;
        if let Some(workers) = workers {
            config.workers = workers;
        }
        // Only whoever works in the vault alone may sweep what others left half-done.
        let alone = lock.as_ref().is_some_and(|(_, work)| *work == Work::Vault);
        let folder = library.sidecars_root();
        let vault = FsVault::open(&folder, vault_options(&config, alone))
            .map_err(|error| unopened(error, &folder, "restore the folder from a backup"))?;
        let rows = library.sidecars_db();
        let remake = "move it away and run `vss reconcile`: every row is made again from the files";
        let store = SeaOrmStore::open(&rows, &store_options(&config))
            .await
            .map_err(|error| unopened(error, &rows, remake))?;
        let store = Arc::new(store);
        let originals = library.catalog_db();
        let remake = "move it away and `vss index` your folders again: no sidecar is made again";
        let catalog = SeaOrmCatalog::open(&originals, CatalogSettings::default())
            .await
            .map_err(|error| unopened(error, &originals, remake))?;
        let events = BroadcastSink::new(EVENTS_KEPT);
        let entropy = OsEntropy;
        let device = device::this_device(&entropy)?;
        let ports = Ports {
            store: Arc::clone(&store) as _,
            queue: Arc::clone(&store) as _,
            control: store,
            vault: Arc::new(vault),
            catalog: Arc::new(catalog),
            generators: generators(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(entropy),
            events: Arc::new(events.clone()),
        };
        let settings = Settings::new(config.policy(), config.workers());
        let engine = Arc::new(Engine::new(ports, settings, lease_owner(&entropy)));
        Ok(Self {
            library,
            config,
            engine,
            events,
            device,
            _lock: lock.map(|(lock, _)| lock),
        })
    }
}

/// The engines of this program.
pub(crate) fn generators() -> Vec<Arc<dyn Generator>> {
    vec![Arc::new(ImageGenerator::new())]
}

/// What they can do, for commands that need no library.
pub(crate) fn descriptors() -> Vec<GeneratorDescriptor> {
    generators()
        .iter()
        .map(|generator| generator.descriptor().clone())
        .collect()
}

/// Boot, process and a nonce: no other engine ever has the same.
fn lease_owner(entropy: &dyn Entropy) -> LeaseOwner {
    // Without a boot id (not Linux) the nonce alone must do.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let nonce = entropy.next_u64();
    LeaseOwner::new(format!(
        "{}/{}/{nonce:016x}",
        boot.trim(),
        std::process::id()
    ))
}

fn vault_options(config: &Config, sweep: bool) -> FsVaultOptions {
    let durability = match config.durability {
        Durability::Strict => vss_vault_fs::Durability::Strict,
        Durability::Group => vss_vault_fs::Durability::Group,
        Durability::Fast => vss_vault_fs::Durability::Fast,
    };
    FsVaultOptions {
        durability,
        sweep,
        ..FsVaultOptions::default()
    }
}

fn store_options(config: &Config) -> StoreOptions {
    let durability = match config.durability {
        Durability::Strict | Durability::Group => vss_store_seaorm::Durability::Strict,
        Durability::Fast => vss_store_seaorm::Durability::Fast,
    };
    StoreOptions {
        durability,
        ..StoreOptions::default()
    }
}

/// A part of the library that does not open, with what to do about that part.
fn unopened(error: PortError, part: &Path, if_damaged: &str) -> Failure {
    let exit = match error.kind {
        PortErrorKind::Rejected => Exit::Library,
        _ => Exit::Failure,
    };
    let damaged = error.kind == PortErrorKind::Corrupt;
    let message = format!("{} cannot be opened: {error}", part.display());
    let failure = Failure::new(exit, message).because(error.source);
    if damaged {
        failure.remedy(if_damaged)
    } else {
        failure
    }
}
