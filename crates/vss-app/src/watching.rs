//! Keeping up with folders of originals, and with the vault, for as long as a command lives.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vss_engine::{LocationBatch, LocationWatch, RevisitReport, VaultWatch};
use vss_ports::{Change, Coverage, RefreshObserver, RefreshOptions, WatchRequest, Watcher};

use crate::failure::{Exit, Failure};
use crate::lasting::Lasting;
use crate::library::{Lock, Work};
use crate::wiring::App;

/// How often it is looked whether another `vss index` has ended.
const LOCK_EVERY: Duration = Duration::from_millis(250);
/// How long what could not be looked at rests.
const REST: Duration = Duration::from_secs(5);

/// How long what could not be mended in the vault rests, when all else could.
const REST_STUCK: Duration = Duration::from_secs(600);

/// Hears what a watch does.
pub(crate) trait Telling: RefreshObserver {
    /// Changes were looked at.
    fn looked(&self, report: &RevisitReport);

    /// Something that a person may want to know.
    fn news(&self, line: &str);
}

/// What a watch of folders looks at, and how.
pub(crate) fn options(app: &App, hidden: bool) -> RefreshOptions {
    RefreshOptions {
        hidden: hidden || app.config.hidden,
        excluded: vec![app.library.root.clone()],
        still_for: app.config.watch.settle(),
    }
}

/// Begins to watch folders, which may be on disks that are not mounted yet.
pub(crate) async fn begin(
    app: &App,
    watcher: &dyn Watcher,
    folders: &[PathBuf],
    options: &RefreshOptions,
) -> Result<LocationWatch, Failure> {
    // Without links, where that can be told, as changes are.
    let resolved = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let request = WatchRequest {
        roots: folders.iter().map(resolved).collect(),
        hidden: options.hidden,
        excluded: options.excluded.clone(),
    };
    if let Some(file) = request.roots.iter().find(|root| root.is_file()) {
        let message = format!("{} is a file: folders are watched", file.display());
        return Err(Failure::new(Exit::Usage, message).remedy("name the folder that it is in"));
    }
    let config = &app.config.watch;
    let engine = &app.engine;
    let watch = engine.watch_locations(watcher, &request, config.settling(), config.poll_every());
    Ok(watch.await?)
}

/// Looks at what changes in folders, until it is dropped or nothing is watched any more. Somebody
/// else's `vss index` goes first.
pub(crate) async fn keep_up(
    app: &App,
    mut watch: LocationWatch,
    options: &RefreshOptions,
    telling: &dyn Telling,
) -> Failure {
    // What is tried again and again is said when it begins, and when it ends.
    let mut trouble: Option<String> = None;
    loop {
        let batch = match watch.next().await {
            Ok(batch) => batch,
            Err(error) => return error.into(),
        };
        for change in &batch.news {
            telling.news(&said(change));
        }
        if batch.places.is_empty() {
            continue;
        }
        let _alone = lock(app).await;
        tracing::debug!(places = batch.places.len(), "looking at what changed");
        match app.engine.revisit(&batch, options, telling).await {
            Ok(report) => {
                if let Some(words) = trouble.take() {
                    telling.news(&format!("over: {words}"));
                }
                watch.put_back(report.later.iter().cloned());
                for (root, error) in &report.refused {
                    telling.news(&format!("{} is left as it was: {error}", root.display()));
                }
                telling.looked(&report);
            }
            Err(error) => {
                let words = Failure::from(error).to_string();
                if trouble.as_ref() != Some(&words) {
                    telling.news(&format!("{words}; tried again"));
                    trouble = Some(words);
                }
                rest(&mut watch, batch).await;
            }
        }
    }
}

async fn rest(watch: &mut LocationWatch, batch: LocationBatch) {
    tokio::time::sleep(REST).await;
    watch.put_back(batch.places);
}

/// Waits until nobody else indexes. A lock that cannot be taken for another reason is tried again
/// as well: its disk may come back.
pub(crate) async fn lock(app: &App) -> Lock {
    loop {
        if let Ok(lock) = app.library.lock(Work::Index) {
            return lock;
        }
        tokio::time::sleep(LOCK_EVERY).await;
    }
}

