//! What goes to stdout: one JSON document, or lines and tables for people. The JSON shapes are
//! relied on by scripts; a field is only ever added.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use vss_core::{Kind, Status};

/// Prints one JSON document.
pub(crate) fn json(document: &impl Serialize) {
    match serde_json::to_string_pretty(document) {
        Ok(text) => line(&text),
        // Plain records of strings and numbers always have a JSON form.
        Err(error) => tracing::error!(%error, "a document could not be written as JSON"),
    }
}

/// Prints a line. A reader that went away (`vss ls .. | head`) is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints columns, padded to the widest cell of each.
pub(crate) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            text.extend(std::iter::repeat_n(' ', padding));
        }
        line(text.trim_end());
    }
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A failed command.
#[derive(Serialize)]
pub(crate) struct ErrorDocument {
    pub(crate) error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    pub(crate) exit_code: u8,
}

/// `vss status`.
#[derive(Serialize)]
pub(crate) struct StatusDocument {
    pub(crate) library_id: String,
    pub(crate) device: String,
    pub(crate) contents: u64,
    pub(crate) originals: u64,
    pub(crate) sidecars: BTreeMap<Kind, StatusCounts>,
    pub(crate) bytes: BTreeMap<Kind, u64>,
}

/// How many sidecars of a kind are in each state.
#[derive(Clone, Copy, Serialize, Default)]
pub(crate) struct StatusCounts {
    pub(crate) pending: u64,
    pub(crate) running: u64,
    pub(crate) ready: u64,
    pub(crate) failed: u64,
    pub(crate) quarantined: u64,
}

impl StatusCounts {
    pub(crate) fn of(rows: &BTreeMap<Status, u64>) -> Self {
        let count = |status| rows.get(&status).copied().unwrap_or_default();
        Self {
            pending: count(Status::Pending),
            running: count(Status::Running),
            ready: count(Status::Ready),
            failed: count(Status::Failed),
            quarantined: count(Status::Quarantined),
        }
    }
}

/// `vss index`.
#[derive(Serialize)]
pub(crate) struct IndexDocument {
    pub(crate) files: u64,
    pub(crate) contents: u64,
    pub(crate) hashed: u64,
    pub(crate) unchanged: u64,
    pub(crate) moved: u64,
    pub(crate) vanished: u64,
    pub(crate) ignored: u64,
    pub(crate) enqueued: u64,
    pub(crate) references: u64,
    pub(crate) errors: Vec<IndexProblem>,
    pub(crate) seconds: f64,
}

/// A file that could not be indexed.
#[derive(Serialize)]
pub(crate) struct IndexProblem {
    pub(crate) path: String,
    pub(crate) class: &'static str,
    pub(crate) detail: String,
}

/// `vss run`.
#[derive(Serialize)]
pub(crate) struct RunDocument {
    pub(crate) ready: u64,
    pub(crate) failed: u64,
    pub(crate) quarantined: u64,
    pub(crate) retried: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) halted: Option<String>,
}

/// `vss path`.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum PathDocument {
    Ready {
        path: String,
        size: u64,
        checksum: Option<String>,
        format: String,
    },
    Pending {
        ticket: String,
    },
    Failed {
        class: String,
        detail: String,
        attempts: u32,
    },
}

/// One sidecar in `vss ls`.
#[derive(Serialize)]
pub(crate) struct LsEntry {
    pub(crate) kind: String,
    pub(crate) variant: String,
    pub(crate) format: String,
    pub(crate) status: Status,
    pub(crate) managed: bool,
    pub(crate) path: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) checksum: Option<String>,
    pub(crate) source: String,
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// One sidecar in `vss presence`.
#[derive(Serialize)]
pub(crate) struct PresenceEntry {
    pub(crate) local: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) devices: Vec<String>,
}

/// `vss reconcile`.
#[derive(Serialize)]
pub(crate) struct ReconcileDocument {
    pub(crate) scanned: u64,
    pub(crate) adopted: u64,
    pub(crate) missing: u64,
    pub(crate) repaired: u64,
    pub(crate) removed_rows: u64,
    pub(crate) enqueued: u64,
    pub(crate) unknown: u64,
    pub(crate) strangers: Vec<StrangerEntry>,
    pub(crate) seconds: f64,
}

/// Something in the vault that is no sidecar.
#[derive(Serialize)]
pub(crate) struct StrangerEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    pub(crate) name: String,
    pub(crate) reason: String,
}
