//! Opens a schema of a PostgreSQL server: timeouts, connections that write, some that read, the
//! tables.

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Executor, Postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxPostgresConnector};
use vss_migrations::sidecars::SidecarsMigrator;
use vss_migrations::{MigrateError, check, migrate};
use vss_ports::{PortError, PortErrorKind, PortResult};

use crate::dialect::HELD;
use crate::error::{failed, not_migrated, not_opened};
use crate::open::{Durability, SeaOrmStore, StoreOptions};

/// Writes that can go on at once; a commit keeps one while it publishes.
const WRITERS: u32 = 4;
/// Milliseconds for one statement: what takes longer waits for something that will not come.
const STATEMENT_TIMEOUT: &str = "120000";
/// Milliseconds between two statements of a transaction, which takes no time. After that whoever
/// began it counts as dead or stopped, and the server frees what it locked.
const IDLE_TIMEOUT: &str = "10000";

impl SeaOrmStore {
    /// Opens the schema that a URL names and applies missing migrations.
    ///
    /// `postgres://user:password@host:port/database`, with what libpq knows in the query: a socket's
    /// folder as `host=`, the schema as `options=-csearch_path%3Dname` (else the user's default,
    /// mostly `public`). The schema has to exist, and belongs to this one library. No TLS is linked.
    ///
    /// # Errors
    /// `Rejected` when the URL is none, the server turns us away, or a newer program made the
    /// schema; `Unavailable` when no server answers.
    pub async fn open_url(url: &str, options: &StoreOptions) -> PortResult<Self> {
        let (connect, operation) = connect_options(url, options)?;
        let store = Self::pools(connect.clone(), options, &operation).await?;
        match check::<SidecarsMigrator>(&store.write).await {
            Err(MigrateError::Older { .. }) => migrate_alone(connect, &operation).await?,
            checked => checked.map_err(|error| not_migrated(&operation, error))?,
        }
        Ok(store)
    }

    /// Opens the schema that a URL names and changes nothing about it.
    ///
    /// # Errors
    /// As [`open_url`](Self::open_url); also `Rejected` when the schema lacks migrations.
    pub async fn open_existing_url(url: &str, options: &StoreOptions) -> PortResult<Self> {
        let (connect, operation) = connect_options(url, options)?;
        let store = Self::pools(connect, options, &operation).await?;
        let checked = check::<SidecarsMigrator>(&store.write).await;
        checked.map_err(|error| not_migrated(&operation, error))?;
        Ok(store)
    }

    async fn pools(
        connect: PgConnectOptions,
        options: &StoreOptions,
        operation: &str,
    ) -> PortResult<Self> {
        let wait = options.busy_timeout.as_millis().to_string();
        let connect = connect.options([
            ("lock_timeout", wait.as_str()),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ]);
        let pool = |connections: u32| {
            PoolOptions::<Postgres>::new()
                .max_connections(connections)
                .acquire_timeout(options.busy_timeout)
        };
        let fault = |error| not_opened(operation, error);
        let reader = connect
            .clone()
            .options([("default_transaction_read_only", "on")]);
        let write = pool(WRITERS)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(HELD).await.map(drop) })
            })
            .connect_with(connect);
        let write = write.await.map_err(fault)?;
        let read = pool(options.readers.max(1))
            .connect_with(reader)
            .await
            .map_err(fault)?;
        Ok(Self {
            write: SqlxPostgresConnector::from_sqlx_postgres_pool(write),
            read: SqlxPostgresConnector::from_sqlx_postgres_pool(read),
        })
    }
}

/// Migrates on a connection of its own, without the timeouts, and not beside another program that
/// does the same.
async fn migrate_alone(connect: PgConnectOptions, operation: &str) -> PortResult<()> {
    let pool = PoolOptions::<Postgres>::new().max_connections(1);
    let pool = pool.connect_with(connect).await;
    let pool = pool.map_err(|error| not_opened(operation, error))?;
    let db: DatabaseConnection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    // Of the connection, so that it ends with it.
    let lock = "SELECT pg_advisory_lock(hashtext('vss.migrate'), hashtext(current_schema()))";
    db.execute_unprepared(lock)
        .await
        .map_err(failed(operation))?;
    let migrated = migrate::<SidecarsMigrator>(&db).await;
    db.close().await.map_err(failed(operation))?;
    migrated.map_err(|error| not_migrated(operation, error))
}

/// How to connect, and what opening is called in an error: without the password.
fn connect_options(url: &str, options: &StoreOptions) -> PortResult<(PgConnectOptions, String)> {
    let rejected = |cause: Box<dyn std::error::Error + Send + Sync>| {
        PortError::new(PortErrorKind::Rejected, "open a database server", cause)
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(rejected(
            "the address does not begin with postgres://".into(),
        ));
    }
    let parsed = url.parse::<PgConnectOptions>();
    let mut connect = parsed
        .map_err(|error| rejected(Box::new(error)))?
        .application_name("vss")
        .disable_statement_logging();
    if options.durability == Durability::Fast {
        connect = connect.options([("synchronous_commit", "off")]);
    }
    let place = match connect.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    let database = connect
        .get_database()
        .unwrap_or_else(|| connect.get_username());
    let operation = format!("open the database {database} at {place}");
    Ok((connect, operation))
}
