//! Watching the vault: what becomes of sidecar files behind our back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vss_ports::{Change, Clock, Coverage, PortResult, Watch, WatchRequest, Watcher};

use super::debounce::{Debouncer, Settling};
use super::spot::Spot;
use crate::Engine;
use crate::reconcile::ReconcileReport;
use crate::verified::Verified;

/// A vault that is watched.
pub struct VaultWatch {
    watch: Box<dyn Watch>,
    clock: Arc<dyn Clock>,
    waiting: Debouncer<Spot>,
    root: PathBuf,
    is_lost: bool,
    poll_every: Duration,
}

/// What is to be compared now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VaultBatch {
    pub(super) spots: Vec<Spot>,
    /// Whether the vault went or came, or something in it was missed.
    pub news: Vec<Change>,
}

/// What comparing it led to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TendReport {
    /// As a reconcile of the same contents would say.
    pub done: ReconcileReport,
    /// Notices that were the echo of our own work.
    pub echoes: u64,
}

impl VaultWatch {
    /// Waits until something stands still. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When nothing is watched any more.
    pub async fn next(&mut self) -> PortResult<VaultBatch> {
        let mut news = Vec::new();
        loop {
            let now = self.clock.now();
            if !self.is_lost {
                let spots = self.waiting.take(now);
                if !spots.is_empty() {
                    return Ok(VaultBatch { spots, news });
                }
            }
            if !news.is_empty() {
                let spots = Vec::new();
                return Ok(VaultBatch { spots, news });
            }
            let changes = match self.waiting.wake_at().filter(|_| !self.is_lost) {
                None => self.watch.next().await?,
                Some(at) => tokio::select! {
                    changes = self.watch.next() => changes?,
                    () = self.clock.sleep(at.since(now)) => continue,
                },
            };
            self.note(changes, &mut news);
        }
    }

    /// A batch that could not be compared at all is taken once more, a while later.
    pub fn put_back(&mut self, batch: VaultBatch, later: Duration) {
        let now = self.clock.now();
        for spot in batch.spots {
            self.waiting.note(spot, now, later);
        }
    }

    /// How the vault is watched now.
    pub fn coverage(&self) -> Option<Coverage> {
        self.watch.coverage().into_iter().next()
    }

    fn note(&mut self, changes: Vec<Change>, news: &mut Vec<Change>) {
        let now = self.clock.now();
        let is_polled = self.coverage().is_some_and(|root| root.polled.is_some());
        // Between two looks at it, a file that grows looks like one that stands still.
        let longer = if is_polled {
            self.poll_every
        } else {
            Duration::ZERO
        };
        for change in changes {
            let spot = match &change {
                Change::Changed(path) => Spot::of(&self.root, path),
                Change::Lost(_) => {
                    self.is_lost = true;
                    None
                }
                Change::Found(_) => {
                    self.is_lost = false;
                    Some(Spot::ALL)
                }
                Change::Missed(_) => Some(Spot::ALL),
            };
            if let Some(spot) = spot {
                self.waiting.note(spot, now, longer);
            }
            if !matches!(change, Change::Changed(_)) {
                news.push(change);
            }
        }
    }
}

impl Engine {
    /// Begins to watch the folder of the vault, absolute and without links. What is there already
    /// is not compared: [`reconcile`](Self::reconcile) does that.
    ///
    /// # Errors
    /// When the watcher cannot watch.
    pub async fn watch_vault(
        &self,
        watcher: &dyn Watcher,
        root: PathBuf,
        settling: Settling,
        poll_every: Duration,
    ) -> PortResult<VaultWatch> {
        self.shared.published.get_or_init(Verified::default);
        let request = WatchRequest {
            roots: vec![root.clone()],
            ..WatchRequest::default()
        };
        Ok(VaultWatch {
            watch: watcher.watch(&request).await?,
            clock: Arc::clone(&self.ports.clock),
            waiting: Debouncer::new(settling),
            root,
            is_lost: false,
            poll_every,
        })
    }
}
