//! The port QueueControl; what is more than a statement is in a file of its own.

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use vss_core::{Kind, Priority, SidecarKey, Timestamp};
use vss_ports::{PortResult, QueueControl, QueueDepth, Selection, SidecarRecord};

use crate::convert::{kinds_json, priority_code};
use crate::dialect::statement;
use crate::error::failed;
use crate::open::SeaOrmStore;
use crate::record::Cells;
use crate::transaction::Alone;
use crate::{cancel, listing, requeue};

#[async_trait]
impl QueueControl for SeaOrmStore {
    async fn pause(&self, kinds: &[Kind], now: Timestamp) -> PortResult<u64> {
        let sql = "INSERT INTO paused_kinds (kind, paused_at) \
                   SELECT atom, ?2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
        let values = [kinds_json(kinds), now.as_millis().into()];
        let db = self.writer();
        let done = db.execute_raw(statement(db, sql, values)).await;
        Ok(done.map_err(failed("pause kinds"))?.rows_affected())
    }

    async fn resume(&self, kinds: &[Kind]) -> PortResult<u64> {
        let sql = "DELETE FROM paused_kinds WHERE kind IN (SELECT atom FROM json_each(?1))";
        let db = self.writer();
        let done = db
            .execute_raw(statement(db, sql, [kinds_json(kinds)]))
            .await;
        Ok(done.map_err(failed("resume kinds"))?.rows_affected())
    }

    async fn paused(&self) -> PortResult<Vec<(Kind, Timestamp)>> {
        let sql = r#"SELECT kind AS "paused_kinds.kind", paused_at AS "paused_kinds.paused_at"
                     FROM paused_kinds ORDER BY kind"#;
        let db = self.read();
        let rows = db.query_all_raw(statement(db, sql, [])).await;
        let rows = rows.map_err(failed("read the paused kinds"))?;
        let read = |row| {
            let cells = Cells::of(row);
            let since = cells.time("paused_kinds.paused_at")?;
            Ok((cells.text("paused_kinds.kind")?, since))
        };
        rows.iter().map(read).collect()
    }

    async fn requeue(
        &self,
        selection: &Selection,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        self.write("requeue sidecars", Alone::Calls, |tx| async move {
            requeue::requeue(&tx, selection, priority_code(priority), now).await
        })
        .await
    }

    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64> {
        self.write("cancel sidecars", Alone::Calls, |tx| async move {
            cancel::cancel(&tx, selection, now).await
        })
        .await
    }

    async fn depths(&self, now: Timestamp) -> PortResult<Vec<QueueDepth>> {
        listing::depths(self.read(), now).await
    }

    async fn list(
        &self,
        selection: &Selection,
        after: Option<&SidecarKey>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        listing::list(self, selection, after, limit).await
    }
}
