//! The connections to `catalog.db`: how they are set up, and what their failures mean to a caller.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, QueryResult, RuntimeErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value,
};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use vss_migrations::MigrateError;
use vss_migrations::catalog::CatalogMigrator;
use vss_ports::{PortError, PortErrorKind, PortResult};

/// How long a connection waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(10);
/// KiB of pages that a reader keeps. A large cache has to be thrown away after each commit of
/// another connection, which costs more than it saves.
const READER_CACHE: &str = "-2000";
/// KiB of pages that the writer keeps: the uuid index is filled in random order.
const WRITER_CACHE: &str = "-16000";
/// Bytes of log that are kept after a checkpoint.
const LOG_LIMIT: &str = "16777216";
const READERS: u32 = 4;

/// One connection that writes and a few that read.
pub(crate) struct Database {
    writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
}

impl Database {
    /// Opens the file, makes it when it is not there, and brings its schema up to date.
    pub(crate) async fn open(path: &Path) -> PortResult<Self> {
        let operation = || format!("open {}", path.display());
        let writer = connect(path, 1, WRITER_CACHE)
            .await
            .map_err(|error| failed(operation(), error))?;
        vss_migrations::migrate::<CatalogMigrator>(&writer)
            .await
            .map_err(|error| match error {
                MigrateError::Database(error) => failed(operation(), error),
                error => PortError::new(PortErrorKind::Rejected, operation(), error),
            })?;
        let readers = connect(path, READERS, READER_CACHE)
            .await
            .map_err(|error| failed(operation(), error))?;
        Ok(Self { writer, readers })
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

async fn connect(path: &Path, size: u32, cache: &'static str) -> Result<DatabaseConnection, DbErr> {
    // The path goes in as a path: it need not be UTF-8, and `?` means nothing in it.
    let file = path.to_path_buf();
    let mut options = ConnectOptions::new("sqlite://catalog.db");
    options
        .max_connections(size)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |options: SqliteConnectOptions| {
            options
                .filename(&file)
                .create_if_missing(true)
                .page_size(4096)
                .auto_vacuum(SqliteAutoVacuum::Incremental)
                .journal_mode(SqliteJournalMode::Wal)
                // Whoever plans remembers change numbers in another database: a power cut must not
                // take back a number that was seen, or what gets it next is passed over.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY)
                .foreign_keys(true)
                .pragma("cache_size", cache)
                .pragma("mmap_size", "0")
                .pragma("journal_size_limit", LOG_LIMIT)
        });
    SeaOrm::connect(options).await
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
    // https://www.sqlite.org/rescode.html: the low byte is the primary code.
    let (kind, advice) = match code(&error).map(|code| code & 0xff) {
        Some(5 | 6) => (PortErrorKind::Unavailable, Some("another program holds it")),
        Some(8) => (
            PortErrorKind::Rejected,
            Some("it cannot be written: check its permissions and the mount"),
        ),
        Some(11 | 26) => (
            PortErrorKind::Corrupt,
            Some("this is no whole catalog: remove catalog.db and index again"),
        ),
        Some(13) => (PortErrorKind::Full, None),
        Some(14) => (
            PortErrorKind::Rejected,
            Some("it cannot be opened: check that its folder is there and may be written"),
        ),
        _ if matches!(error, DbErr::Type(_) | DbErr::Json(_)) => (PortErrorKind::Corrupt, None),
        _ => (PortErrorKind::Unexpected, None),
    };
    match advice {
        Some(advice) => PortError::new(kind, operation, format!("{advice} ({error})")),
        None => PortError::new(kind, operation, error),
    }
}

/// SQLite's own number for what went wrong.
fn code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    cause.as_database_error()?.code()?.parse().ok()
}
