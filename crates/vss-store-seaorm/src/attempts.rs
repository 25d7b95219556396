//! The story of attempts: written when one ends badly or late, read by key, and counted as strikes.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Value};
use serde_json::json;
use vss_core::{FailureClass, GeneratorRef, SidecarKey, Timestamp};
use vss_ports::{AttemptOutcome, AttemptRecord, AttemptUsage, LeaseOwner, PortResult};

use crate::convert::{hex, millis_value, outcome_of, outcome_text, size_value};
use crate::dialect::statement;
use crate::error::failed;
use crate::record::{Cells, Row, keys_json};

const OPERATION: &str = "record attempts";

/// One attempt that ended, as its row was while it ran.
pub(crate) struct Ended<'a> {
    pub(crate) row: &'a Row,
    /// Who made it; the generator that the row names when `None`.
    pub(crate) made_by: Option<&'a GeneratorRef>,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) detail: &'a str,
    pub(crate) usage: &'a AttemptUsage,
}

impl Ended<'_> {
    /// As the array that [`record`] takes; `None` where there is no claim that could end.
    pub(crate) fn json(&self, now: Timestamp) -> PortResult<Option<serde_json::Value>> {
        let record = &self.row.record;
        let Some(lease) = &record.lease else {
            return Ok(None);
        };
        let (source, version) = match self.made_by {
            Some(one) => (one.id.to_string(), Some(&one.version)),
            None => (record.source.to_string(), record.version.as_ref()),
        };
        let usage = self.usage;
        let micros = |cpu: Duration| i64::try_from(cpu.as_micros()).unwrap_or(i64::MAX);
        Ok(Some(json!([
            hex(record.key.content.as_bytes()),
            record.key.kind.as_str(),
            record.key.variant.as_str(),
            source,
            version.map(ToString::to_string).unwrap_or_default(),
            lease.owner.as_str(),
            size_value(record.fence)?,
            record.attempt,
            usage.started_at.as_millis(),
            now.as_millis(),
            outcome_text(self.outcome),
            self.detail,
            millis_value(usage.duration),
            usage.cpu.map(micros),
            usage.peak_memory.map(size_value).transpose()?,
        ])))
    }
}

/// Writes attempts, whose sidecars, generators and owners must have a row.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    ended: Vec<serde_json::Value>,
) -> PortResult<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let sql = "
        INSERT INTO sidecar_attempts (content_id, slot_id, generator_id, lease_owner, fence,
            attempt, started_at, ended_at, outcome, detail, duration_ms, cpu_us, peak_memory)
        SELECT c.id, l.id, g.id, o.id, CAST(j.value ->> 6 AS BIGINT),
            CAST(j.value ->> 7 AS BIGINT), CAST(j.value ->> 8 AS BIGINT),
            CAST(j.value ->> 9 AS BIGINT), j.value ->> 10, j.value ->> 11,
            CAST(j.value ->> 12 AS BIGINT), CAST(j.value ->> 13 AS BIGINT),
            CAST(j.value ->> 14 AS BIGINT)
        FROM json_each(?1) j
        CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
        CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
        CROSS JOIN generators g ON g.source = j.value ->> 3 AND g.version = j.value ->> 4
            AND g.kind = j.value ->> 1
        CROSS JOIN lease_owners o ON o.owner = j.value ->> 5";
    let list = serde_json::Value::from(ended).to_string();
    let written = tx.execute_raw(statement(tx, sql, [list.into()])).await;
    written.map(|_| ()).map_err(failed(OPERATION))
}

/// Records that running rows are taken from whoever worked on them; `condition` describes them,
/// and its first value is the time.
pub(crate) async fn take_back(
    tx: &DatabaseTransaction,
    condition: &str,
    values: impl IntoIterator<Item = Value>,
    outcome: AttemptOutcome,
) -> PortResult<()> {
    let outcome = match outcome_text(outcome) {
        Some(text) => format!("'{text}'"),
        None => "NULL".to_owned(),
    };
    // Nothing but its claim changes a running row, so that is when the attempt began.
    let sql = format!(
        "INSERT INTO sidecar_attempts (content_id, slot_id, generator_id, lease_owner, fence, \
            attempt, started_at, ended_at, outcome, detail, duration_ms) \
         SELECT content_id, slot_id, generator_id, lease_owner, fence, attempt, updated_at, ?1, \
            {outcome}, '', CASE WHEN updated_at < ?1 THEN ?1 - updated_at ELSE 0 END \
         FROM sidecars WHERE {condition}"
    );
    let written = tx.execute_raw(statement(tx, sql, values)).await;
    written.map(|_| ()).map_err(failed(OPERATION))
}

