//! Reconcile: make rows and files agree, in both directions, then queue what is missing. The
//! vault and the store are read side by side in the order of the contents' uuids, so memory does
//! not grow with the library. Doing it again finds nothing to do.

use std::collections::BTreeMap;

use vss_core::reconcile::{Action, FoundFile, KnownRow, diff};
use vss_core::{ContentUuid, Manifest, Priority, SidecarKey, SidecarSource, Status};
use vss_ports::{
    Invalidation, PortError, PortResult, ScannedContent, ScannedStranger, SidecarRecord,
};

use crate::Engine;

mod findings;

pub(crate) use findings::{Changes, Finding};

/// Contents compared in one step.
const BATCH: usize = 256;

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
    /// Rows that are pending because planning found them wanted.
    pub enqueued: u64,
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
#[error("rows and files could not be reconciled")]
pub struct ReconcileError(#[from] PortError);

impl Engine {
    /// Reconciles the whole library.
    ///
    /// # Errors
    /// [`ReconcileError`] when a port fails.
    pub async fn reconcile(
        &self,
        options: ReconcileOptions,
    ) -> Result<ReconcileReport, ReconcileError> {
        let mut report = ReconcileReport::default();
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
            // Everything: a row may be lost whose content did not change.
            let planned = self.plan_changes(true).await?;
            report.enqueued = planned.inserted + planned.revived;
        }
        tracing::info!(
            scanned = report.scanned,
            adopted = report.adopted,
            "reconciled"
        );
        Ok(report)
    }

    /// Reconciles contents after one uuid and up to another. Commits wait for each step of it, and
    /// it for them, so that it never sees half of one.
    pub(crate) async fn reconcile_between(
        &self,
        mut after: Option<ContentUuid>,
        end: Option<ContentUuid>,
        options: ReconcileOptions,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        loop {
            let _alone = self.shared.commits.write().await;
            let mut scanned = self.ports.vault.scan(after, BATCH).await?;
            if let Some(end) = end {
                scanned.retain(|content| content.content <= end);
            }
            // The last step goes on to the end: rows behind the last folder belong to it.
            let is_last = scanned.len() < BATCH;
            let last = scanned.last().map(|content| content.content);
            let until = last.filter(|_| !is_last);
            self.reconcile_range(scanned, after, until.or(end), options, report)
                .await?;
            match until {
                Some(until) => after = Some(until),
                None => return Ok(()),
            }
        }
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
            let rows = self.ports.store.page(cursor, until, BATCH).await?;
            let last = rows.last().map(|row| row.key.content);
            let mut by_content: BTreeMap<ContentUuid, Vec<SidecarRecord>> = BTreeMap::new();
            for row in rows {
                by_content.entry(row.key.content).or_default().push(row);
            }
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
                self.apply(changes).await?;
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
        mut rows: BTreeMap<ContentUuid, Vec<SidecarRecord>>,
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let contents: std::collections::BTreeSet<_> =
            folders.keys().chain(rows.keys()).copied().collect();
        let mut unmade = Vec::new();
        for content in contents {
            let rows = rows.remove(&content).unwrap_or_default();
            let folder = folders.remove(&content);
            let files = folder
                .as_ref()
                .map(|f| f.files.as_slice())
                .unwrap_or_default();
            report.scanned += files.len() as u64;
            let known: Vec<_> = rows.iter().map(known_row).collect();
            let manifest = folder.as_ref().and_then(|folder| folder.manifest.as_ref());
            for action in diff(files, &known) {
                self.act(content, action, manifest, options, changes, report)
                    .await?;
            }
            if options.verify_all {
                self.verify_ready(files, &rows, options, changes, report)
                    .await?;
            }
            unmade.extend(
                rows.iter()
                    .filter(|row| is_unmade(row, files))
                    .map(|r| r.key.clone()),
            );
            for stranger in folder.into_iter().flat_map(|folder| folder.strangers) {
                let (name, reason) = (stranger.name, stranger.reason);
                report.unknown.push(Stranger {
                    content: Some(content),
                    name,
                    reason,
                });
            }
        }
        let orphans = self.without_originals(unmade).await?;
        report.removed_rows += orphans.len() as u64;
        changes.forget.extend(orphans);
        Ok(())
    }

    async fn act(
        &self,
        content: ContentUuid,
        action: Action,
        manifest: Option<&Manifest>,
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        let finding = self.find_out(content, action, manifest).await?;
        self.perform(content, finding, options, changes, report)
            .await
    }

    async fn verify_ready(
        &self,
        files: &[FoundFile],
        rows: &[SidecarRecord],
        options: ReconcileOptions,
        changes: &mut Changes,
        report: &mut ReconcileReport,
    ) -> PortResult<()> {
        for row in rows.iter().filter(|row| row.status == Status::Ready) {
            let Some(file) = files.iter().find(|file| {
                file.kind == row.key.kind
                    && file.variant == row.key.variant
                    && file.format == row.format
                    && Some(file.size) == row.size
            }) else {
                continue;
            };
            let hashed = self.hash(&row.key, file).await?;
            if hashed.is_some_and(|(_, digest, _)| Some(digest) != row.digest) {
                self.set_aside(row.key.content, file, options, changes, report)
                    .await?;
            }
        }
        Ok(())
    }

    /// Which of these belong to contents that the catalog knows to have lost every original.
    pub(crate) async fn without_originals(
        &self,
        unmade: Vec<SidecarKey>,
    ) -> PortResult<Vec<SidecarKey>> {
        if unmade.is_empty() {
            return Ok(unmade);
        }
        let mut contents: Vec<_> = unmade.iter().map(|key| key.content).collect();
        contents.dedup();
        let known = self.ports.catalog.find(&contents).await?;
        let lost: std::collections::BTreeSet<_> = known
            .iter()
            .filter(|r| r.originals == 0)
            .map(|r| r.content)
            .collect();
        Ok(unmade
            .into_iter()
            .filter(|key| lost.contains(&key.content))
            .collect())
    }

    pub(crate) async fn apply(&self, changes: Changes) -> PortResult<()> {
        let (store, now) = (&self.ports.store, self.ports.clock.now());
        // Nobody made what was adopted, so nobody would make it again under that row: what is wanted
        // is planned anew.
        let (mut gone, mut adopted) = (Vec::new(), Vec::new());
        for key in changes.gone {
            let row = store.find(&key).await?;
            match row.is_some_and(|row| row.source == SidecarSource::Adopted) {
                true => adopted.push(key),
                false => gone.push(key),
            }
        }
        // Missing first: a row that vouched for a file in another format may then adopt this one.
        if !gone.is_empty() {
            let how = Invalidation::FileGone;
            store.invalidate(&gone, how, Priority::Missing, now).await?;
        }
        if !adopted.is_empty() {
            store.forget(&adopted).await?;
        }
        if !changes.adopt.is_empty() {
            store.adopt(&changes.adopt, now).await?;
        }
        if !changes.forget.is_empty() {
            store.forget(&changes.forget).await?;
        }
        Ok(())
    }
}

pub(crate) fn known_row(row: &SidecarRecord) -> KnownRow {
    KnownRow {
        kind: row.key.kind.clone(),
        variant: row.key.variant.clone(),
        format: row.format.clone(),
        status: row.status,
        vouched_size: row.size,
        is_reference: row.source == SidecarSource::Reference,
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
