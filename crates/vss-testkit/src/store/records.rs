//! The port SidecarStore in memory.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;
use vss_core::{
    ContentUuid, Digest, Event, Kind, Priority, SidecarKey, SidecarSource, Status, Timestamp,
    Variant,
};
use vss_ports::{
    Adoption, AttemptRecord, ContentOutline, Invalidation, PortResult, PresenceRow, RowOutline,
    SidecarCounts, SidecarRecord, SidecarStore,
};

use super::{MemoryStore, Rows};

#[async_trait]
impl SidecarStore for MemoryStore {
    async fn find(&self, key: &SidecarKey) -> PortResult<Option<SidecarRecord>> {
        Ok(self.read(|rows| rows.record(key)))
    }

    async fn of_content(&self, content: ContentUuid) -> PortResult<Vec<SidecarRecord>> {
        Ok(self.read(|rows| {
            let of_content = rows.records.values();
            let of_content = of_content.filter(|row| row.key.content == content);
            of_content.map(|row| rows.shown(row)).collect()
        }))
    }

    async fn presence(
        &self,
        contents: &[ContentUuid],
        kind: &Kind,
        variants: &[Variant],
    ) -> PortResult<Vec<PresenceRow>> {
        let keys: BTreeSet<_> = contents
            .iter()
            .flat_map(|content| {
                let key =
                    |variant: &Variant| SidecarKey::new(*content, kind.clone(), variant.clone());
                variants.iter().map(key)
            })
            .collect();
        Ok(self.read(|rows| {
            let rows = keys.iter().filter_map(|key| rows.records.get(key));
            rows.map(|row| PresenceRow {
                content: row.key.content,
                variant: row.key.variant.clone(),
                status: row.status,
                format: row.format.clone(),
                size: row.size,
            })
            .collect()
        }))
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        Ok(self.read(|rows| {
            let contents: BTreeSet<_> = rows.records.keys().map(|key| key.content).collect();
            let bounds = (
                after.map_or(Bound::Unbounded, Bound::Excluded),
                Bound::Unbounded,
            );
            let within = |content: &&ContentUuid| until.is_none_or(|until| **content <= until);
            let page = contents.range(bounds).take_while(within).take(limit);
            let page: BTreeSet<_> = page.collect();
            let whole = rows.records.values();
            let whole = whole.filter(|row| page.contains(&row.key.content));
            whole.map(|row| rows.shown(row)).collect()
        }))
    }

