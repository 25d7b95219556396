//! What a person does to the queue of a library: look at it, hold kinds, call work off.

use vss_core::{Kind, Timestamp};
use vss_ports::{PortError, PortResult, QueueDepth, Selection, SidecarRecord};

use crate::{ActiveJob, Engine};

/// Why the queue could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
#[error("the queue could not be read or changed")]
pub struct QueueError(#[from] PortError);

/// The queue at a glance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueOverview {
    /// How much work there is, by kind and priority.
    pub depths: Vec<QueueDepth>,
    /// The kinds that are held, and since when.
    pub paused: Vec<(Kind, Timestamp)>,
    /// The jobs under way in this engine.
    pub active: Vec<ActiveJob>,
}

impl Engine {
    /// How much work there is, what is held, and what is under way here.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn queue(&self) -> Result<QueueOverview, QueueError> {
        let control = &self.ports.control;
        Ok(QueueOverview {
            depths: control.depths(self.ports.clock.now()).await?,
            paused: control.paused().await?,
            active: self.shared.active.list(),
        })
    }

    /// The jobs under way in this engine, which nothing is read for.
    pub fn active(&self) -> Vec<ActiveJob> {
        self.shared.active.list()
    }

    /// The kinds that are held, and since when.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn held(&self) -> Result<Vec<(Kind, Timestamp)>, QueueError> {
        Ok(self.ports.control.paused().await?)
    }

    /// The selected rows, ordered by key, at most so many.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn queued(
        &self,
        selection: &Selection,
        limit: usize,
    ) -> Result<Vec<SidecarRecord>, QueueError> {
        Ok(self.ports.control.list(selection, None, limit).await?)
    }

    /// Makes nothing of these kinds until they are resumed; how many were not held before. What is
    /// under way goes on.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn pause(&self, kinds: &[Kind]) -> Result<u64, QueueError> {
        let now = self.ports.clock.now();
        Ok(self.ports.control.pause(kinds, now).await?)
    }

    /// Lets kinds go on; how many were held.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn resume(&self, kinds: &[Kind]) -> Result<u64, QueueError> {
        let resumed = self.ports.control.resume(kinds).await?;
        self.wake();
        Ok(resumed)
    }

    /// Gives up selected rows that are to be made or are being made, and ends this engine's jobs
    /// that work for nothing then; how many rows.
    ///
    /// # Errors
    /// [`QueueError`] when the store fails.
    pub async fn cancel(&self, selection: &Selection) -> Result<u64, QueueError> {
        let now = self.ports.clock.now();
        let cancelled = self.ports.control.cancel(selection, now).await?;
        if cancelled > 0 {
            self.end_void_jobs().await?;
        }
        Ok(cancelled)
    }

    /// Ends the jobs none of whose rows is running any more.
    async fn end_void_jobs(&self) -> PortResult<()> {
        for job in self.shared.active.list() {
            let rows = self.ports.store.of_content(job.content).await?;
            let wanted = |row: &SidecarRecord| {
                row.status == vss_core::Status::Running && job.outputs.contains(&row.key)
            };
            if !rows.iter().any(wanted) {
                self.shared.active.cancel(|other| *other == job);
            }
        }
        Ok(())
    }

    /// Ends every job under way; their rows are given back when the run ends.
    pub fn abandon_jobs(&self) -> u64 {
        self.shared.active.cancel(|_| true)
    }
}
