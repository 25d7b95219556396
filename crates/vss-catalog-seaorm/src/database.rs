//! The connections to `catalog.db`: how they are set up, and what their failures mean to a caller.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, Value,
};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use vss_migrations::catalog::CatalogMigrator;
use vss_migrations::{DatabaseFault, MigrateError, Trouble, is_new};
use vss_ports::{PortError, PortErrorKind, PortResult};

/// The name of the file in a library.
const DATABASE: &str = "catalog.db";
/// How long a connection waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(10);
/// KiB of pages that a reader keeps. A large cache has to be thrown away after each commit of
/// another connection, which costs more than it saves.
const READER_CACHE: &str = "-2000";
/// KiB of pages that the writer keeps: the uuid index is filled in random order.
const WRITER_CACHE: &str = "-16000";
/// Bytes of log that are kept after a checkpoint.
const LOG_LIMIT: &str = "16777216";
/// How often a new file is tried that others are making.
const TRIES: u32 = 20;
const READERS: u32 = 4;

/// One connection that writes and a few that read.
pub(crate) struct Database {
    writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
}

/// What is wanted of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    /// Read and write it, and make it where there is none.
    Write,
    /// Read it where nothing can be written.
    Read,
}

impl Database {
    /// Opens the file, makes it when it is not there, and brings its schema up to date. Where it
    /// can be read and not written, every write is `ReadOnly`.
    pub(crate) async fn open(path: &Path) -> PortResult<Self> {
        match Self::open_or_make(path).await {
            Err(error) if !is_new(path) && may_be_readable(&error) => {
                let opened = Self::open_to(path, Access::Read).await;
                // What stands in the way of writing says more.
                opened.map_err(|_| error)
            }
            opened => opened,
        }
    }

    /// Of several that make a file, one is in the way of the others for a moment, and SQLite does not
    /// wait for who turns the log on.
    async fn open_or_make(path: &Path) -> PortResult<Self> {
        let mut tries = if is_new(path) { TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::open_to(path, Access::Write).await {
                Err(error) if tries > 0 && is_held(&error) => {}
                opened => return opened,
            }
        }
    }

    async fn open_to(path: &Path, access: Access) -> PortResult<Self> {
        let operation = || format!("open {}", path.display());
        let writer = connect(path, 1, WRITER_CACHE, access)
            .await
            .map_err(|error| failed(operation(), error))?;
        let fits = match access {
            Access::Write => vss_migrations::migrate::<CatalogMigrator>(&writer).await,
            Access::Read => vss_migrations::check::<CatalogMigrator>(&writer).await,
        };
        fits.map_err(|error| match error {
            MigrateError::Database(error) => failed(operation(), error),
            error => PortError::new(PortErrorKind::Rejected, operation(), error),
        })?;
        let readers = connect(path, READERS, READER_CACHE, access)
            .await
            .map_err(|error| failed(operation(), error))?;
        Ok(Self { writer, readers })
    }

    /// Reads the whole file and compares what is in it, short of the order of its indexes.
    pub(crate) async fn examine(&self) -> PortResult<()> {
        let operation = "examine the catalog";
        let found = rows(&self.readers, "PRAGMA quick_check(1)", []).await;
        let found = found.map_err(|error| failed(operation, error))?;
        let found = found.first().map(|row| row.try_get_by_index::<String>(0));
        match found
            .transpose()
            .map_err(|error| failed(operation, error))?
        {
            Some(found) if found != "ok" => {
                let fault = DatabaseFault::damaged(DATABASE, found);
                Err(PortError::new(PortErrorKind::Corrupt, operation, fault))
            }
            _ => Ok(()),
        }
    }

    /// Begins to write at once, so that no lock has to be traded up half-way.
    pub(crate) async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }
}

fn is_held(error: &PortError) -> bool {
    let fault = error.source.downcast_ref::<DatabaseFault>();
    fault.is_some_and(|fault| fault.trouble == Trouble::Held)
}

