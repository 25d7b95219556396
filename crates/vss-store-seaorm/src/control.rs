//! The port QueueControl; what is more than a statement is in a file of its own.

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use vss_core::{Kind, Priority, SidecarKey, Timestamp};
use vss_ports::{PortResult, QueueControl, QueueDepth, Selection, SidecarRecord};

use crate::convert::{kinds_json, priority_code};
use crate::error::failed;
use crate::open::{SeaOrmStore, statement};
use crate::record::Cells;
use crate::{cancel, listing, requeue};

#[async_trait]
impl QueueControl for SeaOrmStore {
    async fn pause(&self, kinds: &[Kind], now: Timestamp) -> PortResult<u64> {
        let sql = "INSERT INTO paused_kinds (kind, paused_at) \
                   SELECT value, ?2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
        let values = [kinds_json(kinds), now.as_millis().into()];
        let tx = self.begin("pause kinds").await?;
        let done = tx.execute_raw(statement(sql, values)).await;
        let changed = done.map_err(failed("pause kinds"))?.rows_affected();
        tx.commit().await.map_err(failed("pause kinds"))?;
        Ok(changed)
    }

    async fn resume(&self, kinds: &[Kind]) -> PortResult<u64> {
        let sql = "DELETE FROM paused_kinds WHERE kind IN (SELECT value FROM json_each(?1))";
        let tx = self.begin("resume kinds").await?;
        let done = tx.execute_raw(statement(sql, [kinds_json(kinds)])).await;
        let changed = done.map_err(failed("resume kinds"))?.rows_affected();
        tx.commit().await.map_err(failed("resume kinds"))?;
        Ok(changed)
    }

    async fn paused(&self) -> PortResult<Vec<(Kind, Timestamp)>> {
        let sql = r#"SELECT kind AS "paused_kinds.kind", paused_at AS "paused_kinds.paused_at"
                     FROM paused_kinds ORDER BY kind"#;
        let rows = self.read().query_all_raw(statement(sql, [])).await;
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
        let tx = self.begin("requeue sidecars").await?;
        let moved = requeue::requeue(&tx, selection, priority_code(priority), now).await?;
        tx.commit().await.map_err(failed("requeue sidecars"))?;
        Ok(moved)
    }

    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64> {
        let tx = self.begin("cancel sidecars").await?;
        let cancelled = cancel::cancel(&tx, selection, now).await?;
        tx.commit().await.map_err(failed("cancel sidecars"))?;
        Ok(cancelled)
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
        listing::list(self.read(), selection, after, limit).await
    }
}
