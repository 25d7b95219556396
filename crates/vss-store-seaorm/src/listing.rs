//! Looks at the queue for a person: how deep it is, and which rows a selection means.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, Value};
use vss_core::{Kind, Priority, SidecarKey, Status, Timestamp};
use vss_ports::{PortResult, QueueDepth, Selection, SidecarRecord};

use crate::convert::status_code;
use crate::dialect::statement;
use crate::error::failed;
use crate::record::{self, Cells};
use crate::requeue::{Meant, makers_json};

/// Pending and running rows by generator, whose number implies the kind. The first half reads
/// nothing but the index of due rows, the second the few rows that are running.
pub(crate) fn depths_sql() -> String {
    let (pending, running) = (status_code(Status::Pending), status_code(Status::Running));
    format!(
        r#"SELECT g.kind AS "generators.kind", d.priority AS "sidecars.priority",
            d.due AS "sidecars.due", d.later AS "sidecars.later", d.running AS "sidecars.running"
        FROM (
            SELECT generator_id, priority, count(CASE WHEN not_before <= ?1 THEN 1 END) AS due,
                count(CASE WHEN not_before > ?1 THEN 1 END) AS later, 0 AS running
            FROM sidecars WHERE status = {pending} GROUP BY priority, generator_id
            UNION ALL
            SELECT generator_id, priority, 0, 0, count(*)
            FROM sidecars WHERE status = {running} GROUP BY priority, generator_id
        ) d LEFT JOIN generators g ON g.id = d.generator_id"#
    )
}

/// See [`vss_ports::QueueControl::depths`].
pub(crate) async fn depths(db: &DatabaseConnection, now: Timestamp) -> PortResult<Vec<QueueDepth>> {
    let query = statement(db, depths_sql(), [now.as_millis().into()]);
    let rows = db.query_all_raw(query).await;
    let mut depths: BTreeMap<(Kind, Priority), QueueDepth> = BTreeMap::new();
    for row in rows.map_err(failed("read the depth of the queue"))? {
        let cells = Cells::of(&row);
        let kind: Kind = cells.text("generators.kind")?;
        let Some(priority) = cells.priority("sidecars.priority")? else {
            continue;
        };
        let depth = depths.entry((kind.clone(), priority));
        let depth = depth.or_insert(QueueDepth {
            kind,
            priority,
            due: 0,
            later: 0,
            running: 0,
        });
        depth.due += cells.number::<u64>("sidecars.due")?;
        depth.later += cells.number::<u64>("sidecars.later")?;
        depth.running += cells.number::<u64>("sidecars.running")?;
    }
    Ok(depths.into_values().collect())
}

/// See [`vss_ports::QueueControl::list`].
pub(crate) async fn list(
    db: &DatabaseConnection,
    selection: &Selection,
    after: Option<&SidecarKey>,
    limit: usize,
) -> PortResult<Vec<SidecarRecord>> {
    const OPERATION: &str = "list the queue";
    // An empty blob and an empty text come before every uuid and every name.
    let bound: [Value; 3] = match after {
        Some(key) => [
            key.content.as_bytes().to_vec().into(),
            key.kind.as_str().into(),
            key.variant.as_str().into(),
        ],
        None => [Vec::<u8>::new().into(), "".into(), "".into()],
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let first: Vec<Value> = bound.into_iter().chain([limit.into()]).collect();
    let stale = selection.stale_against.as_deref().map(makers_json);
    let mut pages = Vec::new();
    let mut values = first.clone();
    for status in Status::ALL {
        if selection.statuses.contains(&status) {
            let meant = Meant::by(selection, status, stale.as_deref(), first.clone());
            pages.push(page(selection, status, &meant.condition));
            // The same for every state.
            values = meant.values;
        }
    }
    if pages.is_empty() {
        return Ok(Vec::new());
    }
    let from = format!(
        "({} ORDER BY content_uuid, kind, variant LIMIT ?4) p
        CROSS JOIN contents c ON c.id = p.content_id
        CROSS JOIN slots l ON l.id = p.slot_id
        CROSS JOIN sidecars s ON s.content_id = p.content_id AND s.slot_id = p.slot_id",
        pages.join(" UNION ALL ")
    );
    let select = record::select(&from, "ORDER BY c.content_uuid, l.kind, l.variant");
    let rows = db.query_all_raw(statement(db, select, values)).await;
    let rows = rows.map_err(failed(OPERATION))?;
    let read = |row| record::read(row).map(|row| row.record);
    rows.iter().map(read).collect()
}

/// The first keys of a selection in one state. Ready rows are most rows, so they are met soon on
/// the way through the contents; the others are few, and are found by the index of their state.
fn page(selection: &Selection, status: Status, condition: &str) -> String {
    let from = match status {
        Status::Ready if selection.contents.is_none() => {
            "contents c CROSS JOIN sidecars s ON s.content_id = c.id"
        }
        _ => "sidecars s CROSS JOIN contents c ON c.id = s.content_id",
    };
    format!(
        "SELECT * FROM (
            SELECT s.content_id, s.slot_id, c.content_uuid, l.kind, l.variant
            FROM {from} CROSS JOIN slots l ON l.id = s.slot_id
            WHERE c.content_uuid >= ?1 AND (c.content_uuid, l.kind, l.variant) > (?1, ?2, ?3)
            AND {condition}
            ORDER BY c.content_uuid, l.kind, l.variant LIMIT ?4) AS one"
    )
}
