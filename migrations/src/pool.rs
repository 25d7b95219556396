//! Which connections to a file are used again.

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{Connection, Sqlite};

/// Closes a connection that comes back and still counts itself in a transaction, and lets another be
/// opened in its place.
///
/// SQLite ends a transaction by itself where the disk is full or fails
/// (<https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction>). The
/// ROLLBACK that follows finds none and fails, and the connection goes on counting it: what it begins
/// from then on would be a part of a transaction that nobody commits.
#[must_use]
pub fn without_lost_transactions(pool: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            if connection.is_in_transaction() {
                // One that was dropped is being rolled back.
                connection.ping().await?;
            }
            Ok(!connection.is_in_transaction())
        })
    })
}
