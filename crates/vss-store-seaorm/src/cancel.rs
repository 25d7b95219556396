//! Gives up the pending and running rows of a selection, however many they are.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use vss_core::{Event, FailureClass, Status, Timestamp};
use vss_ports::{AttemptOutcome, PortResult, Selection};

use crate::attempts;
use crate::convert::{status_code, transition};
use crate::counters::Delta;
use crate::dialect::statement;
use crate::error::failed;
use crate::requeue::{Meant, count, makers_json};
use crate::steps::Span;

const OPERATION: &str = "cancel sidecars";

/// See [`vss_ports::QueueControl::cancel`].
pub(crate) async fn cancel(
    tx: &DatabaseTransaction,
    selection: &Selection,
    span: Span,
    now: Timestamp,
) -> PortResult<u64> {
    let stale = selection.stale_against.as_deref().map(makers_json);
    let class = FailureClass::Cancelled;
    let (from, to) = transition(Event::Cancel)?;
    let mut delta = Delta::default();
    let mut cancelled = 0;
    for from in from {
        if !selection.statuses.contains(&from) {
            continue;
        }
        let running = from == Status::Running;
        let mut meant = Meant::by(
            selection,
            from,
            stale.as_deref(),
            vec![now.as_millis().into()],
        );
        meant.within(span);
        meant.hold(tx).await.map_err(failed(OPERATION))?;
        count(tx, &meant, (from, to), &mut delta).await?;
        if running {
            let outcome = AttemptOutcome::Failed(class);
            attempts::take_back(tx, &meant.condition, meant.values.clone(), outcome).await?;
        }
        // What an earlier failure said is not why it failed now.
        let words = format!(
            "UPDATE sidecar_details SET failure_detail = NULL WHERE failure_detail IS NOT NULL \
             AND (content_id, slot_id) IN (SELECT content_id, slot_id FROM sidecars WHERE {})",
            meant.condition
        );
        let words = statement(tx, words, meant.values.clone());
        tx.execute_raw(words).await.map_err(failed(OPERATION))?;
        let class = meant.bind(class.as_str());
        let sql = format!(
            "UPDATE sidecars SET status = {}, fence = fence + {}, failure_class = {class}, \
                priority = NULL, not_before = NULL, lease_owner = NULL, lease_until = NULL, \
                updated_at = ?1 WHERE {}",
            status_code(to),
            u8::from(running),
            meant.condition,
        );
        let done = tx.execute_raw(statement(tx, sql, meant.values)).await;
        cancelled += done.map_err(failed(OPERATION))?.rows_affected();
    }
    delta.apply(tx).await?;
    Ok(cancelled)
}
