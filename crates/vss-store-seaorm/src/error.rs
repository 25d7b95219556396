//! What a failed statement means to a caller of the port.

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
        SqlxError::PoolTimedOut => PortErrorKind::Unavailable,
        SqlxError::Database(cause) => {
            let extended = cause.code().and_then(|code| code.parse::<u32>().ok());
            match extended.map(|extended| extended & 0xff) {
                Some(code::BUSY | code::LOCKED) => PortErrorKind::Unavailable,
                Some(code::CORRUPT | code::NOTADB) => PortErrorKind::Corrupt,
                Some(code::FULL) => PortErrorKind::Full,
                Some(code::CANTOPEN) => PortErrorKind::Rejected,
                _ => PortErrorKind::Unexpected,
            }
        }
        _ => PortErrorKind::Unexpected,
    }
}
