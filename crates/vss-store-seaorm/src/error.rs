//! What a failed statement means to a caller of the port.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlxError};
use vss_migrations::{DatabaseFault, MigrateError, Trouble};
use vss_ports::{PortError, PortErrorKind};

/// The name of the file in a library.
pub(crate) const DATABASE: &str = "sidecars.db";

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
    move |error| match cause_of(&error).is_some_and(is_of_sqlite) {
        true => of_fault(operation, DatabaseFault::of(DATABASE, &error)),
        false => PortError::new(kind_of(&error), operation, error),
    }
}

/// A port error of a failed connection.
pub(crate) fn not_opened(operation: &str, error: SqlxError) -> PortError {
    match is_of_sqlite(&error) {
        true => of_fault(operation, DatabaseFault::of_opening(DATABASE, &error)),
        false => PortError::new(kind_of_sqlx(&error), operation, error),
    }
}

/// A port error of a schema that does not fit.
pub(crate) fn not_migrated(operation: &str, error: MigrateError) -> PortError {
    match error {
        MigrateError::Database(error) => failed(operation)(error),
        error => PortError::new(PortErrorKind::Rejected, operation, error),
    }
}

/// A port error of what is the matter with a file.
pub(crate) fn of_fault(operation: &str, fault: DatabaseFault) -> PortError {
    let kind = match fault.trouble {
        Trouble::Held | Trouble::Busy | Trouble::Disk => PortErrorKind::Unavailable,
        Trouble::Damaged => PortErrorKind::Corrupt,
        Trouble::ReadOnly => PortErrorKind::ReadOnly,
        Trouble::Full => PortErrorKind::Full,
        Trouble::NotOpened => PortErrorKind::Rejected,
        _ => PortErrorKind::Unexpected,
    };
    PortError::new(kind, operation, fault)
}

fn cause_of(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

/// The codes of SQLite have up to four digits; SQLSTATEs have five letters or digits.
fn is_of_sqlite(error: &SqlxError) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code.len() < 5)
}

fn kind_of(error: &DbErr) -> PortErrorKind {
    match (error, cause_of(error)) {
        (DbErr::ConnectionAcquire(_), _) => PortErrorKind::Unavailable,
        (_, Some(cause)) => kind_of_sqlx(cause),
        _ => PortErrorKind::Unexpected,
    }
}

fn kind_of_sqlx(error: &SqlxError) -> PortErrorKind {
    match error {
        SqlxError::PoolTimedOut | SqlxError::Io(_) => PortErrorKind::Unavailable,
        SqlxError::Tls(_) | SqlxError::Configuration(_) => PortErrorKind::Rejected,
        SqlxError::Database(cause) => match cause.code() {
            Some(code) => kind_of_sqlstate(&code),
            None => PortErrorKind::Unexpected,
        },
        _ => PortErrorKind::Unexpected,
    }
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

/// Whether a server broke off a transaction for another's sake: the same once more may succeed.
pub(crate) fn is_contention(error: &PortError) -> bool {
    let cause = error.source.downcast_ref().and_then(cause_of);
    let code = cause.and_then(|cause| cause.as_database_error()?.code());
    let contention = [sqlstate::SERIALIZATION_FAILURE, sqlstate::DEADLOCK_DETECTED];
    code.is_some_and(|code| contention.contains(&code.as_ref()))
}
