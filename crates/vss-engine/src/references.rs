//! References: finds out which originals are sidecars of others, and keeps rows that say so.
//!
//! ```text
//! catalog.folders ─> rules (pure) ─┐
//! catalog.halves  ─> rules (pure) ─┼─> digest of the original, in place ─> references.refer
//! what people said ────────────────┘
//! ```
//!
//! Only folders in which something changed are looked at. Nothing is moved, copied or written next
//! to an original.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::PathBuf;

use vss_core::companion::{
    self, ByteRange, Companion, Confidence, Decisions, Evidence, LiveId, Relation, across,
    in_folder,
};
use vss_core::{ContentUuid, Digest, EntryId, Kind, SidecarKey, Status};
use vss_ports::{
    ChangeSeq, EnqueueBatch, HalfRecord, PortError, PortErrorKind, PortResult, Reference,
    ReferenceRecord, ReferenceTarget, Referral, Watermark,
};

use crate::Engine;
use crate::source_digest::digest_of_part;

/// Folders looked at in one step.
const FOLDERS: usize = 64;
/// References recorded in one step.
const TOGETHER: usize = 128;

/// What looking for references did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReferenceReport {
    /// References that are new, or other than they were.
    pub changed: u64,
    /// References whose original is gone.
    pub lost: u64,
    /// References that do not hold any more: they belong elsewhere, or to nothing.
    pub ended: u64,
    /// Originals that could not be read: they are changing right now, or cannot be opened.
    pub unread: u64,
    /// Companions for which no variant is left.
    pub taken: u64,
}

/// A companion with all that a row says of it.
pub(crate) struct Found {
    pub(crate) of: ContentUuid,
    pub(crate) companion: companion::Entry,
    pub(crate) relation: Relation,
    pub(crate) evidence: Evidence,
}

impl Found {
    /// Of one content, what is certain and in the usual format comes first, then names decide.
    fn rank(&self) -> (ContentUuid, Reverse<Confidence>, bool, &[u8]) {
        let sure = companion::confidence(&self.relation, self.evidence);
        let unusual = companion::slot(&self.relation, &self.companion)
            .is_none_or(|slot| slot.kind.default_format().as_ref() != Some(&slot.format));
        (self.of, Reverse(sure), unusual, &self.companion.name)
    }
}

/// Where folders with unread companions begin when there are none.
const NONE_UNREAD: ChangeSeq = ChangeSeq(i64::MAX);

impl Engine {
    /// Looks at the folders that changed since the last time, and records which of their files are
    /// sidecars of others. `anything` says whether any original changed: then what was recorded
    /// earlier is held against what is there. After a look at `whole` roots those folders are looked
    /// at again in which something could not be read.
    ///
    /// # Errors
    /// When a port fails; what was recorded until then stays.
    pub(crate) async fn refer(&self, anything: bool, whole: bool) -> PortResult<ReferenceReport> {
        let (catalog, queue) = (&self.ports.catalog, &self.ports.queue);
        let mut report = ReferenceReport::default();
        let name = format!("references/{}", catalog.instance().await?);
        let reached = queue.watermark(&name).await?;
        let is_new = reached.is_none();
        if is_new {
            // The entries of another catalog mean nothing in this one.
            self.lose_all(&mut report).await?;
        }
        let decisions = self.decisions().await?;
        self.record_linked(&decisions, &mut report).await?;
        let seq = |at: Option<String>| at.and_then(|at| at.parse().ok()).map(ChangeSeq);
        let mut after = seq(reached).unwrap_or_default();
        let unread_name = format!("{name}/unread");
        let unread_before =
            seq(queue.watermark(&unread_name).await?).filter(|at| *at != NONE_UNREAD);
        let mut unread_after = unread_before;
        if whole && let Some(unread) = unread_before {
            after = after.min(unread);
            unread_after = None;
        }
        loop {
            let folders = catalog.folders(after, FOLDERS).await?;
            let Some(last) = folders.last() else { break };
            let (began, unread) = (after, report.unread);
            after = last.seq;
            let mut found = Vec::new();
            let mut lonely = BTreeSet::new();
            for folder in &folders {
                let pairs = in_folder(&folder.entries, &decisions);
                lonely.extend(pairs.lonely.iter().map(companion::Lonely::id));
                found.extend(resolved(pairs.companions, &folder.entries));
            }
            found.extend(self.apart(&lonely, &decisions).await?);
            self.record(found, &mut report).await?;
            if report.unread > unread {
                // Said first: what is passed by then is not lost.
                let again = unread_after.map_or(began, |earlier| earlier.min(began));
                self.note_seq(&unread_name, again).await?;
                unread_after = Some(again);
            }
            self.note_seq(&name, after).await?;
        }
        if unread_after.is_none() && unread_before.is_some() {
            self.note_seq(&unread_name, NONE_UNREAD).await?;
        }
        if anything || is_new {
            self.hold_references(&mut report).await?;
        }
        if is_new {
            // Said even where there is no folder, so that nothing is lost again.
            self.note_seq(&name, after).await?;
        }
        Ok(report)
    }