fn may_be_readable(error: &PortError) -> bool {
    let fault = error.source.downcast_ref::<DatabaseFault>();
    fault.is_some_and(DatabaseFault::may_be_readable)
}

async fn connect(
    path: &Path,
    size: u32,
    cache: &'static str,
    access: Access,
) -> Result<DatabaseConnection, DbErr> {
    let later = file_options(path, cache, access);
    let first = match access == Access::Write && is_new(path) {
        // On a file with anything in it this would be a write, which waits for every other.
        true => later.clone().auto_vacuum(SqliteAutoVacuum::Incremental),
        false => later.clone(),
    };
    let mut options = ConnectOptions::new("sqlite://catalog.db");
    options
        .max_connections(size)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |_| first.clone())
        .map_sqlx_sqlite_pool_opts(vss_migrations::without_lost_transactions);
    let connected = SeaOrm::connect(options).await?;
    let pool = connected.get_sqlite_connection_pool();
    pool.set_connect_options(later);
    Ok(connected)
}

/// The path goes in as a path: it need not be UTF-8, and `?` means nothing in it.
fn file_options(path: &Path, cache: &'static str, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new();
    let options = match access {
        Access::Read => vss_migrations::read_only(options, path),
        Access::Write => options
            .create_if_missing(true)
            .page_size(4096)
            .journal_mode(SqliteJournalMode::Wal),
    };
    options
        .filename(path)
        // Whoever plans remembers change numbers in another database: a power cut must not
        // take back a number that was seen, or what gets it next is passed over.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("cache_size", cache)
        .pragma("mmap_size", "0")
        .pragma("journal_size_limit", LOG_LIMIT)
        .disable_statement_logging()
}

/// A statement with its values.
pub(crate) fn sql<const N: usize>(text: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, text, values)
}

/// Runs a statement that answers at most a few thousand rows.
pub(crate) async fn rows<const N: usize>(
    db: &impl ConnectionTrait,
    text: &str,
    values: [Value; N],
) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(sql(text, values)).await
}

/// A failure of the database as the port tells it.
pub(crate) fn failed(operation: impl Into<String>, error: DbErr) -> PortError {
    if matches!(error, DbErr::Type(_) | DbErr::Json(_)) {
        return PortError::new(PortErrorKind::Corrupt, operation, error);
    }
    let fault = DatabaseFault::of(DATABASE, &error);
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

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "CREATE TABLE noted (words TEXT) STRICT";

    async fn note(database: &Database, words: &str) -> Result<(), DbErr> {
        let tx = database.write().await?;
        let noted = sql("INSERT INTO noted VALUES (?1)", [words.into()]);
        tx.execute_raw(noted).await?;
        tx.commit().await
    }

    #[tokio::test]
    async fn what_is_committed_after_the_file_was_full_is_there_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DATABASE);
        let database = Database::open(&path).await.unwrap();
        let other = Database::open(&path).await.unwrap();
        database.writer.execute_unprepared(TABLE).await.unwrap();
        // No more pages than there are.
        let full = "PRAGMA max_page_count = 1";
        database.writer.execute_unprepared(full).await.unwrap();
        let long = "long".repeat(100_000);
        let refused = failed("note", note(&database, &long).await.unwrap_err());
        assert_eq!(refused.kind, PortErrorKind::Full, "{refused}");
        let roomy = "PRAGMA max_page_count = 1000000";
        database.writer.execute_unprepared(roomy).await.unwrap();
        // An ordinary failure, which ends its own transaction only.
        database.write().await.unwrap().rollback().await.unwrap();
        note(&database, "here").await.unwrap();
        let seen = rows(&other.readers, "SELECT words FROM noted", []).await;
        let seen = seen.unwrap();
        let seen = seen.iter().map(|row| row.try_get_by_index::<String>(0));
        assert_eq!(seen.collect::<Result<Vec<_>, _>>().unwrap(), ["here"]);
        note(&other, "there").await.unwrap();
    }
}
