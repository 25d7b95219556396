//! Reconcile: make rows and files agree, in both directions, then queue what is missing. The
//! vault and the store are read side by side in the order of the contents' uuids, so memory does
//! not grow with the library. Doing it again finds nothing to do.

mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Priority, Status};
use vss_ports::{
    Invalidation, LocationRecord, PortError, PortErrorKind, PortResult, RowOutline, ScannedContent,
    ScannedStranger, SidecarRecord,
};

use crate::empty_vault::EmptyVault;
use crate::{Engine, ReferenceReport};

use content::{Changes, OneContent};

/// Contents compared in one step.
const BATCH: usize = 1_024;

/// Things outside of every content's folder that are named.
const STRAYS: usize = 1_000;

/// How thorough to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReconcileOptions {
    /// Also hash every file that looks right and set aside what is not what its row says.
    pub verify_all: bool,
    /// Only count what would be done.
    pub dry_run: bool,
}

/// What a reconcile did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReconcileReport {
    /// Sidecar files that were looked at.
    pub scanned: u64,
    /// Files that got a row.
    pub adopted: u64,
    /// Rows whose file was gone: queued again.
    pub missing: u64,
    /// Files that were not what their row says: recorded anew, or set aside and queued again.
    pub repaired: u64,
    /// Rows nobody can make a file for any more: removed.
    pub removed_rows: u64,
    /// Contents whose manifest or sums did not say what is so: written anew.
    pub amended: u64,
    /// Contents with sidecars and without any original that the catalog knows of: left alone.
    pub orphaned: u64,
    /// Rows that are pending because planning found them wanted.
    pub enqueued: u64,
    /// What became of references.
    pub references: ReferenceReport,
    /// Locations that are not there: while one is missing no row is removed.
    pub missing_locations: Vec<LocationRecord>,
    /// What is no sidecar: left alone.
    pub unknown: Vec<Stranger>,
}

/// Something in the vault that is no sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stranger {
    /// Whose folder it is in, if it is in one.
    pub content: Option<ContentUuid>,
    /// Its name below that folder, or below the vault.
    pub name: String,
    /// Why it is none.
    pub reason: String,
}

