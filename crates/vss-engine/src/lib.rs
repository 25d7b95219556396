//! The use cases of the Virtual Sidecar System, one file each, written against ports only.
//!
//! ```text
//! index:     catalog.refresh -> changes -> plan (pure) -> queue.enqueue
//! run:       queue.claim -> catalog.open -> generator -> vault.seal -> settle -> queue.commit[vault.publish] -> event
//! path:      vault.locate -> there? answer, no database : store.find -> repair, answer or enqueue
//! reconcile: vault.scan x store.page -> diff (pure) -> adopt, invalidate, quarantine -> plan
//! ```

mod commit;
mod examine;
mod explain;
mod index;
mod job;
mod ls;
mod path;
mod plan;
mod presence;
mod reconcile;
mod regen;
mod run;
mod settings;
mod source_digest;
mod status;

use vss_core::plan::GeneratorDescriptor;
use vss_ports::{LeaseOwner, Ports};

pub use explain::{ExplainError, ExplainedSidecar, Explanation, Problem, Verdict};
pub use index::{IndexError, IndexReport};
pub use path::{PathAnswer, PathError};
pub use plan::{PlannedKind, PlannedWork};
pub use presence::{PresenceAnswer, PresenceError};
pub use reconcile::{ReconcileError, ReconcileOptions, ReconcileReport, Stranger};
pub use regen::{RegenError, RegenScope};
pub use run::{RunError, RunOptions, RunReport};
pub use settings::Settings;
pub use status::StatusReport;

/// The use cases, wired to ports. Cheap to clone a handle of: keep it in an `Arc`.
pub struct Engine {
    ports: Ports,
    settings: Settings,
    owner: LeaseOwner,
    descriptors: Vec<GeneratorDescriptor>,
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
        Self {
            ports,
            settings,
            owner,
            descriptors,
        }
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
