//! Opens the database file: pragmas, one writing connection, a few reading ones, the schema.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous,
};
use sea_orm::sqlx::{ConnectOptions, Sqlite};
use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxSqliteConnector};
use vss_core::Timestamp;
use vss_migrations::sidecars::SidecarsMigrator;
use vss_migrations::{DatabaseFault, Trouble, is_new};
use vss_ports::{PortError, PortResult};

use crate::dialect::{on_server, statement};
use crate::error::{DATABASE, failed, not_migrated, not_opened, of_fault};

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
/// How often a new file is tried that others are making.
const TRIES: u32 = 20;
/// Bytes of write-ahead log that are kept after a checkpoint.
const WAL_LIMIT: &str = "16777216";

/// What is wanted of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    /// Read and write it, and make it where there is none.
    Make,
    /// Read and write it.
    Write,
    /// Read it where nothing can be written.
    Read,
}

impl SeaOrmStore {
    /// Opens the database, makes it where there is none, and applies missing migrations. Where it
    /// can be read and not written, every write is `ReadOnly`.
    ///
    /// # Errors
    /// `Rejected` when a newer program made it or no file can be made there; `Corrupt` when it is
    /// no database or a damaged one; `Unavailable` when it stays locked or its disk fails.
    pub async fn open(path: &Path, options: &StoreOptions) -> PortResult<Self> {
        match Self::open_or_make(path, options).await {
            Err(error) if !is_new(path) && may_be_readable(&error) => {
                let opened = Self::connect(path, options, Access::Read).await;
                // What stands in the way of writing says more.
                let store = opened.map_err(|_| error)?;
                store.checked(path).await
            }
            opened => opened,
        }
    }

    /// Of several that make a file, one is in the way of the others for a moment, and SQLite does not
    /// wait for who turns the log on.
    async fn open_or_make(path: &Path, options: &StoreOptions) -> PortResult<Self> {
        let mut tries = if is_new(path) { TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::open_to_write(path, options).await {
                Err(error) if tries > 0 && is_held(&error) => {}
                opened => return opened,
            }
        }
    }

    async fn open_to_write(path: &Path, options: &StoreOptions) -> PortResult<Self> {
        let store = Self::connect(path, options, Access::Make).await?;
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
        let store = Self::connect(path, options, Access::Write).await?;
        store.checked(path).await
    }

    async fn checked(self, path: &Path) -> PortResult<Self> {
        vss_migrations::check::<SidecarsMigrator>(&self.write)
            .await
            .map_err(|error| not_migrated(&opening(path), error))?;
        Ok(self)
    }

    async fn connect(path: &Path, options: &StoreOptions, access: Access) -> PortResult<Self> {
        let connect = connect_options(path, options, access);
        let fault = |error| not_opened(&opening(path), error);
        // The writer comes first: it makes the file and sets what the header holds.
        let writer = connect.clone().pragma("cache_size", WRITER_CACHE);
        let first = match access == Access::Make && is_new(path) {
            // On a file with anything in it this would be a write, which waits for every other.
            true => writer.clone().auto_vacuum(SqliteAutoVacuum::Incremental),
            false => writer.clone(),
        };
        let write = pool(1).connect_with(first).await.map_err(fault)?;
        write.set_connect_options(writer);
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

    /// Reads the whole database and compares what is in it, short of the order of its indexes.
    ///
    /// # Errors
    /// `Corrupt` with what is wrong, and as any read.
    pub async fn examine(&self) -> PortResult<()> {
        let operation = "examine the sidecar database";
        if on_server(self.read()) {
            return Ok(());
        }
        let check = statement(self.read(), "PRAGMA quick_check(1)", []);
        let found = self.read().query_one_raw(check).await;
        let found = found.map_err(failed(operation))?;
        let found = found.map(|row| row.try_get_by_index::<String>(0));
        match found.transpose().map_err(failed(operation))? {
            Some(found) if found != "ok" => {
                let fault = DatabaseFault::damaged(DATABASE, found);
                Err(of_fault(operation, fault))
            }
            _ => Ok(()),
        }
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

    /// What time it is on the server; `None` for a file, which has no clock.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn server_time(&self) -> PortResult<Option<Timestamp>> {
        let db = self.read();
        if !on_server(db) {
            return Ok(None);
        }
        let fault = failed("ask the server for the time");
        let sql = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";
        let row = db.query_one_raw(statement(db, sql, [])).await;
        let millis = row.map_err(&fault)?.map(|row| row.try_get_by_index(0));
        let millis: Option<i64> = millis.transpose().map_err(&fault)?;
        Ok(millis.map(Timestamp::from_millis))
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

fn is_held(error: &PortError) -> bool {
    let fault = error.source.downcast_ref::<DatabaseFault>();
    fault.is_some_and(|fault| fault.trouble == Trouble::Held)
}

fn may_be_readable(error: &PortError) -> bool {
    let fault = error.source.downcast_ref::<DatabaseFault>();
    fault.is_some_and(DatabaseFault::may_be_readable)
}

fn connect_options(path: &Path, options: &StoreOptions, access: Access) -> SqliteConnectOptions {
    let synchronous = match options.durability {
        Durability::Strict => SqliteSynchronous::Full,
        Durability::Fast => SqliteSynchronous::Normal,
    };
    let connect = match access {
        Access::Read => vss_migrations::read_only(SqliteConnectOptions::new(), path),
        _ => SqliteConnectOptions::new()
            .create_if_missing(access == Access::Make)
            .page_size(4096)
            .journal_mode(SqliteJournalMode::Wal),
    };
    connect
        .filename(path)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .pragma("journal_size_limit", WAL_LIMIT)
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

/// Connections to a file do not go stale: they are not tested before they are used, and stay until
/// they have lost a transaction.
fn pool(connections: u32) -> PoolOptions<Sqlite> {
    vss_migrations::without_lost_transactions(PoolOptions::new())
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_ports::SidecarStore;

    #[tokio::test(flavor = "multi_thread")]
    async fn several_that_open_a_new_file_at_once_all_have_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("sidecars.db");
            let opening = std::iter::repeat_with(|| {
                let path = path.clone();
                tokio::spawn(async move {
                    let options = StoreOptions::default();
                    let store = SeaOrmStore::open(&path, &options).await.unwrap();
                    store.counts().await.unwrap();
                })
            });
            for opened in futures::future::join_all(opening.take(8)).await {
                opened.unwrap();
            }
        }
    }
}
