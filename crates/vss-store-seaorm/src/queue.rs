//! The port SidecarQueue; each method's work is in the file named after it.

use async_trait::async_trait;
use vss_core::{Disposition, Timestamp};
use vss_ports::{
    Claim, ClaimRequest, Commit, CommitOutcome, EnqueueBatch, EnqueueReport, Failure, LeaseOwner,
    PortError, PortErrorKind, PortResult, Publisher, Recovery, SidecarQueue,
};

use crate::dialect::Locked;
use crate::open::SeaOrmStore;
use crate::transaction::Alone;
use crate::{claim, counters, enqueue, finish, lease, watermark};

/// How often a claim looks again, and then waits, when others take all that it finds.
const ROUNDS: usize = 8;

#[async_trait]
impl SidecarQueue for SeaOrmStore {
    async fn enqueue(&self, batch: &EnqueueBatch, now: Timestamp) -> PortResult<EnqueueReport> {
        counters::fold(self).await?;
        self.write("enqueue sidecars", Alone::Calls, |tx| async move {
            enqueue::enqueue(&tx, batch, now).await
        })
        .await
    }

    async fn watermark(&self, name: &str) -> PortResult<Option<String>> {
        watermark::read(self.read(), name).await
    }

    async fn claim(&self, request: &ClaimRequest) -> PortResult<Vec<Claim>> {
        if request.limit == 0 || request.generators.is_empty() {
            return Ok(Vec::new());
        }
        const OPERATION: &str = "claim sidecars";
        for locked in [Locked::Skip, Locked::Wait].repeat(ROUNDS) {
            let claims = self.write(OPERATION, Alone::Rows, |tx| async move {
                claim::claim(&tx, request, locked).await
            });
            if let Some(claims) = claims.await? {
                return Ok(claims);
            }
        }
        let cause = "others were always faster";
        Err(PortError::new(PortErrorKind::Unavailable, OPERATION, cause))
    }

    async fn renew(&self, owner: &LeaseOwner, until: Timestamp) -> PortResult<u64> {
        counters::fold(self).await?;
        self.write("renew leases", Alone::Rows, |tx| async move {
            lease::renew(&tx, owner, until).await
        })
        .await
    }

    async fn release(&self, which: &Recovery, now: Timestamp) -> PortResult<u64> {
        self.write("release leases", Alone::Rows, |tx| async move {
            lease::release(&tx, which, now).await
        })
        .await
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
        self.write("commit sidecars", Alone::Rows, |tx| async move {
            finish::commit(&tx, commits, publisher, now).await
        })
        .await
    }

    async fn fail(
        &self,
        failures: &[Failure],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Disposition>>> {
        if failures.is_empty() {
            return Ok(Vec::new());
        }
        self.write("record failures", Alone::Rows, |tx| async move {
            finish::fail(&tx, failures, now).await
        })
        .await
    }
}
