//! What a failed statement means to a caller of the port.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlxError};
use vss_migrations::MigrateError;
use vss_ports::{PortError, PortErrorKind};

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>); the low byte of an
/// extended one.
mod code {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const NOTADB: u32 = 26;
}

/// SQLSTATEs of PostgreSQL, or the classes that they begin with
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
mod sqlstate {
    pub(super) const SERIALIZATION_FAILURE: &str = "40001";
    pub(super) const DEADLOCK_DETECTED: &str = "40P01";
    /// Lost or refused connections; too many of them, or no memory; ended by an administrator, a
    /// crash or a start that is not over; a lock or a statement that took too long; a transaction
    /// that did nothing for too long.
    pub(super) const UNAVAILABLE: &[&str] = &["08", "53", "57", "55P03", "25P03", "40"];
    pub(super) const DISK_FULL: &str = "53100";
    pub(super) const CORRUPTED: &[&str] = &["XX001", "XX002"];
    /// Wrong user or password, no such database or schema, no privilege.
    pub(super) const REJECTED: &[&str] = &["28", "3D000", "3F000", "42501"];
}

/// A port error of a failed statement.
pub(crate) fn failed(operation: &str) -> impl Fn(DbErr) -> PortError + '_ {
    move |error| PortError::new(kind_of(&error), operation, error)
}

/// A port error of a failed connection.
pub(crate) fn not_opened(operation: &str, error: SqlxError) -> PortError {
    PortError::new(kind_of_sqlx(&error), operation, error)
}

/// A port error of a schema that does not fit.
pub(crate) fn not_migrated(operation: &str, error: MigrateError) -> PortError {
    let kind = match &error {
        MigrateError::Database(error) => kind_of(error),
        _ => PortErrorKind::Rejected,
    };
    PortError::new(kind, operation, error)
}

fn kind_of(error: &DbErr) -> PortErrorKind {
    match error {
        DbErr::ConnectionAcquire(_) => PortErrorKind::Unavailable,
        DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause) => match cause {
            RuntimeErr::SqlxError(cause) => kind_of_sqlx(cause),
            RuntimeErr::Internal(_) => PortErrorKind::Unexpected,
        },
        _ => PortErrorKind::Unexpected,
    }
}

fn kind_of_sqlx(error: &SqlxError) -> PortErrorKind {
    match error {
        SqlxError::PoolTimedOut | SqlxError::Io(_) => PortErrorKind::Unavailable,
        SqlxError::Tls(_) | SqlxError::Configuration(_) => PortErrorKind::Rejected,
        SqlxError::Database(cause) => match cause.code() {
            Some(code) if is_sqlstate(&code) => kind_of_sqlstate(&code),
            Some(code) => kind_of_sqlite(&code),
            None => PortErrorKind::Unexpected,
        },
        _ => PortErrorKind::Unexpected,
    }
}

/// SQLSTATEs have five letters or digits; the codes of SQLite have up to four digits.
fn is_sqlstate(code: &str) -> bool {
    code.len() == 5
}

fn kind_of_sqlstate(code: &str) -> PortErrorKind {
    let begins = |list: &[&str]| list.iter().any(|begin| code.starts_with(begin));
    if code == sqlstate::DISK_FULL {
        PortErrorKind::Full
    } else if begins(sqlstate::UNAVAILABLE) {
        PortErrorKind::Unavailable
    } else if begins(sqlstate::CORRUPTED) {
        PortErrorKind::Corrupt
    } else if begins(sqlstate::REJECTED) {
        PortErrorKind::Rejected
    } else {
        PortErrorKind::Unexpected
    }
}

fn kind_of_sqlite(code: &str) -> PortErrorKind {
    match code.parse::<u32>().map(|extended| extended & 0xff) {
        Ok(code::BUSY | code::LOCKED) => PortErrorKind::Unavailable,
        Ok(code::CORRUPT | code::NOTADB) => PortErrorKind::Corrupt,
        Ok(code::FULL) => PortErrorKind::Full,
        Ok(code::CANTOPEN) => PortErrorKind::Rejected,
        _ => PortErrorKind::Unexpected,
    }
}

/// Whether a server broke off a transaction for another's sake: the same once more may succeed.
pub(crate) fn is_contention(error: &PortError) -> bool {
    let Some(
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)),
    ) = error.source.downcast_ref()
    else {
        return false;
    };
    let code = cause.as_database_error().and_then(DatabaseError::code);
    let contention = [sqlstate::SERIALIZATION_FAILURE, sqlstate::DEADLOCK_DETECTED];
    code.is_some_and(|code| contention.contains(&code.as_ref()))
}
