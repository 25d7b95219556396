//! `vss index`: what is in folders, and what is missing.

use std::sync::Mutex;
use std::time::Instant;

use vss_ports::{RefreshObserver, RefreshOptions, RefreshProblem};

use crate::cli::{Global, IndexArgs};
use crate::control;
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output::{self, IndexDocument, IndexProblem};
use crate::progress::Progress;
use crate::target::absolute;
use crate::wiring::{App, Effort};

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
    let started = Instant::now();
    let app = App::open_for(global.library.as_deref(), Work::Index, Effort::default()).await?;
    let roots = args
        .paths
        .iter()
        .map(|path| absolute(path))
        .collect::<Result<Vec<_>, _>>()?;
    let options = RefreshOptions {
        hidden: args.hidden || app.config.hidden,
        excluded: vec![app.library.root.clone()],
    };
    let watcher = Watcher::start();
    let indexed = app.engine.index(&roots, &options, &watcher).await;
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
        output::json(&document);
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
