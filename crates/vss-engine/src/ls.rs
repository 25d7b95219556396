//! Ls: every sidecar of one content, as its row says.

use std::path::PathBuf;

use vss_core::{ContentUuid, SidecarSource};
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
        let mut originals = self.places(&rows).await?;
        let mut place = |row: SidecarRecord| {
            if row.source == SidecarSource::Reference {
                let path = originals.remove(&row.key);
                return Ok((row, path));
            }
            let file = self.ports.vault.locate(&row.key, &row.format)?;
            Ok((row, file.map(|file| file.path)))
        };
        rows.into_iter().map(&mut place).collect()
    }
}
