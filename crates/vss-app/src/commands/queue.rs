//! `vss queue`: look at the queue, hold it, or change it.

use serde::Serialize;
use vss_core::{Kind, Status};
use vss_ports::{Selection, SidecarRecord};

use super::daemon::daemon_of;
use super::regen::{chosen, retry};
use crate::cli::{CancelArgs, Global, KindsArgs, QueueAct};
use crate::control::{self, Answer, ChosenRows, Request};
use crate::failure::{Exit, Failure};
use crate::output::{self, DepthEntry, PausedEntry, QueueDocument, QueuedEntry};
use crate::wiring::App;

#[derive(Serialize)]
struct ChangedDocument {
    /// Kinds that were held or let go.
    changed: u64,
}

#[derive(Serialize)]
struct CancelledDocument {
    cancelled: u64,
    dry_run: bool,
}

/// Rows counted at most by a dry run, a page at a time.
const COUNTED: usize = 1_000_000;

pub(super) async fn queue(global: &Global, act: &QueueAct) -> Result<Exit, Failure> {
    match act {
        QueueAct::Ls {
            kind,
            status,
            limit,
        } => ls(global, kind.clone(), status.clone(), *limit).await,
        QueueAct::Pause(args) => hold(global, args, true).await,
        QueueAct::Resume(args) => hold(global, args, false).await,
        QueueAct::Retry(args) => retry(global, args).await,
        QueueAct::Cancel(args) => cancel(global, args).await,
    }
}

async fn ls(
    global: &Global,
    kind: Option<Kind>,
    statuses: Vec<Status>,
    limit: usize,
) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let queue = app.engine.queue().await?;
    let of_kind = |one: &Kind| kind.as_ref().is_none_or(|kind| kind == one);
    let depths = queue.depths.into_iter().filter(|one| of_kind(&one.kind));
    let paused = queue.paused.into_iter().filter(|(one, _)| of_kind(one));
    let selection = Selection {
        statuses,
        kind: kind.clone(),
        ..Selection::default()
    };
    let rows = app.engine.queued(&selection, limit).await?;
    let document = QueueDocument {
        depths: depths
            .map(|depth| DepthEntry {
                kind: depth.kind,
                priority: depth.priority,
                due: depth.due,
                later: depth.later,
                running: depth.running,
            })
            .collect(),
        paused: paused
            .map(|(kind, since)| PausedEntry {
                kind,
                since: output::time(since),
            })
            .collect(),
        daemon: daemon_of(&app.library).await?,
        rows: rows.into_iter().map(entry).collect(),
    };
    match global.json {
        true => output::json(&document),
        false => say(&document),
    }
    Ok(Exit::Done)
}

fn entry(row: SidecarRecord) -> QueuedEntry {
    let (class, detail) = match row.failure {
        Some(note) => (Some(note.class.to_string()), Some(note.detail)),
        None => (None, None),
    };
    QueuedEntry {
        content: row.key.content.to_string(),
        kind: row.key.kind.to_string(),
        variant: row.key.variant.to_string(),
        status: row.status,
        priority: row.priority,
        attempts: row.attempt,
        next_attempt: row.not_before.and_then(output::time),
        class,
        detail,
    }
}

fn say(document: &QueueDocument) {
    match &document.daemon {
        Some(daemon) => output::line(&format!(
            "daemon {} works on {} jobs",
            daemon.pid,
            daemon.active.len()
        )),
        None => output::line("no daemon; `vss run` makes what is due"),
    }
    for held in &document.paused {
        let since = held.since.as_deref().unwrap_or("some time");
        output::line(&format!(
            "{} is held since {since}; next: vss queue resume {}",
            held.kind, held.kind
        ));
    }
    if document.depths.is_empty() {
        output::line("nothing is queued");
    } else {
        let heading = ["kind", "priority", "due", "later", "running"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(document.depths.iter().map(|depth| {
            vec![
                depth.kind.to_string(),
                depth.priority.to_string(),
                depth.due.to_string(),
                depth.later.to_string(),
                depth.running.to_string(),
            ]
        }));
        output::table(&rows);
    }
    if document.rows.is_empty() {
        return;
    }
    output::line("");
    let heading = ["content", "sidecar", "state", "attempts", "why"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(document.rows.iter().map(|row| {
        let why = match (&row.class, &row.detail) {
            (Some(class), Some(detail)) => format!("{class}: {detail}"),
            _ => String::new(),
        };
        vec![
            row.content.clone(),
            format!("{} {}", row.kind, row.variant),
            row.status.to_string(),
            row.attempts.to_string(),
            why,
        ]
    }));
    output::table(&rows);
}

async fn hold(global: &Global, args: &KindsArgs, pause: bool) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let kinds: Vec<Kind> = match args.all {
        true => app.engine.settings().policy.kinds.keys().cloned().collect(),
        false => args.kinds.clone(),
    };
    let known = |kind: &Kind| app.engine.settings().policy.kinds.contains_key(kind);
    if let Some(unknown) = kinds.iter().find(|kind| !known(kind)) {
        let message = format!("this library makes no {unknown}");
        return Err(Failure::new(Exit::Usage, message).remedy("`vss kinds` lists what it makes"));
    }
    let changed = match pause {
        true => app.engine.pause(&kinds).await?,
        false => app.engine.resume(&kinds).await?,
    };
    control::wake(&app.library).await;
    if global.json {
        output::json(&ChangedDocument { changed });
        return Ok(Exit::Done);
    }
    let names: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    output::line(&match (changed, pause) {
        (0, true) => format!("{names} was held already"),
        (0, false) => format!("{names} was not held"),
        (_, true) => format!("{names}: nothing new is begun until `vss queue resume`"),
        (_, false) => format!("{names}: goes on"),
    });
    Ok(Exit::Done)
}

async fn cancel(global: &Global, args: &CancelArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let selection = ChosenRows {
        statuses: vec![Status::Pending, Status::Running],
        contents: chosen(&app, &args.targets).await?,
        kind: args.kind.clone(),
        class: None,
    };
    let cancelled = match args.dry_run {
        true => app.engine.queued(&selection.into(), COUNTED).await?.len() as u64,
        false => cancelled(&app, selection).await?,
    };
    if global.json {
        output::json(&CancelledDocument {
            cancelled,
            dry_run: args.dry_run,
        });
        return Ok(Exit::Done);
    }
    output::line(&match (cancelled, args.dry_run) {
        (0, _) => "nothing of that is queued or under way".to_owned(),
        (count, true) => format!("{count} sidecars would be given up"),
        (count, false) => {
            format!("{count} sidecars given up; `vss retry --class cancelled` brings them back")
        }
    });
    Ok(Exit::Done)
}

/// By the daemon where there is one: it can also end the jobs.
async fn cancelled(app: &App, selection: ChosenRows) -> Result<u64, Failure> {
    let request = Request::Cancel {
        selection: selection.clone(),
    };
    match control::ask(&app.library, &request).await? {
        Some(Answer::Cancelled { count }) => Ok(count),
        Some(other) => {
            let what = format!("{other:?} is no answer to a cancel");
            Err(Failure::internal("understand the daemon", what))
        }
        None => Ok(app.engine.cancel(&selection.into()).await?),
    }
}
