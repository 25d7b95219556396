//! Writes rows back whose new state was decided in Rust: dictionaries, rows, details and totals.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use serde_json::json;
use vss_core::{ContentUuid, Digest, SidecarKey, Timestamp};
use vss_ports::{PortResult, SidecarRecord};

use crate::convert::{
    as_json, contents_json, digest_hex, hex, priority_code, size_value, status_code,
};
use crate::counters::Delta;
use crate::dialect::{on_server, statement};
use crate::error::failed;
use crate::record::{Cells, Row};

/// One row that changes.
pub(crate) struct Change {
    /// What it was; `None` where there was no row.
    pub(crate) before: Option<Row>,
    /// What it becomes: never running, since only a claim makes rows so.
    pub(crate) after: Row,
}

// Only what is missing, each once: PostgreSQL gives out a number even to a row that then conflicts,
// and the numbers of slots are bits of a mask.
const FORMATS: &str = "INSERT INTO formats (format) \
    SELECT DISTINCT value ->> 3 FROM json_each(?1) \
    WHERE value ->> 3 NOT IN (SELECT format FROM formats) ON CONFLICT DO NOTHING";
const GENERATORS: &str = "INSERT INTO generators (source, version, kind) \
    SELECT DISTINCT value ->> 4, value ->> 5, value ->> 1 FROM json_each(?1) \
    WHERE (value ->> 4, value ->> 5, value ->> 1) \
        NOT IN (SELECT source, version, kind FROM generators) \
    ON CONFLICT DO NOTHING";
const SLOTS: &str = "INSERT INTO slots (kind, variant) \
    SELECT DISTINCT value ->> 1, value ->> 2 FROM json_each(?1) \
    WHERE (value ->> 1, value ->> 2) NOT IN (SELECT kind, variant FROM slots) \
    ON CONFLICT DO NOTHING";
const CONTENTS: &str = "INSERT INTO contents (content_uuid) \
    SELECT unhex(value) FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";

/// The order of the array's elements is the one of [`row_json`].
const ROWS: &str = "
INSERT INTO sidecars (content_id, slot_id, format_id, generator_id, status, size, checksum,
    created_at, updated_at, priority, attempt, not_before, fence, failure_class)
SELECT c.id, l.id, f.id, g.id, CAST(j.value ->> 6 AS BIGINT), CAST(j.value ->> 7 AS BIGINT),
    unhex(j.value ->> 8), CAST(j.value ->> 9 AS BIGINT), CAST(j.value ->> 10 AS BIGINT),
    CAST(j.value ->> 11 AS BIGINT), CAST(j.value ->> 12 AS BIGINT),
    CAST(j.value ->> 13 AS BIGINT), CAST(j.value ->> 14 AS BIGINT), j.value ->> 15
FROM json_each(?1) j
CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
CROSS JOIN formats f ON f.format = j.value ->> 3
CROSS JOIN generators g ON g.source = j.value ->> 4 AND g.version = j.value ->> 5
    AND g.kind = j.value ->> 1
WHERE true
ON CONFLICT (content_id, slot_id) DO UPDATE SET
    format_id = excluded.format_id, generator_id = excluded.generator_id,
    status = excluded.status, size = excluded.size, checksum = excluded.checksum,
    updated_at = excluded.updated_at, priority = excluded.priority, attempt = excluded.attempt,
    not_before = excluded.not_before, fence = excluded.fence, lease_owner = NULL,
    lease_until = NULL, failure_class = excluded.failure_class";

const DETAILS: &str = "
INSERT INTO sidecar_details (content_id, slot_id, source_entry_id, failure_detail, source_digest,
    companion_uuid, relation, evidence)
SELECT c.id, l.id, CAST(j.value ->> 3 AS BIGINT), j.value ->> 4, unhex(j.value ->> 5),
    unhex(j.value ->> 6), j.value ->> 7, j.value ->> 8
FROM json_each(?1) j
CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
WHERE true
ON CONFLICT (content_id, slot_id) DO UPDATE SET
    source_entry_id = excluded.source_entry_id, failure_detail = excluded.failure_detail,
    source_digest = excluded.source_digest, companion_uuid = excluded.companion_uuid,
    relation = excluded.relation, evidence = excluded.evidence";

const NO_DETAILS: &str = "
DELETE FROM sidecar_details WHERE (content_id, slot_id) IN (
    SELECT c.id, l.id FROM json_each(?1) j
    CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
    CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2)";

const ORIGINALS: &str = "
UPDATE contents SET source_size = o.size, source_digest = o.digest
FROM (SELECT unhex(value ->> 0) AS uuid, CAST(value ->> 1 AS BIGINT) AS size,
             unhex(value ->> 2) AS digest
      FROM json_each(?1)) AS o
WHERE contents.content_uuid = o.uuid AND contents.source_digest IS NULL";

/// Gives contents a row where they have none.
pub(crate) async fn intern_contents(
    tx: &DatabaseTransaction,
    contents: impl IntoIterator<Item = &ContentUuid>,
) -> Result<(), DbErr> {
    run(tx, CONTENTS, contents_json(contents)).await
}

/// Gives slots, formats and generators a row where they have none; `outputs` is a JSON array of
/// arrays whose second to sixth elements are kind, variant, format, source and version.
pub(crate) async fn intern_outputs(tx: &DatabaseTransaction, outputs: &str) -> Result<(), DbErr> {
    for sql in [SLOTS, FORMATS, GENERATORS] {
        run(tx, sql, outputs.into()).await?;
    }
    Ok(())
}

