//! Scrub: hash every sidecar and compare it with its row, in the order of the contents' uuids, with
//! a place that is kept, so that a whole cycle may take a month or many restarts. What is damaged is
//! set aside and queued to be made again; who makes it is the run's matter.

mod cycle;
mod step;

use std::path::PathBuf;
use std::time::Duration;

use vss_core::integrity::Damage;
use vss_core::{Priority, SidecarKey, SidecarSource, Status};
use vss_ports::{CancelToken, PortError, PortResult};

use crate::Engine;
use crate::empty_vault::EmptyVault;
use crate::reconcile::UNREADABLE_IN_A_ROW;

pub use cycle::ScrubCycle;
use step::Look;

/// Bytes after which a scrub that nothing paces keeps its place.
const STRETCH: u64 = 1 << 30;

/// For how long a scrub in the background reads at a stretch, in seconds at its budget. Then it rests
/// for as long.
const BREATH: u64 = 4;

/// How long a scrub that waits for its time sleeps at a stretch: the library may grow meanwhile.
const NAP: Duration = Duration::from_secs(600);

/// How long a scrub rests after an error before it goes on.
const REST: Duration = Duration::from_secs(60);

/// How to scrub.
#[derive(Clone, Debug, Default)]
pub struct ScrubOptions {
    /// Begin a cycle anew instead of going on with the one that was left.
    pub all: bool,
    /// Only say what is damaged.
    pub dry_run: bool,
    /// Stops after the content that is being looked at.
    pub stop: CancelToken,
}

/// How a scrub in the background is paced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScrubPace {
    /// In which time everything is looked at once.
    pub period: Duration,
    /// Bytes a second that are read at most, also when it has fallen behind.
    pub budget: u64,
}

/// What a scrub found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScrubReport {
    /// Files that were hashed.
    pub checked: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Ready rows without a file: queued again.
    pub missing: u64,
    /// What is damaged.
    pub findings: Vec<Finding>,
    /// Whether the cycle came to its end.
    pub finished: bool,
}

/// A damaged sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which.
    pub key: SidecarKey,
    /// What is wrong with its file.
    pub damage: Damage,
    /// Where the file is kept now; `None` when it was left where it is.
    pub kept: Option<PathBuf>,
    /// Why it was left where it is, with its row, although somebody did more than look: it cannot be
    /// set aside, or not even be opened, or it cannot be read now and nobody could make it again.
    pub left: Option<String>,
}

/// What became of a sidecar that was queued to be made again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Repair {
    /// It is there again.
    Done,
    /// It is queued or being made.
    UnderWay,
    /// Nobody makes it as things are.
    Impossible {
        /// Why.
        reason: String,
        /// What to do.
        remedy: Option<String>,
    },
}

/// Why a scrub stopped; it can go on from where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrubError {
    /// A port failed.
    #[error("the sidecars could not be scrubbed")]
    Port(#[from] PortError),
    /// File after file could not be read.
    #[error("{UNREADABLE_IN_A_ROW} sidecars in a row could not be read: the disk is failing")]
    Failing,
    /// There is no file at all and there should be.
    #[error(transparent)]
    Empty(#[from] EmptyVault),
}

impl Engine {
    /// Looks at every sidecar, from where the last scrub stopped or from the beginning.
    ///
    /// # Errors
    /// [`ScrubError`] when a port fails, when the vault is empty and should not be, or when nothing
    /// can be read any more.
    pub async fn scrub(&self, options: &ScrubOptions) -> Result<ScrubReport, ScrubError> {
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        let mut look = Look::new(options, Priority::Interactive, STRETCH);
        let began = ScrubCycle::beginning(self.ports.clock.now());
        let mut cycle = match (options.all, self.scrub_cycle().await?) {
            (false, Some(cycle)) => cycle,
            _ => began,
        };
        while !options.stop.is_cancelled() {
            let Some(next) = self.scrub_step(cycle, &mut look).await? else {
                look.report.finished = true;
                cycle = began;
                break;
            };
            cycle = next;
            if !options.dry_run {
                self.keep_place(&cycle).await?;
            }
        }
        if look.report.finished && !options.dry_run {
            self.keep_place(&cycle).await?;
        }
        Ok(look.report)
    }

    /// Scrubs in the background until it is told to stop: cycle after cycle, each over a whole
    /// period, so that the disk hardly notices. What fails is tried again a little later.
    pub async fn scrub_slowly(&self, pace: ScrubPace, stop: &CancelToken) {
        let options = ScrubOptions {
            stop: stop.clone(),
            ..ScrubOptions::default()
        };
        let most = pace.budget.saturating_mul(BREATH);
        let mut look = Look::new(&options, Priority::Missing, most);
        while !stop.is_cancelled() {
            let wait = match self.scrub_a_little(pace, &mut look).await {
                Ok(wait) => wait,
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(%error, cause, "scrubbing rests for a while");
                    REST
                }
            };
            self.ports.clock.sleep(wait).await;
        }
    }

    /// One step, if it is time for one; how long to wait before the next.
    async fn scrub_a_little(
        &self,
        pace: ScrubPace,
        look: &mut Look<'_>,
    ) -> Result<Duration, ScrubError> {
        let now = self.ports.clock.now();
        let kept = self.scrub_cycle().await?;
        let cycle = kept.unwrap_or(ScrubCycle::beginning(now));
        let counts = self.ports.store.counts().await?;
        let due = cycle.due(pace.period, counts.bytes.values().sum());
        if due > now {
            return Ok(due.since(now).min(NAP));
        }
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        look.report = ScrubReport::default();
        let next = match self.scrub_step(cycle, look).await? {
            Some(next) => next,
            // The next cycle begins when this one should have ended, but not in the past.
            None => ScrubCycle::beginning(now.max(cycle.began.plus(pace.period))),
        };
        self.keep_place(&next).await?;
        let report = &look.report;
        if !report.findings.is_empty() || report.missing > 0 {
            self.wake();
        }
        let millis = report.bytes.saturating_mul(1_000) / pace.budget.max(1);
        Ok(Duration::from_millis(millis))
    }

    /// What became of a sidecar that was found damaged.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn repair_of(&self, key: &SidecarKey) -> PortResult<Repair> {
        let Some(row) = self.ports.store.find(key).await? else {
            return Ok(Repair::Impossible {
                reason: "nobody wants it any more".into(),
                remedy: None,
            });
        };
        let explained = self.explain_row(&row)?;
        let impossible = Repair::Impossible {
            reason: explained.reason,
            remedy: explained.remedy,
        };
        let now = self.ports.clock.now();
        let waits = row.not_before.is_some_and(|at| at > now);
        let held = self.ports.control.paused().await?;
        if row.status == Status::Pending && held.iter().any(|(kind, _)| *kind == key.kind) {
            return Ok(Repair::Impossible {
                reason: format!("{} is held", key.kind),
                remedy: Some(format!("`vss queue resume {}`, then `vss run`", key.kind)),
            });
        }
        Ok(match row.status {
            Status::Ready => Repair::Done,
            Status::Running => Repair::UnderWay,
            Status::Pending if waits => impossible,
            Status::Pending => match &row.source {
                SidecarSource::Generator(id) if self.generates(id) => Repair::UnderWay,
                _ => impossible,
            },
            Status::Failed | Status::Quarantined | Status::Evicted => impossible,
        })
    }

    fn generates(&self, id: &vss_core::GeneratorId) -> bool {
        self.descriptors.iter().any(|d| d.generator.id == *id)
    }
}
