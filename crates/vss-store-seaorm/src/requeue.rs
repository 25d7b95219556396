//! Sends the rows of a selection back to pending, however many they are.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use serde_json::json;
use vss_core::{Event, Status, Timestamp};
use vss_ports::{Maker, PortResult, Selection};

use crate::change::intern_generators;
use crate::convert::{contents_json, status_code};
use crate::counters::Delta;
use crate::dialect::{Locked, hold, statement};
use crate::error::failed;
use crate::finish::step;
use crate::steps::Span;

const OPERATION: &str = "requeue sidecars";

/// See [`vss_ports::QueueControl::requeue`]. Rows that are stale are to be made by the generator
/// at the version they are stale against.
pub(crate) async fn requeue(
    tx: &DatabaseTransaction,
    selection: &Selection,
    span: Span,
    priority: i64,
    now: Timestamp,
) -> PortResult<u64> {
    let stale = selection.stale_against.as_deref().map(makers_json);
    if let Some(makers) = &stale {
        let interned = intern_generators(tx, makers).await;
        interned.map_err(failed(OPERATION))?;
    }
    let mut moved = 0;
    let mut delta = Delta::default();
    for from in Status::ALL {
        let Some(to) = destination(from).filter(|_| selection.statuses.contains(&from)) else {
            continue;
        };
        let mut meant = Meant::by(selection, from, stale.as_deref(), Vec::new());
        meant.within(span);
        // Nobody makes an original, wherever it is, nor what was found and taken in: that would wait
        // for ever for whoever made it.
        meant.and(
            "generator_id NOT IN (SELECT id FROM generators \
                WHERE source IN ('reference', 'converted', 'adopted'))",
        );
        // Of what is pending, only what waits out a failure is moved, in its own place.
        let mut urgency = Some(priority);
        if from == Status::Pending {
            let now = meant.bind(now.as_millis());
            meant.and(&format!("failure_class IS NOT NULL AND not_before > {now}"));
            urgency = None;
        }
        meant.hold(tx).await.map_err(failed(OPERATION))?;
        count(tx, &meant, (from, to), &mut delta).await?;
        moved += update(tx, meant, to, urgency, now).await?;
    }
    delta.apply(tx).await?;
    Ok(moved)
}

/// Where rows of a state go when somebody asks for them anew.
fn destination(from: Status) -> Option<Status> {
    [Event::Retry, Event::Invalidate, Event::Want]
        .into_iter()
        .find_map(|event| step(from, event).ok())
}

/// Takes the rows out of the totals of one state and into those of another.
pub(crate) async fn count(
    tx: &DatabaseTransaction,
    meant: &Meant,
    (from, to): (Status, Status),
    delta: &mut Delta,
) -> PortResult<()> {
    let sql = format!(
        "SELECT l.kind, count(*), \
            CAST(coalesce(sum(CASE g.source WHEN 'reference' THEN 0 ELSE size END), 0) AS BIGINT) \
         FROM sidecars JOIN slots l ON l.id = slot_id JOIN generators g ON g.id = generator_id \
         WHERE {} GROUP BY l.kind",
        meant.condition
    );
    let rows = tx
        .query_all_raw(statement(tx, sql, meant.values.clone()))
        .await;
    for row in rows.map_err(failed(OPERATION))? {
        let cells = row.try_get_many_by_index();
        let (kind, rows, bytes): (String, i64, i64) = cells.map_err(failed(OPERATION))?;
        // Only ready rows have bytes that count.
        let bytes = if from == Status::Ready { bytes } else { 0 };
        delta.add(&kind, from, -rows, -bytes);
        delta.add(&kind, to, rows, 0);
    }
    Ok(())
}

