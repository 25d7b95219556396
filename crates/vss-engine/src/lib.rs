//! The use cases of the Virtual Sidecar System, one file each, written against ports only.
//!
//! ```text
//! index:     catalog.refresh -> changes -> plan (pure) -> queue.enqueue
//!            catalog.folders -> companions (pure) -> references.refer
//! run:       queue.claim -> catalog.open -> generator -> vault.seal -> settle -> queue.commit[vault.publish] -> event
//! convert:   conversions.begin -> mover.take -> conversions.finish
//! path:      vault.locate -> verified before? answer : store.find -> verify -> answer, repair or enqueue
//! reconcile: vault.scan x store.page -> diff (pure) -> adopt, invalidate, quarantine, amend -> plan
//! watch:     watch.next -> until it stands still -> index or reconcile exactly that
//! gc:        store.page x catalog.find -> vault.remove -> store.forget
//! evict:     store.page x catalog.find -> quotas (pure) -> store.evict -> vault.remove
//! scrub:     store.page -> hash -> judge (pure) -> vault.quarantine -> store.invalidate
//! ```

mod active;
mod admission;
mod breaker;
mod canary;
mod commit;
mod convert;
mod dispatch;
mod empty_vault;
mod evict;
mod examine;
mod explain;
mod extract;
mod gc;
mod holding;
mod hosting;
mod index;
mod job;
mod link;
mod ls;
mod new_rows;
mod outage;
mod pages;
mod path;
mod plan;
mod presence;
mod problems;
mod pulse;
mod queue;
mod reconcile;
mod referenced;
mod references;
mod regen;
mod returned;
mod run;
mod scrub;
mod settings;
mod source_digest;
mod status;
mod tempo;
mod usage;
mod verified;
mod verify;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::{Notify, RwLock};
use vss_core::GeneratorId;
use vss_core::plan::GeneratorDescriptor;
use vss_ports::{Claim, LeaseOwner, Ports};

use crate::active::ActiveJobs;
use crate::admission::{MemoryBudget, VolumeLanes};
use crate::breaker::Breakers;
use crate::verified::Verified;

pub use active::ActiveJob;
pub use convert::{ConvertError, ConvertRefusal, ConvertReport, ConvertScope, Converted};
pub use empty_vault::EmptyVault;
pub use evict::{EvictError, EvictOptions, EvictReport};
pub use explain::{ExplainError, ExplainedSidecar, Explanation, Verdict};
pub use gc::{Amount, GcError, GcOptions, GcReport};
pub use index::{IndexError, IndexReport};
pub use link::LinkError;
pub use path::{PathAnswer, PathError};
pub use plan::{PlannedJob, PlannedKind, PlannedWork};
pub use presence::{PresenceAnswer, PresenceError};
pub use problems::Problem;
pub use queue::{QueueError, QueueOverview};
pub use reconcile::{ReconcileError, ReconcileOptions, ReconcileReport, Stranger};
pub use references::ReferenceReport;
pub use regen::{RegenError, RegenScope};
pub use run::{RunError, RunOptions, RunReport, Until};
pub use scrub::{Finding, Repair, ScrubCycle, ScrubError, ScrubOptions, ScrubPace, ScrubReport};
pub use settings::Settings;
pub use status::StatusReport;
pub use usage::Usage;
pub use watch::{
    LocationBatch, LocationWatch, RevisitReport, Settling, TendReport, VaultBatch, VaultWatch,
};

/// The use cases, wired to ports. Cheap to clone a handle of: keep it in an `Arc`.
pub struct Engine {
    ports: Ports,
    settings: Settings,
    owner: LeaseOwner,
    descriptors: Vec<GeneratorDescriptor>,
    shared: Shared,
}

/// What the jobs of one engine share.
struct Shared {
    memory: Arc<MemoryBudget>,
    lanes: VolumeLanes,
    breakers: Breakers,
    /// The last work that each generator did well.
    canaries: Mutex<BTreeMap<GeneratorId, Claim>>,
    active: ActiveJobs,
    /// Files that were found whole.
    verified: Verified,
    /// Files that this engine published: remembered once the vault is watched, to tell the echo of
    /// our own work. They were not read back, so they are not among those found whole.
    published: OnceLock<Verified>,
    /// Called when there may be work.
    wake: Notify,
    /// Held shared while files are published and their rows recorded, and alone by whoever
    /// compares the two.
    commits: RwLock<()>,
    /// Whether the vault was empty and nobody knew whether it is new; set until it has a file.
    began_empty: AtomicBool,
}

impl Engine {
    /// An engine over ports. `owner` must be one that no engine had before, or a zombie's commits
    /// could pass for its own.
    pub fn new(ports: Ports, settings: Settings, owner: LeaseOwner) -> Self {
        let descriptors = ports
            .generators
            .iter()
            .map(|g| g.descriptor().clone())
            .collect();
        let shared = Shared {
            memory: MemoryBudget::new(settings.memory_budget),
            lanes: VolumeLanes::new(settings.volume_lanes),
            breakers: Breakers::default(),
            canaries: Mutex::default(),
            active: ActiveJobs::default(),
            verified: Verified::default(),
            published: OnceLock::new(),
            wake: Notify::new(),
            commits: RwLock::new(()),
            began_empty: AtomicBool::new(false),
        };
        Self {
            ports,
            settings,
            owner,
            descriptors,
            shared,
        }
    }

    /// Lets a run that waits for work look now.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// What it is wired to.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What its generators can do.
    pub fn generators(&self) -> &[GeneratorDescriptor] {
        &self.descriptors
    }
}
