//! Running totals by kind and status: counting nine million rows takes seconds, adding to a
//! counter does not.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;
use vss_core::{Kind, SidecarSource, Status};
use vss_ports::{PortError, PortErrorKind, PortResult, SidecarCounts, SidecarRecord};

use crate::convert::{size_value, status_code, status_of};
use crate::dialect::{on_server, statement};
use crate::error::failed;
use crate::open::SeaOrmStore;

/// What a transaction adds to the totals, and takes away.
#[derive(Default)]
pub(crate) struct Delta(BTreeMap<(String, i64), (i64, i64)>);

impl Delta {
    /// Adds rows of a kind in a state; negative numbers take away.
    pub(crate) fn add(&mut self, kind: &str, status: Status, rows: i64, bytes: i64) {
        let key = (kind.to_owned(), status_code(status));
        let sum = self.0.entry(key).or_default();
        sum.0 += rows;
        sum.1 += bytes;
    }

    /// Moves rows of a kind from one state to another; neither has bytes that count.
    pub(crate) fn shift(&mut self, kind: &str, from: Status, to: Status, rows: i64) {
        self.add(kind, from, -rows, 0);
        self.add(kind, to, rows, 0);
    }

    /// Adds a record, or takes it away where `sign` is -1.
    pub(crate) fn record(&mut self, record: &SidecarRecord, sign: i64) -> PortResult<()> {
        let counts = record.status == Status::Ready && record.source != SidecarSource::Reference;
        let bytes = match record.size {
            Some(size) if counts => size_value(size)?,
            _ => 0,
        };
        self.add(record.key.kind.as_str(), record.status, sign, sign * bytes);
        Ok(())
    }

    /// Writes the sums.
    pub(crate) async fn apply(self, tx: &DatabaseTransaction) -> PortResult<()> {
        let sums: Vec<_> = self
            .0
            .into_iter()
            .filter(|(_, sum)| *sum != (0, 0))
            .map(|((kind, status), (rows, bytes))| json!([kind, status, rows, bytes]))
            .collect();
        if sums.is_empty() {
            return Ok(());
        }
        let mut sql = "INSERT INTO counters (kind, status, row_count, bytes) \
            SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), \
                CAST(value ->> 3 AS BIGINT) \
            FROM json_each(?1) WHERE true"
            .to_owned();
        // A server's counters have no key: commits side by side must not wait for one row.
        if !on_server(tx) {
            sql.push_str(
                " ON CONFLICT (kind, status) DO UPDATE \
                 SET row_count = row_count + excluded.row_count, bytes = bytes + excluded.bytes",
            );
        }
        let sums = serde_json::Value::from(sums).to_string();
        let added = tx.execute_raw(statement(tx, sql, [sums.into()])).await;
        added.map(|_| ()).map_err(failed("keep the totals"))
    }
}

/// Folds what a server's transactions have added, once it is much, into one row a total. Rows that
/// are added meanwhile stay as they are.
pub(crate) async fn fold(store: &SeaOrmStore) -> PortResult<()> {
    let db = store.writer();
    if !on_server(db) {
        return Ok(());
    }
    let sql = "WITH folded AS (DELETE FROM counters \
            WHERE (SELECT count(*) FROM counters) >= 1000 RETURNING *) \
        INSERT INTO counters (kind, status, row_count, bytes) \
        SELECT kind, status, sum(row_count), sum(bytes) FROM folded GROUP BY kind, status";
    let folded = db.execute_unprepared(sql).await;
    folded.map(|_| ()).map_err(failed("fold the totals"))
}

/// Reads the totals.
pub(crate) async fn read(store: &SeaOrmStore) -> PortResult<SidecarCounts> {
    const OPERATION: &str = "read the totals of sidecars";
    let sql = "SELECT kind, status, CAST(sum(row_count) AS BIGINT), CAST(sum(bytes) AS BIGINT) \
               FROM counters GROUP BY kind, status HAVING sum(row_count) <> 0 OR sum(bytes) <> 0";
    let db = store.read();
    let rows = db.query_all_raw(statement(db, sql, [])).await;
    let mut counts = SidecarCounts::default();
    for row in rows.map_err(failed(OPERATION))? {
        let cells: (String, i64, i64, i64) =
            row.try_get_many_by_index().map_err(failed(OPERATION))?;
        let (name, code, rows, bytes) = cells;
        let refuse = |what: &str| {
            let cause = format!("{rows} rows and {bytes} bytes: {what}");
            let operation = format!("read counters of {name} in status {code}");
            PortError::new(PortErrorKind::Corrupt, operation, cause)
        };
        let kind: Kind = name.parse().map_err(|_| refuse("no such kind"))?;
        let status = status_of(code).ok_or_else(|| refuse("no such status"))?;
        let rows = u64::try_from(rows).map_err(|_| refuse("negative"))?;
        let bytes = u64::try_from(bytes).map_err(|_| refuse("negative"))?;
        if rows > 0 {
            let of_kind = counts.rows.entry(kind.clone()).or_default();
            of_kind.insert(status, rows);
        }
        if bytes > 0 {
            *counts.bytes.entry(kind).or_default() += bytes;
        }
    }
    Ok(counts)
}
