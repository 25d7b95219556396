//! The port SidecarStore: records, adoption, invalidation, removal.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};
use vss_core::{
    ContentUuid, Digest, Event, Kind, Priority, SidecarKey, SidecarSource, Status, Timestamp,
    Variant,
};
use vss_ports::{
    Adoption, AttemptRecord, ContentOutline, Invalidation, PortResult, PresenceRow, SidecarCounts,
    SidecarRecord, SidecarStore,
};

use crate::change::{Change, intern_contents, note_originals, originals, write};
use crate::convert::{contents_json, size_value};
use crate::counters::{self, Delta};
use crate::dialect::statement;
use crate::error::failed;
use crate::open::SeaOrmStore;
use crate::record::{self, Row, keys_json};
use crate::transaction::Alone;
use crate::{attempts, finish::step, outline, presence};

const ALL_SLOTS: &str = "CROSS JOIN sidecars s ON s.content_id = c.id
                         CROSS JOIN slots l ON l.id = s.slot_id";

#[async_trait]
impl SidecarStore for SeaOrmStore {
    async fn find(&self, key: &SidecarKey) -> PortResult<Option<SidecarRecord>> {
        let from = "contents c
            CROSS JOIN slots l
            CROSS JOIN sidecars s ON s.content_id = c.id AND s.slot_id = l.id";
        let tail = "WHERE c.content_uuid = ?1 AND l.kind = ?2 AND l.variant = ?3";
        let values = [
            key.content.as_bytes().to_vec().into(),
            key.kind.as_str().into(),
            key.variant.as_str().into(),
        ];
        let query = statement(self.read(), record::select(from, tail), values);
        Ok(self.records("find a sidecar", query).await?.pop())
    }

    async fn of_content(&self, content: ContentUuid) -> PortResult<Vec<SidecarRecord>> {
        let from = format!("contents c {ALL_SLOTS}");
        let tail = "WHERE c.content_uuid = ?1 ORDER BY l.kind, l.variant";
        let values: [Value; 1] = [content.as_bytes().to_vec().into()];
        let query = statement(self.read(), record::select(&from, tail), values);
        self.records("list the sidecars of a content", query).await
    }

    async fn presence(
        &self,
        contents: &[ContentUuid],
        kind: &Kind,
        variants: &[Variant],
    ) -> PortResult<Vec<PresenceRow>> {
        presence::presence(self.read(), contents, kind, variants).await
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        let from = format!(
            "(SELECT * FROM contents WHERE content_uuid > ?1 AND content_uuid <= ?2 \
              AND EXISTS (SELECT 1 FROM sidecars WHERE content_id = contents.id) \
              ORDER BY content_uuid LIMIT ?3) c {ALL_SLOTS}"
        );
        let select = record::select(&from, "ORDER BY c.content_uuid, l.kind, l.variant");
        let query = statement(self.read(), select, bounds(after, until, limit));
        self.records("page through sidecars", query).await
    }

    async fn outline(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentOutline>> {
        outline::outline(self.read(), bounds(after, until, limit)).await
    }

    async fn adopt(&self, found: &[Adoption], now: Timestamp) -> PortResult<Vec<bool>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.write("adopt sidecars", Alone::Calls, |tx| async move {
            adopt(&tx, found, now).await
        })
        .await
    }

    async fn invalidate(
        &self,
        keys: &[SidecarKey],
        how: Invalidation,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        self.write("invalidate sidecars", Alone::Calls, |tx| async move {
            let rows = record::load(&tx, keys).await?;
            let mut changes = Vec::with_capacity(rows.len());
            for before in rows.into_values() {
                let mut after = before.clone();
                if invalidated(&mut after.record, how, priority, now) {
                    let before = Some(before);
                    changes.push(Change { before, after });
                }
            }
            write(&tx, &changes).await?;
            Ok(changes.len() as u64)
        })
        .await
    }

