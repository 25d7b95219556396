//! Looks at everything below the roots: the walk runs on its own thread, what changed is read by a
//! few others, and each batch is written in one transaction, so that whatever ends a refresh
//! half-way leaves whole batches, which the next one finds unchanged.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use futures::{StreamExt, stream};
use sea_orm::DatabaseConnection;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinError;
use vss_core::{EntryId, Timestamp};
use vss_ports::{
    PortError, PortErrorKind, PortResult, RefreshObserver, RefreshOptions, RefreshProblem,
    RefreshReport,
};

use crate::database::{Database, failed};
use crate::location;
use crate::lookup::{self, Known};
use crate::original::{Found, Unread};
use crate::record::{self, Changes};
use crate::roots::Plan;
use crate::seen::Seen;
use crate::settle::{Outcome, settle};
use crate::sweep;
use crate::walk::{self, Batch, Unreadable};

/// Batches that wait between the walk and the look-up.
const WAITING: usize = 2;
/// Batches whose files are read while the one before is written.
const AHEAD: usize = 2;

/// A batch of which everything is found out.
struct Prepared {
    problems: Vec<RefreshProblem>,
    unread: Vec<PathBuf>,
    ignored: u64,
    files: u64,
    /// Known and as they were: the entry, and the device's new number where it has one.
    unchanged: Vec<(EntryId, Option<i64>)>,
    settled: Vec<(Found, Outcome)>,
}

/// One refresh while it goes on.
struct Refresh<'a> {
    db: &'a Database,
    readers: &'a Arc<Semaphore>,
    observer: &'a dyn RefreshObserver,
    report: RefreshReport,
    seen: Seen,
    unreadable: Unreadable,
}

/// What to look at.
pub(crate) struct Look<'a> {
    pub(crate) roots: &'a [PathBuf],
    /// Only these places in them.
    pub(crate) places: Option<&'a [PathBuf]>,
    pub(crate) options: &'a RefreshOptions,
    pub(crate) now: Timestamp,
}

impl Look<'_> {
    async fn plan(&self) -> PortResult<Plan> {
        let (roots, options, now) = (self.roots.to_vec(), self.options.clone(), self.now);
        let mut plan = blocking(move || Plan::resolve(&roots, &options, now)).await??;
        if let Some(places) = self.places {
            plan.narrow(places);
        }
        Ok(plan)
    }
}

pub(crate) async fn refresh(
    db: &Database,
    readers: &Arc<Semaphore>,
    look: Look<'_>,
    observer: &dyn RefreshObserver,
) -> PortResult<RefreshReport> {
    let plan = Arc::new(look.plan().await?);
    location::check(db, &plan.roots).await?;
    location::begin(db, look.now).await?;
    let mut refresh = Refresh {
        db,
        readers,
        observer,
        report: RefreshReport::default(),
        seen: Seen::default(),
        unreadable: Unreadable::default(),
    };
    refresh.walk(&plan).await?;
    let mut unmounted = BTreeSet::new();
    let mut met = sweep::Met {
        seen: &refresh.seen,
        unreadable: &refresh.unreadable,
        unmounted: &mut unmounted,
    };
    if let Some(places) = &plan.places {
        let places: Vec<_> = places.iter().map(|(place, _)| place.as_path()).collect();
        refresh.report.vanished += sweep::places(db, &places, &mut met)
            .await
            .map_err(|error| failed("forget what is gone", error))?;
    } else {
        for root in &plan.roots {
            let operation = || format!("forget what is gone below {}", root.path.display());
            refresh.report.vanished += sweep::root(db, root, &mut met)
                .await
                .map_err(|error| failed(operation(), error))?;
        }
        location::note(db, &plan.roots, look.now).await?;
    }
    for path in unmounted {
        refresh.problem(RefreshProblem {
            path,
            class: "unmounted",
            detail: location::BARE.into(),
        });
    }
    tracing::debug!(report = ?refresh.report, "refreshed");
    Ok(refresh.report)
}

