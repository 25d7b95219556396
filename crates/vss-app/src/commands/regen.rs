//! `vss regen` and `vss retry`: queue sidecars again.

use std::ffi::OsString;

use serde::Serialize;
use vss_core::ContentUuid;
use vss_engine::{ReconcileOptions, RegenScope};

use crate::cli::{Global, RegenArgs, RetryArgs};
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output;
use crate::target::contents_of;
use crate::wiring::App;

#[derive(Serialize)]
struct QueuedDocument {
    queued: u64,
}

pub(super) async fn regen(global: &Global, args: &RegenArgs) -> Result<Exit, Failure> {
    if args.missing || args.corrupt {
        let app = App::open_for(global.library.as_deref(), Work::Vault, None).await?;
        let options = ReconcileOptions {
            verify_all: args.corrupt,
            dry_run: false,
        };
        let report = app.engine.reconcile(options).await?;
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
    say(
        global,
        app.engine.regen(scope, contents, args.kind.clone()).await?,
    );
    Ok(Exit::Done)
}

pub(super) async fn retry(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let contents = chosen(&app, &args.targets).await?;
    say(
        global,
        app.engine
            .retry(contents, args.kind.clone(), args.class)
            .await?,
    );
    Ok(Exit::Done)
}

/// The contents that were named, or all.
async fn chosen(app: &App, targets: &[OsString]) -> Result<Option<Vec<ContentUuid>>, Failure> {
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
