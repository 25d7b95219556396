//! Ls: every sidecar of one content, as its row says.

use std::path::PathBuf;

use vss_core::{ContentUuid, SidecarSource};
use vss_ports::{PortResult, SidecarRecord};

use crate::Engine;

impl Engine {
    /// The rows of a content, each with the path of its file where there is one and it is whole.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn ls(
        &self,
        content: ContentUuid,
    ) -> PortResult<Vec<(SidecarRecord, Option<PathBuf>)>> {
        let rows = self.ports.store.of_content(content).await?;
        let mut originals = self.places(&rows).await?;
        let mut listed = Vec::new();
        for row in rows {
            if row.source == SidecarSource::Reference {
                let path = originals.remove(&row.key);
                listed.push((row, path));
                continue;
            }
            let file = match row.size {
                Some(_) => self.whole_file(&row).await?,
                None => None,
            };
            // What was set aside just now has another row.
            let row = match (&file, row.size) {
                (None, Some(_)) => self.ports.store.find(&row.key).await?.unwrap_or(row),
                _ => row,
            };
            listed.push((row, file.map(|file| file.path)));
        }
        Ok(listed)
    }
}
