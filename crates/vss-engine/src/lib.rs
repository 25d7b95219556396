//! The use cases of the Virtual Sidecar System, one file each, written against ports only.
//!
//! ```text
//! index:     catalog.refresh -> changes -> plan (pure) -> queue.enqueue
//! run:       queue.claim -> catalog.open -> generator -> vault.seal -> settle -> queue.commit[vault.publish] -> event
//! path:      vault.locate -> there? answer, no database : store.find -> repair, answer or enqueue
//! reconcile: vault.scan x store.page -> diff (pure) -> adopt, invalidate, quarantine -> plan
//! watch:     watch.next -> until it stands still -> index or reconcile exactly that
//! ```

mod active;
mod admission;
mod breaker;
mod canary;
mod commit;
mod dispatch;
mod examine;
mod explain;
mod hosting;
mod index;
mod job;
mod known;
mod ls;
mod outage;
mod path;
mod plan;
mod presence;
mod pulse;
mod queue;
mod reconcile;
mod regen;
mod run;
mod settings;
mod source_digest;
mod status;
mod tempo;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, RwLock};
use vss_core::GeneratorId;
use vss_core::plan::GeneratorDescriptor;
use vss_ports::{Claim, LeaseOwner, Ports};

use crate::active::ActiveJobs;
use crate::admission::{MemoryBudget, VolumeLanes};
use crate::breaker::Breakers;
use crate::known::KnownFiles;

pub use active::ActiveJob;
pub use explain::{ExplainError, ExplainedSidecar, Explanation, Problem, Verdict};
pub use index::{IndexError, IndexReport};
pub use path::{PathAnswer, PathError};
pub use plan::{PlannedJob, PlannedKind, PlannedWork};
pub use presence::{PresenceAnswer, PresenceError};
pub use queue::{QueueError, QueueOverview};
pub use reconcile::{ReconcileError, ReconcileOptions, ReconcileReport, Stranger};
pub use regen::{RegenError, RegenScope};
pub use run::{RunError, RunOptions, RunReport, Until};
pub use settings::Settings;
pub use status::StatusReport;
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
    /// Called when there may be work.
    wake: Notify,
    /// Held shared while files are published and their rows recorded, and alone by whoever
    /// compares the two.
    commits: RwLock<()>,
    /// Files that are what their rows say.
    known: KnownFiles,
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
            wake: Notify::new(),
            commits: RwLock::new(()),
            known: KnownFiles::default(),
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
