//! Index: look at folders, note what changed, plan what follows from it.

use std::path::PathBuf;

use vss_core::{FailureClass, Priority, Status};
use vss_ports::{PortError, PortResult, RefreshObserver, RefreshOptions, RefreshReport, Selection};

use crate::{Engine, ReferenceReport};

/// Rows that are looked at in one step.
const BATCH: usize = 256;

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
        let enqueued = self.plan_found(&found).await.map_err(IndexError::Plan)?;
        let references = self.refer_found(&found).await.map_err(IndexError::Refer)?;
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
    pub(crate) async fn refer_found(&self, found: &RefreshReport) -> PortResult<ReferenceReport> {
        let anything = found.hashed + found.moved + found.vanished > 0;
        self.refer(anything).await
    }

    /// Queues what follows from what was found; how many rows are pending because of it.
    pub(crate) async fn plan_found(&self, found: &RefreshReport) -> PortResult<u64> {
        let planned = self.plan_changes().await?;
        let mut enqueued = planned.inserted + planned.revived;
        if found.moved + found.hashed > 0 {
            enqueued += self.retry_returned().await?;
        }
        Ok(enqueued)
    }

    /// Queues again what failed because no original was where it was known to be, and whose content
    /// has one after all: it had moved, or was touched, and nobody had looked yet. The catalog
    /// gives such a content no new number, so planning passes it over.
    async fn retry_returned(&self) -> PortResult<u64> {
        let missing = Selection {
            statuses: vec![Status::Failed],
            class: Some(FailureClass::MissingSource),
            ..Selection::default()
        };
        let (mut after, mut queued) = (None, 0);
        loop {
            let rows = self
                .ports
                .control
                .list(&missing, after.as_ref(), BATCH)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(queued);
            };
            after = Some(last.key.clone());
            let mut contents: Vec<_> = rows.iter().map(|row| row.key.content).collect();
            contents.dedup();
            let known = self.ports.catalog.find(&contents).await?;
            let back = known.iter().filter(|content| content.originals > 0);
            let back: Vec<_> = back.map(|content| content.content).collect();
            if !back.is_empty() {
                let selection = Selection {
                    contents: Some(back),
                    ..missing.clone()
                };
                let now = self.ports.clock.now();
                let control = &self.ports.control;
                queued += control.requeue(&selection, Priority::New, now).await?;
            }
        }
    }
}
