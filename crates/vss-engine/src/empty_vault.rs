//! A disk that is not mounted is not an empty one: a vault without anything in it, of which rows say
//! that there is something, is not reconciled or scrubbed.

use vss_core::Status;
use vss_ports::PortResult;

use crate::Engine;

/// A vault with nothing in it whose rows say that there is something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vault is empty, and {recorded} sidecars are recorded to be in it")]
pub struct EmptyVault {
    /// Ready rows.
    pub recorded: u64,
}

impl Engine {
    /// The vault, if it is empty and should not be.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn empty_vault(&self) -> PortResult<Option<EmptyVault>> {
        if !self.ports.vault.scan(None, 1).await?.is_empty() {
            return Ok(None);
        }
        let counts = self.ports.store.counts().await?;
        let ready = counts.rows.values().filter_map(|by| by.get(&Status::Ready));
        let recorded = ready.sum();
        Ok((recorded > 0).then_some(EmptyVault { recorded }))
    }
}
