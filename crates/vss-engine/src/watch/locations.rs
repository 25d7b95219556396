//! Watching folders of originals: what changed there is indexed, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vss_ports::{
    Change, Clock, Coverage, PortError, PortErrorKind, PortResult, RefreshObserver, RefreshOptions,
    RefreshProblem, RefreshReport, Revisit, Watch, WatchRequest, Watcher,
};

use super::debounce::{Debouncer, Settling};
use crate::index::IndexError;
use crate::{Engine, ReferenceReport};

/// Folders that are watched.
pub struct LocationWatch {
    watch: Box<dyn Watch>,
    clock: Arc<dyn Clock>,
    waiting: Debouncer<PathBuf>,
    roots: Vec<PathBuf>,
    lost: BTreeSet<PathBuf>,
    poll_every: Duration,
}

/// What is to be looked at now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LocationBatch {
    /// The roots that are there.
    pub roots: Vec<PathBuf>,
    /// Files and folders, none of them below another one.
    pub places: Vec<PathBuf>,
    /// Roots that went or came, or below which something was missed: for whoever wants to say so.
    pub news: Vec<Change>,
}

/// What looking at them led to.
#[derive(Debug, Default)]
pub struct RevisitReport {
    /// What was found.
    pub found: RefreshReport,
    /// Rows that are pending because of it.
    pub enqueued: u64,
    /// What became of references.
    pub references: ReferenceReport,
    /// Files that did not stand still yet.
    pub later: Vec<PathBuf>,
    /// Roots that could not be looked at, and why; what is known of them is kept.
    pub refused: Vec<(PathBuf, PortError)>,
}

impl LocationWatch {
    /// Waits until something stands still. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When nothing is watched any more.
    pub async fn next(&mut self) -> PortResult<LocationBatch> {
        let mut news = Vec::new();
        loop {
            let now = self.clock.now();
            let places = self.waiting.take(now);
            if !places.is_empty() || !news.is_empty() {
                let there = self.roots.iter().filter(|root| !self.lost.contains(*root));
                return Ok(LocationBatch {
                    roots: there.cloned().collect(),
                    places: outermost(places),
                    news,
                });
            }
            let changes = match self.waiting.wake_at() {
                None => self.watch.next().await?,
                Some(at) => tokio::select! {
                    changes = self.watch.next() => changes?,
                    () = self.clock.sleep(at.since(now)) => continue,
                },
            };
            self.note(changes, &mut news);
        }
    }

    /// Files that are to be looked at again when they stand still.
    pub fn put_back(&mut self, places: impl IntoIterator<Item = PathBuf>) {
        let now = self.clock.now();
        for place in places {
            self.waiting.note(place, now, Duration::ZERO);
        }
    }

    /// How the folders are watched now.
    pub fn coverage(&self) -> Vec<Coverage> {
        self.watch.coverage()
    }

    fn note(&mut self, changes: Vec<Change>, news: &mut Vec<Change>) {
        let now = self.clock.now();
        let coverage = self.watch.coverage();
        let polled = coverage.iter().filter(|root| root.polled.is_some());
        let polled: Vec<&Path> = polled.map(|root| root.root.as_path()).collect();
        for change in changes {
            let path = match &change {
                Change::Changed(path) => path.clone(),
                Change::Lost(root) => {
                    self.lost.insert(root.clone());
                    news.push(change);
                    continue;
                }
                Change::Found(root) => {
                    self.lost.remove(root);
                    let root = root.clone();
                    news.push(change);
                    root
                }
                Change::Missed(root) => {
                    let root = root.clone();
                    news.push(change);
                    root
                }
            };
            // Between two looks at it, a file that grows looks like one that stands still.
            let is_polled = polled.iter().any(|root| path.starts_with(root));
            let longer = if is_polled {
                self.poll_every
            } else {
                Duration::ZERO
            };
            self.waiting.note(path, now, longer);
        }
    }
}