    async fn evict(
        &self,
        sidecars: &[(SidecarKey, Digest)],
        now: Timestamp,
    ) -> PortResult<Vec<bool>> {
        if sidecars.is_empty() {
            return Ok(Vec::new());
        }
        self.write("evict sidecars", Alone::Calls, |tx| async move {
            let mut rows = record::load(&tx, sidecars.iter().map(|(key, _)| key)).await?;
            let (mut changes, mut evicted) = (Vec::new(), Vec::with_capacity(sidecars.len()));
            for (key, digest) in sidecars {
                // Named twice, it goes once.
                let change = rows
                    .remove(key)
                    .and_then(|row| evicted_row(row, *digest, now));
                evicted.push(change.is_some());
                changes.extend(change);
            }
            write(&tx, &changes).await?;
            Ok(evicted)
        })
        .await
    }

    async fn forget(&self, keys: &[SidecarKey]) -> PortResult<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        self.write("forget sidecars", Alone::Calls, |tx| async move {
            forget(&tx, keys).await
        })
        .await
    }

    async fn attempts(&self, key: &SidecarKey) -> PortResult<Vec<AttemptRecord>> {
        attempts::of_key(self.read(), key).await
    }

    async fn counts(&self) -> PortResult<SidecarCounts> {
        counters::read(self).await
    }
}

impl SeaOrmStore {
    async fn records(&self, operation: &str, query: Statement) -> PortResult<Vec<SidecarRecord>> {
        let rows = self.read().query_all_raw(query).await;
        let rows = rows.map_err(failed(operation))?;
        let read = |row| record::read(row).map(|row| row.record);
        rows.iter().map(read).collect()
    }
}

/// The fence that new rows start with.
pub(crate) async fn fence_floor(tx: &DatabaseTransaction) -> PortResult<u64> {
    let sql = r#"SELECT fence AS "fence_floor.fence" FROM fence_floor WHERE id = 1"#;
    let row = tx.query_one_raw(statement(tx, sql, [])).await;
    match row.map_err(failed("read the floor of fences"))? {
        Some(row) => record::Cells::of(&row).number("fence_floor.fence"),
        None => Ok(0),
    }
}

/// See [`SidecarStore::forget`].
pub(crate) async fn forget(tx: &DatabaseTransaction, keys: &[SidecarKey]) -> PortResult<u64> {
    let mut rows: Vec<Row> = record::load(tx, keys).await?.into_values().collect();
    rows.retain(|row| row.record.status != Status::Running);
    let mut delta = Delta::default();
    for row in &rows {
        delta.record(&row.record, -1)?;
    }
    let highest = rows.iter().map(|row| row.record.fence).max();
    remove(tx, &rows, size_value(highest.unwrap_or(0))?).await?;
    delta.apply(tx).await?;
    Ok(rows.len() as u64)
}

/// See [`SidecarStore::adopt`].
pub(crate) async fn adopt(
    tx: &DatabaseTransaction,
    found: &[Adoption],
    now: Timestamp,
) -> PortResult<Vec<bool>> {
    let contents: BTreeSet<_> = found.iter().map(|one| one.key.content).collect();
    let interned = intern_contents(tx, &contents).await;
    interned.map_err(failed("adopt sidecars"))?;
    // Rows before contents, as a commit locks them.
    let mut rows = record::load(tx, found.iter().map(|one| &one.key)).await?;
    let mut known = originals(tx, &contents).await?;
    let floor = fence_floor(tx).await?;
    let mut changes: HashMap<&SidecarKey, Change> = HashMap::new();
    let mut fresh = Vec::new();
    let mut adopted = Vec::with_capacity(found.len());
    for one in found {
        let before = match changes.remove(&one.key) {
            // Named twice: the later word counts, against what was there before the first.
            Some(earlier) => earlier.before,
            None => rows.remove(&one.key),
        };
        let running = before.as_ref().is_some_and(|row| !takes_adoption(row));
        adopted.push(!running);
        if running {
            // Kept for the case that it is named twice.
            before.map(|row| rows.insert(one.key.clone(), row));
            continue;
        }
        let own_source = match (one.original, known.get(&one.key.content)) {
            (Some((_, digest)), Some(of_content)) if digest != *of_content => Some(digest),
            (Some(original), None) => {
                known.insert(one.key.content, original.1);
                fresh.push((one.key.content, original));
                None
            }
            (Some(_), Some(_)) | (None, _) => None,
        };
        let after = adopted_row(one, before.as_ref(), own_source, floor, now);
        changes.insert(&one.key, Change { before, after });
    }
    note_originals(tx, &fresh).await?;
    let changes: Vec<Change> = changes.into_values().collect();
    write(tx, &changes).await?;
    Ok(adopted)
}

