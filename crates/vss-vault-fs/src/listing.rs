//! Reading the entries of one folder, sorted, whatever their names hold.

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::{self, Errno};

/// One entry of a folder.
pub(crate) struct Entry {
    /// Its name, which need not be UTF-8.
    raw: CString,
    /// What it is.
    pub(crate) kind: FileType,
}

impl Entry {
    /// Its name, if a sidecar could have it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.raw.to_str().ok()
    }

    /// Its name for a person to read.
    pub(crate) fn shown(&self) -> String {
        self.raw.to_string_lossy().into_owned()
    }

    /// Looks at it without touching it; `None` when it is gone by now.
    pub(crate) fn look(&self, folder: BorrowedFd<'_>) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(folder, self.raw.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Whether it is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Removes it, unless it is a folder.
    pub(crate) fn remove(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        match rustix::fs::unlinkat(folder, self.raw.as_c_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

/// The entries of a folder in the order of their bytes, without `.` and `..`.
pub(crate) fn entries(folder: BorrowedFd<'_>) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let mut entry = Entry {
            raw: entry.file_name().to_owned(),
            kind: entry.file_type(),
        };
        // Some file systems do not say in the folder what an entry is.
        if entry.kind == FileType::Unknown {
            match entry.look(folder)? {
                Some(stat) => entry.kind = FileType::from_raw_mode(stat.st_mode),
                None => continue,
            }
        }
        found.push(entry);
    }
    found.sort_unstable_by(|a, b| a.raw.cmp(&b.raw));
    Ok(found)
}

/// A word for what something is.
pub(crate) fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of an unknown type",
    }
}
