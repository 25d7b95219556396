//! Prolongs leases, and ends them.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use vss_core::{Event, Status, Timestamp};
use vss_ports::{AttemptOutcome, LeaseOwner, PortResult, Recovery};

use crate::attempts;
use crate::convert::{status_code, transition};
use crate::counters::Delta;
use crate::dialect::{Locked, hold, statement};
use crate::error::failed;

/// See [`vss_ports::SidecarQueue::renew`]. On a server, rows that are being committed go without:
/// waiting for their files would let the others' leases run out.
pub(crate) async fn renew(
    tx: &DatabaseTransaction,
    owner: &LeaseOwner,
    until: Timestamp,
) -> PortResult<u64> {
    let (from, _) = transition(Event::Release)?;
    let mut renewed = 0;
    for from in from {
        // `=`, not IN: only that lets the partial index on leases be used.
        let condition = format!(
            "status = {} AND lease_owner = (SELECT id FROM lease_owners WHERE owner = ?2)",
            status_code(from)
        );
        let values: [Value; 2] = [until.as_millis().into(), owner.as_str().into()];
        let held = hold(tx, &condition, &values, Locked::Skip).await;
        let held = held.map_err(failed("renew leases"))?;
        let sql = format!("UPDATE sidecars SET lease_until = ?1 WHERE {held}");
        let done = tx.execute_raw(statement(tx, sql, values)).await;
        renewed += done.map_err(failed("renew leases"))?.rows_affected();
    }
    Ok(renewed)
}

/// See [`vss_ports::SidecarQueue::release`].
pub(crate) async fn release(
    tx: &DatabaseTransaction,
    which: &Recovery,
    now: Timestamp,
) -> PortResult<u64> {
    const OPERATION: &str = "release leases";
    const OWNER: &str = "(SELECT id FROM lease_owners WHERE owner = ?2)";
    let (condition, value): (String, Value) = match which {
        Recovery::Expired => ("lease_until <= ?2".into(), now.as_millis().into()),
        Recovery::Owner(owner) => (format!("lease_owner = {OWNER}"), owner.as_str().into()),
        // IS DISTINCT FROM, because an owner without a row holds no lease.
        Recovery::AllBut(owner) => (
            format!("lease_owner IS DISTINCT FROM {OWNER}"),
            owner.as_str().into(),
        ),
        Recovery::Ahead(latest) => ("lease_until > ?2".into(), latest.as_millis().into()),
    };
    // A commit that hangs must not keep the leases of others from ending.
    let locked = match which {
        Recovery::Expired | Recovery::Ahead(_) => Locked::Skip,
        Recovery::Owner(_) | Recovery::AllBut(_) => Locked::Wait,
    };
    let (from, to) = transition(Event::Release)?;
    let mut delta = Delta::default();
    let mut released = 0;
    for from in from {
        let ends = format!("status = {} AND {condition}", status_code(from));
        let values = [now.as_millis().into(), value.clone()];
        let held = hold(tx, &ends, &values, locked).await;
        let ends = held.map_err(failed(OPERATION))?;
        attempts::take_back(tx, &ends, values.clone(), AttemptOutcome::Released).await?;
        let sql = format!(
            "UPDATE sidecars SET status = {}, not_before = ?1, updated_at = ?1, \
             lease_owner = NULL, lease_until = NULL WHERE {} \
             RETURNING (SELECT kind FROM slots WHERE id = slot_id)",
            status_code(to),
            ends,
        );
        let rows = tx.query_all_raw(statement(tx, sql, values)).await;
        for row in rows.map_err(failed(OPERATION))? {
            let kind: String = row.try_get_by_index(0).map_err(failed(OPERATION))?;
            delta.shift(&kind, from, to, 1);
            released += 1;
        }
    }
    delta.apply(tx).await?;
    if let Recovery::Ahead(latest) = which {
        released += hasten(tx, *latest, now).await.map_err(failed(OPERATION))?;
    }
    Ok(released)
}

/// Pending rows whose time is later than `?2`. Only pending rows have a time, but it is their state
/// that leads to their index.
pub(crate) fn later() -> String {
    let pending = status_code(Status::Pending);
    format!("status = {pending} AND not_before > ?2")
}

/// Makes pending rows due whose time is later than `latest`; how many.
async fn hasten(tx: &DatabaseTransaction, latest: Timestamp, now: Timestamp) -> Result<u64, DbErr> {
    let values: [Value; 2] = [now.as_millis().into(), latest.as_millis().into()];
    let held = hold(tx, &later(), &values, Locked::Skip).await?;
    let done = tx.execute_raw(statement(tx, hasten_sql(&held), values));
    done.await.map(|done| done.rows_affected())
}

pub(crate) fn hasten_sql(meant: &str) -> String {
    format!("UPDATE sidecars SET not_before = ?1 WHERE {meant}")
}
