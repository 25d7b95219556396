//! Run: hand out due work, several jobs side by side, until nothing is due or until told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use vss_core::BACKOFF_CEILING_MS;
use vss_ports::{CancelToken, PortError, PortResult, Recovery};

use crate::Engine;
use crate::commit::Committer;
use crate::dispatch::Dispatcher;
use crate::outage::PAUSE;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Stops claiming when it is cancelled; what is under way is finished and committed. Follow
    /// it with [`Engine::wake`], or an idle engine notices only when it next looks for work.
    pub stop: CancelToken,
    /// Whether the caller knows that no other engine lives on this store, so that every other
    /// owner's lease is a dead one's.
    pub sole_owner: bool,
    /// When to return.
    pub until: Until,
}

/// When a run is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Until {
    /// When nothing is due.
    #[default]
    Drained,
    /// When it is told to stop.
    Stopped,
}

/// What a run did, counted in sidecars.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunReport {
    /// Made and recorded.
    pub ready: u64,
    /// Failed for good.
    pub failed: u64,
    /// How many of those that failed had nothing in them to make this of, as a song without a cover.
    pub unsupported: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Failed and to be tried again later.
    pub retried: u64,
    /// Finished too late: somebody else had taken over, or it was cancelled.
    pub fenced: u64,
    /// Bytes of what was made.
    pub bytes: u64,
    /// Processor time of the generators, as far as they measure themselves.
    pub cpu: Duration,
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

impl RunError {
    /// Whether the same may go well a while later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(error) | Self::Commit(error) => error.is_retryable(),
        }
    }
}

/// Twice the longest back-off: no lease and no wait that a right clock gives is longer.
const LONGEST_WAIT: Duration = Duration::from_millis(2 * BACKOFF_CEILING_MS);

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
        let now = self.ports.clock.now();
        let ahead = Recovery::Ahead(now.plus(LONGEST_WAIT));
        let hastened = self.release_first(&ahead, options).await?;
        if hastened > 0 {
            tracing::warn!(
                hastened,
                "the clock was ahead once: work was put off too far"
            );
        }
        let recovered = self.release_first(&recovery, options).await?;
        if recovered > 0 {
            tracing::info!(recovered, "took back work whose owner is gone");
        }
        tracing::debug!(owner = %self.owner, "begins to claim");
        let renewal = AbortOnDrop(tokio::spawn(Arc::clone(self).keep_leases()));
        let end = Arc::new(Notify::new());
        let mut room = AbortOnDrop(tokio::spawn({
            let (engine, end) = (Arc::clone(self), Arc::clone(&end));
            async move { engine.keep_room(&end).await }
        }));
        let (finished, inbox) = mpsc::channel(2 * self.settings.workers);
        let committer = Committer::new(Arc::clone(self), options);
        let halted = committer.halt_reason();
        let commits = tokio::spawn(committer.run(inbox));

        let mut dispatcher = Dispatcher::new(Arc::clone(self), options, finished);
        let drained = loop {
            if options.stop.is_cancelled() || halted.lock().await.is_some() || commits.is_finished()
            {
                break Ok(());
            }
            match dispatcher.step().await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(RunError::Queue(error)),
            }
        };
        dispatcher.finish().await;
        let report = match commits.await {
            Ok(report) => report.map_err(RunError::Commit),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        drop(renewal);
        // What was just made may be too much.
        end.notify_one();
        let _ended = (&mut room.0).await;
        // What was claimed and not begun, called off or not committed is free at once.
        let released = self.release(&Recovery::Owner(self.owner.clone())).await;
        let mut report = report?;
        drained?;
        released.map_err(RunError::Queue)?;
        report.halted = report.halted.or_else(|| self.why_early(options));
        tracing::info!(ready = report.ready, failed = report.failed, "ran");
        Ok(report)
    }

    /// Why there may be work left.
    fn why_early(&self, options: &RunOptions) -> Option<String> {
        if options.stop.is_cancelled() {
            return Some("stopped on request".into());
        }
        let open = self.shared.breakers.open();
        let broken: Vec<_> = open.iter().map(ToString::to_string).collect();
        (!broken.is_empty()).then(|| {
            let who = broken.join(", ");
            format!("the generator {who} died again and again and makes nothing for a while")
        })
    }

    /// Before anything is claimed: a store that is away is waited for, as later on.
    async fn release_first(&self, which: &Recovery, options: &RunOptions) -> Result<u64, RunError> {
        let mut outage = self.outage(options.until);
        loop {
            let error = match self.release(which).await {
                Ok(released) => {
                    outage.over();
                    return Ok(released);
                }
                Err(error) => error,
            };
            let now = self.ports.clock.now();
            if options.stop.is_cancelled() || !outage.bears(&error, now) {
                return Err(RunError::Queue(error));
            }
            self.ports.clock.sleep(PAUSE).await;
        }
    }

    /// Takes back what is claimed by engines that are gone, as a run does when it begins. For
    /// whoever knows that no other engine lives on this store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_back(&self) -> PortResult<u64> {
        self.release(&Recovery::AllBut(self.owner.clone())).await
    }

    async fn release(&self, which: &Recovery) -> PortResult<u64> {
        let now = self.ports.clock.now();
        self.ports.queue.release(which, now).await
    }

    /// Prolongs this engine's leases, and takes back those of engines that died meanwhile.
    async fn keep_leases(self: Arc<Self>) {
        let mut is_away = false;
        loop {
            self.ports.clock.sleep(self.settings.renew_every).await;
            // One time for both, or a jump of the clock in between would take this engine's own.
            let now = self.ports.clock.now();
            let until = now.plus(self.settings.lease);
            if let Err(error) = self.ports.queue.renew(&self.owner, until).await {
                // Two misses fit into a lease; if it is lost, the fence keeps the rows true.
                if !is_away {
                    let error = error.in_full();
                    tracing::warn!(error, "leases could not be renewed");
                }
                is_away = true;
                continue;
            }
            is_away = false;
            match self.ports.queue.release(&Recovery::Expired, now).await {
                Ok(0) => {}
                Ok(recovered) => {
                    tracing::info!(recovered, "took back work whose lease ran out");
                    self.wake();
                }
                Err(error) => {
                    let error = error.in_full();
                    tracing::warn!(error, "lost leases could not be looked for");
                }
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
