//! `vss convert`: originals that serve as sidecars move into the library, and back.

use serde::Serialize;
use vss_core::SidecarKey;
use vss_engine::{ConvertRefusal, ConvertReport, ConvertScope, Converted};

use super::regen::chosen;
use crate::cli::{ConvertArgs, Global};
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output;
use crate::progress::Progress;
use crate::wiring::{App, Effort};

/// Files named to a person; JSON names all.
const NAMED: usize = 50;

#[derive(Serialize)]
struct ConvertDocument {
    dry_run: bool,
    reverted: bool,
    converted: Vec<ConvertedEntry>,
    refused: Vec<RefusedEntry>,
    bytes: u64,
}

#[derive(Serialize)]
struct ConvertedEntry {
    content: String,
    kind: String,
    variant: String,
    /// Where it is, or was, or is again, as an original.
    path: String,
    size: u64,
}

#[derive(Serialize)]
struct RefusedEntry {
    content: String,
    kind: String,
    variant: String,
    path: Option<String>,
    detail: String,
    /// Whether it may be half-way: the next start goes on with it.
    unfinished: bool,
}

pub(super) async fn convert(global: &Global, args: &ConvertArgs) -> Result<Exit, Failure> {
    let app = App::open_for(global.library.as_deref(), Work::Move, Effort::default()).await?;
    // What an earlier one could not finish comes first.
    let earlier = app.engine.finish_moves(app.is_sole_owner()).await?;
    let contents = chosen(&app, &args.targets).await?;
    let mut report = match (args.revert, contents) {
        (true, Some(contents)) => app.engine.revert(&contents, args.kind.as_ref()).await?,
        (_, contents) => {
            let scope = ConvertScope {
                contents,
                kind: args.kind.clone(),
            };
            let progress = Progress::start("moving", None);
            let moved = std::sync::atomic::AtomicU64::new(0);
            let one = |converted: &Converted| {
                let count = moved.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                progress.set(count, &converted.path.display().to_string());
            };
            let report = app.engine.convert(&scope, args.dry_run, &one).await;
            progress.finish();
            report?
        }
    };
    let is_new = |one: &ConvertRefusal| !report.refused.iter().any(|other| other.key == one.key);
    let left: Vec<_> = earlier.refused.into_iter().filter(is_new).collect();
    report.refused.extend(left);
    let document = document(report, args);
    let exit = match document.refused.is_empty() {
        true => Exit::Done,
        false => Exit::Failure,
    };
    if global.json {
        output::json(&document);
    } else {
        say(&document);
    }
    Ok(exit)
}

fn document(report: ConvertReport, args: &ConvertArgs) -> ConvertDocument {
    let name = |key: &SidecarKey| {
        (
            key.content.to_string(),
            key.kind.to_string(),
            key.variant.to_string(),
        )
    };
    let converted = report.converted.into_iter().map(|one: Converted| {
        let (content, kind, variant) = name(&one.key);
        ConvertedEntry {
            content,
            kind,
            variant,
            path: one.path.to_string_lossy().into_owned(),
            size: one.size,
        }
    });
    let converted: Vec<_> = converted.collect();
    let refused = report.refused.into_iter().map(|one: ConvertRefusal| {
        let (content, kind, variant) = name(&one.key);
        RefusedEntry {
            content,
            kind,
            variant,
            path: one.path.map(|path| path.to_string_lossy().into_owned()),
            detail: one.detail,
            unfinished: one.unfinished,
        }
    });
    ConvertDocument {
        dry_run: args.dry_run,
        reverted: args.revert,
        refused: refused.collect(),
        bytes: converted.iter().map(|one| one.size).sum(),
        converted,
    }
}

fn say(document: &ConvertDocument) {
    let what = match (document.dry_run, document.reverted) {
        (true, _) => "would be moved into the library",
        (false, false) => "moved into the library",
        (false, true) => "moved back to where they were",
    };
    let count = document.converted.len();
    output::line(&format!(
        "{count} files ({}) {what}",
        output::bytes(document.bytes)
    ));
    for one in document.converted.iter().take(NAMED) {
        output::line(&format!("  {} {}: {}", one.kind, one.variant, one.path));
    }
    if count > NAMED {
        output::line(&format!("  and {} more", count - NAMED));
    }
    for one in &document.refused {
        let path = one.path.as_deref().unwrap_or(&one.content);
        output::line(&format!("left alone: {path}: {}", one.detail));
    }
    if document.dry_run && count > 0 {
        output::line(
            "next: the same without --dry-run; `vss convert --revert FILE` moves one back",
        );
    }
}