/// Why reconciling stopped; what was done until then stays done, and doing it again goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// A port failed.
    #[error("rows and files could not be reconciled")]
    Port(#[from] PortError),
    /// There is no file at all and there should be.
    #[error(transparent)]
    Empty(#[from] EmptyVault),
}

impl Engine {
    /// Reconciles the whole library.
    ///
    /// # Errors
    /// [`ReconcileError`] when a port fails.
    pub async fn reconcile(
        &self,
        options: ReconcileOptions,
    ) -> Result<ReconcileReport, ReconcileError> {
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        let mut report = ReconcileReport {
            missing_locations: self.missing_locations().await?,
            ..ReconcileReport::default()
        };
        let mut after = None;
        let mut scanning = self.scan_ahead(None);
        loop {
            let scanned = scanning.await.map_err(died)??;
            // The last step has no upper bound: rows behind the last folder belong to it.
            let is_last = scanned.len() < BATCH;
            let until = scanned
                .last()
                .map(|content| content.content)
                .filter(|_| !is_last);
            // The disk is read while the rows are.
            let ahead = until.map(|until| self.scan_ahead(Some(until)));
            self.reconcile_range(scanned, after, until, options, &mut report)
                .await?;
            match ahead {
                Some(ahead) => (after, scanning) = (until, ahead),
                None => break,
            }
        }
        let strays = self.ports.vault.strays(STRAYS).await?;
        let stray = |stray: ScannedStranger| Stranger {
            content: None,
            name: stray.name,
            reason: stray.reason,
        };
        report.unknown.extend(strays.into_iter().map(stray));
        if !options.dry_run {
            // Everything: a row may be lost whose content did not change.
            let planned = self.plan_changes(true).await?;
            report.enqueued = planned.inserted + planned.revived;
            report.references = self.refer(true).await?;
        }
        tracing::info!(
            scanned = report.scanned,
            adopted = report.adopted,
            "reconciled"
        );
        Ok(report)
    }

    /// Begins to read the next folders.
    fn scan_ahead(
        &self,
        after: Option<ContentUuid>,
    ) -> JoinHandle<PortResult<Vec<ScannedContent>>> {
        let vault = Arc::clone(&self.ports.vault);
        tokio::spawn(async move { vault.scan(after, BATCH).await })
    }

    async fn reconcile_range(
        &self,
        scanned: Vec<ScannedContent>,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        options: ReconcileOptions,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let mut folders: BTreeMap<_, _> = scanned.into_iter().map(|s| (s.content, s)).collect();
        let mut cursor = after;
        loop {
            let outlines = self.ports.store.outline(cursor, until, BATCH).await?;
            let last = outlines.last().map(|outline| outline.content);
            let by_content = outlines.into_iter().map(|o| (o.content, o.rows)).collect();
            // Folders up to the last row of this page, or all that are left after the last page.
            let here = match last {
                Some(last) => {
                    let mut later = folders.split_off(&last);
                    let at_last = later.remove(&last);
                    let mut here = std::mem::replace(&mut folders, later);
                    here.extend(at_last.map(|folder| (last, folder)));
                    here
                }
                None => std::mem::take(&mut folders),
            };
            let mut changes = Changes::default();
            self.reconcile_contents(here, by_content, options, &mut changes, report)
                .await?;
            if !options.dry_run {
                self.apply(changes, report).await?;
            }
            match last {
                Some(last) => cursor = Some(last),
                None => return Ok(()),
            }
        }
    }

    async fn reconcile_contents(
        &self,
        mut folders: BTreeMap<ContentUuid, ScannedContent>,
        mut rows: BTreeMap<ContentUuid, Vec<RowOutline>>,
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let contents: BTreeSet<_> = folders.keys().chain(rows.keys()).copied().collect();
        let known = self.lost_originals(&contents).await?;
        for content in contents {
            let outline = rows.remove(&content).unwrap_or_default();
            let folder = folders.remove(&content);
            let files = folder
                .as_ref()
                .map(|f| f.files.as_slice())
                .unwrap_or_default();
            report.scanned += files.len() as u64;
            let originals = known.get(&content);
            report.orphaned += u64::from(!files.is_empty() && originals != Some(&false));
            if options.verify_all
                || !is_in_step(&outline, folder.as_ref(), originals == Some(&true))
            {
                let rows = self.ports.store.of_content(content).await?;
                let manifest = folder.as_ref().and_then(|folder| folder.manifest.as_ref());
                let mut one = OneContent {
                    engine: self,
                    content,
                    rows: &rows,
                    files,
                    manifest,
                    options,
                    changes,
                    report,
                };
                one.reconcile().await?;
                if let Some(folder) = &folder {
                    one.amend(folder.sums).await?;
                }
                if originals == Some(&true) && report.missing_locations.is_empty() {
                    let unmade = rows.iter().filter(|row| is_unmade(row, files));
                    let unmade = unmade.map(|row| row.key.clone());
                    let before = changes.forget.len();
                    changes.forget.extend(unmade);
                    report.removed_rows += (changes.forget.len() - before) as u64;
                }
            }
            for stranger in folder.into_iter().flat_map(|folder| folder.strangers) {
                let (name, reason) = (stranger.name, stranger.reason);
                report.unknown.push(Stranger {
                    content: Some(content),
                    name,
                    reason,
                });
            }
        }
        Ok(())
    }

    /// Whether the catalog knows contents to have lost every original; those that it never knew are
    /// not in it.
    async fn lost_originals(
        &self,
        contents: &BTreeSet<ContentUuid>,
    ) -> PortResult<BTreeMap<ContentUuid, bool>> {
        if contents.is_empty() {
            return Ok(BTreeMap::new());
        }
        let contents: Vec<_> = contents.iter().copied().collect();
        let known = self.ports.catalog.find(&contents).await?;
        let lost = known.iter().map(|r| (r.content, r.originals == 0));
        Ok(lost.collect())
    }

    async fn apply(&self, changes: Changes, report: &mut ReconcileReport) -> PortResult<()> {
        let (store, now) = (&self.ports.store, self.ports.clock.now());
        // Missing first: a row that vouched for a file in another format may then adopt this one.
        if !changes.gone.is_empty() {
            let gone = Invalidation::FileGone;
            store
                .invalidate(&changes.gone, gone, Priority::Missing, now)
                .await?;
        }
        // Nobody makes again what was adopted; planning wants it anew where it can be made.
        if !changes.unmake.is_empty() {
            store.forget(&changes.unmake).await?;
        }
        if !changes.adopt.is_empty() {
            store.adopt(&changes.adopt, now).await?;
        }
        if !changes.forget.is_empty() {
            store.forget(&changes.forget).await?;
        }
        for (content, amendment) in changes.amend {
            match self.ports.vault.amend(content, &amendment).await {
                Ok(written) => report.amended += u64::from(written),
                // A newer manifest is a stranger, and named as one.
                Err(error) if error.kind == PortErrorKind::Unsupported => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A row that waits for a file which only an original can give.
fn is_unmade(row: &SidecarRecord, files: &[FoundFile]) -> bool {
    let waits = matches!(
        row.status,
        Status::Pending | Status::Failed | Status::Quarantined
    );
    let has_file = files
        .iter()
        .any(|f| f.kind == row.key.kind && f.variant == row.key.variant);
    waits && !has_file
}

fn died(death: JoinError) -> PortError {
    PortError::new(PortErrorKind::Unexpected, "scan the vault", death)
}

/// Whether there is nothing to do for a content: each row that vouches has its file, each file its
/// row, the manifest and its sums say just that, and what waits may still be made. What is not is
/// looked at again, with all that its rows say.
fn is_in_step(rows: &[RowOutline], folder: Option<&ScannedContent>, lost: bool) -> bool {
    let files = folder.map_or(&[][..], |folder| &folder.files);
    let manifest = folder.and_then(|folder| folder.manifest.as_ref());
    let entries = manifest.map_or(0, |manifest| manifest.sidecars.len());
    let file_of = |row: &RowOutline| {
        let same = |file: &&FoundFile| (&file.kind, &file.variant) == (&row.kind, &row.variant);
        files.iter().find(same)
    };
    let whole = |row: &RowOutline| match (row.size, file_of(row)) {
        (None, file) => file.is_none() && !lost,
        (Some(_), None) => false,
        (Some(size), Some(file)) => {
            let entry = manifest.and_then(|manifest| manifest.entry(&row.kind, &row.variant));
            let said = entry.map(|entry| (&entry.format, entry.size, Some(entry.blake3)));
            row.status != Status::Running
                && (&file.format, file.size) == (&row.format, size)
                && said == Some((&row.format, size, row.digest))
        }
    };
    let vouching = rows.iter().filter(|row| row.size.is_some()).count();
    folder.is_none_or(|folder| folder.sums)
        && (vouching, vouching) == (files.len(), entries)
        && rows.iter().all(whole)
}
