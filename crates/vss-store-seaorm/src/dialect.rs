//! One SQL text for two databases: statements are written as SQLite reads them, and reworded here
//! for PostgreSQL, whose schema has SQL functions for the rest (`json_each`, `unhex`).
//!
//! Only three things are reworded: parameters, `INDEXED BY`, and a CROSS JOIN with a condition,
//! which is how SQLite is told the order of a join. Whatever else differs has both variants where
//! it is used, asked for with [`on_server`]. What SQLite leaves to the type of a value is spelled
//! out in both: `CAST(j.value ->> 1 AS BIGINT)`, and `j.atom` for a text in a list.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

/// Whether the database is a PostgreSQL server, which others use at the same time.
pub(crate) fn on_server<C: ConnectionTrait>(db: &C) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// A statement with its values.
pub(crate) fn statement<C: ConnectionTrait>(
    db: &C,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    let mut sql = sql.into();
    if on_server(db) {
        sql = reworded(&sql);
    }
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// What a statement does about rows that somebody else has locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locked {
    /// Waits for them.
    Wait,
    /// Goes on without them.
    Skip,
}

impl Locked {
    /// What follows FOR UPDATE.
    pub(crate) const fn clause(self) -> &'static str {
        match self {
            Self::Wait => "",
            Self::Skip => "SKIP LOCKED",
        }
    }
}

/// Locks the rows of `sidecars` that a condition means, in the order in which every call locks
/// them, and gives the condition that means these and no others, however many statements use it.
/// In a file no other writes, and the condition is what it was.
pub(crate) async fn hold(
    tx: &DatabaseTransaction,
    condition: &str,
    values: &[Value],
    locked: Locked,
) -> Result<String, DbErr> {
    if !on_server(tx) {
        return Ok(condition.to_owned());
    }
    // A temporary table of the connection, which is empty again after the transaction.
    let sql = format!(
        "INSERT INTO held (content_id, slot_id) SELECT content_id, slot_id FROM sidecars \
         WHERE {condition} ORDER BY content_id, slot_id FOR UPDATE {}",
        locked.clause()
    );
    let sql = statement(tx, sql, values.iter().cloned());
    tx.execute_raw(sql).await?;
    Ok(format!(
        "(content_id, slot_id) IN (SELECT content_id, slot_id FROM held) AND {condition}"
    ))
}

/// Gives a transaction the time that publishing a group of files takes: a server ends one that
/// does nothing for a while, since whoever began it may be dead.
pub(crate) async fn take_time(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    if on_server(tx) {
        let patient = "SET LOCAL idle_in_transaction_session_timeout = 300000";
        tx.execute_unprepared(patient).await?;
    }
    Ok(())
}

/// The table of [`hold`], for each connection that writes.
#[cfg(feature = "postgres")]
pub(crate) const HELD: &str = "CREATE TEMPORARY TABLE held \
    (content_id BIGINT NOT NULL, slot_id BIGINT NOT NULL) ON COMMIT DELETE ROWS";

fn reworded(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['?', 'C', 'I']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(number) = found.strip_prefix('?') {
            out.push('$');
            number
        } else if let Some(join) = found.strip_prefix("CROSS JOIN ") {
            // table, alias, ON
            let conditional = join.split_whitespace().nth(2) == Some("ON");
            out.push_str(if conditional { "JOIN " } else { "CROSS JOIN " });
            join
        } else if let Some(index) = found.strip_prefix("INDEXED BY ") {
            index.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
        } else {
            let (letter, after) = found.split_at(1);
            out.push_str(letter);
            after
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_reworded() {
        for (sqlite, postgres) in [
            ("SELECT ?1, ?12 IN (?3)", "SELECT $1, $12 IN ($3)"),
            (
                "FROM json_each(?1) j CROSS JOIN contents c ON c.id = j.key",
                "FROM json_each($1) j JOIN contents c ON c.id = j.key",
            ),
            (
                "a CROSS JOIN slots l\n  CROSS JOIN sidecars s ON s.id = 1",
                "a CROSS JOIN slots l\n  JOIN sidecars s ON s.id = 1",
            ),
            (
                "FROM sidecars INDEXED BY sidecars_due WHERE Coins = 'ON'",
                "FROM sidecars  WHERE Coins = 'ON'",
            ),
        ] {
            assert_eq!(reworded(sqlite), postgres);
        }
    }
}
