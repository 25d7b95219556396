//! When bytes and names have to be on the disk, and the calls that put them there.

use std::fs::File;
use std::os::fd::BorrowedFd;

use rustix::io::{self, Errno};

use crate::native;

/// How much is made durable before a call returns.
///
/// Figures of `cargo bench -p vss-vault-fs --bench publish` are in the crate's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Every file and every folder by itself.
    Strict,
    /// Few files by themselves, more of them with one sync of the whole file system. Nothing is
    /// less durable than with `Strict`; a sync may have to wait for what others wrote.
    #[default]
    Group,
    /// Nothing: after a power cut, files may be missing, empty or torn, and only a comparison with
    /// their digests tells.
    Fast,
}

/// Up to this many files are synced one by one, because each costs about one flush of the disk
/// and a file system is flushed with a few of them.
pub(crate) const FEW: usize = 3;

/// Does the syncing. A failed sync is never tried again on the same descriptor: the kernel
/// reports a lost write once and forgets it.
pub(crate) struct Syncer {
    durability: Durability,
    #[cfg(test)]
    pub(crate) failing: std::sync::atomic::AtomicBool,
}

impl Syncer {
    pub(crate) fn new(durability: Durability) -> Self {
        Self {
            durability,
            #[cfg(test)]
            failing: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Whether so many files are synced together.
    pub(crate) fn at_once(&self, files: usize) -> bool {
        self.durability == Durability::Group && files > FEW && native::SYNCS_FILE_SYSTEMS
    }

    /// Makes the bytes of a file durable.
    pub(crate) fn data(&self, file: &File) -> io::Result<()> {
        self.unless_fast(|| native::sync_data(file))
    }

    /// Makes the names in a folder durable.
    pub(crate) fn folder(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        self.unless_fast(|| match native::sync_names(folder) {
            // Some network file systems have no such call; their names are durable at once.
            Err(Errno::INVAL) => Ok(()),
            answer => answer,
        })
    }

    /// Makes everything in the file system of a folder durable.
    pub(crate) fn everything(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        self.unless_fast(|| native::sync_file_system(folder))
    }

    fn unless_fast(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        #[cfg(test)]
        if self.failing.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Errno::IO);
        }
        match self.durability {
            Durability::Fast => Ok(()),
            Durability::Strict | Durability::Group => sync(),
        }
    }
}
