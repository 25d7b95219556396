//! Runs one write as one transaction, and once more when the server could not let it through
//! beside another.

use std::future::Future;
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use vss_ports::{PortError, PortErrorKind, PortResult};

use crate::dialect::on_server;
use crate::error::{failed, is_contention};
use crate::open::SeaOrmStore;

/// How often a write is tried that others come in the way of.
const TRIES: u32 = 5;

/// What a write has to itself on a server. In a file every write has everything to itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alone {
    /// The rows that it locks: other claims and commits go on beside it.
    Rows,
    /// Also the other calls of this kind: those that make, remove or revive rows.
    Calls,
}

impl SeaOrmStore {
    /// Runs `work` in a transaction and commits it. It is run again after a deadlock or a
    /// serialization failure, so what it does outside the transaction must not hurt twice.
    pub(crate) async fn write<T, W: Future<Output = PortResult<T>>>(
        &self,
        operation: &str,
        alone: Alone,
        // Shared, not lent: a future that borrows from the caller and from here has no name yet.
        work: impl Fn(Arc<DatabaseTransaction>) -> W,
    ) -> PortResult<T> {
        let mut tries = 1;
        loop {
            let tx = Arc::new(self.begin(operation, alone).await?);
            let done = work(Arc::clone(&tx)).await;
            let tx = Arc::into_inner(tx).ok_or_else(|| {
                PortError::new(PortErrorKind::Unexpected, operation, "the work goes on")
            })?;
            match done {
                Ok(done) => {
                    tx.commit().await.map_err(failed(operation))?;
                    return Ok(done);
                }
                Err(error) => {
                    // Its own failure would say less than what led to it.
                    drop(tx.rollback().await);
                    if tries == TRIES || !is_contention(&error) {
                        return Err(error);
                    }
                    tries += 1;
                }
            }
        }
    }

    async fn begin(&self, operation: &str, alone: Alone) -> PortResult<DatabaseTransaction> {
        let server = on_server(self.writer());
        let options = TransactionOptions {
            sqlite_transaction_mode: (!server).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.writer().begin_with_options(options).await;
        let tx = begun.map_err(failed(operation))?;
        if server && alone == Alone::Calls {
            let lock = "LOCK TABLE fence_floor IN EXCLUSIVE MODE";
            let locked = tx.execute_unprepared(lock).await;
            locked.map_err(failed(operation))?;
        }
        Ok(tx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::statement;
    use crate::open::StoreOptions;
    use crate::watermark;
    use vss_ports::{SidecarQueue, Watermark};

    async fn note(store: &SeaOrmStore, value: &str) -> PortResult<()> {
        let watermark = &Watermark {
            name: "noted".to_owned(),
            value: value.to_owned(),
        };
        let noted = store.write("note", Alone::Rows, |tx| async move {
            watermark::write(&*tx, watermark).await
        });
        noted.await
    }

    #[tokio::test]
    async fn what_is_committed_after_the_file_was_full_is_there_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sidecars.db");
        let options = StoreOptions::default();
        let store = SeaOrmStore::open(&path, &options).await.unwrap();
        let other = SeaOrmStore::open(&path, &options).await.unwrap();
        // No more pages than there are.
        let full = "PRAGMA max_page_count = 1";
        store.writer().execute_unprepared(full).await.unwrap();
        let refused = note(&store, &"long".repeat(100_000)).await.unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Full, "{refused}");
        let roomy = "PRAGMA max_page_count = 1000000";
        store.writer().execute_unprepared(roomy).await.unwrap();
        // An ordinary failure, which ends its own transaction only.
        let wrong = store.write("fail", Alone::Rows, |tx| async move {
            let sql = statement(&*tx, "SELECT nothing", []);
            let done = tx.execute_raw(sql).await;
            done.map(drop).map_err(failed("fail"))
        });
        wrong.await.unwrap_err();
        note(&store, "here").await.unwrap();
        let seen = other.watermark("noted").await.unwrap();
        assert_eq!(seen.as_deref(), Some("here"));
        note(&other, "there").await.unwrap();
    }
}
