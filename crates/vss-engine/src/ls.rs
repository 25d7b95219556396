//! Ls: every sidecar of one content, as its row says.

use std::path::PathBuf;

use vss_core::ContentUuid;
use vss_ports::{PortResult, SidecarRecord};

use crate::Engine;

impl Engine {
    /// The rows of a content, each with the path of its file where there is one.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn ls(
        &self,
        content: ContentUuid,
    ) -> PortResult<Vec<(SidecarRecord, Option<PathBuf>)>> {
        let rows = self.ports.store.of_content(content).await?;
        let place = |row: SidecarRecord| {
            let file = self.ports.vault.locate(&row.key, &row.format)?;
            Ok((row, file.map(|file| file.path)))
        };
        rows.into_iter().map(place).collect()
    }
}
