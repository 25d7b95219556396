//! Scrub: hash every sidecar and compare it with its row, in the order of the contents' uuids, with
//! a place that is kept, so that a whole cycle may take a month or many restarts. What is damaged is
//! set aside and queued to be made again; who makes it is the run's matter.

mod cycle;

use std::path::PathBuf;
use std::time::Duration;

use vss_core::integrity::Damage;
use vss_core::{Priority, SidecarKey, SidecarSource, Status};
use vss_ports::{CancelToken, Event, PortError, PortResult, SidecarRecord};

use crate::Engine;
use crate::empty_vault::EmptyVault;
use crate::reconcile::UNREADABLE_IN_A_ROW;
use crate::verify::Checked;

pub use cycle::ScrubCycle;

/// Contents looked at in one step.
const BATCH: usize = 256;

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
        let mut report = ScrubReport::default();
        let began = ScrubCycle::beginning(self.ports.clock.now());
        let mut cycle = match (options.all, self.scrub_cycle().await?) {
            (false, Some(cycle)) => cycle,
            _ => began,
        };
        while !options.stop.is_cancelled() {
            let next = self
                .scrub_step(cycle, options, Priority::Interactive, &mut report)
                .await?;
            let Some(next) = next else {
                report.finished = true;
                cycle = began;
                break;
            };
            cycle = next;
            if !options.dry_run {
                self.keep_place(&cycle).await?;
            }
        }
        if report.finished && !options.dry_run {
            self.keep_place(&cycle).await?;
        }
        Ok(report)
    }

    /// Scrubs in the background until it is told to stop: cycle after cycle, each over a whole
    /// period, so that the disk hardly notices. What fails is tried again a little later.
    pub async fn scrub_slowly(&self, pace: ScrubPace, stop: &CancelToken) {
        let options = ScrubOptions {
            stop: stop.clone(),
            ..ScrubOptions::default()
        };
        while !stop.is_cancelled() {
            let wait = match self.scrub_a_little(pace, &options).await {
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
        options: &ScrubOptions,
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
        let mut report = ScrubReport::default();
        let step = self.scrub_step(cycle, options, Priority::Missing, &mut report);
        let next = match step.await? {
            Some(next) => next,
            // The next cycle begins when this one should have ended, but not in the past.
            None => ScrubCycle::beginning(now.max(cycle.began.plus(pace.period))),
        };
        self.keep_place(&next).await?;
        if !report.findings.is_empty() || report.missing > 0 {
            self.wake();
        }
        let seconds = report.bytes / pace.budget.max(1);
        Ok(Duration::from_secs(seconds))
    }

    /// Looks at some contents; the cycle as it is then, or nothing at its end.
    async fn scrub_step(
        &self,
        mut cycle: ScrubCycle,
        options: &ScrubOptions,
        priority: Priority,
        report: &mut ScrubReport,
    ) -> Result<Option<ScrubCycle>, ScrubError> {
        let rows = self.ports.store.page(cycle.after, None, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.key.content) else {
            return Ok(None);
        };
        let mut unreadable = 0;
        for row in rows.iter().filter(|row| is_to_be_checked(row)) {
            if options.stop.is_cancelled() && cycle.after != Some(row.key.content) {
                return Ok(Some(cycle));
            }
            let size = row.size.unwrap_or_default();
            let damage = self.scrub_one(row, options, priority, report).await?;
            unreadable = match damage {
                Some(Damage::Unreadable) => unreadable + 1,
                _ => 0,
            };
            if unreadable == UNREADABLE_IN_A_ROW {
                return Err(ScrubError::Failing);
            }
            cycle.after = Some(row.key.content);
            cycle.bytes += size;
        }
        cycle.after = Some(last);
        let (checked, bytes) = (report.checked, report.bytes);
        self.ports
            .events
            .emit(Event::ScrubProgress { checked, bytes });
        Ok(Some(cycle))
    }

    async fn scrub_one(
        &self,
        row: &SidecarRecord,
        options: &ScrubOptions,
        priority: Priority,
        report: &mut ScrubReport,
    ) -> PortResult<Option<Damage>> {
        let checked = match self.ports.vault.locate(&row.key, &row.format)? {
            Some(file) => {
                report.checked += 1;
                report.bytes += file.size;
                self.check_bytes(row, file).await?
            }
            None => Checked::Gone,
        };
        let damage = match checked {
            Checked::Whole(_) => return Ok(None),
            Checked::Gone => {
                if row.status == Status::Ready && self.is_current(row).await? {
                    report.missing += 1;
                    if !options.dry_run {
                        self.send_back(row, priority).await?;
                    }
                }
                return Ok(None);
            }
            Checked::Damaged(damage) => damage,
        };
        // A file that was published anew since the row was read is not what that row says.
        if !self.is_current(row).await? {
            return Ok(None);
        }
        let kept = match options.dry_run {
            true => None,
            false => self.withdraw(row, damage, priority).await?,
        };
        let key = row.key.clone();
        report.findings.push(Finding { key, damage, kept });
        Ok(Some(damage))
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

    /// Whether a row still says what it said, and nobody is making its file anew.
    async fn is_current(&self, row: &SidecarRecord) -> PortResult<bool> {
        let now = self.ports.store.find(&row.key).await?;
        Ok(now.is_some_and(|now| {
            (now.digest, &now.format) == (row.digest, &row.format) && now.status != Status::Running
        }))
    }
}

/// A row whose file lies in the vault. One that is being made is looked at another time.
fn is_to_be_checked(row: &SidecarRecord) -> bool {
    row.size.is_some() && row.status != Status::Running && row.source != SidecarSource::Reference
}