    async fn note_seq(&self, name: &str, seq: ChangeSeq) -> PortResult<()> {
        let batch = EnqueueBatch {
            items: Vec::new(),
            watermark: Some(Watermark {
                name: name.to_owned(),
                value: seq.0.to_string(),
            }),
        };
        let now = self.ports.clock.now();
        self.ports.queue.enqueue(&batch, now).await.map(|_| ())
    }

    /// What people said, about entries of this catalog. What was said of another one's is found
    /// again by the two contents.
    pub(crate) async fn decisions(&self) -> PortResult<Decisions> {
        let catalog = &self.ports.catalog;
        let here = catalog.instance().await?;
        let mut known = Vec::new();
        for (instance, mut decision) in self.ports.references.decisions().await? {
            if instance != here {
                let of = catalog.originals(decision.of_content).await?;
                let companion = catalog.originals(decision.companion_content).await?;
                let (Some(of), Some(companion)) = (of.first(), companion.first()) else {
                    continue;
                };
                (decision.of, decision.companion) = (of.entry, companion.entry);
            }
            known.push(decision);
        }
        Ok(Decisions::new(known))
    }

    /// The halves of Live Photos that are in other folders than their other half.
    async fn apart(&self, ids: &BTreeSet<LiveId>, decisions: &Decisions) -> PortResult<Vec<Found>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().copied().collect();
        let mut places: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<companion::Entry>>> =
            BTreeMap::new();
        for half in self.ports.catalog.halves(&ids).await? {
            let HalfRecord {
                path,
                location,
                entry,
            } = half;
            let folders = places.entry(location).or_default();
            folders.entry(path).or_default().push(entry);
        }
        let mut found = Vec::new();
        for folders in places.into_values() {
            let left = folders.values();
            let left = left.flat_map(|entries| in_folder(entries, decisions).lonely);
            let companions = across(left.collect(), decisions);
            let entries: Vec<_> = folders.into_values().flatten().collect();
            found.extend(resolved(companions, &entries));
        }
        Ok(found)
    }

    /// What people linked, wherever it is.
    async fn record_linked(
        &self,
        decisions: &Decisions,
        report: &mut ReferenceReport,
    ) -> PortResult<()> {
        let linked = decisions.companions();
        let asked: Vec<_> = linked
            .iter()
            .flat_map(|one| [one.of, one.companion])
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let known = self.ports.catalog.entries(&asked).await?;
        let entries: Vec<_> = known.into_iter().map(|record| record.entry).collect();
        self.record(resolved(linked.to_vec(), &entries), report)
            .await
    }

    /// Records companions as references. Of those that are recorded as they are nothing is read.
    pub(crate) async fn record(
        &self,
        mut found: Vec<Found>,
        report: &mut ReferenceReport,
    ) -> PortResult<()> {
        // Of several that could have one variant, the same one is first on every machine.
        found.sort_by(|one, other| one.rank().cmp(&other.rank()));
        for together in found.chunks(TOGETHER) {
            let entries: Vec<_> = together.iter().map(|one| one.companion.entry).collect();
            let known = self.ports.references.referring(&entries).await?;
            let mut references = Vec::new();
            for one in together {
                if let Some(reference) = self.reference(one, &known, report).await? {
                    references.push(reference);
                }
            }
            let now = self.ports.clock.now();
            for referral in self.ports.references.refer(&references, now).await? {
                match referral {
                    Referral::Ready { changed, .. } => report.changed += u64::from(changed),
                    Referral::Managed(_) => {}
                    Referral::Taken => {
                        report.taken += 1;
                        tracing::info!("a companion has no variant left");
                    }
                }
            }
            self.end_elsewhere(together, &known, report).await?;
        }
        Ok(())
    }

    /// The reference that a companion makes; `None` when it is there already, or cannot be read.
    async fn reference(
        &self,
        found: &Found,
        known: &[ReferenceRecord],
        report: &mut ReferenceReport,
    ) -> PortResult<Option<Reference>> {
        let entry = &found.companion;
        let Some(slot) = companion::slot(&found.relation, entry) else {
            return Ok(None);
        };
        let target = ReferenceTarget {
            entry: entry.entry,
            companion: entry.content,
            relation: found.relation.clone(),
            evidence: found.evidence,
        };
        let recorded = known.iter().find(|one| {
            one.row.key.content == found.of
                && one.row.key.kind == slot.kind
                && one.row.status == Status::Ready
                && one.target.entry == target.entry
                && one.target.companion == target.companion
                && part_of(&one.target.relation) == part_of(&target.relation)
        });
        if recorded.is_some_and(|one| one.target == target) {
            return Ok(None);
        }
        let bytes = recorded.and_then(|one| one.row.size.zip(one.row.digest));
        let bytes = match bytes {
            Some(bytes) => Some(bytes),
            None => self.digest(entry.entry, part_of(&found.relation)).await?,
        };
        let Some((size, digest)) = bytes else {
            report.unread += 1;
            tracing::info!(entry = %entry.entry, "a companion could not be read as it was indexed");
            return Ok(None);
        };
        Ok(Some(Reference {
            content: found.of,
            kind: slot.kind,
            variants: slot.variants,
            format: slot.format,
            target,
            size,
            digest,
        }))
    }

    /// Size and digest of an original, or of a part of it, where it is; `None` when it is not there
    /// as it was indexed.
    async fn digest(
        &self,
        entry: EntryId,
        part: Option<ByteRange>,
    ) -> PortResult<Option<(u64, Digest)>> {
        let Some(opened) = self.ports.catalog.open_entry(entry).await? else {
            return Ok(None);
        };
        let path = opened.path.clone();
        let hashed = hash(opened.file, part).await?;
        match hashed {
            Ok(hashed) => Ok(Some(hashed)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a companion cannot be read");
                Ok(None)
            }
        }
    }

    /// A video or a picture is a sidecar of one content: what it was of before ends. Text may
    /// belong to several.
    async fn end_elsewhere(
        &self,
        found: &[Found],
        known: &[ReferenceRecord],
        report: &mut ReferenceReport,
    ) -> PortResult<()> {
        let moved = |one: &ReferenceRecord| {
            let same = |new: &&Found| new.companion.entry == one.target.entry;
            let mut now = found.iter().filter(same).peekable();
            is_exclusive(&one.row.key.kind)
                && one.target.evidence != Evidence::Hand
                && now.peek().is_some()
                && now.all(|new| new.of != one.row.key.content)
        };
        let ended = known.iter().filter(|one| moved(one));
        let ended: Vec<SidecarKey> = ended.map(|one| one.row.key.clone()).collect();
        if !ended.is_empty() {
            report.ended += self.ports.store.forget(&ended).await?;
        }
        Ok(())
    }
}

