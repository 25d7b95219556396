//! All rows, page by page, in the order of their contents.

use vss_core::ContentUuid;
use vss_ports::{PortResult, SidecarRecord};

use crate::Engine;

/// Contents of which the rows are read together.
const BATCH: usize = 256;

/// How far a walk over all rows has come.
#[derive(Default)]
pub(crate) struct Pages {
    after: Option<ContentUuid>,
}

impl Pages {
    /// All rows of the next contents; `None` when there are no more.
    pub(crate) async fn next(&mut self, engine: &Engine) -> PortResult<Option<Vec<SidecarRecord>>> {
        let rows = engine.ports.store.page(self.after, None, BATCH).await?;
        self.after = rows.last().map(|row| row.key.content);
        Ok(self.after.is_some().then_some(rows))
    }
}
