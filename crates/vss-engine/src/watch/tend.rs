//! Tend: make files and rows of a few contents agree, while others are being made.
//!
//! Bytes are hashed first, with nothing held. Then commits are held off for a moment, and what was
//! found damaged is set aside only if it is still the same.

use std::collections::{BTreeMap, BTreeSet};

use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Format, Kind, SidecarKey};
use vss_ports::{FileStamp, LocalFile, PortResult, ScannedContent, SidecarRecord};

use super::spot::Spot;
use super::vault::{TendReport, VaultBatch};
use crate::Engine;
use crate::reconcile::{Found, ReconcileError, ReconcileOptions};

/// Contents that are compared in one step.
const BATCH: usize = 256;

/// What was told of one content.
#[derive(PartialEq, Default)]
struct Told {
    sidecars: BTreeSet<(SidecarKey, Format)>,
    /// Folders of kinds, by their names.
    folders: BTreeSet<String>,
    /// That the sums beside its manifest changed.
    sums: bool,
    /// Also that something else in its folder changed.
    whole: bool,
}

impl Told {
    /// Whether what lies there has to be looked at to know what it is about.
    fn is_more_than_sidecars(&self) -> bool {
        self.whole || self.sums || !self.folders.is_empty()
    }

    /// Whether it is about a file.
    fn is_of(&self, row: &SidecarRecord) -> bool {
        let at = (row.key.clone(), row.format.clone());
        self.whole || self.folders.contains(row.key.kind.folder()) || self.sidecars.contains(&at)
    }
}

impl Engine {
    /// Compares what was told to have changed in the vault, as [`reconcile`](Self::reconcile)
    /// would, and verifies the bytes of files that were touched. May go on beside a run. What is
    /// missing is queued; whoever runs is woken.
    ///
    /// # Errors
    /// [`ReconcileError`] when a port fails, or when there is no file at all and there should be;
    /// what was done until then stays done.
    pub async fn tend(&self, batch: &VaultBatch) -> Result<TendReport, ReconcileError> {
        let mut report = TendReport::default();
        if batch.spots.is_empty() {
            return Ok(report);
        }
        if let Some(empty) = self.empty_vault().await? {
            return Err(empty.into());
        }
        report.done.missing_locations = self.missing_locations().await?;
        let mut told: BTreeMap<ContentUuid, Told> = BTreeMap::new();
        for spot in &batch.spots {
            match spot {
                Spot::Sidecar(key, format) => {
                    let of_content = told.entry(key.content).or_default();
                    of_content.sidecars.insert((key.clone(), format.clone()));
                }
                Spot::Folder(content, folder) => {
                    let of_content = told.entry(*content).or_default();
                    of_content.folders.insert(folder.clone());
                }
                Spot::Sums(content) => told.entry(*content).or_default().sums = true,
                Spot::Content(content) => told.entry(*content).or_default().whole = true,
                Spot::Range(after, until) => match self.few_in(*after, *until).await? {
                    Some(contents) => {
                        for content in contents {
                            told.entry(content).or_default().whole = true;
                        }
                    }
                    None => {
                        let options = ReconcileOptions::default();
                        let done = &mut report.done;
                        self.reconcile_between(*after, *until, options, done)
                            .await?;
                    }
                },
            }
        }
        let mut touched = Vec::new();
        for content in self.unreadable(told.keys().copied()).await? {
            told.remove(&content);
        }
        for (content, told) in told {
            match self.touched(content, told).await? {
                Some(told) => touched.push((content, told)),
                None => report.echoes += 1,
            }
        }
        // What cannot be done to some keeps it from no others.
        let mut first = Ok(());
        for batch in touched.chunks(BATCH) {
            let tended = self.tend_contents(batch, &mut report).await;
            first = first.and(tended);
        }
        first?;
        let done = &report.done;
        if done.missing + done.repaired > 0 {
            self.wake();
        }
        Ok(report)
    }

    /// The contents of a range, when there are few: a shard is new with its first content.
    async fn few_in(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
    ) -> PortResult<Option<BTreeSet<ContentUuid>>> {
        let Some(end) = until else { return Ok(None) };
        let mut few = BTreeSet::new();
        let mut cursor = after;
        for limit in [2, 16, BATCH] {
            let page = self.ports.vault.scan(cursor, limit).await?;
            let is_last = page.len() < limit || page.iter().any(|found| found.content > end);
            let within = page.iter().map(|found| found.content);
            few.extend(within.filter(|content| *content <= end));
            if is_last {
                let rows = self.ports.store.page(after, until, BATCH).await?;
                few.extend(rows.iter().map(|row| row.key.content));
                return Ok((few.len() < BATCH).then_some(few));
            }
            cursor = page.last().map(|found| found.content);
        }
        Ok(None)
    }

