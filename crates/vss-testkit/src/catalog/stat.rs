//! What tells whether a file is the one that was hashed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use vss_ports::FileIdentity;

/// Size, time and place of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) size: u64,
    pub(super) mtime: (i64, i64),
    pub(super) inode: (u64, u64),
}

impl Stat {
    /// As the file system says.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            inode: (metadata.dev(), metadata.ino()),
        }
    }

    /// The same as the port says it.
    pub(super) fn identity(&self) -> FileIdentity {
        let (seconds, nanoseconds) = self.mtime;
        FileIdentity {
            device: self.inode.0,
            inode: self.inode.1,
            size: self.size,
            modified_ns: seconds * 1_000_000_000 + nanoseconds,
        }
    }
}