/// Makes files and rows agree whenever somebody touches the vault, until it is dropped. A library
/// whose queue others share is not looked after: their files may be between place and row.
pub(crate) async fn keep_whole(app: Arc<App>, watcher: &dyn Watcher) {
    if !app.is_sole_owner() {
        tracing::info!("the vault is not watched: others share its queue");
        return;
    }
    let config = &app.config.watch;
    let root = app.library.sidecars_root();
    let root = root.canonicalize().unwrap_or(root);
    let (settling, every) = (config.vault_settling(), config.poll_every());
    let began = app.engine.watch_vault(watcher, root, settling, every);
    let mut watch = match began.await {
        Ok(watch) => watch,
        Err(error) => {
            let failure = Failure::from(error);
            return tracing::error!(%failure, "the vault is not watched");
        }
    };
    let coverage = watch.coverage().unwrap_or_default();
    tracing::info!(
        folders = coverage.watched,
        swept = coverage.swept,
        "watching the vault"
    );
    let mut trouble = Lasting::new("the vault could not be looked after");
    while let Err(failure) = tend(&app, &mut watch, &mut trouble).await {
        match failure {
            Some(failure) => return tracing::error!(%failure, "the vault is watched no longer"),
            None => tokio::time::sleep(REST).await,
        }
    }
}

/// Looks after the vault until something fails; `Some` when it fails for good.
async fn tend(
    app: &App,
    watch: &mut VaultWatch,
    trouble: &mut Lasting,
) -> Result<(), Option<Failure>> {
    loop {
        let batch = match watch.next().await {
            Ok(batch) => batch,
            Err(error) => return Err(Some(error.into())),
        };
        for change in &batch.news {
            tracing::warn!("{}", said(change));
        }
        match app.engine.tend(&batch).await {
            Ok(report) => {
                trouble.is_over();
                let done = &report.done;
                let (missing, adopted) = (done.missing, done.adopted);
                let (repaired, removed) = (done.repaired, done.removed_rows);
                if missing + adopted + repaired + removed > 0 {
                    tracing::info!(missing, adopted, repaired, removed, "the vault was touched");
                }
                if done.stuck > 0 {
                    for left in &done.unknown {
                        let (name, reason) = (&left.name, &left.reason);
                        tracing::warn!(name, reason, "left alone");
                    }
                    watch.put_back(batch, REST_STUCK);
                }
            }
            Err(error) => {
                trouble.goes_on(&error.into());
                watch.put_back(batch, Duration::ZERO);
                return Err(None);
            }
        }
    }
}

/// How folders are watched, in a line each.
pub(crate) fn describe(
    coverage: &[Coverage],
    poll_every: Duration,
    sweep_every: Duration,
) -> Vec<String> {
    let one = |coverage: &Coverage| {
        let Coverage {
            root,
            watched,
            swept,
            ..
        } = coverage;
        let place = root.display();
        if !coverage.is_there {
            return format!("waiting for {place}: it is not there");
        }
        let mut line = format!("watching {place}: {watched} folders");
        if let Some(why) = &coverage.polled {
            let every = poll_every.as_secs();
            line.push_str(&format!(", all looked at every {every} s ({why})"));
        } else if *swept > 0 {
            let every = sweep_every.as_secs();
            line.push_str(&format!(
                ", {swept} more looked at every {every} s (`vss doctor` says how to watch more)"
            ));
        }
        line
    };
    coverage.iter().map(one).collect()
}

fn said(change: &Change) -> String {
    let place = |path: &Path| path.display().to_string();
    match change {
        Change::Changed(path) => format!("{} changed", place(path)),
        Change::Missed(root) => format!(
            "more happened in {} than could be followed: all of it is looked at",
            place(root)
        ),
        Change::Lost(root) => format!("{} is not there: what is known of it is kept", place(root)),
        Change::Found(root) => format!("{} is there: all of it is looked at", place(root)),
    }
}
