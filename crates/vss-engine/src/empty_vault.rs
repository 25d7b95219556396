//! A disk that is not mounted is not an empty one: a vault without anything in it, of which rows say
//! that there is something, is not reconciled or scrubbed.

use vss_core::Status;
use vss_ports::PortResult;

use crate::Engine;

/// A vault with nothing in it whose rows say that there is something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vault is empty, and {recorded} sidecars are recorded to be in it")]
pub struct EmptyVault {
    /// Ready rows of kinds that have files in it.
    pub recorded: u64,
}

impl Engine {
    /// The vault, if it is empty and should not be.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn empty_vault(&self) -> PortResult<Option<EmptyVault>> {
        // Rows first: what is ready by then has its file, whoever publishes the first one meanwhile.
        let counts = self.ports.store.counts().await?;
        // Kinds of which every ready sidecar is a file of the user have no bytes here.
        let managed = counts
            .rows
            .iter()
            .filter(|(kind, _)| counts.bytes.contains_key(*kind));
        let ready = managed.filter_map(|(_, by)| by.get(&Status::Ready));
        let recorded = ready.sum();
        if recorded == 0 || !self.ports.vault.scan(None, 1).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(EmptyVault { recorded }))
    }
}
