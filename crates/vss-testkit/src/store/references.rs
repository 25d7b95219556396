//! The port ReferenceStore in memory.

use async_trait::async_trait;
use vss_core::companion::{Choice, Decision, Occupant, choose};
use vss_core::{EntryId, Event, FailureClass, SidecarKey, SidecarSource, Status, Timestamp};
use vss_ports::{
    FailureNote, PortResult, Reference, ReferenceRecord, ReferenceStore, Referral, SidecarRecord,
};

use super::{MemoryStore, Rows};

#[async_trait]
impl ReferenceStore for MemoryStore {
    async fn refer(&self, found: &[Reference], now: Timestamp) -> PortResult<Vec<Referral>> {
        let refer = |rows: &mut Rows| found.iter().map(|one| rows.refer(one, now)).collect();
        Ok(self.write(refer).await)
    }

    async fn lose(&self, keys: &[SidecarKey], now: Timestamp) -> PortResult<u64> {
        let lose = |rows: &mut Rows| keys.iter().filter(|key| rows.lose(key, now)).count() as u64;
        Ok(self.write(lose).await)
    }

    async fn references(
        &self,
        after: Option<EntryId>,
        limit: usize,
    ) -> PortResult<Vec<ReferenceRecord>> {
        Ok(self.read(|rows| {
            let mut found = rows.references(|entry| after.is_none_or(|after| entry > after));
            found.sort_by_key(|one| (one.target.entry, one.row.key.clone()));
            let mut entries: Vec<_> = found.iter().map(|one| one.target.entry).collect();
            entries.dedup();
            entries.truncate(limit);
            found.retain(|one| entries.contains(&one.target.entry));
            found
        }))
    }

    async fn referring(&self, entries: &[EntryId]) -> PortResult<Vec<ReferenceRecord>> {
        Ok(self.read(|rows| rows.references(|entry| entries.contains(&entry))))
    }

    async fn decide(&self, catalog: &str, decision: &Decision, _: Timestamp) -> PortResult<()> {
        self.write(|rows| {
            let about = |(on, other): &(String, Decision)| {
                (on.as_str(), other.of, other.companion)
                    == (catalog, decision.of, decision.companion)
            };
            rows.decisions.retain(|one| !about(one));
            rows.decisions.push((catalog.to_owned(), decision.clone()));
        })
        .await;
        Ok(())
    }

    async fn decisions(&self) -> PortResult<Vec<(String, Decision)>> {
        Ok(self.read(|rows| rows.decisions.clone()))
    }
}

impl Rows {
    fn references(&self, fits: impl Fn(EntryId) -> bool) -> Vec<ReferenceRecord> {
        let fitting = self.targets.iter().filter(|(_, target)| fits(target.entry));
        let record = |(key, target): (&SidecarKey, &vss_ports::ReferenceTarget)| ReferenceRecord {
            row: self.record(key).unwrap(),
            target: target.clone(),
        };
        fitting.map(record).collect()
    }

    fn occupant(&self, key: &SidecarKey) -> Occupant {
        match (self.records.get(key), self.targets.get(key)) {
            (None, _) => Occupant::Free,
            (Some(row), Some(target)) => Occupant::Reference {
                entry: target.entry,
                companion: target.companion,
                lost: row.status != Status::Ready,
            },
            (Some(row), None) => Occupant::Managed { digest: row.digest },
        }
    }

    fn refer(&mut self, found: &Reference, now: Timestamp) -> Referral {
        let key = |variant: &vss_core::Variant| {
            SidecarKey::new(found.content, found.kind.clone(), variant.clone())
        };
        let keys: Vec<_> = found.variants.iter().map(key).collect();
        let occupants: Vec<_> = keys.iter().map(|key| self.occupant(key)).collect();
        let (entry, companion) = (found.target.entry, found.target.companion);
        match choose(entry, companion, found.digest, &occupants) {
            Choice::Take(at) => {
                let key = keys[at].clone();
                let changed = self.point(key.clone(), found, now);
                Referral::Ready { key, changed }
            }
            Choice::Keep(at) => Referral::Ready {
                key: keys[at].clone(),
                changed: false,
            },
            Choice::Managed(at) => Referral::Managed(keys[at].clone()),
            Choice::Taken => Referral::Taken,
        }
    }

    fn point(&mut self, key: SidecarKey, found: &Reference, now: Timestamp) -> bool {
        let before = self.records.get(&key);
        let record = SidecarRecord {
            key: key.clone(),
            format: found.format.clone(),
            status: Status::Ready,
            source: SidecarSource::Reference,
            version: None,
            size: Some(found.size),
            digest: Some(found.digest),
            entry: Some(found.target.entry),
            source_digest: None,
            created_at: before.map_or(now, |row| row.created_at),
            updated_at: before.map_or(now, |row| row.updated_at),
            priority: None,
            attempt: 0,
            not_before: None,
            fence: before.map_or(self.fence_floor, |row| row.fence),
            lease: None,
            failure: None,
        };
        let same = before == Some(&record) && self.targets.get(&key) == Some(&found.target);
        if !same {
            self.content(key.content);
            self.targets.insert(key.clone(), found.target.clone());
            let updated_at = now;
            self.records.insert(
                key,
                SidecarRecord {
                    updated_at,
                    ..record
                },
            );
        }
        !same
    }

    fn lose(&mut self, key: &SidecarKey, now: Timestamp) -> bool {
        if !self.targets.contains_key(key) {
            return false;
        }
        let row = self.records.get_mut(key).unwrap();
        let Ok(status) = row.status.after(Event::Lose) else {
            return false;
        };
        row.status = status;
        (row.size, row.digest) = (None, None);
        row.failure = Some(FailureNote {
            class: FailureClass::MissingSource,
            detail: String::new(),
        });
        row.updated_at = now;
        true
    }
}
