//! Looks at the queue for a person: how deep it is, and which rows a selection means.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Value};
use vss_core::{Kind, Priority, SidecarKey, Status, Timestamp};
use vss_ports::{PortResult, QueueDepth, Selection, SidecarCounts, SidecarRecord};

use crate::convert::status_code;
use crate::counters;
use crate::dialect::statement;
use crate::error::failed;
use crate::open::SeaOrmStore;
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
    store: &SeaOrmStore,
    selection: &Selection,
    after: Option<&SidecarKey>,
    limit: usize,
) -> PortResult<Vec<SidecarRecord>> {
    const OPERATION: &str = "list the queue";
    let db = store.read();
    // An empty blob and an empty text come before every uuid and every name.
    let bound: [Value; 3] = match after {
        Some(key) => [
            key.content.as_bytes().to_vec().into(),
            key.kind.as_str().into(),
            key.variant.as_str().into(),
        ],
        None => [Vec::<u8>::new().into(), "".into(), "".into()],
    };
    let bounded = i64::try_from(limit).unwrap_or(i64::MAX);
    let first: Vec<Value> = bound.into_iter().chain([bounded.into()]).collect();
    let stale = selection.stale_against.as_deref().map(makers_json);
    let counts = counters::read(store).await?;
    let contents = contents(db).await.map_err(failed(OPERATION))?;
    let mut pages = Vec::new();
    let mut values = first.clone();
    for status in Status::ALL {
        let rows = rows_in(&counts, selection, status);
        if rows > 0 && selection.statuses.contains(&status) {
            let meant = Meant::by(selection, status, stale.as_deref(), first.clone());
            let soon = is_met_soon(status, rows, contents, limit as u64);
            let from = from(soon && selection.contents.is_none());
            pages.push(page(from, &meant.condition));
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

/// How many contents there are, about.
async fn contents(db: &DatabaseConnection) -> Result<u64, DbErr> {
    let sql = "SELECT coalesce(max(id), 0) FROM contents";
    let row = db.query_one_raw(statement(db, sql, [])).await?;
    let last: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(last.unsigned_abs())
}

/// How many rows are in a state, of the kind that is selected.
pub(crate) fn rows_in(counts: &SidecarCounts, selection: &Selection, status: Status) -> u64 {
    let kinds = counts.rows.iter();
    let kinds = kinds.filter(|(kind, _)| selection.kind.as_ref().is_none_or(|one| one == *kind));
    kinds.filter_map(|(_, states)| states.get(&status)).sum()
}

/// Whether so many rows of a state are met on the way through the contents sooner than all of them
/// are found and put in order.
pub(crate) fn is_met_soon(status: Status, rows: u64, contents: u64, limit: u64) -> bool {
    let way = limit.saturating_mul(contents) / rows.max(1);
    let all = match status {
        // They have no index: to find all is to read the table, which takes about as long as a tenth
        // of the contents on the way.
        Status::Ready => contents / 10 + 1,
        _ => rows,
    };
    way < all
}

/// By which way rows are found.
pub(crate) const fn from(through_contents: bool) -> &'static str {
    match through_contents {
        true => "contents c CROSS JOIN sidecars s ON s.content_id = c.id",
        false => "sidecars s CROSS JOIN contents c ON c.id = s.content_id",
    }
}

/// The first keys of a selection in one state.
pub(crate) fn page(from: &str, condition: &str) -> String {
    format!(
        "SELECT * FROM (
            SELECT s.content_id, s.slot_id, c.content_uuid, l.kind, l.variant
            FROM {from} CROSS JOIN slots l ON l.id = s.slot_id
            WHERE c.content_uuid >= ?1 AND (c.content_uuid, l.kind, l.variant) > (?1, ?2, ?3)
            AND {condition}
            ORDER BY c.content_uuid, l.kind, l.variant LIMIT ?4) AS one"
    )
}
