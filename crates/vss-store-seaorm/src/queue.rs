//! The port SidecarQueue; each method's work is in the file named after it.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, Value};
use vss_core::{Disposition, Event, Timestamp};
use vss_ports::{
    AttemptOutcome, Claim, ClaimRequest, Commit, CommitOutcome, EnqueueBatch, EnqueueReport,
    Failure, LeaseOwner, PortResult, Publisher, Recovery, SidecarQueue,
};

use crate::convert::{status_code, transition};
use crate::counters::Delta;
use crate::error::failed;
use crate::open::{SeaOrmStore, statement};
use crate::{attempts, claim, enqueue, finish, watermark};

#[async_trait]
impl SidecarQueue for SeaOrmStore {
    async fn enqueue(&self, batch: &EnqueueBatch, now: Timestamp) -> PortResult<EnqueueReport> {
        let tx = self.begin("enqueue sidecars").await?;
        let report = enqueue::enqueue(&tx, batch, now).await?;
        tx.commit().await.map_err(failed("enqueue sidecars"))?;
        Ok(report)
    }

    async fn watermark(&self, name: &str) -> PortResult<Option<String>> {
        watermark::read(self.read(), name).await
    }

    async fn claim(&self, request: &ClaimRequest) -> PortResult<Vec<Claim>> {
        if request.limit == 0 || request.generators.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.begin("claim sidecars").await?;
        let claims = claim::claim(&tx, request).await?;
        tx.commit().await.map_err(failed("claim sidecars"))?;
        Ok(claims)
    }

    async fn renew(&self, owner: &LeaseOwner, until: Timestamp) -> PortResult<u64> {
        let (from, _) = transition(Event::Release)?;
        let tx = self.begin("renew leases").await?;
        let mut renewed = 0;
        for from in from {
            // `=`, not IN: only that lets the partial index on leases be used.
            let sql = format!(
                "UPDATE sidecars SET lease_until = ?1 WHERE status = {} \
                 AND lease_owner = (SELECT id FROM lease_owners WHERE owner = ?2)",
                status_code(from)
            );
            let values: [Value; 2] = [until.as_millis().into(), owner.as_str().into()];
            let done = tx.execute_raw(statement(sql, values)).await;
            renewed += done.map_err(failed("renew leases"))?.rows_affected();
        }
        tx.commit().await.map_err(failed("renew leases"))?;
        Ok(renewed)
    }

    async fn release(&self, which: &Recovery, now: Timestamp) -> PortResult<u64> {
        const OWNER: &str = "(SELECT id FROM lease_owners WHERE owner = ?2)";
        let (condition, value): (String, Value) = match which {
            Recovery::Expired => ("lease_until <= ?2".into(), now.as_millis().into()),
            Recovery::Owner(owner) => (format!("lease_owner = {OWNER}"), owner.as_str().into()),
            // IS NOT, because an owner without a row holds no lease.
            Recovery::AllBut(owner) => {
                (format!("lease_owner IS NOT {OWNER}"), owner.as_str().into())
            }
        };
        let (from, to) = transition(Event::Release)?;
        let tx = self.begin("release leases").await?;
        let mut delta = Delta::default();
        let mut released = 0;
        for from in from {
            let ends = format!("status = {} AND {condition}", status_code(from));
            let values = [now.as_millis().into(), value.clone()];
            attempts::take_back(&tx, &ends, values, AttemptOutcome::Released).await?;
            let sql = format!(
                "UPDATE sidecars SET status = {}, not_before = ?1, updated_at = ?1, \
                 lease_owner = NULL, lease_until = NULL WHERE {ends} \
                 RETURNING (SELECT kind FROM slots WHERE id = slot_id)",
                status_code(to),
            );
            let values = [now.as_millis().into(), value.clone()];
            let rows = tx.query_all_raw(statement(sql, values)).await;
            for row in rows.map_err(failed("release leases"))? {
                let kind: String = row.try_get_by_index(0).map_err(failed("release leases"))?;
                delta.shift(&kind, from, to, 1);
                released += 1;
            }
        }
        delta.apply(&tx).await?;
        tx.commit().await.map_err(failed("release leases"))?;
        Ok(released)
    }

    async fn commit(
        &self,
        commits: &[Commit],
        publisher: &dyn Publisher,
        now: Timestamp,
    ) -> PortResult<Vec<CommitOutcome>> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.begin("commit sidecars").await?;
        let outcomes = finish::commit(&tx, commits, publisher, now).await?;
        tx.commit().await.map_err(failed("commit sidecars"))?;
        Ok(outcomes)
    }

    async fn fail(
        &self,
        failures: &[Failure],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Disposition>>> {
        if failures.is_empty() {
            return Ok(Vec::new());
        }
        let tx = self.begin("record failures").await?;
        let held = finish::fail(&tx, failures, now).await?;
        tx.commit().await.map_err(failed("record failures"))?;
        Ok(held)
    }
}
