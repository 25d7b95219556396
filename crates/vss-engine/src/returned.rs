//! Originals that are back: what failed for want of one is queued again. Whoever indexes does it for
//! what has failed by then, and whoever records such a failure for what was indexed meanwhile, so
//! that nothing falls between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use vss_core::{ContentUuid, FailureClass, Priority, Status};
use vss_ports::{LocationRecord, OpenOriginal, PortResult, Selection};

use crate::Engine;
use crate::job::stamp;

/// Rows that are looked at in one step.
const BATCH: usize = 4_096;

/// An original as a job found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tried {
    path: PathBuf,
    stamp: (u64, SystemTime),
}

impl Tried {
    /// `None` when it cannot be looked at.
    pub(crate) fn of(original: &OpenOriginal) -> Option<Self> {
        Some(Self {
            path: original.path.clone(),
            stamp: stamp(&original.file).ok()?,
        })
    }
}

impl Engine {
    /// Queues again those of the contents that have an original now, other than the one that was
    /// tried: a file that was moved, and found there, while a job still looked for it. To be called
    /// once the failure is recorded; who indexes later than that sees it.
    pub(crate) async fn bring_back(
        &self,
        missing: BTreeMap<ContentUuid, Option<&Tried>>,
    ) -> PortResult<BTreeSet<ContentUuid>> {
        let mut back = BTreeSet::new();
        for (content, tried) in missing {
            if let Some(original) = self.ports.catalog.open(content).await?
                && Tried::of(&original).is_some_and(|now| tried != Some(&now))
            {
                back.insert(content);
            }
        }
        if !back.is_empty() {
            self.queue_again(back.iter().copied().collect()).await?;
            self.wake();
        }
        Ok(back)
    }

    /// Queues again what failed because no original was where it was known to be, and whose content
    /// has one after all: it had moved, or was touched, and nobody had looked yet. The catalog
    /// gives such a content no new number, so planning passes it over.
    pub(crate) async fn retry_returned(&self) -> PortResult<u64> {
        let missing = missing();
        let away = self.missing_locations().await?;
        let (mut after, mut queued) = (None, 0);
        loop {
            let rows = self
                .ports
                .control
                .list(&missing, after.as_ref(), BATCH)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(queued);
            };
            after = Some(last.key.clone());
            // What is on a disk that is away is not back.
            let contents = rows.iter().map(|row| row.key.content).collect();
            let back: Vec<_> = self.at_hand(contents, &away).await?.into_iter().collect();
            if !back.is_empty() {
                queued += self.queue_again(back).await?;
            }
        }
    }

    /// Those of the contents that have an original on a disk that is there.
    pub(crate) async fn at_hand(
        &self,
        contents: BTreeSet<ContentUuid>,
        missing: &[LocationRecord],
    ) -> PortResult<BTreeSet<ContentUuid>> {
        let asked: Vec<_> = contents.into_iter().collect();
        let known = self.ports.catalog.find(&asked).await?;
        let known = known.into_iter().filter(|record| record.originals > 0);
        let mut at_hand: BTreeSet<_> = known.map(|record| record.content).collect();
        if missing.is_empty() {
            return Ok(at_hand);
        }
        for content in at_hand.clone() {
            let originals = self.ports.catalog.originals(content).await?;
            let is_away = |path: &Path| missing.iter().any(|l| path.starts_with(&l.path));
            if originals.iter().all(|original| is_away(&original.path)) {
                at_hand.remove(&content);
            }
        }
        Ok(at_hand)
    }

    async fn queue_again(&self, contents: Vec<ContentUuid>) -> PortResult<u64> {
        let selection = Selection {
            contents: Some(contents),
            ..missing()
        };
        let now = self.ports.clock.now();
        let control = &self.ports.control;
        control.requeue(&selection, Priority::New, now).await
    }
}

/// What failed for want of an original.
fn missing() -> Selection {
    Selection {
        statuses: vec![Status::Failed],
        class: Some(FailureClass::MissingSource),
        ..Selection::default()
    }
}
