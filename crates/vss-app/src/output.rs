//! What goes to stdout: one JSON document, or lines and tables for people. The JSON shapes are
//! relied on by scripts; a field is only ever added.

mod printing;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vss_core::{Kind, Priority, Status};
use vss_engine::{ReconcileReport, Stranger};

use crate::control::DaemonStatus;

pub(crate) use printing::{
    JsonList, bytes, count, json, json_line, line, path, table, time, unwritten,
};

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
    /// Who works on it, where somebody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) daemon: Option<DaemonStatus>,
    /// The kinds that are held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) paused: Vec<Kind>,
    /// What is wrong with the library as a whole, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<TroubleEntry>,
}

/// Something that lasts until somebody does something about it.
#[derive(Serialize)]
pub(crate) struct TroubleEntry {
    pub(crate) error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

/// How many sidecars of a kind are in each state.
#[derive(Clone, Copy, Serialize, Default)]
pub(crate) struct StatusCounts {
    pub(crate) pending: u64,
    pub(crate) running: u64,
    pub(crate) ready: u64,
    pub(crate) failed: u64,
    pub(crate) quarantined: u64,
    pub(crate) evicted: u64,
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
            evicted: count(Status::Evicted),
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
    /// Files found to be sidecars of others, new or changed.
    pub(crate) references: u64,
    pub(crate) references_lost: u64,
    pub(crate) references_ended: u64,
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
    /// How many of those that failed had nothing in them to make this of; nothing is said of a daemon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unsupported: Option<u64>,
    pub(crate) quarantined: u64,
    pub(crate) retried: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    /// Of this process and its workers; nothing is said of a daemon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) halted: Option<String>,
    /// Sidecars that are not made because their kinds are held.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) held: BTreeMap<Kind, u64>,
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
        /// Whether it is a file of the library, and not an original.
        managed: bool,
        /// Where it begins, when it is only a part of the file.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        length: Option<u64>,
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
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReconcileDocument {
    pub(crate) scanned: u64,
    pub(crate) adopted: u64,
    pub(crate) missing: u64,
    pub(crate) repaired: u64,
    pub(crate) removed_rows: u64,
    pub(crate) amended: u64,
    #[serde(default)]
    pub(crate) stuck: u64,
    pub(crate) orphaned: u64,
    pub(crate) missing_locations: Vec<String>,
    pub(crate) enqueued: u64,
    /// References that are new or changed, lost, and ended.
    #[serde(default)]
    pub(crate) references: u64,
    #[serde(default)]
    pub(crate) references_lost: u64,
    #[serde(default)]
    pub(crate) references_ended: u64,
    pub(crate) unknown: u64,
    pub(crate) strangers: Vec<StrangerEntry>,
    pub(crate) seconds: f64,
}

/// Something in the vault that is no sidecar.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StrangerEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl ReconcileDocument {
    pub(crate) fn of(report: &ReconcileReport, took: Duration) -> Self {
        let stranger = |stranger: &Stranger| StrangerEntry {
            content: stranger.content.map(|content| content.to_string()),
            name: stranger.name.clone(),
            reason: stranger.reason.clone(),
        };
        Self {
            scanned: report.scanned,
            adopted: report.adopted,
            missing: report.missing,
            repaired: report.repaired,
            removed_rows: report.removed_rows,
            amended: report.amended,
            stuck: report.stuck,
            orphaned: report.orphaned,
            missing_locations: report
                .missing_locations
                .iter()
                .map(|location| location.path.to_string_lossy().into_owned())
                .collect(),
            enqueued: report.enqueued,
            references: report.references.changed,
            references_lost: report.references.lost,
            references_ended: report.references.ended,
            unknown: report.unknown.len() as u64,
            strangers: report.unknown.iter().map(stranger).collect(),
            seconds: took.as_secs_f64(),
        }
    }
}

/// `vss queue ls`.
#[derive(Serialize)]
pub(crate) struct QueueDocument {
    pub(crate) depths: Vec<DepthEntry>,
    pub(crate) paused: Vec<PausedEntry>,
    pub(crate) daemon: Option<DaemonStatus>,
    pub(crate) rows: Vec<QueuedEntry>,
}

/// Work of one kind at one priority.
#[derive(Serialize)]
pub(crate) struct DepthEntry {
    pub(crate) kind: Kind,
    pub(crate) priority: Priority,
    pub(crate) due: u64,
    pub(crate) later: u64,
    pub(crate) running: u64,
}

/// A kind that is held.
#[derive(Serialize)]
pub(crate) struct PausedEntry {
    pub(crate) kind: Kind,
    pub(crate) since: Option<String>,
}

/// One row of the queue.
#[derive(Serialize)]
pub(crate) struct QueuedEntry {
    pub(crate) content: String,
    pub(crate) kind: String,
    pub(crate) variant: String,
    pub(crate) status: Status,
    pub(crate) priority: Option<Priority>,
    pub(crate) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}
