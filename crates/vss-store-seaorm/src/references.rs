//! The port ReferenceStore: rows that refer to originals.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use vss_core::companion::{Choice, Decision, Occupant, choose};
use vss_core::{EntryId, Event, FailureClass, SidecarKey, SidecarSource, Status, Timestamp};
use vss_ports::{
    FailureNote, PortResult, Reference, ReferenceRecord, ReferenceStore, Referral, SidecarRecord,
};

use crate::change::{Change, intern_contents, write};
use crate::decisions;
use crate::dialect::statement;
use crate::error::failed;
use crate::finish::step;
use crate::open::SeaOrmStore;
use crate::record::{self, Row};
use crate::store::fence_floor;
use crate::transaction::Alone;

/// From details to the rest of a row; what comes before says which.
const ROWS_OF: &str = "CROSS JOIN sidecar_details x ON x.source_entry_id = e.source_entry_id
    CROSS JOIN sidecars s ON s.content_id = x.content_id AND s.slot_id = x.slot_id
    CROSS JOIN contents c ON c.id = s.content_id
    CROSS JOIN slots l ON l.id = s.slot_id";

#[async_trait]
impl ReferenceStore for SeaOrmStore {
    async fn refer(&self, found: &[Reference], now: Timestamp) -> PortResult<Vec<Referral>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.write("record references", Alone::Calls, |tx| async move {
            refer(&tx, found, now).await
        })
        .await
    }

    async fn lose(&self, keys: &[SidecarKey], now: Timestamp) -> PortResult<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        self.write("lose references", Alone::Calls, |tx| async move {
            let rows = record::load(&tx, keys).await?.into_values();
            let changes = rows.filter_map(|before| {
                let after = lost(&before, now)?;
                let before = Some(before);
                Some(Change { before, after })
            });
            let changes: Vec<_> = changes.collect();
            write(&tx, &changes).await?;
            Ok(changes.len() as u64)
        })
        .await
    }

    async fn references(
        &self,
        after: Option<EntryId>,
        limit: usize,
    ) -> PortResult<Vec<ReferenceRecord>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let from = format!(
            "(SELECT DISTINCT source_entry_id FROM sidecar_details \
              WHERE source_entry_id IS NOT NULL AND source_entry_id > ?1 \
              ORDER BY source_entry_id LIMIT ?2) e {ROWS_OF}"
        );
        let tail = "ORDER BY e.source_entry_id, c.content_uuid, l.kind, l.variant";
        let values = [after.map_or(i64::MIN, |entry| entry.0).into(), limit.into()];
        let query = statement(self.read(), record::select(&from, tail), values);
        self.records_of_references("page through references", query)
            .await
    }

    async fn referring(&self, entries: &[EntryId]) -> PortResult<Vec<ReferenceRecord>> {
        let list: Vec<i64> = entries.iter().map(|entry| entry.0).collect();
        let list = serde_json::Value::from(list).to_string();
        let from = format!(
            "(SELECT DISTINCT CAST(value AS BIGINT) AS source_entry_id FROM json_each(?1)) e \
             {ROWS_OF}"
        );
        let query = statement(self.read(), record::select(&from, ""), [list.into()]);
        self.records_of_references("find references", query).await
    }

    async fn decide(&self, catalog: &str, decision: &Decision, now: Timestamp) -> PortResult<()> {
        decisions::decide(self, catalog, decision, now).await
    }

    async fn decisions(&self) -> PortResult<Vec<(String, Decision)>> {
        decisions::all(self).await
    }
}

impl SeaOrmStore {
    async fn records_of_references(
        &self,
        operation: &str,
        query: Statement,
    ) -> PortResult<Vec<ReferenceRecord>> {
        let rows = self.read().query_all_raw(query).await;
        let rows = rows.map_err(failed(operation))?;
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = record::read(row)?;
            if let Some(target) = row.target {
                let row = row.record;
                records.push(ReferenceRecord { row, target });
            }
        }
        Ok(records)
    }
}

