//! Opens the database file: pragmas, one writing connection, a few reading ones, the schema.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous,
};
use sea_orm::sqlx::{ConnectOptions, Sqlite};
use sea_orm::{DatabaseConnection, SqlxSqliteConnector};
use vss_migrations::sidecars::SidecarsMigrator;
use vss_ports::PortResult;

use crate::error::{failed, not_migrated, not_opened};

/// What a commit survives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Durability {
    /// A power cut: `synchronous = FULL`, or what the server's `synchronous_commit` says.
    #[default]
    Strict,
    /// The end of the program, not of the machine: `synchronous = NORMAL`, or
    /// `synchronous_commit = off`. After a power cut the last commits may be missing; their files
    /// are adopted again by reconcile.
    Fast,
}

/// How a store is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreOptions {
    /// What a commit survives.
    pub durability: Durability,
    /// How long a locked database, or a server's lock or connection, is waited for before a call
    /// is `Unavailable`.
    pub busy_timeout: Duration,
    /// How many reads can go on at once.
    pub readers: u32,
}

impl Default for StoreOptions {
    /// Strict, 5 s, 4 readers.
    fn default() -> Self {
        Self {
            durability: Durability::Strict,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
        }
    }
}

/// The rows of one library and their queue.
#[derive(Clone, Debug)]
pub struct SeaOrmStore {
    pub(crate) write: DatabaseConnection,
    pub(crate) read: DatabaseConnection,
}

/// Kibibytes of pages the writer keeps; nobody else writes, so they stay valid.
const WRITER_CACHE: &str = "-16000";
/// Kibibytes of pages a reader keeps: the inner pages of ten million rows, which every search
/// walks. A commit makes a reader drop all it has, so that a large cache (or mmap) costs 7 to 11 ms
/// then; this one about 1.
const READER_CACHE: &str = "-6000";
/// Bytes of write-ahead log that are kept after a checkpoint.
const WAL_LIMIT: &str = "16777216";

impl SeaOrmStore {
    /// Opens the database, makes it where there is none, and applies missing migrations.
    ///
    /// # Errors
    /// `Rejected` when a newer program made it or no file can be made there; `Corrupt` when it is
    /// no database or a damaged one; `Unavailable` when it stays locked.
    pub async fn open(path: &Path, options: &StoreOptions) -> PortResult<Self> {
        let store = Self::connect(path, options, true).await?;
        vss_migrations::migrate::<SidecarsMigrator>(&store.write)
            .await
            .map_err(|error| not_migrated(&opening(path), error))?;
        Ok(store)
    }

    /// Opens the database and changes nothing about its schema.
    ///
    /// # Errors
    /// As [`open`](Self::open); also `Rejected` when there is none or it lacks migrations.
    pub async fn open_existing(path: &Path, options: &StoreOptions) -> PortResult<Self> {
        let store = Self::connect(path, options, false).await?;
        vss_migrations::check::<SidecarsMigrator>(&store.write)
            .await
            .map_err(|error| not_migrated(&opening(path), error))?;
        Ok(store)
    }

    async fn connect(path: &Path, options: &StoreOptions, create: bool) -> PortResult<Self> {
        let connect = connect_options(path, options, create);
        let fault = |error| not_opened(&opening(path), error);
        // The writer comes first: it makes the file and sets what the header holds.
        let writer = connect.clone().pragma("cache_size", WRITER_CACHE);
        let write = pool(1).connect_with(writer).await.map_err(fault)?;
        let reader = connect.pragma("cache_size", READER_CACHE);
        let read = pool(options.readers.max(1))
            .connect_with(reader.pragma("query_only", "ON"))
            .await
            .map_err(fault)?;
        Ok(Self {
            write: SqlxSqliteConnector::from_sqlx_sqlite_pool(write),
            read: SqlxSqliteConnector::from_sqlx_sqlite_pool(read),
        })
    }

    /// Waits for running statements and closes the file; the last one out empties the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close(self) -> PortResult<()> {
        let fault = failed("close the sidecar database");
        self.read.close().await.map_err(&fault)?;
        self.write.close().await.map_err(&fault)
    }

    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.write
    }
}

fn opening(path: &Path) -> String {
    format!("open {}", path.display())
}

fn connect_options(path: &Path, options: &StoreOptions, create: bool) -> SqliteConnectOptions {
    let synchronous = match options.durability {
        Durability::Strict => SqliteSynchronous::Full,
        Durability::Fast => SqliteSynchronous::Normal,
    };
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .page_size(4096)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .pragma("journal_size_limit", WAL_LIMIT)
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

/// Connections to a file do not go stale: they are neither tested nor replaced.
fn pool(connections: u32) -> PoolOptions<Sqlite> {
    PoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
