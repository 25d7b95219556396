//! `vss index`: what is in folders, and what is missing.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;
use vss_engine::RevisitReport;
use vss_ports::{RefreshObserver, RefreshOptions, RefreshProblem};

use crate::cli::{Global, IndexArgs};
use crate::control;
use crate::failure::{Exit, Failure};
use crate::library::{Lock, Work};
use crate::output::{self, IndexDocument, IndexProblem};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::target::absolute;
use crate::watching::{self, Telling};
use crate::wiring::{self, App};

/// Problems kept in memory; more are counted, and logged as warnings.
const PROBLEMS_KEPT: usize = 10_000;

/// Shows how it goes on and keeps what went wrong.
pub(super) struct Watcher {
    progress: Progress,
    problems: Mutex<Vec<RefreshProblem>>,
}

impl Watcher {
    pub(super) fn start() -> Self {
        Self {
            progress: Progress::start("indexing", None),
            problems: Mutex::default(),
        }
    }

    pub(super) fn finish(self) -> Vec<RefreshProblem> {
        self.progress.finish();
        self.problems.into_inner().unwrap_or_default()
    }
}

impl RefreshObserver for Watcher {
    fn progress(&self, files: u64, hashed: u64) {
        self.progress.set(files, &format!("{hashed} hashed"));
    }

    fn problem(&self, problem: RefreshProblem) {
        let path = problem.path.display().to_string();
        tracing::info!(
            path,
            class = problem.class,
            detail = problem.detail,
            "not indexed"
        );
        if let Ok(mut problems) = self.problems.lock()
            && problems.len() < PROBLEMS_KEPT
        {
            problems.push(problem);
        }
    }
}

pub(super) async fn index(global: &Global, args: &IndexArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    app.finish_moves().await;
    let roots = args
        .paths
        .iter()
        .map(|path| absolute(path))
        .collect::<Result<Vec<_>, _>>()?;
    let options = watching::options(&app, args.hidden);
    if !args.watch {
        let alone = app.library.lock(Work::Index)?;
        return look(global, &app, (&roots, alone), &options, output::json).await;
    }
    let mut signals = Signals::listen();
    // What was looked at by then stays known, so that it may end anywhere.
    tokio::select! {
        failure = watch(global, &app, &roots, &options) => Err(failure),
        () = signals.next() => Ok(Exit::Done),
    }
}

/// Looks at the folders, and again at what changes in them, until it is dropped or cannot go on.
async fn watch(global: &Global, app: &App, roots: &[PathBuf], options: &RefreshOptions) -> Failure {
    // Before the first look, so that nothing falls in between.
    let watcher = wiring::watcher(&app.config);
    let watch = match watching::begin(app, &watcher, roots, options).await {
        Ok(watch) => watch,
        Err(failure) => return failure,
    };
    let alone = match app.library.lock(Work::Index) {
        Ok(alone) => alone,
        Err(_) => {
            note(global, "waiting for another vss that is indexing");
            watching::lock(app).await
        }
    };
    let looked = look(global, app, (roots, alone), options, output::json_line);
    if let Err(failure) = looked.await {
        return failure;
    }
    let config = &app.config.watch;
    for line in watching::describe(&watch.coverage(), config.poll_every(), config.sweep_every()) {
        note(global, &line);
    }
    note(global, "Ctrl-C ends it");
    let telling = Printing { global, app };
    watching::keep_up(app, watch, options, &telling).await
}

/// Says something about what goes on: where a program reads the output, on the other channel.
fn note(global: &Global, line: &str) {
    match global.json {
        true => tracing::warn!("{line}"),
        false => output::line(line),
    }
}

/// Prints a line for each time that something was looked at.
struct Printing<'a> {
    global: &'a Global,
    app: &'a App,
}

impl RefreshObserver for Printing<'_> {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        let RefreshProblem {
            path,
            class,
            detail,
        } = problem;
        note(
            self.global,
            &format!("{} ({class}): {detail}", path.display()),
        );
    }
}

impl Telling for Printing<'_> {
    fn looked(&self, report: &RevisitReport) {
        let found = &report.found;
        if found.hashed + found.moved + found.vanished + report.enqueued == 0 {
            return;
        }
        if report.enqueued > 0 {
            let library = self.app.library.clone();
            tokio::spawn(async move { control::wake(&library).await });
        }
        if self.global.json {
            return output::json_line(&WatchedDocument {
                hashed: found.hashed,
                moved: found.moved,
                vanished: found.vanished,
                enqueued: report.enqueued,
            });
        }
        output::line(&format!(
            "{} hashed, {} moved, {} gone; {} sidecars queued",
            found.hashed, found.moved, found.vanished, report.enqueued
        ));
    }

    fn news(&self, line: &str) {
        note(self.global, line);
    }
}

/// What was looked at because it changed.
#[derive(Serialize)]
struct WatchedDocument {
    hashed: u64,
    moved: u64,
    vanished: u64,
    enqueued: u64,
}

/// Looks at the folders once.
async fn look(
    global: &Global,
    app: &App,
    (roots, _alone): (&[PathBuf], Lock),
    options: &RefreshOptions,
    json: impl Fn(&IndexDocument),
) -> Result<Exit, Failure> {
    let started = Instant::now();
    let options = RefreshOptions {
        still_for: Duration::ZERO,
        ..options.clone()
    };
    let watcher = Watcher::start();
    let indexed = app.engine.index(roots, &options, &watcher).await;
    let problems = watcher.finish();
    let report = indexed?;
    let told = report.enqueued > 0 && control::wake(&app.library).await;
    let found = report.found;
    let document = IndexDocument {
        files: found.files,
        contents: found.new_contents,
        hashed: found.hashed,
        unchanged: found.unchanged,
        moved: found.moved,
        vanished: found.vanished,
        ignored: found.ignored,
        enqueued: report.enqueued,
        references: report.references.changed,
        references_lost: report.references.lost,
        references_ended: report.references.ended,
        errors: problems.into_iter().map(entry).collect(),
        seconds: started.elapsed().as_secs_f64(),
    };
    if global.json {
        json(&document);
        return Ok(Exit::Done);
    }
    output::line(&format!(
        "{} files: {} hashed, {} unchanged, {} moved, {} gone, {} ignored; {} new contents",
        document.files,
        document.hashed,
        document.unchanged,
        document.moved,
        document.vanished,
        document.ignored,
        document.contents
    ));
    for problem in &document.errors {
        output::line(&format!(
            "  {} ({}): {}",
            problem.path, problem.class, problem.detail
        ));
    }
    if found.problems > document.errors.len() as u64 {
        output::line(&format!(
            "  and {} more",
            found.problems - document.errors.len() as u64
        ));
    }
    for (count, what) in [
        (
            document.references,
            "belong to others as sidecars; see: vss ls FILE",
        ),
        (document.references_lost, "that served as sidecars are gone"),
        (
            document.references_ended,
            "do not serve as sidecars any more",
        ),
    ] {
        if count > 0 {
            output::line(&format!("{count} files {what}"));
        }
    }
    match document.enqueued {
        0 => output::line("nothing new to make"),
        queued if told => output::line(&format!("{queued} sidecars queued; the daemon makes them")),
        queued => output::line(&format!("{queued} sidecars queued; next: vss run")),
    }
    Ok(Exit::Done)
}

fn entry(problem: RefreshProblem) -> IndexProblem {
    let path = problem.path.to_string_lossy().into_owned();
    IndexProblem {
        path,
        class: problem.class,
        detail: problem.detail,
    }
}
