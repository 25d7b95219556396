//! Reconcile: make rows and files agree, in both directions, and queue what is missing. The vault,
//! the store and the catalog are read side by side in the order of the contents' uuids, so memory
//! does not grow with the library. Doing it again finds nothing to do.
//!
//! What this first look finds out of step is looked at again while no commit is under way, so that
//! half of one is never taken for damage. What has to be hashed for it is hashed before, and again
//! only where it changed in between.

mod apply;
mod content;
mod in_a_row;
mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};
use vss_core::ContentUuid;
use vss_ports::{
    ContentRecord, LocationRecord, PortError, PortErrorKind, PortResult, RowOutline,
    ScannedContent, ScannedStranger,
};

use crate::empty_vault::EmptyVault;
use crate::examine::Verdicts;
use crate::{Engine, ReferenceReport};

pub(crate) use content::Suspect;
use content::{Changes, OneContent, known_row};
use in_a_row::InARow;
pub(crate) use in_a_row::UNREADABLE_IN_A_ROW;
use look::is_in_step;

/// Contents compared in one step.
const BATCH: usize = 1_024;

/// Contents that are made to agree in one step, for which commits wait.
const TOGETHER: usize = 256;

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
    /// What was due and could not be done: damaged files that cannot be set aside, manifests that
    /// cannot be written. Each is among `unknown`; doing it again tries again.
    pub stuck: u64,
    /// Contents with sidecars and without any original that the catalog knows of: left alone.
    pub orphaned: u64,
    /// Rows that are pending because planning found them wanted.
    pub enqueued: u64,
    /// What became of references.
    pub references: ReferenceReport,
    /// Locations that are not there: while one is missing no row is removed.
    pub missing_locations: Vec<LocationRecord>,
    /// What is no sidecar, or cannot be read or mended: left alone.
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
        self.reconcile_between(None, None, options, &mut report)
            .await?;
        let strays = self.ports.vault.strays(STRAYS).await?;
        let stray = |stray: ScannedStranger| Stranger {
            content: None,
            name: stray.name,
            reason: stray.reason,
        };
        report.unknown.extend(strays.into_iter().map(stray));
        if !options.dry_run {
            // What lacked rows was planned with its content; what changed since the last plan is left.
            let planned = self.plan_changes().await?;
            report.enqueued += planned.inserted + planned.revived;
            report.references = self.refer(true, true).await?;
            self.note_rows_know_the_vault().await?;
        }
        tracing::info!(
            scanned = report.scanned,
            adopted = report.adopted,
            "reconciled"
        );
        Ok(report)
    }

    /// Reconciles contents after one uuid and up to another. The report has to tell which
    /// locations are missing.
    pub(crate) async fn reconcile_between(
        &self,
        mut after: Option<ContentUuid>,
        end: Option<ContentUuid>,
        options: ReconcileOptions,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let mut scanning = self.scan_ahead(after);
        loop {
            let mut scanned = scanning.await.map_err(died)??;
            // The last step goes on to the end: rows behind the last folder belong to it.
            let last = scanned.last().filter(|_| scanned.len() >= BATCH);
            let until = last.map(|content| content.content);
            let until = until.filter(|until| end.is_none_or(|end| *until < end));
            if let Some(end) = end {
                scanned.retain(|content| content.content <= end);
            }
            // The disk is read while the rows are.
            let ahead = until.map(|until| self.scan_ahead(Some(until)));
            self.reconcile_range(scanned, after, until.or(end), options, report)
                .await?;
            match ahead {
                Some(ahead) => (after, scanning) = (until, ahead),
                None => return Ok(()),
            }
        }
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
            let mut outlines = self.ports.store.outline(cursor, until, BATCH).await?;
            let mut known = self.ports.catalog.page(cursor, until, BATCH).await?;
            // As far as both pages go, or all that is left after the last ones.
            let of_rows = outlines.last().filter(|_| outlines.len() >= BATCH);
            let of_known = known.last().filter(|_| known.len() >= BATCH);
            let ends = [of_rows.map(|o| o.content), of_known.map(|k| k.content)];
            let end = ends.into_iter().flatten().min();
            let mut here = std::mem::take(&mut folders);
            if let Some(end) = end {
                outlines.retain(|outline| outline.content <= end);
                known.retain(|record| record.content <= end);
                folders = here.split_off(&end);
                here.extend(folders.remove_entry(&end));
            }
            let rows = outlines.into_iter().map(|o| (o.content, o.rows)).collect();
            self.reconcile_contents(here, rows, known, options, report)
                .await?;
            match end {
                Some(end) => cursor = Some(end),
                None => return Ok(()),
            }
        }
    }

    async fn reconcile_contents(
        &self,
        mut folders: BTreeMap<ContentUuid, ScannedContent>,
        mut rows: BTreeMap<ContentUuid, Vec<RowOutline>>,
        known: Vec<ContentRecord>,
        options: ReconcileOptions,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let contents: BTreeSet<_> = folders.keys().chain(rows.keys()).copied().collect();
        let mut lacking = self.lacking(&known, &rows);
        let known: BTreeMap<_, _> = known
            .iter()
            .map(|record| (record.content, record.originals == 0))
            .collect();
        let mut out_of_step = Vec::new();
        let (mut bad, mut verdicts) = (InARow::default(), Verdicts::default());
        for content in contents {
            let outline = rows.remove(&content).unwrap_or_default();
            let folder = folders.remove(&content);
            let unreadable = folder
                .as_ref()
                .and_then(|folder| folder.unreadable.as_ref());
            if let Some(reason) = unreadable {
                bad.note(Some(reason))?;
                // Its rows are left as they are: nobody knows what is there.
                report.unknown.push(unread(content, reason));
                continue;
            }
            let files = folder
                .as_ref()
                .map(|f| f.files.as_slice())
                .unwrap_or_default();
            report.scanned += files.len() as u64;
            let originals = known.get(&content);
            report.orphaned += u64::from(!files.is_empty() && originals != Some(&false));
            let mut unread = None;
            if options.verify_all
                || !is_in_step(&outline, folder.as_ref(), originals == Some(&true))
            {
                out_of_step.push(content);
                let found = folder.as_ref();
                let known: Vec<_> = outline.iter().map(known_row).collect();
                let manifest = found.and_then(|folder| folder.manifest.as_ref());
                let asked = self.examine_asked(content, files, &known, manifest, &mut verdicts);
                unread = asked.await?;
            }
            bad.note(unread.as_deref())?;
            for stranger in folder.into_iter().flat_map(|folder| folder.strangers) {
                let (name, reason) = (stranger.name, stranger.reason);
                report.unknown.push(Stranger {
                    content: Some(content),
                    name,
                    reason,
                });
            }
        }
        let mut bad = InARow::default();
        for contents in out_of_step.chunks(TOGETHER) {
            let mut suspects = Vec::new();
            if options.verify_all {
                for content in contents {
                    let of_content = self.suspects(*content, |_, _| true).await?;
                    let unreadable = of_content.iter().any(Suspect::is_unreadable);
                    bad.note(unreadable.then_some("its sidecars cannot be read"))?;
                    suspects.extend(of_content);
                }
            }
            let found = Found {
                suspects: &suspects,
                verdicts: &verdicts,
            };
            let agree = self.make_agree(contents, found, options, report);
            lacking.extend(agree.await?);
        }
        if !options.dry_run && !lacking.is_empty() {
            let lacking: Vec<_> = lacking.into_iter().collect();
            report.enqueued += self.plan_contents(&lacking).await?;
        }
        Ok(())
    }

    /// Makes files and rows of contents agree while no commit is under way; which of them lack
    /// something now.
    pub(crate) async fn make_agree(
        &self,
        contents: &[ContentUuid],
        found: Found<'_>,
        options: ReconcileOptions,
        report: &mut ReconcileReport,
    ) -> PortResult<Vec<ContentUuid>> {
        let _alone = self.shared.commits.write().await;
        let originals = self.lost_originals(contents.iter().copied()).await?;
        let folders = self.ports.vault.inspect(contents).await?;
        let mut folders: BTreeMap<_, _> = folders.into_iter().map(|f| (f.content, f)).collect();
        let mut changes = Changes::default();
        for &content in contents {
            let folder = folders.remove(&content);
            if let Some(reason) = folder.as_ref().and_then(|f| f.unreadable.as_ref()) {
                report.unknown.push(unread(content, reason));
                continue;
            }
            let rows = self.ports.store.of_content(content).await?;
            let mut one = OneContent {
                engine: self,
                content,
                rows: &rows,
                files: folder.as_ref().map_or(&[], |folder| &folder.files),
                manifest: folder.as_ref().and_then(|folder| folder.manifest.as_ref()),
                options,
                verdicts: found.verdicts,
                changes: &mut changes,
                report,
            };
            one.reconcile(found.suspects).await?;
            if let Some(folder) = &folder {
                one.amend(folder.sums).await?;
            }
            if originals.get(&content) == Some(&true) {
                one.give_up();
            }
        }
        // What was forgotten for want of an original may have one again by now.
        let lacking = changes.gone.iter().chain(&changes.unmake);
        let lacking = lacking.chain(&changes.forget);
        let mut lacking: Vec<_> = lacking.map(|key| key.content).collect();
        lacking.sort_unstable();
        lacking.dedup();
        if !options.dry_run {
            self.apply(changes, report).await?;
        }
        Ok(lacking)
    }

    /// Whether the catalog knows contents to have lost every original; those that it never knew are
    /// not in it.
    async fn lost_originals(
        &self,
        contents: impl Iterator<Item = ContentUuid>,
    ) -> PortResult<BTreeMap<ContentUuid, bool>> {
        let contents: Vec<_> = contents.collect();
        if contents.is_empty() {
            return Ok(BTreeMap::new());
        }
        let known = self.ports.catalog.find(&contents).await?;
        let lost = known.iter().map(|r| (r.content, r.originals == 0));
        Ok(lost.collect())
    }
}

/// What was found out before commits were held off.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) suspects: &'a [Suspect],
    pub(crate) verdicts: &'a Verdicts,
}

fn unread(content: ContentUuid, reason: &str) -> Stranger {
    Stranger {
        content: Some(content),
        name: "its folder".into(),
        reason: format!("cannot be read: {reason}"),
    }
}

fn died(death: JoinError) -> PortError {
    PortError::new(PortErrorKind::Unexpected, "scan the vault", death)
}
