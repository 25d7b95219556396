//! When it is the disk that is ill, and not a folder or a file.

use vss_ports::{PortError, PortErrorKind, PortResult};

/// Folders, or files, in a row that cannot be read before it is the disk.
pub(crate) const UNREADABLE_IN_A_ROW: usize = 8;

/// Places in a row that could not be read.
#[derive(Default)]
pub(super) struct InARow(usize);

impl InARow {
    /// Notes that the next place can be read, or why it cannot.
    pub(super) fn note(&mut self, unreadable: Option<&str>) -> PortResult<()> {
        let Some(reason) = unreadable else {
            self.0 = 0;
            return Ok(());
        };
        self.0 += 1;
        if self.0 < UNREADABLE_IN_A_ROW {
            return Ok(());
        }
        let doing = format!("read {UNREADABLE_IN_A_ROW} contents' folders in a row");
        let reason = format!("{reason}: look at the disk and at who may read the library");
        Err(PortError::new(PortErrorKind::Unexpected, doing, reason))
    }
}
