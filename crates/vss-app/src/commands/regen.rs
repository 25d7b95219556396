//! `vss regen` and `vss retry`: queue sidecars again.

use std::ffi::OsString;

use serde::Serialize;
use vss_core::ContentUuid;
use vss_engine::RegenScope;

use super::reconcile::reconciled;
use crate::cli::{Global, RegenArgs, RetryArgs};
use crate::control;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::target::contents_of;
use crate::wiring::App;

#[derive(Serialize)]
struct QueuedDocument {
    queued: u64,
}

pub(super) async fn regen(global: &Global, args: &RegenArgs) -> Result<Exit, Failure> {
    if args.missing || args.corrupt {
        let report = reconciled(global, args.corrupt, false).await?;
        say(global, report.missing + report.repaired + report.enqueued);
        return Ok(Exit::Done);
    }
    let app = App::open(global.library.as_deref()).await?;
    let scope = match (args.failed, args.stale) {
        (true, _) => RegenScope::Failed,
        (_, true) => RegenScope::Stale,
        _ => RegenScope::All,
    };
    let contents = chosen(&app, &args.targets).await?;
    let queued = app.engine.regen(scope, contents, args.kind.clone()).await?;
    control::wake(&app.library).await;
    say(global, queued);
    Ok(Exit::Done)
}

pub(super) async fn retry(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let contents = chosen(&app, &args.targets).await?;
    let kind = args.kind.clone();
    let queued = app.engine.retry(contents, kind, args.class).await?;
    control::wake(&app.library).await;
    say(global, queued);
    Ok(Exit::Done)
}

/// The contents that were named, or all.
pub(super) async fn chosen(
    app: &App,
    targets: &[OsString],
) -> Result<Option<Vec<ContentUuid>>, Failure> {
    if targets.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        contents_of(targets, &*app.engine.ports().catalog).await?,
    ))
}

fn say(global: &Global, queued: u64) {
    if global.json {
        output::json(&QueuedDocument { queued });
        return;
    }
    match queued {
        0 => output::line("nothing to queue"),
        queued => output::line(&format!("{queued} sidecars queued; next: vss run")),
    }
}
