//! Index: look at folders, note what changed, plan what follows from it.

use std::path::PathBuf;

use vss_ports::{PortError, PortResult, RefreshObserver, RefreshOptions, RefreshReport};

use crate::{Engine, ReferenceReport};

/// Why indexing stopped. Files that cannot be read do not stop it; the observer hears of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The folders could not be looked at.
    #[error("the folders could not be indexed")]
    Refresh(#[source] PortError),
    /// What was found could not be planned; indexing again goes on from here.
    #[error("the work could not be queued")]
    Plan(#[source] PortError),
    /// Which files belong together could not be found out; indexing again goes on from here.
    #[error("what belongs together could not be recorded")]
    Refer(#[source] PortError),
}

/// What an index did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexReport {
    /// What was found.
    pub found: RefreshReport,
    /// Rows that are pending because of it.
    pub enqueued: u64,
    /// What was found to belong together.
    pub references: ReferenceReport,
}

impl Engine {
    /// Looks at everything below `roots` and queues what is missing. Doing it again without a
    /// change hashes nothing and queues nothing.
    ///
    /// # Errors
    /// [`IndexError`]; what was found until then stays found.
    pub async fn index(
        &self,
        roots: &[PathBuf],
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
    ) -> Result<IndexReport, IndexError> {
        let now = self.ports.clock.now();
        let found = self
            .ports
            .catalog
            .refresh(roots, options, observer, now)
            .await
            .map_err(IndexError::Refresh)?;
        let enqueued = self
            .plan_found(&found, true)
            .await
            .map_err(IndexError::Plan)?;
        let references = self
            .refer_found(&found, true)
            .await
            .map_err(IndexError::Refer)?;
        tracing::info!(
            files = found.files,
            hashed = found.hashed,
            enqueued,
            "indexed"
        );
        Ok(IndexReport {
            found,
            enqueued,
            references,
        })
    }

    /// Looks for references where anything was found to have changed.
    pub(crate) async fn refer_found(
        &self,
        found: &RefreshReport,
        whole: bool,
    ) -> PortResult<ReferenceReport> {
        let anything = found.hashed + found.moved + found.vanished > 0;
        self.refer(anything, whole).await
    }

    /// Queues what follows from a look at some places, at `whole` roots or not; how many rows are
    /// pending because of it.
    pub(crate) async fn plan_found(&self, found: &RefreshReport, whole: bool) -> PortResult<u64> {
        let planned = self.plan_changes().await?;
        let mut enqueued = planned.inserted + planned.revived;
        // A file that was away for a while, unnoticed, is as it was when it is back.
        if whole || found.moved + found.hashed > 0 {
            enqueued += self.retry_returned().await?;
        }
        Ok(enqueued)
    }
}