/// The entries that companions name, as they are in a list.
fn resolved(companions: Vec<Companion>, entries: &[companion::Entry]) -> Vec<Found> {
    if companions.is_empty() {
        return Vec::new();
    }
    let by_id: HashMap<EntryId, &companion::Entry> =
        entries.iter().map(|entry| (entry.entry, entry)).collect();
    let found = companions.into_iter().filter_map(|one| {
        Some(Found {
            of: by_id.get(&one.of)?.content,
            companion: (*by_id.get(&one.companion)?).clone(),
            relation: one.relation,
            evidence: one.evidence,
        })
    });
    found.collect()
}

/// Which part of the file serves as the sidecar; all of it when `None`.
pub(crate) fn part_of(relation: &Relation) -> Option<ByteRange> {
    match relation {
        Relation::MotionPhoto(range) => Some(*range),
        _ => None,
    }
}

fn is_exclusive(kind: &Kind) -> bool {
    [Kind::LIVE, Kind::RENDITION].contains(kind)
}

/// Hashes a file, or a part of it, where it may block.
pub(crate) async fn hash(
    file: File,
    part: Option<ByteRange>,
) -> PortResult<std::io::Result<(u64, Digest)>> {
    let hashed = tokio::task::spawn_blocking(move || digest_of_part(&file, part)).await;
    let died = |death| {
        PortError::new(
            PortErrorKind::Unexpected,
            "hash an original in place",
            death,
        )
    };
    hashed.map_err(died)
}
