//! Opening and looking below one folder, without ever following a symbolic link or climbing out.
//!
//! Linux does it in one call (`openat2`). Elsewhere, and where a kernel or a system-call filter
//! lacks that call, the path is walked part by part, each opened without following links.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::{self, Errno};
use vss_ports::FileStamp;

use crate::native;

/// How a folder is opened so that its entries can be read and synced.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// How a file is opened that may be a trap: never through a link, never waiting for the other end
/// of a FIFO, never becoming the terminal of the process.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// The vault's root folder.
pub(crate) struct Tree {
    root: OwnedFd,
    /// Whether paths are walked part by part.
    walked: bool,
}

impl Tree {
    /// Takes a folder as root; `portable` keeps to what every Unix has.
    pub(crate) fn new(root: OwnedFd, portable: bool) -> Self {
        // Old container runtimes answer a call they do not know with EPERM.
        let walked = portable || native::open_beneath(root.as_fd(), ".", native::LOOK).is_err();
        Self { root, walked }
    }

    /// The root folder.
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// What lies at a path, without touching it; `None` when nothing does or when the way there
    /// leads through something other than folders.
    pub(crate) fn look(&self, path: &str) -> io::Result<Option<Stat>> {
        let found = if self.walked {
            self.walk(path).and_then(|(folder, name)| {
                let folder = folder.as_ref().map_or(self.root(), AsFd::as_fd);
                rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            })
        } else {
            native::open_beneath(self.root(), path, native::LOOK).and_then(rustix::fs::fstat)
        };
        absent_is_none(found)
    }

    /// Opens a regular file for reading; `None` when there is none.
    pub(crate) fn open_file(&self, path: &str) -> io::Result<Option<File>> {
        let opened = if self.walked {
            self.walk(path).and_then(|(folder, name)| {
                let folder = folder.as_ref().map_or(self.root(), AsFd::as_fd);
                rustix::fs::openat(folder, name, READ, Mode::empty())
            })
        } else {
            native::open_beneath(self.root(), path, READ)
        };
        regular(absent_is_none(opened)?)
    }

    /// Opens a folder; `None` when there is none.
    pub(crate) fn open_folder(&self, path: &str) -> io::Result<Option<OwnedFd>> {
        if !self.walked {
            return absent_is_none(native::open_beneath(self.root(), path, FOLDER));
        }
        let opened = self.walk(path).and_then(|(folder, name)| {
            let folder = folder.as_ref().map_or(self.root(), AsFd::as_fd);
            rustix::fs::openat(folder, name, FOLDER, Mode::empty())
        });
        absent_is_none(opened)
    }

    /// The last folder on a path (`None` for the root) and the name in it.
    fn walk<'a>(&self, path: &'a str) -> io::Result<(Option<OwnedFd>, &'a str)> {
        let mut folder: Option<OwnedFd> = None;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            // Paths are made of parsed parts; this is the second lock on the door.
            if matches!(part, "" | "." | "..") {
                return Err(Errno::XDEV);
            }
            if parts.peek().is_none() {
                return Ok((folder, part));
            }
            let here = folder.as_ref().map_or(self.root(), AsFd::as_fd);
            folder = Some(rustix::fs::openat(here, part, FOLDER, Mode::empty())?);
        }
        Err(Errno::NOENT)
    }
}

/// Opens a folder in a folder; `None` when that name is no folder.
pub(crate) fn folder_in(parent: BorrowedFd<'_>, name: &str) -> io::Result<Option<OwnedFd>> {
    absent_is_none(rustix::fs::openat(parent, name, FOLDER, Mode::empty()))
}

/// Opens a regular file in a folder for reading; `None` when that name is no regular file.
pub(crate) fn file_in(parent: BorrowedFd<'_>, name: &str) -> io::Result<Option<File>> {
    regular(absent_is_none(rustix::fs::openat(
        parent,
        name,
        READ,
        Mode::empty(),
    ))?)
}

/// Opens a folder in a folder and makes it if it is not there; says whether it is new.
pub(crate) fn made_folder_in(parent: BorrowedFd<'_>, name: &str) -> io::Result<(OwnedFd, bool)> {
    let open = || rustix::fs::openat(parent, name, FOLDER, Mode::empty());
    match open() {
        Err(Errno::NOENT) => {}
        answer => return Ok((answer?, false)),
    }
    match rustix::fs::mkdirat(parent, name, FOLDER_MODE) {
        // Somebody else was first.
        Ok(()) | Err(Errno::EXIST) => Ok((open()?, true)),
        Err(errno) => Err(errno),
    }
}

/// Opens the folder at a path outside of any vault, following links: where a library lies is its
/// owner's matter.
pub(crate) fn top_folder(path: &std::path::Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

/// What new folders may at most be used for; the umask takes away from it.
pub(crate) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

/// What new files may at most be used for; the umask takes away from it.
pub(crate) const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

/// Whether this is a regular file.
pub(crate) fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// The size in bytes; a file system that answers a negative one has no such file.
pub(crate) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// What tells whether a file was touched.
pub(crate) fn stamp_of(stat: &Stat) -> FileStamp {
    // How wide these are differs between systems.
    let time = |seconds: i64, nanoseconds: i64| {
        let seconds = seconds.saturating_mul(1_000_000_000);
        seconds.saturating_add(nanoseconds)
    };
    let fraction = |nanoseconds| i64::try_from(nanoseconds).unwrap_or(0);
    FileStamp {
        inode: stat.st_ino,
        modified_ns: time(stat.st_mtime, fraction(stat.st_mtime_nsec)),
        changed_ns: time(stat.st_ctime, fraction(stat.st_ctime_nsec)),
    }
}

fn regular(opened: Option<OwnedFd>) -> io::Result<Option<File>> {
    match opened {
        Some(fd) if is_regular(&rustix::fs::fstat(&fd)?) => Ok(Some(File::from(fd))),
        Some(_) | None => Ok(None),
    }
}

/// Turns "there is no such thing" into `None`: nothing there, a file where a folder would have to
/// be, a symbolic link on the way, a socket.
fn absent_is_none<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NXIO) => Ok(None),
        Err(errno) => Err(errno),
    }
}
