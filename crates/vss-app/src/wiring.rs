//! Dependency injection: the one place that names concrete adapters.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vss_core::DeviceUuid;
use vss_core::plan::{GeneratorDescriptor, Policy, Preset, Recipe};
use vss_engine::Engine;
use vss_ports::{Entropy, Generator, LeaseOwner, Ports};
use vss_sandbox::{SandboxLevel, SandboxedGenerator, WorkerSettings};
use vss_system::{BroadcastSink, OsEntropy, SystemClock};
use vss_vault_fs::{FsVault, FsVaultOptions};
use vss_watch_notify::NotifyWatcher;

use crate::config::{Config, Durability};
use crate::failure::Failure;
use crate::library::{Library, Lock, Work};
use crate::{databases, device};

/// Events kept for the progress display while it is busy drawing.
const EVENTS_KEPT: usize = 4_096;

/// How hard to work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Jobs side by side, when that is not as configured.
    pub(crate) workers: Option<u16>,
    /// Whether workers give way to everything else on the machine.
    pub(crate) background: bool,
}

impl Effort {
    /// So many jobs side by side, nobody gives way.
    pub(crate) fn of(workers: Option<u16>) -> Self {
        Self {
            workers,
            background: false,
        }
    }
}

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
        Self::wire(Library::open(place)?, None, false, Effort::default()).await
    }

    /// Opens the library for work that only one process may do.
    pub(crate) async fn open_for(
        place: Option<&Path>,
        work: Work,
        effort: Effort,
    ) -> Result<Self, Failure> {
        let library = Library::open(place)?;
        let shared = Config::load(&library.root)?.database.is_some();
        let lock = match (work, shared) {
            // Several may work on one server's queue; whoever compares must still be alone.
            (Work::Vault, true) => library.share(work)?,
            _ => library.lock(work)?,
        };
        // Only whoever works in the vault alone may sweep what others left half-done.
        let alone = work == Work::Vault && !shared;
        let app = Self::wire(library, Some(lock), alone, effort).await?;
        app.finish_moves().await;
        Ok(app)
    }

    /// Opens the library for work during which nobody else may work in it, on whatever database.
    /// Who only looks sweeps nothing.
    pub(crate) async fn open_alone(place: Option<&Path>, looks: bool) -> Result<Self, Failure> {
        let library = Library::open(place)?;
        let lock = library.lock(Work::Vault)?;
        let app = Self::wire(library, Some(lock), !looks, Effort::default()).await?;
        if !looks {
            app.finish_moves().await;
        }
        Ok(app)
    }

    /// Goes on with moves that an earlier process began, unless another one is at it.
    pub(crate) async fn finish_moves(&self) {
        // Whoever opened the library to move something goes on with them anyway.
        let Ok(_lock) = self.library.lock(Work::Move) else {
            return;
        };
        match self.engine.finish_moves(self.is_sole_owner()).await {
            Ok(report) => {
                for left in report.refused.iter().filter(|left| left.unfinished) {
                    let (sidecar, detail) = (left.key.to_string(), &left.detail);
                    tracing::error!(sidecar, detail, "a move cannot be finished yet");
                }
            }
            Err(error) => tracing::error!(%error, "interrupted moves could not be looked at"),
        }
    }

    /// Whether nobody else can be making sidecars of this library: the lock says so, unless the
    /// queue is on a server.
    pub(crate) fn is_sole_owner(&self) -> bool {
        self.config.database.is_none()
    }

    async fn wire(
        library: Library,
        lock: Option<Lock>,
        alone: bool,
        effort: Effort,
    ) -> Result<Self, Failure> {
        let mut config = Config::load(&library.root)?;
        if let Some(workers) = effort.workers {
            config.workers = workers;
        }
        let folder = library.sidecars_root();
        // Whoever moves originals has a draft in the staging folder, under a lock of their own.
        let sweeping = alone.then(|| library.lock(Work::Move).ok()).flatten();
        let vault = FsVault::open(&folder, vault_options(&config, sweeping.is_some()))
            .map_err(|error| databases::unopened(error, &folder))?;
        drop(sweeping);
        let store = databases::open_rows(&library, &config).await?;
        let store = Arc::new(store);
        let vault = Arc::new(vault);
        let catalog = databases::open_catalog(&library).await?;
        let events = BroadcastSink::new(EVENTS_KEPT);
        let entropy = OsEntropy;
        let device = device::this_device(&entropy)?;
        let ports = Ports {
            store: Arc::clone(&store) as _,
            queue: Arc::clone(&store) as _,
            references: Arc::clone(&store) as _,
            conversions: Arc::clone(&store) as _,
            control: store,
            mover: Arc::clone(&vault) as _,
            vault,
            catalog: Arc::new(catalog),
            generators: generators(&config, effort)?,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(entropy),
            events: Arc::new(events.clone()),
        };
        let engine = Engine::new(ports, config.settings(), lease_owner(&entropy));
        let engine = Arc::new(engine);
        Ok(Self {
            library,
            config,
            engine,
            events,
            device,
            _lock: lock,
        })
    }
}

