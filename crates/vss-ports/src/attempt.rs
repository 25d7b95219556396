//! What one attempt at making a sidecar was: who, when, at what cost, and how it ended.

use std::time::Duration;

use semver::Version;
use vss_core::{FailureClass, GeneratorId, Timestamp};

use crate::LeaseOwner;

/// What an attempt cost, told by whoever made it. Durations are kept to the millisecond, CPU time
/// to the microsecond; what is beyond is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptUsage {
    /// When the work began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// CPU time of the engine, where it was measured.
    pub cpu: Option<Duration>,
    /// The most memory the engine held, in bytes, where it was measured.
    pub peak_memory: Option<u64>,
}

impl AttemptUsage {
    /// Of work of which only its two ends are known.
    pub fn between(started_at: Timestamp, ended_at: Timestamp) -> Self {
        Self {
            started_at,
            duration: ended_at.since(started_at),
            cpu: None,
            peak_memory: None,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AttemptOutcome {
    /// With a sidecar.
    Ready,
    /// With a failure; as `Cancelled` when the row was cancelled meanwhile.
    Failed(FailureClass),
    /// Unknown or not at all: the row was taken back because its owner gave it up or is gone.
    Released,
}

/// One attempt that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptRecord {
    /// The fence of its claim, by which it is known.
    pub fence: u64,
    /// Which attempt it was since the row last became pending by a decision from outside.
    pub attempt: u32,
    /// The generator that the row named.
    pub generator: GeneratorId,
    /// Its version, of a made sidecar the one that made it.
    pub version: Option<Version>,
    /// Who held the lease.
    pub owner: LeaseOwner,
    /// When it was recorded as ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// For a person; empty when there is nothing to say.
    pub detail: String,
    /// What it cost; from claim to end where nobody told.
    pub usage: AttemptUsage,
}
