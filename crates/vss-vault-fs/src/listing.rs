//! Reading the entries of one folder, sorted, whatever their names hold.

use std::ffi::{CStr, CString};
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

/// The entries of a folder in the order of their bytes, without `.` and `..`. The folder may be
/// listed by others meanwhile.
pub(crate) fn entries(folder: BorrowedFd<'_>) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        found.extend(noted(folder, entry.file_name(), entry.file_type())?);
    }
    found.sort_unstable_by(|a, b| a.raw.cmp(&b.raw));
    Ok(found)
}

/// The same of a folder that was opened for just this, and is not listed again: it is not opened
/// once more, of which a scan would do a million.
#[cfg(target_os = "linux")]
pub(crate) fn entries_once(folder: BorrowedFd<'_>) -> io::Result<Vec<Entry>> {
    let mut room = [std::mem::MaybeUninit::uninit(); 8 << 10];
    let mut listing = rustix::fs::RawDir::new(folder, &mut room);
    let mut found = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = match entry {
            // It was removed since it was opened: nothing is in it any more.
            Err(Errno::NOENT) => break,
            entry => entry?,
        };
        found.extend(noted(folder, entry.file_name(), entry.file_type())?);
    }
    found.sort_unstable_by(|a, b| a.raw.cmp(&b.raw));
    Ok(found)
}

/// The same of a folder that was opened for just this.
#[cfg(not(target_os = "linux"))]
pub(crate) fn entries_once(folder: BorrowedFd<'_>) -> io::Result<Vec<Entry>> {
    entries(folder)
}

/// An entry, unless it is the folder itself or the one above, or gone by now.
fn noted(folder: BorrowedFd<'_>, name: &CStr, kind: FileType) -> io::Result<Option<Entry>> {
    if matches!(name.to_bytes(), b"." | b"..") {
        return Ok(None);
    }
    let raw = name.to_owned();
    let mut entry = Entry { raw, kind };
    // Some file systems do not say in the folder what an entry is.
    if entry.kind == FileType::Unknown {
        match entry.look(folder)? {
            Some(stat) => entry.kind = FileType::from_raw_mode(stat.st_mode),
            None => return Ok(None),
        }
    }
    Ok(Some(entry))
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