async fn refer(
    tx: &DatabaseTransaction,
    found: &[Reference],
    now: Timestamp,
) -> PortResult<Vec<Referral>> {
    let contents = found.iter().map(|one| &one.content);
    let interned = intern_contents(tx, contents).await;
    interned.map_err(failed("record references"))?;
    let keys: Vec<Vec<SidecarKey>> = found.iter().map(keys_of).collect();
    let mut rows = record::load(tx, keys.iter().flatten()).await?;
    let floor = fence_floor(tx).await?;
    // What was there before the first word about a key; later ones see what the earlier did.
    let mut before: HashMap<SidecarKey, Option<Row>> = HashMap::new();
    let mut referrals = Vec::with_capacity(found.len());
    for (one, keys) in found.iter().zip(keys) {
        let occupants: Vec<_> = keys.iter().map(|key| occupant(rows.get(key))).collect();
        let target = &one.target;
        let choice = choose(target.entry, target.companion, one.digest, &occupants);
        let key = |at: usize| keys.get(at).cloned();
        referrals.push(match choice {
            Choice::Taken => Referral::Taken,
            Choice::Managed(at) => key(at).map_or(Referral::Taken, Referral::Managed),
            Choice::Keep(at) => key(at).map_or(Referral::Taken, |key| Referral::Ready {
                key,
                changed: false,
            }),
            Choice::Take(at) => match key(at) {
                None => Referral::Taken,
                Some(key) => {
                    let old = rows.get(&key);
                    let new = referred(&key, one, old, floor, now);
                    let changed = !old.is_some_and(|old| is_same(old, &new));
                    if changed {
                        let old = rows.insert(key.clone(), new);
                        before.entry(key.clone()).or_insert(old);
                    }
                    Referral::Ready { key, changed }
                }
            },
        });
    }
    let changes = before.into_iter().filter_map(|(key, before)| {
        let after = rows.remove(&key)?;
        Some(Change { before, after })
    });
    write(tx, &changes.collect::<Vec<_>>()).await?;
    Ok(referrals)
}

fn keys_of(found: &Reference) -> Vec<SidecarKey> {
    let variants = found.variants.iter();
    variants
        .map(|variant| SidecarKey::new(found.content, found.kind.clone(), variant.clone()))
        .collect()
}

fn occupant(row: Option<&Row>) -> Occupant {
    let Some(row) = row else {
        return Occupant::Free;
    };
    match &row.target {
        Some(target) => Occupant::Reference {
            entry: target.entry,
            companion: target.companion,
            lost: row.record.status != Status::Ready,
        },
        None => Occupant::Managed {
            digest: row.record.digest,
        },
    }
}

fn is_same(old: &Row, new: &Row) -> bool {
    let updated_at = old.record.updated_at;
    let new_record = SidecarRecord {
        updated_at,
        ..new.record.clone()
    };
    old.target == new.target && old.record == new_record
}

fn referred(
    key: &SidecarKey,
    found: &Reference,
    before: Option<&Row>,
    floor: u64,
    now: Timestamp,
) -> Row {
    let record = SidecarRecord {
        key: key.clone(),
        format: found.format.clone(),
        status: Status::Ready,
        source: SidecarSource::Reference,
        version: None,
        size: Some(found.size),
        digest: Some(found.digest),
        entry: Some(found.target.entry),
        // The content's own is not the row's to write.
        source_digest: before.and_then(|row| row.record.source_digest),
        created_at: before.map_or(now, |row| row.record.created_at),
        updated_at: now,
        priority: None,
        attempt: 0,
        not_before: None,
        fence: before.map_or(floor, |row| row.record.fence),
        lease: None,
        failure: None,
    };
    Row {
        record,
        own_source: None,
        target: Some(found.target.clone()),
    }
}

/// The row of a reference whose original is gone; `None` when it is no ready reference.
fn lost(row: &Row, now: Timestamp) -> Option<Row> {
    row.target.as_ref()?;
    let status = step(row.record.status, Event::Lose).ok()?;
    let mut lost = row.clone();
    lost.record.status = status;
    (lost.record.size, lost.record.digest) = (None, None);
    lost.record.failure = Some(FailureNote {
        class: FailureClass::MissingSource,
        detail: String::new(),
    });
    lost.record.updated_at = now;
    Some(lost)
}
