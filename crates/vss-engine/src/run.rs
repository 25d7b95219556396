//! Run: do what is due until nothing is, several jobs side by side.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use vss_ports::{CancelToken, Claim, ClaimOrder, ClaimRequest, PortError, PortResult, Recovery};

use crate::Engine;
use crate::commit::Committer;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Stops claiming when it is cancelled; what is under way is finished and committed.
    pub stop: CancelToken,
    /// Whether the caller knows that no other engine lives on this store, so that every other
    /// owner's lease is a dead one's.
    pub sole_owner: bool,
}

/// What a run did, counted in sidecars.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunReport {
    /// Made and recorded.
    pub ready: u64,
    /// Failed for good.
    pub failed: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Failed and to be tried again later.
    pub retried: u64,
    /// Finished too late: somebody else had taken over.
    pub fenced: u64,
    /// Bytes of what was made.
    pub bytes: u64,
    /// Why it stopped before everything due was done.
    pub halted: Option<String>,
}

/// Why a run ended early. Rows it held are given back as far as the store still answers; a later
/// run takes the others once their leases are over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Work could not be claimed or given back.
    #[error("the queue could not be read")]
    Queue(#[source] PortError),
    /// Finished work could not be recorded.
    #[error("finished sidecars could not be recorded")]
    Commit(#[source] PortError),
}

impl Engine {
    /// Does what is due and returns when nothing is, or when it is told to stop.
    ///
    /// # Errors
    /// [`RunError`] when the store fails. A sidecar that fails is no error: it is in the report.
    pub async fn run(self: &Arc<Self>, options: &RunOptions) -> Result<RunReport, RunError> {
        let recovery = match options.sole_owner {
            true => Recovery::AllBut(self.owner.clone()),
            false => Recovery::Expired,
        };
        let recovered = self.release(&recovery).await.map_err(RunError::Queue)?;
        if recovered > 0 {
            tracing::info!(recovered, "took back work whose owner is gone");
        }
        let renewal = AbortOnDrop(tokio::spawn(Arc::clone(self).renew_leases()));
        let (finished, inbox) = mpsc::channel(2 * self.settings.workers);
        let committer = Committer::new(Arc::clone(self), options.stop.clone());
        let halted = committer.halt_reason();
        let commits = tokio::spawn(committer.run(inbox));

        let mut jobs = JoinSet::new();
        let mut claimed = VecDeque::new();
        let drained = loop {
            if options.stop.is_cancelled() || halted.lock().await.is_some() || commits.is_finished()
            {
                break Ok(());
            }
            if claimed.is_empty() {
                match self.claim().await {
                    Ok(more) => claimed.extend(more),
                    Err(error) => break Err(RunError::Queue(error)),
                }
            }
            let Some(claim) = claimed.pop_front() else {
                // Nothing is due; a job that ends may still change that.
                if jobs.join_next().await.is_none() {
                    break Ok(());
                }
                continue;
            };
            if jobs.len() >= self.settings.workers {
                jobs.join_next().await;
            }
            let (engine, finished) = (Arc::clone(self), finished.clone());
            jobs.spawn(async move {
                let made = engine.make(claim).await;
                // The committer only goes away when the store failed, which ends the run.
                let _ = finished.send(made).await;
            });
        };
        while jobs.join_next().await.is_some() {}
        drop(finished);
        let report = match commits.await {
            Ok(report) => report.map_err(RunError::Commit),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        drop(renewal);
        // What was claimed and not begun, or not committed, is free at once.
        let released = self.release(&Recovery::Owner(self.owner.clone())).await;
        let mut report = report?;
        drained?;
        released.map_err(RunError::Queue)?;
        if report.halted.is_none() && options.stop.is_cancelled() {
            report.halted = Some("stopped on request".into());
        }
        tracing::info!(ready = report.ready, failed = report.failed, "ran");
        Ok(report)
    }

    async fn release(&self, which: &Recovery) -> PortResult<u64> {
        self.ports
            .queue
            .release(which, self.ports.clock.now())
            .await
    }

    /// A few jobs a worker, so that claiming costs little beside working and a stop gives back
    /// little.
    async fn claim(&self) -> PortResult<Vec<Claim>> {
        let now = self.ports.clock.now();
        let request = ClaimRequest {
            owner: self.owner.clone(),
            now,
            lease_until: now.plus(self.settings.lease),
            limit: 4 * self.settings.workers,
            generators: self
                .descriptors
                .iter()
                .map(|d| d.generator.id.clone())
                .collect(),
            except: Vec::new(),
            order: ClaimOrder::Urgent,
        };
        self.ports.queue.claim(&request).await
    }

    async fn renew_leases(self: Arc<Self>) {
        loop {
            self.ports.clock.sleep(self.settings.renew_every).await;
            let until = self.ports.clock.now().plus(self.settings.lease);
            if let Err(error) = self.ports.queue.renew(&self.owner, until).await {
                // Two misses fit into a lease; if it is lost, the fence keeps the rows true.
                tracing::warn!(%error, "leases could not be renewed");
            }
        }
    }
}

/// Ends a background task with the run it belongs to, also when the run itself is dropped.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
