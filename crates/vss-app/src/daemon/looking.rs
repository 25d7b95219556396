//! A daemon's looks at the folders of originals: at first, whenever something changes, every so often.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vss_engine::{IndexError, RevisitReport};
use vss_ports::{PortErrorKind, RefreshObserver, RefreshOptions, RefreshProblem};

use super::REST;
use crate::lasting::Lasting;
use crate::library::Work;
use crate::watching::{self, Telling};
use crate::wiring::{self, App};

/// Looks at the folders now, whenever something changes in them, and every so often. Somebody
/// else's `vss index` goes first.
pub(super) async fn index(
    app: Arc<App>,
    folders: Vec<PathBuf>,
    every: Option<Duration>,
    watches: bool,
) {
    if folders.is_empty() {
        return;
    }
    let options = watching::options(&app, false);
    let telling = Logging(&app);
    let watcher = wiring::watcher(&app.config);
    // Before the first look, so that nothing falls in between.
    let watch = match watches {
        false => None,
        true => match watching::begin(&app, &watcher, &folders, &options).await {
            Ok(watch) => {
                let config = &app.config.watch;
                let (poll, sweep) = (config.poll_every(), config.sweep_every());
                for line in watching::describe(&watch.coverage(), poll, sweep) {
                    tracing::info!("{line}");
                }
                Some(watch)
            }
            Err(failure) => {
                tracing::error!(%failure, "the folders are not watched");
                None
            }
        },
    };
    let looking = look(&app, &folders, every);
    match watch {
        None => looking.await,
        Some(watch) => {
            let watching = async {
                let failure = watching::keep_up(&app, watch, &options, &telling).await;
                tracing::error!(%failure, "the folders are watched no longer");
            };
            tokio::join!(looking, watching);
        }
    }
}

/// Looks at the folders now and every so often.
async fn look(app: &App, folders: &[PathBuf], every: Option<Duration>) {
    let options = RefreshOptions {
        still_for: Duration::ZERO,
        ..watching::options(app, false)
    };
    let mut trouble = Lasting::new("the folders could not be indexed");
    let mut is_busy = false;
    loop {
        let mut every = every;
        // Also where once is enough: this was not once.
        let soon = Some(every.map_or(REST, |every| every.min(REST)));
        match app.library.lock(Work::Index) {
            Ok(_lock) => {
                is_busy = false;
                match look_once(app, folders, &options).await {
                    Ok(()) => trouble.is_over(),
                    Err(error) => {
                        trouble.goes_on(&error.into());
                        every = soon;
                    }
                }
            }
            Err(busy) => {
                if !is_busy {
                    tracing::info!(%busy, "indexing waits for whoever is at it");
                }
                is_busy = true;
                every = soon;
            }
        }
        match every {
            Some(every) => tokio::time::sleep(every).await,
            None => return,
        }
    }
}

/// Looks at all folders; where one of them is refused, at each by itself. One that is not there
/// keeps the others from nothing.
async fn look_once(
    app: &App,
    folders: &[PathBuf],
    options: &RefreshOptions,
) -> Result<(), IndexError> {
    let look = async |folders: &[PathBuf]| {
        let report = app.engine.index(folders, options, &Logging(app)).await?;
        let (files, enqueued) = (report.found.files, report.enqueued);
        tracing::info!(files, enqueued, "indexed");
        app.engine.wake();
        Ok::<_, IndexError>(())
    };
    let refused = match look(folders).await {
        Err(IndexError::Refresh(error)) if error.kind == PortErrorKind::Rejected => error,
        done => return done,
    };
    let mut last = IndexError::Refresh(refused);
    if folders.len() > 1 {
        for folder in folders {
            if let Err(error) = look(std::slice::from_ref(folder)).await {
                last = error;
            }
        }
    }
    Err(last)
}

/// Tells the log, and wakes whoever makes what was found.
struct Logging<'a>(&'a App);

impl RefreshObserver for Logging<'_> {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        let path = problem.path.display().to_string();
        let (class, detail) = (problem.class, problem.detail);
        tracing::warn!(path, class, detail, "not indexed");
    }
}

impl Telling for Logging<'_> {
    fn looked(&self, report: &RevisitReport) {
        let found = &report.found;
        let (hashed, moved, vanished) = (found.hashed, found.moved, found.vanished);
        if hashed + moved + vanished + report.enqueued > 0 {
            let enqueued = report.enqueued;
            tracing::info!(hashed, moved, vanished, enqueued, "indexed what changed");
        }
        if report.enqueued > 0 {
            self.0.engine.wake();
        }
    }

    fn news(&self, line: &str) {
        tracing::warn!("{line}");
    }
}
