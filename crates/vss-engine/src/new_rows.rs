//! Rows that were lost are not rows that never were. A database that was set aside, or that somebody
//! deleted, is made anew without a word; beside a vault with files in it, these are what its rows
//! are made from before anything else is made.

use std::sync::atomic::Ordering;

use vss_ports::{EnqueueBatch, PortResult, Watermark};

use crate::Engine;
use crate::reconcile::{ReconcileError, ReconcileOptions, ReconcileReport};

/// Whose watermark it is that these rows were compared with the vault, or began with an empty one.
const WATERMARK: &str = "vault";

impl Engine {
    /// Reconciles if these rows never were compared with what the vault holds; else does nothing.
    /// For whoever is alone, before anything is made.
    ///
    /// # Errors
    /// As [`reconcile`](Self::reconcile).
    pub async fn make_rows_again(&self) -> Result<Option<ReconcileReport>, ReconcileError> {
        if self.ports.queue.watermark(WATERMARK).await?.is_some() {
            return Ok(None);
        }
        if self.ports.vault.scan(None, 1).await?.is_empty() {
            // A vault on a disk that is away is as empty as one that is new. Only beside a catalog
            // that knows of nothing is it known to be new; else what is made into it tells.
            if self.ports.catalog.page(None, None, 1).await?.is_empty() {
                self.note_rows_know_the_vault().await?;
            } else {
                self.shared.began_empty.store(true, Ordering::Relaxed);
            }
            return Ok(None);
        }
        tracing::warn!("the rows are new and the vault is not: making rows of its files first");
        let report = self.reconcile(ReconcileOptions::default()).await?;
        Ok(Some(report))
    }

    /// Files went into a vault that began empty: there is no other vault behind it.
    pub(crate) async fn note_a_vault_that_fills(&self) {
        if !self.shared.began_empty.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.note_rows_know_the_vault().await {
            // The next run compares the two, and finds nothing.
            tracing::debug!(error = error.in_full(), "not noted that the vault is new");
        }
    }

    /// Notes that rows and vault were compared from one end to the other.
    pub(crate) async fn note_rows_know_the_vault(&self) -> PortResult<()> {
        let batch = EnqueueBatch {
            items: Vec::new(),
            watermark: Some(Watermark {
                name: WATERMARK.to_owned(),
                value: "known".to_owned(),
            }),
        };
        let now = self.ports.clock.now();
        self.ports.queue.enqueue(&batch, now).await.map(|_| ())
    }
}
