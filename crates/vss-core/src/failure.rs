//! Why making a sidecar failed, and what follows from it. A class decides alone whether and when
//! to try again, so that no generator and no adapter has a retry policy of its own.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Event;

/// What went wrong, in the terms that decide what to do next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// The original cannot be decoded.
    CorruptSource,
    /// No engine reads this sort of file.
    Unsupported,
    /// The original exceeds a limit on pixels, sides or memory.
    TooLarge,
    /// The configuration forbids it, or two different files claim one identity.
    Policy,
    /// No original of the content can be found.
    MissingSource,
    /// The original, or the place for the result, could not be read or written this time.
    TransientIo,
    /// The engine is not installed or does not start.
    ToolMissing,
    /// No space left where sidecars are kept.
    DiskFull,
    /// Where sidecars are kept nothing can be written.
    ReadOnly,
    /// The engine took too long.
    Timeout,
    /// The engine needed more memory than it may have.
    OutOfMemory,
    /// The engine died.
    Crash,
    /// Somebody did not want it made.
    Cancelled,
}

/// Why a failure class was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a failure class")]
pub struct FailureClassError {
    /// What was given.
    pub text: String,
}

/// When a class of failure is tried again without anybody asking.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RetryRule {
    /// Not before the generator's version or the original changes.
    WhenChanged,
    /// Not before an original of the content is seen again.
    WhenSourceReturns,
    /// After a back-off, for ever.
    Backoff,
    /// After a back-off, until the strikes reach [`QUARANTINE_STRIKES`].
    BackoffThenQuarantine,
    /// Never.
    OnRequest,
}

/// What becomes of a sidecar after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Disposition {
    /// Failed for good.
    Failed,
    /// Pending again, not before this long from now.
    RetryAfter(Duration),
    /// Set aside: it harmed its worker too often.
    Quarantined,
}

/// Strikes after which what kills, starves or hangs its worker is set aside. A strike is an attempt
/// that ended with a [harmful](FailureClass::is_harmful) class.
pub const QUARANTINE_STRIKES: u32 = 3;
/// The shortest back-off, in milliseconds.
pub const BACKOFF_FLOOR_MS: u64 = 1_000;
/// The longest back-off, in milliseconds.
pub const BACKOFF_CEILING_MS: u64 = 3_600_000;

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 13] = [
        Self::CorruptSource,
        Self::Unsupported,
        Self::TooLarge,
        Self::Policy,
        Self::MissingSource,
        Self::TransientIo,
        Self::ToolMissing,
        Self::DiskFull,
        Self::ReadOnly,
        Self::Timeout,
        Self::OutOfMemory,
        Self::Crash,
        Self::Cancelled,
    ];

    /// The spelling in rows, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CorruptSource => "corrupt_source",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
            Self::Policy => "policy",
            Self::MissingSource => "missing_source",
            Self::TransientIo => "transient_io",
            Self::ToolMissing => "tool_missing",
            Self::DiskFull => "disk_full",
            Self::ReadOnly => "read_only",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::Crash => "crash",
            Self::Cancelled => "cancelled",
        }
    }

    /// When it is tried again.
    pub const fn retry_rule(self) -> RetryRule {
        match self {
            Self::CorruptSource | Self::Unsupported | Self::TooLarge | Self::Policy => {
                RetryRule::WhenChanged
            }
            Self::MissingSource => RetryRule::WhenSourceReturns,
            Self::TransientIo | Self::ToolMissing | Self::DiskFull | Self::ReadOnly => {
                RetryRule::Backoff
            }
            Self::Timeout | Self::OutOfMemory | Self::Crash => RetryRule::BackoffThenQuarantine,
            Self::Cancelled => RetryRule::OnRequest,
        }
    }

    /// Whether it killed, starved or hung its worker, which is a strike against the sidecar.
    pub const fn is_harmful(self) -> bool {
        matches!(self.retry_rule(), RetryRule::BackoffThenQuarantine)
    }

    /// Whether a sidecar that failed for this reason takes an event that leads back to pending, as
    /// far as its state does. What somebody cancelled comes back only when somebody asks for it.
    pub const fn yields_to(self, event: Event) -> bool {
        match event {
            Event::GeneratorChanged => !matches!(self.retry_rule(), RetryRule::OnRequest),
            Event::SourceReturned => matches!(self.retry_rule(), RetryRule::WhenSourceReturns),
            _ => true,
        }
    }

    /// What a person can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::CorruptSource => {
                "the file is damaged or not what its name says: replace it, then index again"
            }
            Self::Unsupported => "no generator reads this format yet: nothing to do",
            Self::TooLarge => {
                "raise [limits] in vss.toml if the file is to be trusted, then `vss retry`"
            }
            Self::Policy => "the configuration forbids it: see `vss explain`",
            Self::MissingSource => "put the file back or `vss index` the folder it moved to",
            Self::TransientIo => "tried again by itself; check the disk or the mount if it stays",
            Self::ToolMissing => "install what `vss doctor` names; tried again by itself",
            Self::DiskFull => "free space where the library is; tried again by itself",
            Self::ReadOnly => {
                "make the library's file system writable, after a look at why it is not; tried \
                 again by itself"
            }
            Self::Timeout => "too slow for its limit: `vss retry` once the machine is less busy",
            Self::OutOfMemory => "needs more memory than allowed: raise [limits], then `vss retry`",
            Self::Crash => "the engine died on it: `vss retry` after an update; please report it",
            Self::Cancelled => "cancelled on request: `vss retry` brings it back",
        }
    }

    /// What becomes of a sidecar whose `attempt`-th attempt (counted from 1) ended with this
    /// class. `strikes` counts its harmful attempts, this one among them; attempts that ended
    /// otherwise, or with the end of the whole program, are not held against it. `jitter` is any
    /// random number; it spreads the back-off.
    pub fn disposition(self, attempt: u32, strikes: u32, jitter: u64) -> Disposition {
        match self.retry_rule() {
            RetryRule::WhenChanged | RetryRule::WhenSourceReturns | RetryRule::OnRequest => {
                Disposition::Failed
            }
            RetryRule::BackoffThenQuarantine if strikes >= QUARANTINE_STRIKES => {
                Disposition::Quarantined
            }
            RetryRule::Backoff | RetryRule::BackoffThenQuarantine => {
                Disposition::RetryAfter(backoff(attempt, jitter))
            }
        }
    }
}

/// Exponential back-off with equal jitter: half of the doubled delay is fixed, half is random
/// (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
fn backoff(attempt: u32, jitter: u64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let full = (BACKOFF_FLOOR_MS << doublings).min(BACKOFF_CEILING_MS);
    let half = full / 2;
    let millis = (full - half) + jitter % (half + 1);
    Duration::from_millis(millis.max(BACKOFF_FLOOR_MS))
}

impl FromStr for FailureClass {
    type Err = FailureClassError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| FailureClassError { text: text.into() })
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
