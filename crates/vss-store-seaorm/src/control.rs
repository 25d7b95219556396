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
use crate::steps::Steps;
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
        let steps = Steps::of(self, selection).await?;
        self.requeue_by(steps, selection, priority, now).await
    }

    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64> {
        let steps = Steps::of(self, selection).await?;
        self.cancel_by(steps, selection, now).await
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

/// What may be about every row, step by step: each is a transaction of its own.
impl SeaOrmStore {
    async fn requeue_by(
        &self,
        mut steps: Steps,
        selection: &Selection,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        let priority = priority_code(priority);
        let mut moved = 0;
        while let Some(span) = steps.next(self).await? {
            let step = self.write("requeue sidecars", Alone::Calls, |tx| async move {
                requeue::requeue(&tx, selection, span, priority, now).await
            });
            moved += step.await?;
        }
        Ok(moved)
    }

    async fn cancel_by(
        &self,
        mut steps: Steps,
        selection: &Selection,
        now: Timestamp,
    ) -> PortResult<u64> {
        let mut cancelled = 0;
        while let Some(span) = steps.next(self).await? {
            let step = self.write("cancel sidecars", Alone::Calls, |tx| async move {
                cancel::cancel(&tx, selection, span, now).await
            });
            cancelled += step.await?;
        }
        Ok(cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::StoreOptions;
    use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
    use vss_core::{ContentUuid, FailureClass, Format, GeneratorRef, Status, Variant};
    use vss_ports::{EnqueueBatch, EnqueueItem, SidecarQueue, SidecarStore};

    const NOW: Timestamp = Timestamp::from_millis(7);

    /// Two thumbnails.
    fn item(number: u8) -> EnqueueItem {
        let output = |variant| WantedOutput {
            kind: Kind::THUMB,
            variant,
            format: Format::WEBP,
            recipe: Recipe::Still(StillRecipe {
                max_side: 256,
                quality: 80,
            }),
            generator: GeneratorRef {
                id: "image".parse().unwrap(),
                version: "1.0.0".parse().unwrap(),
            },
        };
        EnqueueItem {
            content: ContentUuid::from_bytes([number; 16]),
            priority: Priority::New,
            outputs: [Variant::GRID_1X, Variant::DETAIL_1X].map(output).to_vec(),
        }
    }

    /// Cancels five contents in steps of two and asks for them again, with one that cannot be
    /// changed for a while.
    async fn changes_step_by_step(store: &SeaOrmStore, stop: &str, let_go: &str) {
        let batch = EnqueueBatch {
            items: (1..=5).map(item).collect(),
            watermark: None,
        };
        store.enqueue(&batch, NOW).await.unwrap();
        let in_state = async |status| {
            let counts = store.counts().await.unwrap();
            let all = store.page(None, None, 99).await.unwrap();
            let listed = all.iter().filter(|row| row.status == status).count();
            let counted = counts.rows[&Kind::THUMB].get(&status).copied();
            assert_eq!(counted.unwrap_or(0), listed as u64, "{status}");
            listed
        };
        let of = |status| Selection {
            statuses: vec![status],
            ..Selection::default()
        };
        let (pending, failed) = (of(Status::Pending), of(Status::Failed));
        store.writer().execute_unprepared(stop).await.unwrap();
        let cancelled = store.cancel_by(Steps::by(2), &pending, NOW).await;
        cancelled.unwrap_err();
        assert_eq!(in_state(Status::Failed).await, 8, "what was done stays");
        store.writer().execute_unprepared(let_go).await.unwrap();
        let cancelled = store.cancel_by(Steps::by(2), &pending, NOW).await;
        assert_eq!(cancelled.unwrap(), 2);
        assert_eq!(in_state(Status::Failed).await, 10);
        let all = store.page(None, None, 99).await.unwrap();
        let class = |row: &SidecarRecord| row.failure.as_ref().map(|note| note.class);
        assert!(
            all.iter()
                .all(|row| class(row) == Some(FailureClass::Cancelled))
        );
        let again = store.requeue_by(Steps::by(2), &failed, Priority::Missing, NOW);
        assert_eq!(again.await.unwrap(), 10);
        assert_eq!(in_state(Status::Pending).await, 10);
    }

    #[tokio::test]
    async fn a_change_of_very_many_rows_goes_step_by_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sidecars.db");
        let options = StoreOptions::default();
        let store = SeaOrmStore::open(&path, &options).await.unwrap();
        let stop = "CREATE TRIGGER stop BEFORE UPDATE ON sidecars WHEN new.content_id = 5 \
                    BEGIN SELECT RAISE(ABORT, 'not yet'); END";
        changes_step_by_step(&store, stop, "DROP TRIGGER stop").await;
    }
}
