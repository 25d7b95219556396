//! Whether references still hold: a reference follows its original wherever that goes, and ends
//! when there is nothing any more that it could belong to.

use std::collections::{BTreeSet, HashMap};

use vss_core::companion::Evidence;
use vss_core::{EntryId, SidecarKey, Status};
use vss_ports::{EntryRecord, PortResult, ReferenceRecord};

use crate::Engine;
use crate::references::{Found, ReferenceReport};

/// Originals looked at in one step.
const PAGE: usize = 512;

impl Engine {
    /// Holds every reference against the catalog: lost when its original is gone, ended when the
    /// content that it belongs to has no original, or its own original became something else.
    pub(crate) async fn hold_references(&self, report: &mut ReferenceReport) -> PortResult<()> {
        let mut after = None;
        loop {
            let page = self.ports.references.references(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.target.entry);
            self.hold(page, report).await?;
        }
    }

    async fn hold(
        &self,
        page: Vec<ReferenceRecord>,
        report: &mut ReferenceReport,
    ) -> PortResult<()> {
        let entries: Vec<_> = page.iter().map(|one| one.target.entry).collect();
        let entries = self.ports.catalog.entries(&entries).await?;
        let entries: HashMap<EntryId, EntryRecord> = entries
            .into_iter()
            .map(|record| (record.entry.entry, record))
            .collect();
        let contents: Vec<_> = page.iter().map(|one| one.row.key.content).collect();
        let contents = self.ports.catalog.find(&contents).await?;
        let alive: BTreeSet<_> = contents
            .into_iter()
            .filter(|record| record.originals > 0)
            .map(|record| record.content)
            .collect();
        let (mut lost, mut ended, mut edited) = (Vec::new(), Vec::new(), Vec::new());
        for one in page {
            let key = one.row.key.clone();
            let ready = one.row.status == Status::Ready;
            match entries.get(&one.target.entry) {
                _ if !alive.contains(&key.content) => ended.push(key),
                None if ready => lost.push(key),
                // Its entry came back under another name, and the rules have found it.
                None => {}
                Some(record) if record.entry.content == one.target.companion => {}
                // Its folder was looked at, and no rule said so again.
                Some(_) if one.target.evidence != Evidence::Hand => ended.push(key),
                Some(record) => edited.push(Found {
                    of: key.content,
                    companion: record.entry.clone(),
                    relation: one.target.relation,
                    evidence: one.target.evidence,
                }),
            }
        }
        let now = self.ports.clock.now();
        if !lost.is_empty() {
            report.lost += self.ports.references.lose(&lost, now).await?;
        }
        if !ended.is_empty() {
            report.ended += self.ports.store.forget(&ended).await?;
        }
        self.record(edited, report).await
    }

    /// Every reference is lost until it is found again.
    pub(crate) async fn lose_all(&self, report: &mut ReferenceReport) -> PortResult<()> {
        let mut after = None;
        loop {
            let page = self.ports.references.references(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.target.entry);
            let keys: Vec<SidecarKey> = page.into_iter().map(|one| one.row.key).collect();
            let now = self.ports.clock.now();
            report.lost += self.ports.references.lose(&keys, now).await?;
        }
    }
}
