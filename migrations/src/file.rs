//! What the files of a database say before anything opens it.
#![expect(
    clippy::disallowed_methods,
    reason = "only whether a file is there, and how long it is: SQLite reads and writes it"
)]

use std::path::{Path, PathBuf};

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};

/// Whether nothing is in the file yet: it is not there, or has no byte.
#[must_use]
pub fn is_new(path: &Path) -> bool {
    path.metadata().map_or(true, |file| file.len() == 0)
}

/// How a file is read where nothing can be written, not even who reads it.
///
/// Without a log nobody writes, and what lies still needs no lock. With a log and its index, which is
/// shared memory, SQLite reads the two as always. A log alone is left by a program that ended in the
/// middle of closing it: its index cannot be made beside it, so it is made in the memory of each
/// connection, which SQLite does for who has the file to himself; nobody else has it, or there would
/// be an index.
#[must_use]
pub fn read_only(options: SqliteConnectOptions, path: &Path) -> SqliteConnectOptions {
    let options = options.read_only(true);
    match (lies_beside(path, "-wal"), lies_beside(path, "-shm")) {
        (false, _) => options.immutable(true),
        (true, true) => options,
        (true, false) => options
            .vfs(WITHOUT_LOCKS)
            .locking_mode(SqliteLockingMode::Exclusive),
    }
}

/// The way to the system that takes no locks (<https://www.sqlite.org/vfs.html>).
const WITHOUT_LOCKS: &str = if cfg!(windows) {
    "win32-none"
} else {
    "unix-none"
};

fn lies_beside(path: &Path, ending: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name).try_exists().unwrap_or(true)
}
