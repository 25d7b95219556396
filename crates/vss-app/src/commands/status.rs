//! `vss status`: how much there is.

use vss_core::Kind;

use super::daemon::daemon_of;
use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::{self, StatusCounts, StatusDocument, TroubleEntry};
use crate::wiring::App;

pub(super) async fn status(global: &Global) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let report = app.engine.status().await?;
    let counts = report
        .sidecars
        .rows
        .iter()
        .map(|(kind, rows)| (kind.clone(), StatusCounts::of(rows)));
    let document = StatusDocument {
        library_id: app.library.file.id.to_string(),
        device: app.device.to_string(),
        contents: report.catalog.contents,
        originals: report.catalog.originals,
        sidecars: counts.collect(),
        bytes: report.sidecars.bytes,
        daemon: daemon_of(&app.library).await?,
        paused: held(&app).await?,
        trouble: trouble(&app).await?,
    };
    if global.json {
        output::json(&document);
        return Ok(Exit::Done);
    }
    output::line(&format!(
        "{} ({})",
        app.library.root.display(),
        document.library_id
    ));
    output::line(&format!(
        "{} contents in {} originals",
        document.contents, document.originals
    ));
    if let Some(daemon) = &document.daemon {
        output::line(&format!(
            "daemon {}: {} jobs under way, {} sidecars made in {} s",
            daemon.pid,
            daemon.active.len(),
            daemon.ready,
            daemon.uptime
        ));
    }
    if let Some(what) = document.daemon.as_ref().and_then(|d| d.busy_with.as_ref()) {
        output::line(&format!("  it is busy with something else: {what}"));
    }
    for kind in &document.paused {
        output::line(&format!(
            "{kind} is held; `vss queue resume {kind}` lets it go on"
        ));
    }
    if let Some(trouble) = &document.trouble {
        output::line(&format!("trouble: {}", trouble.error));
        if let Some(remedy) = &trouble.remedy {
            output::line(&format!("  what to do: {remedy}"));
        }
    }
    let heading = [
        "kind",
        "ready",
        "pending",
        "running",
        "failed",
        "set aside",
        "evicted",
        "size",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (kind, counts) in &document.sidecars {
        let bytes = document.bytes.get(kind).copied().unwrap_or_default();
        rows.push(vec![
            kind.to_string(),
            counts.ready.to_string(),
            counts.pending.to_string(),
            counts.running.to_string(),
            counts.failed.to_string(),
            counts.quarantined.to_string(),
            counts.evicted.to_string(),
            output::bytes(bytes),
        ]);
    }
    output::table(&rows);
    Ok(Exit::Done)
}

/// The kinds that are not made until somebody lets them go on.
async fn held(app: &App) -> Result<Vec<Kind>, Failure> {
    let held = app.engine.held().await?.into_iter();
    Ok(held.map(|(kind, _)| kind).collect())
}

/// What a daemon says once and then lives with.
async fn trouble(app: &App) -> Result<Option<TroubleEntry>, Failure> {
    let empty = app.engine.empty_vault().await?.map(Failure::from);
    Ok(empty.map(|failure| TroubleEntry {
        error: failure.to_string(),
        remedy: failure.remedy,
    }))
}