/// Writes rows and adds them to the totals. Their contents must have a row.
pub(crate) async fn write(tx: &DatabaseTransaction, changes: &[Change]) -> PortResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut delta = Delta::default();
    let (mut rows, mut details, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for Change { before, after } in changes {
        if let Some(before) = before {
            delta.record(&before.record, -1)?;
        }
        delta.record(&after.record, 1)?;
        rows.push(row_json(&after.record)?);
        match details_json(after)? {
            Some(json) => details.push(json),
            // A row that was pending may have an old failure's words, which it no longer shows.
            None => bare.push(key_json(&after.record.key)),
        }
    }
    let fault = failed("write sidecars");
    let rows = serde_json::Value::from(rows).to_string();
    intern_outputs(tx, &rows).await.map_err(&fault)?;
    run(tx, ROWS, rows.into()).await.map_err(&fault)?;
    for (sql, list) in [(DETAILS, details), (NO_DETAILS, bare)] {
        if !list.is_empty() {
            let list = serde_json::Value::from(list).to_string();
            run(tx, sql, list.into()).await.map_err(&fault)?;
        }
    }
    delta.apply(tx).await
}

/// Notes which original a content's sidecars were made from, where that is not known yet.
pub(crate) async fn note_originals(
    tx: &DatabaseTransaction,
    originals: &[(ContentUuid, (u64, Digest))],
) -> PortResult<()> {
    if originals.is_empty() {
        return Ok(());
    }
    let mut list = Vec::with_capacity(originals.len());
    for (content, (size, digest)) in originals {
        let uuid = hex(content.as_bytes());
        list.push(json!([uuid, size_value(*size)?, digest_hex(digest)]));
    }
    let list = serde_json::Value::from(list).to_string();
    let noted = run(tx, ORIGINALS, list.into()).await;
    noted.map_err(failed("note originals"))
}

/// Which original each content's sidecars were made from; those of which it is not known are
/// missing from the answer.
pub(crate) async fn originals(
    tx: &DatabaseTransaction,
    contents: impl IntoIterator<Item = &ContentUuid>,
) -> PortResult<HashMap<ContentUuid, Digest>> {
    let mut sql = r#"SELECT c.content_uuid AS "contents.content_uuid",
                            c.source_digest AS "contents.source_digest"
        FROM json_each(?1) j CROSS JOIN contents c ON c.content_uuid = unhex(j.value)"#
        .to_owned();
    if on_server(tx) {
        // Two commits of one content must not each find that its original is not known yet.
        sql.push_str(" ORDER BY c.id FOR NO KEY UPDATE OF c");
    }
    let rows = tx
        .query_all_raw(statement(tx, sql, [contents_json(contents)]))
        .await
        .map_err(failed("read originals"))?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of(row);
        let content = cells.content("contents.content_uuid")?;
        if let Some(digest) = cells.digest("contents.source_digest")? {
            known.insert(content, digest);
        }
    }
    Ok(known)
}

/// Gives generators a row of each kind that another version of them has, where they have none; the
/// list is a JSON array of `[source, version]`.
pub(crate) async fn intern_generators(
    tx: &DatabaseTransaction,
    generators: &str,
) -> Result<(), DbErr> {
    let sql = "INSERT INTO generators (source, version, kind) \
               SELECT DISTINCT o.source, j.value ->> 1, o.kind FROM json_each(?1) j \
               CROSS JOIN generators o ON o.source = j.value ->> 0 AND o.kind = j.value ->> 2 \
               WHERE true ON CONFLICT DO NOTHING";
    run(tx, sql, generators.into()).await
}

async fn run(tx: &DatabaseTransaction, sql: &str, list: Value) -> Result<(), DbErr> {
    tx.execute_raw(statement(tx, sql, [list])).await.map(|_| ())
}

fn key_json(key: &SidecarKey) -> serde_json::Value {
    let content = hex(key.content.as_bytes());
    json!([content, key.kind.as_str(), key.variant.as_str()])
}

fn row_json(record: &SidecarRecord) -> PortResult<serde_json::Value> {
    let version = record.version.as_ref().map(ToString::to_string);
    Ok(json!([
        hex(record.key.content.as_bytes()),
        record.key.kind.as_str(),
        record.key.variant.as_str(),
        record.format.as_str(),
        record.source.to_string(),
        version.unwrap_or_default(),
        status_code(record.status),
        record.size.map(size_value).transpose()?,
        record.digest.as_ref().map(digest_hex),
        record.created_at.as_millis(),
        record.updated_at.as_millis(),
        record.priority.map(priority_code),
        record.attempt,
        record.not_before.map(Timestamp::as_millis),
        size_value(record.fence)?,
        record.failure.as_ref().map(|note| note.class.as_str()),
    ]))
}

/// `None` where the row has nothing rare.
fn details_json(row: &Row) -> PortResult<Option<serde_json::Value>> {
    let record = &row.record;
    let detail = record.failure.as_ref().map(|note| note.detail.as_str());
    if row.target.is_none() && detail.is_none() && row.own_source.is_none() {
        return Ok(None);
    }
    let target = row.target.as_ref();
    Ok(Some(json!([
        hex(record.key.content.as_bytes()),
        record.key.kind.as_str(),
        record.key.variant.as_str(),
        target.map(|target| target.entry.0),
        detail,
        row.own_source.as_ref().map(digest_hex),
        target.map(|target| hex(target.companion.as_bytes())),
        target.map(|target| as_json(&target.relation)).transpose()?,
        target.map(|target| as_json(&target.evidence)).transpose()?,
    ])))
}
