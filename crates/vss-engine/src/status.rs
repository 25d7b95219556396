//! Status: how much there is, and in which state.

use vss_ports::{CatalogCounts, PortResult, SidecarCounts};

use crate::Engine;

/// Counts of a whole library.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StatusReport {
    /// Originals and contents.
    pub catalog: CatalogCounts,
    /// Sidecars.
    pub sidecars: SidecarCounts,
}

impl Engine {
    /// Counts; costs the same for any size of library.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn status(&self) -> PortResult<StatusReport> {
        Ok(StatusReport {
            catalog: self.ports.catalog.counts().await?,
            sidecars: self.ports.store.counts().await?,
        })
    }
}
