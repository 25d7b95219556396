//! Garbage collection: sidecars of contents that lost every original long enough ago. Nothing goes
//! that was not shown first: looking notes up to when a content must have been lost, and collecting
//! takes what was lost until then and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use vss_core::worth::is_precious;
use vss_core::{ContentUuid, Kind, SidecarKey, SidecarSource, Status, Timestamp};
use vss_ports::{
    EnqueueBatch, LocationRecord, PortError, PortErrorKind, PortResult, SidecarRecord, Watermark,
};

use crate::Engine;
use crate::empty_vault::EmptyVault;
use crate::pages::Pages;

/// Whose watermark it is up to when contents were shown.
const WATERMARK: &str = "gc";

/// How to collect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GcOptions {
    /// How long a content must have been without an original.
    pub grace: Duration,
    /// Delete what a look showed, instead of looking.
    pub apply: bool,
    /// Also last copies of what is hard to make again, or cannot be.
    pub precious: bool,
    /// Go on where a location is missing. What is in it is kept in any case.
    pub despite_missing: bool,
}

/// Something counted, in sidecars and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amount {
    /// Sidecars.
    pub sidecars: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// What a collection found or did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GcReport {
    /// Contents whose sidecars go.
    pub contents: u64,
    /// What goes, by kind.
    pub collected: BTreeMap<Kind, Amount>,
    /// What stays because it is precious.
    pub kept: Amount,
    /// Contents without originals for less than the grace, or lost after what was shown.
    pub waiting: u64,
    /// Contents that the catalog never knew: kept.
    pub unknown: u64,
    /// Sidecars in the vault that have no original, and are being made: left for another time.
    pub busy: u64,
    /// Sidecars that were to be deleted and could not be: kept with their rows.
    pub stuck: u64,
}

/// Why nothing, or not everything, was collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GcError {
    /// A port failed.
    #[error("sidecars without originals could not be collected")]
    Port(#[from] PortError),
    /// A location is not there, and what is not there is not gone.
    #[error("a location is missing: {}: {reason}", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
        /// Why it cannot be looked at.
        reason: String,
    },
    /// There is no file at all and there should be.
    #[error(transparent)]
    Empty(#[from] EmptyVault),
    /// Nobody looked before.
    #[error("nothing was shown that could be deleted")]
    NotShown,
}

impl GcReport {
    /// All that goes.
    pub fn total(&self) -> Amount {
        Amount::sum(self.collected.values())
    }

    /// What was to go is still there.
    fn stays(&mut self, row: &SidecarRecord) {
        let of_kind = self.collected.get_mut(&row.key.kind);
        if let Some(of_kind) = of_kind.filter(|_| row.size.is_some()) {
            of_kind.take_off(row);
        }
        self.collected.retain(|_, amount| amount.sidecars > 0);
    }
}

impl Amount {
    /// Several together.
    pub(crate) fn sum<'a>(amounts: impl Iterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        for amount in amounts {
            total.sidecars += amount.sidecars;
            total.bytes += amount.bytes;
        }
        total
    }

    pub(crate) fn add(&mut self, row: &SidecarRecord) {
        self.sidecars += 1;
        self.bytes += row.size.unwrap_or_default();
    }

    fn take_off(&mut self, row: &SidecarRecord) {
        self.sidecars = self.sidecars.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(row.size.unwrap_or_default());
    }
}