fn takes_adoption(row: &Row) -> bool {
    row.record.status.after(Event::Adopt).is_ok()
}

fn adopted_row(
    found: &Adoption,
    before: Option<&Row>,
    own_source: Option<Digest>,
    floor: u64,
    now: Timestamp,
) -> Row {
    let record = SidecarRecord {
        key: found.key.clone(),
        format: found.format.clone(),
        status: Status::Ready,
        source: found.source.clone(),
        version: found.version.clone(),
        size: Some(found.size),
        digest: Some(found.digest),
        entry: None,
        // The content's own is not the row's to write.
        source_digest: own_source,
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
        own_source,
        target: None,
    }
}

/// Changes a record as its file demands; whether anything changed.
fn invalidated(
    record: &mut SidecarRecord,
    how: Invalidation,
    priority: Priority,
    now: Timestamp,
) -> bool {
    // It has no file in the vault, and nobody could make it.
    if record.source == SidecarSource::Reference {
        return false;
    }
    let forgets = how == Invalidation::FileGone
        && record.status != Status::Running
        && (record.size.is_some() || record.digest.is_some());
    let returns = step(record.status, Event::Invalidate).ok();
    if let Some(status) = returns {
        record.status = status;
        record.priority = Some(priority);
        record.not_before = Some(now);
        record.attempt = 0;
    }
    if forgets {
        record.size = None;
        record.digest = None;
    }
    if forgets || returns.is_some() {
        record.updated_at = now;
    }
    forgets || returns.is_some()
}

/// The change of a row that makes room, if it still says what was looked at.
fn evicted_row(before: Row, digest: Digest, now: Timestamp) -> Option<Change> {
    let record = &before.record;
    let status = step(record.status, Event::Evict).ok()?;
    if record.source == SidecarSource::Reference || record.digest != Some(digest) {
        return None;
    }
    let mut after = before.clone();
    after.record.status = status;
    after.record.size = None;
    after.record.digest = None;
    after.record.updated_at = now;
    let before = Some(before);
    Some(Change { before, after })
}

/// The bounds of a page, as values. Blobs compare byte by byte: an empty one is before all uuids,
/// seventeen times 0xff after.
fn bounds(after: Option<ContentUuid>, until: Option<ContentUuid>, limit: usize) -> [Value; 3] {
    let after = after.map_or_else(Vec::new, |uuid| uuid.as_bytes().to_vec());
    let until = until.map_or_else(|| vec![0xff; 17], |uuid| uuid.as_bytes().to_vec());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    [after.into(), until.into(), limit.into()]
}

/// Removes rows, and contents that have none left; late workers' fences stay below what comes back.
async fn remove(tx: &DatabaseTransaction, rows: &[Row], highest: i64) -> PortResult<()> {
    let fault = failed("forget sidecars");
    let floor = "UPDATE fence_floor SET fence = ?1 WHERE id = 1 AND fence < ?1";
    let gone = "DELETE FROM sidecars WHERE (content_id, slot_id) IN (
        SELECT c.id, l.id FROM json_each(?1) j
        CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
        CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2)";
    let empty = "DELETE FROM contents
        WHERE content_uuid IN (SELECT unhex(value) FROM json_each(?1))
        AND NOT EXISTS (SELECT 1 FROM sidecars WHERE content_id = contents.id)
        AND NOT EXISTS (SELECT 1 FROM sidecar_availability WHERE content_id = contents.id)";
    let keys = keys_json(rows.iter().map(|row| &row.record.key));
    let contents = contents_json(rows.iter().map(|row| &row.record.key.content));
    for (sql, value) in [
        (floor, highest.into()),
        (gone, keys.into()),
        (empty, contents),
    ] {
        tx.execute_raw(statement(tx, sql, [value]))
            .await
            .map_err(&fault)?;
    }
    Ok(())
}
