//! One step of a scrub: a few contents, and what is done with each of their sidecars.

use vss_core::integrity::Damage;
use vss_core::{ContentUuid, Priority, SidecarSource, Status};
use vss_ports::{Event, PortResult, SidecarRecord};

use super::{Finding, ScrubCycle, ScrubError, ScrubOptions, ScrubReport};
use crate::Engine;
use crate::reconcile::UNREADABLE_IN_A_ROW;
use crate::verify::{Checked, Withdrawn};

/// Contents looked at in one step.
const BATCH: usize = 256;

/// A scrub while it looks.
pub(super) struct Look<'a> {
    options: &'a ScrubOptions,
    /// With which what is damaged is made again.
    priority: Priority,
    /// Bytes after which a step ends, once the content is done that it is at.
    most: u64,
    /// What it found.
    pub(super) report: ScrubReport,
    /// What could not be looked at in a row, over all steps.
    in_a_row: usize,
    /// Of which content something was left last: its folder counts once.
    left_of: Option<ContentUuid>,
}

/// What came of looking at a sidecar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saw {
    /// Whatever it is, it was looked at.
    All,
    /// It could not be read to its end.
    Unreadable,
    /// It is left alone: it cannot be opened, or set aside.
    Left,
}

impl<'a> Look<'a> {
    pub(super) fn new(options: &'a ScrubOptions, priority: Priority, most: u64) -> Self {
        Self {
            options,
            priority,
            most,
            report: ScrubReport::default(),
            in_a_row: 0,
            left_of: None,
        }
    }

    /// Counts what cannot be looked at, until it is the disk and not they.
    fn note(&mut self, content: ContentUuid, saw: Saw) -> Result<(), ScrubError> {
        let left_of = (saw == Saw::Left).then_some(content);
        match saw {
            Saw::All => self.in_a_row = 0,
            Saw::Left if self.left_of == left_of => {}
            Saw::Left | Saw::Unreadable => self.in_a_row += 1,
        }
        self.left_of = left_of;
        match self.in_a_row < UNREADABLE_IN_A_ROW {
            true => Ok(()),
            false => Err(ScrubError::Failing),
        }
    }

    fn found(&mut self, row: &SidecarRecord, damage: Damage, withdrawn: Option<Withdrawn>) {
        let (kept, left) = match withdrawn {
            Some(Withdrawn::Done(kept)) => (kept, None),
            Some(Withdrawn::Left(why)) => (None, Some(why.in_full())),
            None => (None, None),
        };
        self.report.findings.push(Finding {
            key: row.key.clone(),
            damage,
            kept,
            left,
        });
    }
}

impl Engine {
    /// Looks at some contents; the cycle as it is then, or nothing at its end.
    pub(super) async fn scrub_step(
        &self,
        mut cycle: ScrubCycle,
        look: &mut Look<'_>,
    ) -> Result<Option<ScrubCycle>, ScrubError> {
        let rows = self.ports.store.page(cycle.after, None, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.key.content) else {
            return Ok(None);
        };
        let until = look.report.bytes.saturating_add(look.most);
        for row in rows.iter().filter(|row| is_to_be_checked(row)) {
            let is_next = cycle.after != Some(row.key.content);
            if is_next && look.options.stop.is_cancelled() {
                return Ok(Some(cycle));
            }
            if is_next && look.report.bytes >= until {
                self.tell(&look.report);
                return Ok(Some(cycle));
            }
            let saw = self.scrub_one(row, look).await?;
            look.note(row.key.content, saw)?;
            cycle.after = Some(row.key.content);
            cycle.bytes += row.size.unwrap_or_default();
        }
        cycle.after = Some(last);
        self.tell(&look.report);
        Ok(Some(cycle))
    }

    fn tell(&self, report: &ScrubReport) {
        let (checked, bytes) = (report.checked, report.bytes);
        let progress = Event::ScrubProgress { checked, bytes };
        self.ports.events.emit(progress);
    }

    /// Looks at one sidecar. One that cannot be opened, or set aside, keeps no other from it.
    async fn scrub_one(&self, row: &SidecarRecord, look: &mut Look<'_>) -> PortResult<Saw> {
        let checked = match self.hashed_by(row, &mut look.report).await {
            Ok(checked) => checked,
            Err(error) => {
                let why = error.in_full();
                tracing::warn!(sidecar = %row.key, why, "a sidecar could not be looked at");
                look.found(row, Damage::Unreadable, Some(Withdrawn::Left(error)));
                return Ok(Saw::Left);
            }
        };
        let damage = match checked {
            Checked::Whole(_) => return Ok(Saw::All),
            Checked::Gone => {
                if row.status == Status::Ready && self.is_current(row).await? {
                    look.report.missing += 1;
                    if !look.options.dry_run {
                        self.send_back(row, look.priority).await?;
                    }
                }
                return Ok(Saw::All);
            }
            Checked::Damaged(damage) => damage,
        };
        // A file that was published anew since the row was read is not what that row says.
        if !self.is_current(row).await? {
            return Ok(Saw::All);
        }
        let withdrawn = match look.options.dry_run {
            true => None,
            false => Some(self.withdraw(row, damage, look.priority).await?),
        };
        let is_left = matches!(withdrawn, Some(Withdrawn::Left(_)));
        look.found(row, damage, withdrawn);
        Ok(match damage {
            _ if is_left => Saw::Left,
            Damage::Unreadable => Saw::Unreadable,
            _ => Saw::All,
        })
    }

    async fn hashed_by(
        &self,
        row: &SidecarRecord,
        report: &mut ScrubReport,
    ) -> PortResult<Checked> {
        let Some(file) = self.ports.vault.locate(&row.key, &row.format)? else {
            return Ok(Checked::Gone);
        };
        report.checked += 1;
        report.bytes += file.size;
        self.check_bytes(row, file).await
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