/// How many harmful attempts each row has had, by its generator at its version, since it last
/// became pending by a decision from outside. Rows without any are missing from the answer.
pub(crate) async fn strikes<'a>(
    tx: &DatabaseTransaction,
    keys: impl IntoIterator<Item = &'a SidecarKey>,
) -> PortResult<HashMap<SidecarKey, u32>> {
    const STRIKES: &str = "count strikes";
    let harmful = FailureClass::ALL.into_iter();
    let harmful: Vec<_> = harmful
        .filter(|class| class.is_harmful())
        .map(|class| format!("'{class}'"))
        .collect();
    // Each claim since that decision raised both the fence and the attempt.
    let sql = format!(
        r#"SELECT j.value ->> 1 AS "slots.kind", j.value ->> 2 AS "slots.variant",
            c.content_uuid AS "contents.content_uuid", count(*) AS "sidecar_attempts.count"
        FROM json_each(?1) j
        CROSS JOIN contents c ON c.content_uuid = unhex(j.value ->> 0)
        CROSS JOIN slots l ON l.kind = j.value ->> 1 AND l.variant = j.value ->> 2
        CROSS JOIN sidecars s ON s.content_id = c.id AND s.slot_id = l.id
        CROSS JOIN sidecar_attempts a ON a.content_id = s.content_id AND a.slot_id = s.slot_id
            AND a.fence > s.fence - s.attempt AND a.generator_id = s.generator_id
            AND a.outcome IN ({})
        GROUP BY 1, 2, 3"#,
        harmful.join(", ")
    );
    let rows = tx.query_all_raw(statement(tx, sql, [keys_json(keys).into()]));
    let rows = rows.await.map_err(failed(STRIKES))?;
    let mut strikes = HashMap::with_capacity(rows.len());
    for row in &rows {
        let cells = Cells::of(row);
        let key = SidecarKey::new(
            cells.content("contents.content_uuid")?,
            cells.text("slots.kind")?,
            cells.text("slots.variant")?,
        );
        strikes.insert(key, cells.number("sidecar_attempts.count")?);
    }
    Ok(strikes)
}

/// See [`vss_ports::SidecarStore::attempts`].
pub(crate) async fn of_key(
    db: &DatabaseConnection,
    key: &SidecarKey,
) -> PortResult<Vec<AttemptRecord>> {
    let sql = r#"
        SELECT a.fence AS "sidecar_attempts.fence", a.attempt AS "sidecar_attempts.attempt",
            g.source AS "generators.source", g.version AS "generators.version",
            o.owner AS "lease_owners.owner", a.started_at AS "sidecar_attempts.started_at",
            a.ended_at AS "sidecar_attempts.ended_at", a.outcome AS "sidecar_attempts.outcome",
            a.detail AS "sidecar_attempts.detail",
            a.duration_ms AS "sidecar_attempts.duration_ms",
            a.cpu_us AS "sidecar_attempts.cpu_us",
            a.peak_memory AS "sidecar_attempts.peak_memory",
            c.content_uuid AS "contents.content_uuid", l.kind AS "slots.kind",
            l.variant AS "slots.variant"
        FROM contents c
        CROSS JOIN slots l
        CROSS JOIN sidecar_attempts a ON a.content_id = c.id AND a.slot_id = l.id
        LEFT JOIN generators g ON g.id = a.generator_id
        LEFT JOIN lease_owners o ON o.id = a.lease_owner
        WHERE c.content_uuid = ?1 AND l.kind = ?2 AND l.variant = ?3 ORDER BY a.fence"#;
    let values = [
        key.content.as_bytes().to_vec().into(),
        key.kind.as_str().into(),
        key.variant.as_str().into(),
    ];
    let rows = db.query_all_raw(statement(db, sql, values)).await;
    let rows = rows.map_err(failed("read attempts"))?;
    rows.iter().map(|row| read(&Cells::of(row))).collect()
}

fn read(cells: &Cells<'_>) -> PortResult<AttemptRecord> {
    let outcome: Option<String> = cells.get("sidecar_attempts.outcome")?;
    let outcome = outcome_of(outcome.as_deref());
    let outcome =
        outcome.map_err(|error| cells.corrupt("sidecar_attempts.outcome", error.to_string()))?;
    Ok(AttemptRecord {
        fence: cells.number("sidecar_attempts.fence")?,
        attempt: cells.number("sidecar_attempts.attempt")?,
        generator: cells.text("generators.source")?,
        version: cells.version("generators.version")?,
        owner: LeaseOwner::new(cells.get::<String>("lease_owners.owner")?),
        ended_at: cells.time("sidecar_attempts.ended_at")?,
        outcome,
        detail: cells.get("sidecar_attempts.detail")?,
        usage: AttemptUsage {
            started_at: cells.time("sidecar_attempts.started_at")?,
            duration: Duration::from_millis(cells.number("sidecar_attempts.duration_ms")?),
            cpu: cells
                .optional_number("sidecar_attempts.cpu_us")?
                .map(Duration::from_micros),
            peak_memory: cells.optional_number("sidecar_attempts.peak_memory")?,
        },
    })
}
