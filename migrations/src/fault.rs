//! What a failure of SQLite means, for both databases of a library alike.
//!
//! The codes are those of <https://www.sqlite.org/rescode.html>; the low byte of an extended one is
//! the primary one, which decides.

use std::fmt;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// What is the matter with a database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// Another connection holds it, and went on holding it.
    Held,
    /// All connections of this program were busy for too long.
    Busy,
    /// What was read back is not what was written.
    Damaged,
    /// Reading or writing the file failed. Nothing says that the file is damaged.
    Disk,
    /// It may be read, and not written.
    ReadOnly,
    /// No space is left for it.
    Full,
    /// It is not there, or may not be opened.
    NotOpened,
    /// Anything else.
    Other,
}

impl Trouble {
    /// What a failure of SQLite is about.
    #[must_use]
    pub fn of(error: &DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) => Self::Busy,
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => Self::of_sqlx(cause),
            _ => Self::Other,
        }
    }

    fn of_sqlx(error: &SqlxError) -> Self {
        match error {
            SqlxError::PoolTimedOut => Self::Busy,
            SqlxError::Io(_) => Self::Disk,
            SqlxError::Database(cause) => Self::of_code(&**cause),
            _ => Self::Other,
        }
    }

    fn of_code(error: &dyn DatabaseError) -> Self {
        let code = error.code().and_then(|code| code.parse::<u32>().ok());
        // No room to map the index of the log into.
        if code == Some(4_874) {
            return Self::Full;
        }
        match code.map(|extended| extended & 0xff) {
            // Busy, locked, and a race for the lock of the log that was lost too often.
            Some(5 | 6 | 15) => Self::Held,
            Some(8) => Self::ReadOnly,
            Some(10) => Self::Disk,
            // Corrupt, and no database. Nothing else may be called damaged: whoever hears of
            // damage sets the file aside.
            Some(11 | 26) => Self::Damaged,
            Some(13) => Self::Full,
            Some(3 | 14 | 23) => Self::NotOpened,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "another program holds it",
            Self::Busy => "it did not answer in time",
            Self::Damaged => "it is damaged",
            Self::Disk => "the disk that it is on could not be read or written",
            Self::ReadOnly => "it can be read and not written",
            Self::Full => "no space is left for it",
            Self::NotOpened => "it cannot be opened",
            Self::Other => "it failed",
        })
    }
}

/// A failure of one of a library's databases.
#[derive(Debug, thiserror::Error)]
#[error("{database}: {trouble} ({detail})")]
pub struct DatabaseFault {
    /// The name of its file in the library.
    pub database: &'static str,
    /// What is the matter with it.
    pub trouble: Trouble,
    /// In SQLite's own words, with its code.
    pub detail: String,
}

impl DatabaseFault {
    /// The failure of a statement.
    #[must_use]
    pub fn of(database: &'static str, error: &DbErr) -> Self {
        let trouble = Trouble::of(error);
        let detail = match error {
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => words(cause),
            other => other.to_string(),
        };
        Self {
            database,
            trouble,
            detail,
        }
    }

    /// What a check of the whole file found.
    #[must_use]
    pub fn damaged(database: &'static str, found: impl Into<String>) -> Self {
        Self {
            database,
            trouble: Trouble::Damaged,
            detail: found.into(),
        }
    }

    /// Whether it could be opened for reading where it could not be opened as usual: on a medium
    /// or in a folder that cannot be written, no log can be made.
    #[must_use]
    pub fn may_be_readable(&self) -> bool {
        matches!(self.trouble, Trouble::NotOpened | Trouble::ReadOnly)
    }

    /// The failure of opening it.
    #[must_use]
    pub fn of_opening(database: &'static str, error: &SqlxError) -> Self {
        Self {
            database,
            trouble: Trouble::of_sqlx(error),
            detail: words(error),
        }
    }
}

fn words(error: &SqlxError) -> String {
    match error {
        SqlxError::Database(cause) => match cause.code() {
            Some(code) => format!("{}, code {code}", cause.message()),
            None => cause.message().to_owned(),
        },
        other => other.to_string(),
    }
}