/// Who hears of changed files.
pub(crate) fn watcher(config: &Config) -> NotifyWatcher {
    NotifyWatcher::new(config.watch.settings())
}

/// The engines of this program: each is a worker, and is started with its first job.
fn generators(config: &Config, effort: Effort) -> Result<Vec<Arc<dyn Generator>>, Failure> {
    let require = config.sandbox.require;
    let mut workers = vec![
        image_worker(require)?,
        av_worker(require)?,
        ocr_worker(require, &config.policy())?,
    ];
    // The first that fits is planned with: the one of camera files before the one that only reads
    // previews, but only where it is. Otherwise it is there for what was queued for it, which waits.
    let raw = raw_worker(require)?;
    let place = if raw.program.exists() {
        0
    } else {
        workers.len()
    };
    workers.insert(place, raw);
    let generator = |settings| -> Arc<dyn Generator> {
        Arc::new(SandboxedGenerator::new(WorkerSettings {
            background: effort.background,
            ..settings
        }))
    };
    Ok(workers.into_iter().map(generator).collect())
}

/// What they can do, for commands that need no library.
pub(crate) fn descriptors() -> Vec<GeneratorDescriptor> {
    vec![
        vss_gen_libraw::descriptor(),
        vss_gen_image::descriptor(),
        vss_gen_ffmpeg::descriptor(),
        vss_gen_tesseract::descriptor(),
    ]
}

/// The worker of stills.
pub(crate) fn image_worker(require: SandboxLevel) -> Result<WorkerSettings, Failure> {
    let program = worker_program("image")?;
    Ok(WorkerSettings {
        require,
        ..WorkerSettings::image(vss_gen_image::descriptor(), program)
    })
}

/// The worker of camera files, which is built where LibRaw is installed. Where it is not, the worker of
/// stills reads them as far as it can.
pub(crate) fn raw_worker(require: SandboxLevel) -> Result<WorkerSettings, Failure> {
    let program = worker_program("raw")?;
    Ok(WorkerSettings {
        require,
        ..WorkerSettings::raw(vss_gen_libraw::descriptor(), program)
    })
}

/// The worker of video and audio, which is built where FFmpeg is installed.
pub(crate) fn av_worker(require: SandboxLevel) -> Result<WorkerSettings, Failure> {
    let program = worker_program("av")?;
    Ok(WorkerSettings {
        require,
        ..WorkerSettings::av(vss_gen_ffmpeg::descriptor(), program)
    })
}

/// The worker of text, which is built where Tesseract is installed. It loads the languages that
/// this policy names when it starts.
pub(crate) fn ocr_worker(
    require: SandboxLevel,
    policy: &Policy,
) -> Result<WorkerSettings, Failure> {
    let program = worker_program("ocr")?;
    let mut settings = WorkerSettings {
        require,
        ..WorkerSettings::ocr(
            vss_gen_tesseract::descriptor(),
            program,
            language_sets(policy),
        )
    };
    // A worker has no environment but what it is told.
    if let Some(folder) = std::env::var_os("TESSDATA_PREFIX").filter(|folder| !folder.is_empty()) {
        let unknown = |error| Failure::internal("find the folder of TESSDATA_PREFIX", error);
        let folder = std::path::absolute(folder).map_err(unknown)?;
        let mut argument = OsString::from("--tessdata=");
        argument.push(folder);
        settings.arguments.insert(0, argument);
    }
    Ok(settings)
}

/// The languages of each variant of text, each set once.
pub(crate) fn language_sets(policy: &Policy) -> BTreeSet<Vec<String>> {
    let presets = policy.kinds.values().flat_map(BTreeMap::values);
    let languages = |preset: &Preset| match &preset.recipe {
        Recipe::Text(text) => Some(text.languages.clone()),
        _ => None,
    };
    presets.filter_map(languages).collect()
}

/// A worker's program: in the folder that `VSS_WORKER_DIR` names, else beside this one.
fn worker_program(family: &str) -> Result<PathBuf, Failure> {
    let unknown = |error| Failure::internal("find the folder of the workers", error);
    let folder = match std::env::var_os("VSS_WORKER_DIR") {
        Some(folder) => std::path::absolute(folder).map_err(unknown)?,
        None => {
            let own = std::env::current_exe().map_err(unknown)?;
            own.parent().unwrap_or(&own).to_owned()
        }
    };
    let name = format!("vss-worker-{family}{}", std::env::consts::EXE_SUFFIX);
    Ok(folder.join(name))
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
