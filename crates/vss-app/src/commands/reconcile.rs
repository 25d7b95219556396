//! `vss reconcile`: make rows and files agree.

use std::time::Instant;

use vss_engine::ReconcileOptions;

use crate::cli::Global;
use crate::control::{self, Answer, Request};
use crate::failure::{Exit, Failure};
use crate::library::Library;
use crate::output::{self, ReconcileDocument};
use crate::wiring::App;

/// Strangers named to a person; JSON names all.
const NAMED: usize = 20;

pub(super) async fn reconcile(
    global: &Global,
    verify_all: bool,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let document = reconciled(global, verify_all, dry_run).await?;
    let exit = match document.stuck {
        0 => Exit::Done,
        _ => Exit::Failure,
    };
    if global.json {
        output::json(&document);
        return Ok(exit);
    }
    let mood = if dry_run { "would be " } else { "" };
    output::line(&format!("{} sidecar files looked at", document.scanned));
    for (count, what) in [
        (document.adopted, "files without a row adopted"),
        (document.missing, "rows without a file queued again"),
        (
            document.repaired,
            "damaged files repaired or set aside and queued again",
        ),
        (
            document.removed_rows,
            "rows nothing can be made for any more removed",
        ),
        (
            document.amended,
            "manifests and sums brought in step with the rows",
        ),
        (document.enqueued, "missing sidecars queued"),
        (document.references, "files recorded that serve as sidecars"),
        (
            document.references_lost,
            "files found gone that served as sidecars",
        ),
    ] {
        if count > 0 {
            output::line(&format!("{count} {mood}{what}"));
        }
    }
    for location in &document.missing_locations {
        output::line(&format!(
            "missing, so no row was removed: {location}: is its disk mounted?"
        ));
    }
    if document.orphaned > 0 {
        output::line(&format!(
            "{} contents have sidecars here and no original that is known; see: vss gc",
            document.orphaned
        ));
    }
    for stranger in document.strangers.iter().take(NAMED) {
        output::line(&format!(
            "left alone: {}{}: {}",
            stranger.name,
            stranger
                .content
                .as_ref()
                .map(|content| format!(" in {content}"))
                .unwrap_or_default(),
            stranger.reason
        ));
    }
    let named = document.strangers.len().min(NAMED) as u64;
    if document.unknown > named {
        output::line(&format!("and {} more", document.unknown - named));
    }
    if document.stuck > 0 {
        let stuck = document.stuck;
        output::line(&format!(
            "{stuck} of these could not be mended: look at who may write there, then again: vss reconcile"
        ));
    }
    if document.missing + document.repaired + document.enqueued > 0 && !dry_run {
        output::line("next: vss run");
    }
    Ok(exit)
}

/// Asks the daemon where there is one, and does it here where there is none.
pub(super) async fn reconciled(
    global: &Global,
    verify: bool,
    dry_run: bool,
) -> Result<ReconcileDocument, Failure> {
    let library = Library::open(global.library.as_deref())?;
    let request = Request::Reconcile { verify, dry_run };
    match control::ask(&library, &request).await? {
        Some(Answer::Reconciled(document)) => return Ok(document),
        Some(other) => {
            let what = format!("{other:?} is no answer to a reconcile");
            return Err(Failure::internal("understand the daemon", what));
        }
        None => {}
    }
    let started = Instant::now();
    let app = App::open_alone(global.library.as_deref(), dry_run).await?;
    let options = ReconcileOptions {
        verify_all: verify,
        dry_run,
    };
    if !dry_run && app.is_sole_owner() {
        // A row that a dead run claimed gets the file that it had published already.
        app.engine.take_back().await?;
    }
    let report = app.engine.reconcile(options).await?;
    Ok(ReconcileDocument::of(&report, started.elapsed()))
}