impl Refresh<'_> {
    async fn walk(&mut self, plan: &Arc<Plan>) -> PortResult<()> {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let walked = Arc::clone(plan);
        let walk = tokio::task::spawn_blocking(move || walk::walk(&walked, &sender));
        let (db, readers) = (self.db.readers.clone(), Arc::clone(self.readers));
        let young = plan.young.clone();
        let batches = stream::poll_fn(move |context| receiver.poll_recv(context));
        // Each on a task of its own, which goes on while a batch is written. A future that only
        // goes on when it is asked for could be given the reader that the writing waits for.
        // When this is dropped, the walk has nobody to send to and ends.
        let mut prepared = std::pin::pin!(
            batches
                .map(|batch| {
                    let (readers, young) = (Arc::clone(&readers), young.clone());
                    tokio::spawn(prepare(db.clone(), readers, young, batch))
                })
                .buffered(AHEAD)
        );
        while let Some(batch) = prepared.next().await {
            self.take(batch.map_err(ended)??).await?;
        }
        walk.await.map_err(ended)
    }

    async fn take(&mut self, batch: Prepared) -> PortResult<()> {
        self.report.files += batch.files;
        self.report.ignored += batch.ignored;
        self.unreadable.extend(batch.unread);
        batch.problems.into_iter().for_each(|p| self.problem(p));
        let mut changes = Changes::default();
        for (entry, device) in batch.unchanged {
            self.seen.insert(entry);
            self.report.unchanged += 1;
            changes
                .renumbered
                .extend(device.map(|device| (entry, device)));
        }
        let mut contested = Vec::new();
        for (found, outcome) in batch.settled {
            match outcome {
                // Two new names of one inode: only one of them is the old file's.
                Outcome::Moved(entry) if !self.seen.insert(entry) => {
                    contested.push((found, Vec::new()));
                }
                Outcome::Moved(entry) => {
                    self.report.moved += 1;
                    changes.moved.push((entry, found));
                }
                outcome => self.settled(found, outcome, &mut changes),
            }
        }
        for (found, outcome) in settle(self.readers, contested).await? {
            self.settled(found, outcome, &mut changes);
        }
        let recorded = record::record(self.db, &changes)
            .await
            .map_err(|error| failed("record originals", error))?;
        for entry in recorded.entries {
            self.seen.insert(entry);
        }
        self.report.new_contents += recorded.new_contents;
        for entry in recorded.replaced {
            // A batch that was prepared before this was written may still take it for the old
            // place of a file, which would then have none: seen, it is contested there.
            self.seen.insert(entry);
            self.report.vanished += 1;
        }
        self.observer
            .progress(self.report.files, self.report.hashed);
        Ok(())
    }

    fn settled(&mut self, found: Found, outcome: Outcome, changes: &mut Changes) {
        match outcome {
            Outcome::Read(reading) => {
                self.report.hashed += 1;
                changes.read.push((found, reading));
            }
            Outcome::Failed(problem) => {
                // What is known of a file that is there is kept until it can be read.
                if !["vanished", "empty"].contains(&problem.class) {
                    self.unreadable.extend(vec![problem.path.clone()]);
                }
                self.problem(problem);
            }
            // Not without an old place.
            Outcome::Moved(_) => {}
        }
    }

    fn problem(&mut self, problem: RefreshProblem) {
        self.report.problems += 1;
        self.observer.problem(problem);
    }
}

/// A task that did not end by itself.
fn ended(error: JoinError) -> PortError {
    PortError::new(PortErrorKind::Unexpected, "look at the folders", error)
}

/// Finds out what is new about the files of a batch, and reads those that changed.
async fn prepare(
    db: DatabaseConnection,
    readers: Arc<Semaphore>,
    young: Option<RangeInclusive<i64>>,
    batch: Batch,
) -> PortResult<Prepared> {
    let look = |error| failed("look up originals", error);
    let mut prepared = Prepared {
        problems: batch.problems,
        unread: batch.unread,
        ignored: batch.ignored,
        files: u64::try_from(batch.files.len()).unwrap_or(u64::MAX),
        unchanged: Vec::new(),
        settled: Vec::new(),
    };
    let known = lookup::known(&db, &batch.files).await.map_err(look)?;
    let mut changed = Vec::new();
    for (found, known) in batch.files.into_iter().zip(known) {
        match known {
            Some(Known { entry, stat }) if stat.unchanged(&found.stat) => {
                let device = (stat.device != found.stat.device).then_some(found.stat.device);
                prepared.unchanged.push((entry, device));
            }
            _ if young
                .as_ref()
                .is_some_and(|young| young.contains(&found.stat.mtime_ns)) =>
            {
                // What is known of it is kept until it is read.
                prepared.unread.push(found.path());
                prepared
                    .problems
                    .push(Unread::Changing.problem(found.path()));
            }
            _ if found.stat.size == 0 => {
                prepared.problems.push(Unread::Empty.problem(found.path()));
            }
            _ => changed.push(found),
        }
    }
    if !changed.is_empty() {
        let places = lookup::old_places(&db, &changed).await.map_err(look)?;
        let work = changed.into_iter().zip(places).collect();
        prepared.settled = settle(&readers, work).await?;
    }
    Ok(prepared)
}

/// Runs what waits for the disk away from the runtime's own threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> PortResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| PortError::new(PortErrorKind::Unexpected, "wait for the disk", error))
}
