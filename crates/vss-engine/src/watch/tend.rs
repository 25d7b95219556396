//! Tend: make files and rows of a few contents agree, while others are being made.
//!
//! Bytes are hashed first, with nothing held. Then commits are held off for a moment, and what was
//! found out is done only if files and rows are still the same.

use std::collections::{BTreeMap, BTreeSet};

use vss_core::reconcile::{FoundFile, diff};
use vss_core::{ContentUuid, Format, SidecarKey, Status};
use vss_ports::{PortResult, ScannedContent, SidecarRecord};

use super::spot::Spot;
use super::vault::{TendReport, VaultBatch};
use crate::Engine;
use crate::reconcile::{Changes, Finding, ReconcileError, ReconcileOptions, known_row};

/// Contents that are compared in one step.
const BATCH: usize = 256;

/// What was told of one content.
#[derive(Default)]
struct Told {
    sidecars: BTreeSet<(SidecarKey, Format)>,
    /// Also that something else in its folder changed.
    whole: bool,
}

/// Files and rows of a content as they were when they were compared.
#[derive(PartialEq, Debug)]
struct Seen {
    folder: Option<ScannedContent>,
    rows: Vec<SidecarRecord>,
}

impl Engine {
    /// Compares what was told to have changed in the vault, as [`reconcile`](Self::reconcile)
    /// would, and verifies the bytes of files that were touched. May go on beside a run. What is
    /// missing is queued; whoever runs is woken.
    ///
    /// # Errors
    /// [`ReconcileError`] when a port fails; what was done until then stays done.
    pub async fn tend(&self, batch: &VaultBatch) -> Result<TendReport, ReconcileError> {
        let mut report = TendReport::default();
        let mut told: BTreeMap<ContentUuid, Told> = BTreeMap::new();
        for spot in &batch.spots {
            match spot {
                Spot::Sidecar(key, format) => {
                    let of_content = told.entry(key.content).or_default();
                    of_content.sidecars.insert((key.clone(), format.clone()));
                }
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
                        if done.missing + done.repaired > 0 {
                            let planned = self.plan_changes(true).await?;
                            done.enqueued += planned.inserted + planned.revived;
                        }
                    }
                },
            }
        }
        let mut touched = Vec::new();
        for (content, told) in told {
            match self.touched(content, told).await? {
                Some(told) => touched.push((content, told)),
                None => report.echoes += 1,
            }
        }
        for batch in touched.chunks(BATCH) {
            self.tend_contents(batch, &mut report).await?;
        }
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

    /// What of it is not the echo of our own work; `None` when all is.
    async fn touched(&self, content: ContentUuid, told: Told) -> PortResult<Option<Told>> {
        let known = self.shared.known.of(content);
        if told.whole {
            let mut there = self.ports.vault.inspect(&[content]).await?;
            let files = there.pop().map(|found| found.files).unwrap_or_default();
            let mut is_echo = !files.is_empty() && files.len() == known.len();
            for file in files {
                let (key, format) = named(content, &file);
                is_echo = is_echo && self.is_known(&key, &format)?;
            }
            return Ok((!is_echo).then_some(told));
        }
        let mut touched = Told::default();
        for (key, format) in told.sidecars {
            if !self.is_known(&key, &format)? {
                touched.sidecars.insert((key, format));
            }
        }
        Ok((!touched.sidecars.is_empty()).then_some(touched))
    }

    /// Whether a file is one that is known to be what its row says, and nobody touched it since.
    fn is_known(&self, key: &SidecarKey, format: &Format) -> PortResult<bool> {
        let known = self.shared.known.of(key.content);
        let at = (key.kind.clone(), key.variant.clone(), format.clone());
        let there = self.ports.vault.locate(key, format)?;
        Ok(there.is_some_and(|there| known.get(&at) == Some(&there.stamp)))
    }

    async fn tend_contents(
        &self,
        batch: &[(ContentUuid, Told)],
        report: &mut TendReport,
    ) -> PortResult<()> {
        let mut found_out = Vec::with_capacity(batch.len());
        for (content, told) in batch {
            let seen = self.see(*content).await?;
            let findings = self.compare(*content, told, &seen).await?;
            found_out.push((*content, seen, findings));
        }
        let _alone = self.shared.commits.write().await;
        let mut changes = Changes::default();
        for (content, seen, findings) in found_out {
            if findings.is_empty() {
                continue;
            }
            if self.see(content).await? != seen {
                report.again.push(Spot::Content(content));
                continue;
            }
            let options = ReconcileOptions::default();
            for finding in findings {
                self.perform(content, finding, options, &mut changes, &mut report.done)
                    .await?;
            }
        }
        // What nobody can make again is no work.
        let orphans = self.without_originals(changes.gone.clone()).await?;
        changes.gone.retain(|key| !orphans.contains(key));
        report.done.removed_rows += orphans.len() as u64;
        changes.forget = orphans;
        let mut gone: Vec<_> = changes.gone.iter().map(|key| key.content).collect();
        gone.dedup();
        self.apply(changes).await?;
        if !gone.is_empty() {
            report.done.enqueued += self.plan_contents(&gone).await?;
        }
        Ok(())
    }

    async fn see(&self, content: ContentUuid) -> PortResult<Seen> {
        Ok(Seen {
            folder: self.ports.vault.inspect(&[content]).await?.pop(),
            rows: self.ports.store.of_content(content).await?,
        })
    }

    /// What has to be done so that files and rows of a content agree. Reads, and changes nothing.
    async fn compare(
        &self,
        content: ContentUuid,
        told: &Told,
        seen: &Seen,
    ) -> PortResult<Vec<Finding>> {
        let Seen { folder, rows } = seen;
        let files = folder.as_ref().map(|folder| folder.files.as_slice());
        let files = files.unwrap_or_default();
        let manifest = folder.as_ref().and_then(|folder| folder.manifest.as_ref());
        let known: Vec<_> = rows.iter().map(known_row).collect();
        let mut findings = Vec::new();
        for action in diff(files, &known) {
            findings.push(self.find_out(content, action, manifest).await?);
        }
        for file in files {
            let (key, format) = named(content, file);
            let is_told = told.whole || told.sidecars.contains(&(key.clone(), format.clone()));
            let row = rows.iter().find(|row| {
                row.key == key
                    && row.format == format
                    && row.status == Status::Ready
                    && row.size == Some(file.size)
            });
            let Some(row) = row.filter(|_| is_told) else {
                continue;
            };
            if self.is_known(&key, &format)? {
                continue;
            }
            // The stamp before the bytes: whoever touches them meanwhile gives it another one.
            let stamp = self
                .ports
                .vault
                .locate(&key, &format)?
                .map(|there| there.stamp);
            let hashed = self.hash(&key, file).await?.map(|(_, digest, _)| digest);
            match (stamp, hashed) {
                (Some(stamp), Some(digest)) if Some(digest) == row.digest => {
                    self.shared.known.remember(&key, &format, stamp);
                }
                (Some(_), Some(_)) => {
                    self.shared.known.forget(&key, &format);
                    findings.push(Finding::Damaged(file.clone()));
                }
                // It went away: that is told as well.
                _ => {}
            }
        }
        Ok(findings)
    }
}

fn named(content: ContentUuid, file: &FoundFile) -> (SidecarKey, Format) {
    let key = SidecarKey::new(content, file.kind.clone(), file.variant.clone());
    (key, file.format.clone())
}