    /// Those of the contents whose folders cannot be read: nothing can be compared there.
    async fn unreadable(
        &self,
        contents: impl Iterator<Item = ContentUuid>,
    ) -> PortResult<Vec<ContentUuid>> {
        let contents: Vec<_> = contents.collect();
        let mut unreadable = Vec::new();
        for contents in contents.chunks(BATCH) {
            for folder in self.ports.vault.inspect(contents).await? {
                if let Some(reason) = folder.unreadable {
                    let content = folder.content;
                    tracing::warn!(%content, reason, "left alone: its sidecars cannot be looked at");
                    unreadable.push(content);
                }
            }
        }
        Ok(unreadable)
    }

    /// What of it is not the echo of our own work; `None` when all is.
    async fn touched(&self, content: ContentUuid, told: Told) -> PortResult<Option<Told>> {
        let mut touched = Told::default();
        if told.is_more_than_sidecars() {
            let there = self.ports.vault.inspect(&[content]).await?.pop();
            let is_there = there.is_some();
            let there = there.unwrap_or_else(|| ScannedContent::new(content));
            touched.whole = told.whole && !self.is_all_echo(&there, |_| true)?;
            touched.sums = told.sums && is_there && !there.sums;
            for folder in told.folders {
                if !self.is_all_echo(&there, |kind| kind.folder() == folder)? {
                    touched.folders.insert(folder);
                }
            }
        }
        for (key, format) in told.sidecars {
            if !self.is_echo(&key, &format)? {
                touched.sidecars.insert((key, format));
            }
        }
        Ok((touched != Told::default()).then_some(touched))
    }

    /// Whether there are as many files of these kinds as there should be, and each of them is known.
    fn is_all_echo(
        &self,
        there: &ScannedContent,
        is_asked: impl Fn(&Kind) -> bool,
    ) -> PortResult<bool> {
        let files = there.files.iter().filter(|file| is_asked(&file.kind));
        let files: Vec<_> = files.collect();
        let said = there.manifest.as_ref().map(|manifest| {
            let said = manifest.sidecars.iter();
            said.filter(|said| is_asked(&said.kind)).count()
        });
        if files.is_empty() || said != Some(files.len()) {
            return Ok(false);
        }
        for file in files {
            let (key, format) = named(there.content, file);
            if !self.is_echo(&key, &format)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a file is there that nobody touched since it was published or found whole.
    fn is_echo(&self, key: &SidecarKey, format: &Format) -> PortResult<bool> {
        let there = self.ports.vault.locate(key, format)?;
        Ok(there.is_some_and(|there| self.is_known(key, &there.stamp)))
    }

    fn is_known(&self, key: &SidecarKey, stamp: &FileStamp) -> bool {
        let published = self.shared.published.get();
        self.shared.verified.knows(key, stamp)
            || published.is_some_and(|published| published.knows(key, stamp))
    }

    async fn tend_contents(
        &self,
        batch: &[(ContentUuid, Told)],
        report: &mut TendReport,
    ) -> PortResult<()> {
        let mut suspects = Vec::new();
        for (content, told) in batch {
            let is_asked = |row: &SidecarRecord, file: &LocalFile| {
                told.is_of(row) && !self.is_known(&row.key, &file.stamp)
            };
            suspects.extend(self.suspects(*content, is_asked).await?);
        }
        let contents: Vec<_> = batch.iter().map(|(content, _)| *content).collect();
        let verdicts = self.verdicts_on(&contents).await?;
        let found = Found {
            suspects: &suspects,
            verdicts: &verdicts,
        };
        let (options, done) = (ReconcileOptions::default(), &mut report.done);
        let lacking = self.make_agree(&contents, found, options, done).await?;
        if !lacking.is_empty() {
            done.enqueued += self.plan_contents(&lacking).await?;
        }
        Ok(())
    }
}

fn named(content: ContentUuid, file: &FoundFile) -> (SidecarKey, Format) {
    let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
    (key, file.format.clone())
}