async fn update(
    tx: &DatabaseTransaction,
    mut meant: Meant,
    to: Status,
    priority: Option<i64>,
    now: Timestamp,
) -> PortResult<u64> {
    let successor = match &meant.stale {
        Some(list) => format!(
            "generator_id = (SELECT n.id FROM generators o \
                JOIN json_each({list}) j ON j.value ->> 0 = o.source \
                JOIN slots l ON l.kind = j.value ->> 2 AND l.variant = j.value ->> 3 \
                JOIN generators n ON n.source = o.source AND n.version = j.value ->> 1 \
                    AND n.kind = o.kind \
                WHERE o.id = generator_id AND l.id = slot_id AND n.id <> o.id LIMIT 1),"
        ),
        None => String::new(),
    };
    let now = meant.bind(now.as_millis());
    let priority = match priority {
        Some(priority) => format!("priority = {},", meant.bind(priority)),
        None => String::new(),
    };
    let sql = format!(
        "UPDATE sidecars SET status = {}, {successor} attempt = 0, {priority} \
            not_before = {now}, updated_at = {now}, failure_class = NULL WHERE {}",
        status_code(to),
        meant.condition,
    );
    let updated = tx.execute_raw(statement(tx, sql, meant.values)).await;
    Ok(updated.map_err(failed(OPERATION))?.rows_affected())
}

/// A selection as a condition on `sidecars`.
pub(crate) struct Meant {
    /// With the columns of `sidecars` by their bare names.
    pub(crate) condition: String,
    /// The values of its parameters.
    pub(crate) values: Vec<Value>,
    /// The parameter that lists whose other versions are stale.
    stale: Option<String>,
}

impl Meant {
    /// The rows of a selection in one state; `stale` is its `stale_against` as
    /// [`makers_json`] spells it. Parameters are counted on from `values`.
    pub(crate) fn by(
        selection: &Selection,
        status: Status,
        stale: Option<&str>,
        values: Vec<Value>,
    ) -> Self {
        let mut meant = Self {
            condition: format!("status = {}", status_code(status)),
            values,
            stale: None,
        };
        if let Some(contents) = &selection.contents {
            let list = meant.bind(contents_json(contents));
            meant.and(&format!(
                "content_id IN (SELECT c.id FROM json_each({list}) j \
                 CROSS JOIN contents c ON c.content_uuid = unhex(j.value))"
            ));
        }
        if let Some(kind) = &selection.kind {
            let kind = meant.bind(kind.as_str());
            meant.and(&format!(
                "slot_id IN (SELECT id FROM slots WHERE kind = {kind})"
            ));
        }
        if let Some(class) = selection.class {
            let class = meant.bind(class.as_str());
            meant.and(&format!("failure_class = {class}"));
        }
        if let Some(makers) = stale {
            let list = meant.bind(makers);
            meant.and(&format!(
                "(slot_id, generator_id) IN (SELECT l.id, o.id FROM json_each({list}) j \
                 CROSS JOIN slots l ON l.kind = j.value ->> 2 AND l.variant = j.value ->> 3 \
                 CROSS JOIN generators o ON o.source = j.value ->> 0 AND o.kind = l.kind \
                    AND o.version <> j.value ->> 1)"
            ));
            meant.stale = Some(list);
        }
        meant
    }

    /// Leaves those out that are not part of a step.
    pub(crate) fn within(&mut self, span: Span) {
        if let Span::Between(after, last) = span {
            let (after, last) = (self.bind(after), self.bind(last));
            self.and(&format!("content_id > {after} AND content_id <= {last}"));
        }
    }

    /// Locks the rows, so that each statement means the same.
    pub(crate) async fn hold(&mut self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        self.condition = hold(tx, &self.condition, &self.values, Locked::Wait).await?;
        Ok(())
    }

    fn and(&mut self, condition: &str) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
    }

    /// Adds a value and gives the name of its parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

/// A JSON array of `[source, version]`.
pub(crate) fn makers_json(makers: &[Maker]) -> String {
    let list: Vec<_> = makers
        .iter()
        .map(|maker| {
            let Maker {
                kind,
                variant,
                generator,
            } = maker;
            let version = generator.version.to_string();
            json!([
                generator.id.as_str(),
                version,
                kind.as_str(),
                variant.as_str()
            ])
        })
        .collect();
    serde_json::Value::from(list).to_string()
}
