//! What the files of a database say before anything opens it.
#![expect(
    clippy::disallowed_methods,
    reason = "only whether a file is there, and how long it is: SQLite reads and writes it"
)]

use std::path::{Path, PathBuf};

/// Whether nothing is in the file yet: it is not there, or has no byte.
#[must_use]
pub fn is_new(path: &Path) -> bool {
    path.metadata().map_or(true, |file| file.len() == 0)
}

/// Whether a log lies beside the file: somebody has it open, or ended without closing it.
#[must_use]
pub fn has_log(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name).try_exists().unwrap_or(true)
}