    async fn outline(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentOutline>> {
        let mut outlines: Vec<ContentOutline> = Vec::new();
        for row in self.page(after, until, limit).await? {
            let content = row.key.content;
            if outlines.last().is_none_or(|last| last.content != content) {
                let rows = Vec::new();
                outlines.push(ContentOutline { content, rows });
            }
            let last = outlines.last_mut().unwrap();
            last.rows.push(RowOutline::from(&row));
        }
        Ok(outlines)
    }

    async fn adopt(&self, found: &[Adoption], now: Timestamp) -> PortResult<Vec<bool>> {
        let adopt = |rows: &mut Rows| found.iter().map(|one| rows.adopt(one, now)).collect();
        Ok(self.write(adopt).await)
    }

    async fn invalidate(
        &self,
        keys: &[SidecarKey],
        how: Invalidation,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        let keys: BTreeSet<_> = keys.iter().collect();
        let invalidate = |rows: &mut Rows| {
            let changed = keys.into_iter().filter(|key| {
                let row = rows.records.get_mut(key);
                row.is_some_and(|row| invalidate(row, how, priority, now))
            });
            changed.count() as u64
        };
        Ok(self.write(invalidate).await)
    }

    async fn evict(
        &self,
        sidecars: &[(SidecarKey, Digest)],
        now: Timestamp,
    ) -> PortResult<Vec<bool>> {
        let evict = |rows: &mut Rows| {
            let evict = |(key, digest): &(SidecarKey, Digest)| {
                let row = rows.records.get_mut(key);
                row.is_some_and(|row| evict(row, *digest, now))
            };
            sidecars.iter().map(evict).collect()
        };
        Ok(self.write(evict).await)
    }

    async fn forget(&self, keys: &[SidecarKey]) -> PortResult<u64> {
        let forget = |rows: &mut Rows| keys.iter().filter(|key| rows.forget(key)).count() as u64;
        Ok(self.write(forget).await)
    }

    async fn attempts(&self, key: &SidecarKey) -> PortResult<Vec<AttemptRecord>> {
        Ok(self.read(|rows| rows.attempts.get(key).cloned().unwrap_or_default()))
    }

    async fn counts(&self) -> PortResult<SidecarCounts> {
        Ok(self.read(|rows| {
            let mut counts = SidecarCounts::default();
            for row in rows.records.values() {
                let kind = &row.key.kind;
                let of_kind = counts.rows.entry(kind.clone()).or_default();
                *of_kind.entry(row.status).or_default() += 1;
                let size = row.size.unwrap_or(0);
                let managed = row.source != SidecarSource::Reference;
                if row.status == Status::Ready && managed && size > 0 {
                    *counts.bytes.entry(kind.clone()).or_default() += size;
                }
            }
            counts
        }))
    }
}

fn invalidate(
    row: &mut SidecarRecord,
    how: Invalidation,
    priority: Priority,
    now: Timestamp,
) -> bool {
    if row.source == SidecarSource::Reference {
        return false;
    }
    let mut changed = false;
    let has_file = row.size.is_some() || row.digest.is_some();
    if how == Invalidation::FileGone && row.status != Status::Running && has_file {
        row.size = None;
        row.digest = None;
        changed = true;
    }
    if let Ok(status) = row.status.after(Event::Invalidate) {
        row.status = status;
        row.attempt = 0;
        row.priority = Some(priority);
        row.not_before = Some(now);
        changed = true;
    }
    if changed {
        row.updated_at = now;
    }
    changed
}

fn evict(row: &mut SidecarRecord, digest: Digest, now: Timestamp) -> bool {
    let managed = row.source != SidecarSource::Reference;
    match row.status.after(Event::Evict) {
        Ok(status) if managed && row.digest == Some(digest) => {
            row.status = status;
            row.size = None;
            row.digest = None;
            row.updated_at = now;
            true
        }
        _ => false,
    }
}

impl Rows {
    pub(super) fn adopt(&mut self, found: &Adoption, now: Timestamp) -> bool {
        let before = self.records.get(&found.key);
        if before.is_some_and(|row| row.status.after(Event::Adopt).is_err()) {
            return false;
        }
        let record = SidecarRecord {
            key: found.key.clone(),
            format: found.format.clone(),
            status: Status::Ready,
            source: found.source.clone(),
            version: found.version.clone(),
            size: Some(found.size),
            digest: Some(found.digest),
            entry: None,
            source_digest: None,
            created_at: before.map_or(now, |row| row.created_at),
            updated_at: now,
            priority: None,
            attempt: 0,
            not_before: None,
            fence: before.map_or(self.fence_floor, |row| row.fence),
            lease: None,
            failure: None,
        };
        self.own_sources.remove(&found.key);
        self.targets.remove(&found.key);
        let content = self.content(found.key.content);
        if let Some((_, digest)) = found.original {
            let of_content = *content.source.get_or_insert(digest);
            if of_content != digest {
                self.own_sources.insert(found.key.clone(), digest);
            }
        }
        self.records.insert(found.key.clone(), record);
        true
    }

    pub(super) fn forget(&mut self, key: &SidecarKey) -> bool {
        let Some(row) = self.records.get(key) else {
            return false;
        };
        if row.status == Status::Running {
            return false;
        }
        self.fence_floor = self.fence_floor.max(row.fence);
        self.records.remove(key);
        self.own_sources.remove(key);
        self.targets.remove(key);
        self.attempts.remove(key);
        if !self
            .records
            .keys()
            .any(|other| other.content == key.content)
        {
            self.contents.remove(&key.content);
        }
        true
    }
}
