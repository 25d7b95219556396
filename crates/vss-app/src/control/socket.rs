//! Where the socket of a library's daemon is: in the user's own runtime folder, so that neither the
//! length of the library's path nor its file system matters, and nobody else can stand in for it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};
use crate::library::Library;

/// The socket of a library; its folder is made where it is missing and refused where it is not
/// this user's alone. A copy of a library has the same id and is another folder, whose daemon is
/// another one.
pub(super) fn place(library: &Library) -> Result<PathBuf, Failure> {
    let folder = folder();
    let refused = |error: std::io::Error| {
        let message = format!("the folder for sockets {} cannot be used", folder.display());
        Failure::new(Exit::Failure, message)
            .because(error)
            .remedy("set XDG_RUNTIME_DIR to a folder of your own")
    };
    let made = DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(&folder);
    made.map_err(refused)?;
    owned(&folder).map_err(refused)?;
    let root = fs::metadata(&library.root).map_err(|error| {
        let message = format!("no library at {}", library.root.display());
        Failure::new(Exit::Library, message)
            .because(error)
            .remedy("is its disk mounted?")
    })?;
    let name = format!("{}-{:x}-{:x}.sock", library.file.id, root.dev(), root.ino());
    Ok(folder.join(name))
}

/// Held by whoever listens at a socket; `None` while somebody else does. The operating system drops
/// it when the process dies.
pub(super) fn hold(place: &Path) -> std::io::Result<Option<File>> {
    let beside = place.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("vss"),
        None => std::env::temp_dir().join(format!("vss-{}", user())),
    }
}

/// This process's effective user.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn owned(folder: &Path) -> std::io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != user() || found.mode() & 0o077 != 0 {
        let why = "it must be a folder of this user's that nobody else may enter";
        return Err(std::io::Error::other(why));
    }
    Ok(())
}
