//! Brings a database up to this program's schema, and refuses one that is ahead of it.

use std::collections::BTreeSet;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, SchemaManager};

/// Why a database could not be brought to this program's schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A newer program has been here. Reading on would mean guessing what its rows mean.
    #[error("the database is from a newer version (it has {}): update vss", unknown.join(", "))]
    Newer {
        /// The migrations that this program does not know.
        unknown: Vec<String>,
    },
    /// Migrations are missing and the caller may not apply them.
    #[error("the database is from an older version (it lacks {}): open it for writing once", missing.join(", "))]
    Older {
        /// The migrations that were not applied yet.
        missing: Vec<String>,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Applies what is missing: in a file in one transaction, on a server each migration in its own.
///
/// Several programs may do so with one file at once: the first does, the others wait for it. On a
/// server the caller sees to that.
///
/// # Errors
/// [`MigrateError::Newer`] when the database has migrations that `M` does not know, before
/// anything is changed; [`MigrateError::Database`] when the database fails.
pub async fn migrate<M: MigratorTrait>(db: &DatabaseConnection) -> Result<(), MigrateError> {
    match check::<M>(db).await {
        Err(MigrateError::Older { .. }) => {}
        checked => return checked,
    }
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(M::up(db, None).await?);
    }
    let alone = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = db.begin_with_options(alone).await?;
    // Whoever had the file until now may have done the same.
    match compare::<M>(&SchemaManager::new(&tx)).await {
        Err(MigrateError::Older { .. }) => M::up(&tx, None).await?,
        checked => return checked,
    }
    Ok(tx.commit().await?)
}

/// Compares the schema with this program's and changes nothing.
///
/// # Errors
/// [`MigrateError::Newer`] or [`MigrateError::Older`] where they differ;
/// [`MigrateError::Database`] when the database fails.
pub async fn check<M: MigratorTrait>(db: &DatabaseConnection) -> Result<(), MigrateError> {
    compare::<M>(&SchemaManager::new(db)).await
}

async fn compare<M: MigratorTrait>(schema: &SchemaManager<'_>) -> Result<(), MigrateError> {
    let known: Vec<String> = M::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let applied = applied(schema).await?;
    let unknown: Vec<String> = applied
        .iter()
        .filter(|name| !known.contains(name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(MigrateError::Newer { unknown });
    }
    let missing: Vec<String> = known
        .into_iter()
        .filter(|name| !applied.contains(name))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(MigrateError::Older { missing }),
    }
}

/// The names of the applied migrations; none where the table of migrations is not there yet.
async fn applied(schema: &SchemaManager<'_>) -> Result<BTreeSet<String>, DbErr> {
    if !schema.has_table("seaql_migrations").await? {
        return Ok(BTreeSet::new());
    }
    let db = schema.get_connection();
    let rows = db
        .query_all_raw(Statement::from_string(
            db.get_database_backend(),
            "SELECT version FROM seaql_migrations",
        ))
        .await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
