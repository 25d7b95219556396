//! Talking to the daemon of a library over a unix socket: one JSON document a line, one request
//! and one answer a connection. Whoever finds no daemon acts on the library directly.

mod client;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod socket;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use vss_core::{ContentUuid, FailureClass, Kind, Status};
use vss_engine::ActiveJob;
use vss_ports::Selection;

use crate::output::{self, ReconcileDocument};

pub(crate) use client::{ask, wake};
#[cfg(unix)]
pub(crate) use server::{Errand, Server, refusal};

/// Bytes of a request or an answer, at most.
const LONGEST: u64 = 8 << 20;
/// Strangers that are named in an answer; the others are counted.
pub(crate) const STRANGERS_NAMED: usize = 10_000;

/// What the daemon can be asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Who it is and what it does.
    Status,
    /// Look for work now.
    Wake,
    /// Give rows up, and end the jobs that work on them.
    Cancel { selection: ChosenRows },
    /// Make rows and files agree, between two jobs.
    Reconcile { verify: bool, dry_run: bool },
    /// Finish what is under way and end.
    Stop,
}

/// What the daemon answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Answer {
    Status(DaemonStatus),
    Done,
    Cancelled { count: u64 },
    Reconciled(ReconcileDocument),
    Failed { error: String, exit_code: u8 },
}

/// A daemon at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DaemonStatus {
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// Seconds since it began.
    pub(crate) uptime: u64,
    /// Sidecars it made since then.
    pub(crate) ready: u64,
    pub(crate) active: Vec<ActiveEntry>,
    /// What it does instead of making sidecars, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) busy_with: Option<String>,
}

/// What a daemon does instead of making sidecars.
#[derive(Clone, Default)]
pub(crate) struct BusyWith(Arc<Mutex<Option<String>>>);

impl BusyWith {
    pub(crate) fn set(&self, what: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what.map(str::to_owned);
    }

    fn get(&self) -> Option<String> {
        let what = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        what.clone()
    }
}

/// A job under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ActiveEntry {
    pub(crate) content: String,
    pub(crate) generator: String,
    pub(crate) outputs: Vec<String>,
    pub(crate) since: Option<String>,
}

impl ActiveEntry {
    pub(crate) fn of(job: &ActiveJob) -> Self {
        Self {
            content: job.content.to_string(),
            generator: job.generator.to_string(),
            outputs: job
                .outputs
                .iter()
                .map(|key| format!("{} {}", key.kind, key.variant))
                .collect(),
            since: output::time(job.started_at),
        }
    }
}

/// Which rows somebody means: a [`Selection`] on its way to the daemon.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChosenRows {
    pub(crate) statuses: Vec<Status>,
    pub(crate) contents: Option<Vec<ContentUuid>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) class: Option<FailureClass>,
}

impl From<ChosenRows> for Selection {
    fn from(chosen: ChosenRows) -> Self {
        Self {
            statuses: chosen.statuses,
            contents: chosen.contents,
            kind: chosen.kind,
            class: chosen.class,
            stale_against: None,
        }
    }
}