impl Engine {
    /// Locations that are not there.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn missing_locations(&self) -> PortResult<Vec<LocationRecord>> {
        let locations = self.ports.catalog.locations().await?;
        let missing = locations.into_iter().filter(|l| l.missing.is_some());
        Ok(missing.collect())
    }

    /// Shows, or deletes, the sidecars of contents that lost every original.
    ///
    /// # Errors
    /// [`GcError`] when a location is missing, when nothing was shown before, or a port fails; what
    /// was deleted until then stays deleted, and doing it again goes on. A file that cannot be
    /// deleted is no error: it is counted, and deleting again tries it again.
    pub async fn gc(&self, options: &GcOptions) -> Result<GcReport, GcError> {
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        if !options.despite_missing
            && let Some(LocationRecord { path, missing }) = self.missing_locations().await?.pop()
        {
            let reason = missing.unwrap_or_default();
            return Err(GcError::Missing { path, reason });
        }
        let until = match options.apply {
            true => self.shown_until().await?.ok_or(GcError::NotShown)?,
            false => before(self.ports.clock.now(), options.grace),
        };
        let mut report = GcReport::default();
        let mut pages = Pages::default();
        while let Some(rows) = pages.next(self).await? {
            let gone = self.garbage_of(rows, until, options, &mut report).await?;
            if options.apply {
                self.delete(&gone, &mut report).await?;
            }
        }
        match (options.apply, report.stuck) {
            (false, _) => self.note_shown(Some(until)).await?,
            // What was shown is done with.
            (true, 0) => self.note_shown(None).await?,
            (true, _) => {}
        }
        Ok(report)
    }

    /// The rows among these whose sidecars go.
    async fn garbage_of(
        &self,
        rows: Vec<SidecarRecord>,
        until: Timestamp,
        options: &GcOptions,
        report: &mut GcReport,
    ) -> PortResult<Vec<SidecarRecord>> {
        let contents: BTreeSet<ContentUuid> = rows.iter().map(|row| row.key.content).collect();
        let asked: Vec<_> = contents.iter().copied().collect();
        let known = self.ports.catalog.find(&asked).await?;
        let known: BTreeMap<_, _> = known
            .iter()
            .map(|record| (record.content, record))
            .collect();
        let mut lost = BTreeSet::new();
        for content in contents {
            match known.get(&content) {
                None => report.unknown += 1,
                Some(record) if record.originals > 0 => {}
                Some(record) if record.lost_at.is_some_and(|at| at <= until) => {
                    lost.insert(content);
                }
                Some(_) => report.waiting += 1,
            }
        }
        let mut gone: Vec<SidecarRecord> = Vec::new();
        for row in rows {
            // A reference is an original somewhere, and no file of the vault.
            if !lost.contains(&row.key.content) || row.source == SidecarSource::Reference {
                continue;
            }
            let has_file = row.size.is_some();
            if row.status == Status::Running {
                report.busy += 1;
            } else if has_file && !options.precious && is_precious(&row.key.kind, &row.source) {
                report.kept.add(&row);
            } else {
                if has_file {
                    let of_kind = report.collected.entry(row.key.kind.clone());
                    of_kind.or_default().add(&row);
                }
                if gone.last().map(|row| row.key.content) != Some(row.key.content) {
                    report.contents += 1;
                }
                gone.push(row);
            }
        }
        Ok(gone)
    }

    /// Files first: a row without a file is what reconcile mends and this finds again, a file
    /// without a row would be adopted. One that cannot be removed does not keep the others.
    async fn delete(&self, gone: &[SidecarRecord], report: &mut GcReport) -> PortResult<()> {
        let mut keys: Vec<SidecarKey> = Vec::with_capacity(gone.len());
        for row in gone {
            let Err(error) = self.ports.vault.remove(&row.key, &row.format, None).await else {
                keys.push(row.key.clone());
                continue;
            };
            let why = error.in_full();
            tracing::warn!(sidecar = %row.key, why, "could not be deleted");
            // Beside a manifest of a newer version nothing is touched.
            report.stuck += u64::from(error.kind != PortErrorKind::Unsupported);
            report.stays(row);
        }
        let contents = |keys: &mut dyn Iterator<Item = &SidecarKey>| {
            let contents: BTreeSet<_> = keys.map(|key| key.content).collect();
            contents.len() as u64
        };
        let all = contents(&mut gone.iter().map(|row| &row.key));
        report.contents -= all - contents(&mut keys.iter());
        if !keys.is_empty() {
            self.ports.store.forget(&keys).await?;
        }
        Ok(())
    }

    async fn shown_until(&self) -> PortResult<Option<Timestamp>> {
        let text = self.ports.queue.watermark(WATERMARK).await?;
        let millis = text.and_then(|text| text.parse().ok());
        Ok(millis.map(Timestamp::from_millis))
    }

    async fn note_shown(&self, until: Option<Timestamp>) -> PortResult<()> {
        let value = until.map_or_else(|| "-".to_owned(), |until| until.as_millis().to_string());
        let batch = EnqueueBatch {
            items: Vec::new(),
            watermark: Some(Watermark {
                name: WATERMARK.to_owned(),
                value,
            }),
        };
        let now = self.ports.clock.now();
        self.ports.queue.enqueue(&batch, now).await.map(|_| ())
    }
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(by))
}