impl Engine {
    /// Begins to watch folders of originals. `poll_every` is how often the watcher looks where it
    /// is told nothing. What is there already is not looked at: index it after this.
    ///
    /// # Errors
    /// When the watcher cannot watch.
    pub async fn watch_locations(
        &self,
        watcher: &dyn Watcher,
        request: &WatchRequest,
        settling: Settling,
        poll_every: Duration,
    ) -> PortResult<LocationWatch> {
        Ok(LocationWatch {
            watch: watcher.watch(request).await?,
            clock: Arc::clone(&self.ports.clock),
            waiting: Debouncer::new(settling),
            roots: request.roots.clone(),
            lost: BTreeSet::new(),
            poll_every,
        })
    }

    /// Looks at what changed and queues what is missing, as [`index`](Self::index) of the roots
    /// would. A root that is not there keeps the others from nothing.
    ///
    /// # Errors
    /// [`IndexError`]; what was found until then stays found.
    pub async fn revisit(
        &self,
        batch: &LocationBatch,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
    ) -> Result<RevisitReport, IndexError> {
        let mut report = RevisitReport::default();
        let later = Later {
            observer,
            paths: Mutex::default(),
        };
        let whole = self.revisit_at(&batch.roots, batch, options, &later).await;
        match whole {
            Ok(found) => report.found = found,
            Err(error) if error.kind == PortErrorKind::Rejected => {
                for root in &batch.roots {
                    let one = std::slice::from_ref(root);
                    match self.revisit_at(one, batch, options, &later).await {
                        Ok(found) => add(&mut report.found, &found),
                        Err(error) if error.kind == PortErrorKind::Rejected => {
                            report.refused.push((root.clone(), error));
                        }
                        Err(error) => return Err(IndexError::Refresh(error)),
                    }
                }
            }
            Err(error) => return Err(IndexError::Refresh(error)),
        }
        let whole = batch.places.iter().any(|place| batch.roots.contains(place));
        let planned = self.plan_found(&report.found, whole).await;
        report.enqueued = planned.map_err(IndexError::Plan)?;
        let referred = self.refer_found(&report.found, whole).await;
        report.references = referred.map_err(IndexError::Refer)?;
        report.later = later
            .paths
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(report)
    }

    async fn revisit_at(
        &self,
        roots: &[PathBuf],
        batch: &LocationBatch,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
    ) -> PortResult<RefreshReport> {
        let revisit = Revisit {
            roots: roots.to_vec(),
            places: batch.places.clone(),
        };
        let now = self.ports.clock.now();
        let catalog = &self.ports.catalog;
        catalog.revisit(&revisit, options, observer, now).await
    }
}

/// Keeps what does not stand still for later, and hands on the rest.
struct Later<'a> {
    observer: &'a dyn RefreshObserver,
    paths: Mutex<Vec<PathBuf>>,
}

impl RefreshObserver for Later<'_> {
    fn progress(&self, files: u64, hashed: u64) {
        self.observer.progress(files, hashed);
    }

    fn problem(&self, problem: RefreshProblem) {
        match problem.class {
            "changing" => self
                .paths
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(problem.path),
            _ => self.observer.problem(problem),
        }
    }
}

/// Those of the sorted paths that lie below none of the others.
fn outermost(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::with_capacity(paths.len());
    for path in paths {
        // Whatever lies below a path comes right after it.
        if kept.last().is_none_or(|last| !path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept
}

fn add(total: &mut RefreshReport, found: &RefreshReport) {
    total.files += found.files;
    total.hashed += found.hashed;
    total.unchanged += found.unchanged;
    total.moved += found.moved;
    total.ignored += found.ignored;
    total.vanished += found.vanished;
    total.new_contents += found.new_contents;
    total.problems += found.problems;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_another_place_is_one_with_it() {
        let mut paths: Vec<PathBuf> = ["/a/b", "/a", "/a-b", "/a/b/c", "/b/c", "/b/cd", "/b/c/d"]
            .map(PathBuf::from)
            .into();
        paths.sort();
        let kept = ["/a", "/a-b", "/b/c", "/b/cd"].map(PathBuf::from);
        assert_eq!(outermost(paths), kept);
    }
}
