//! inotify: one watch a folder, and what the kernel says of it.
//!
//! Opening and reading is not asked for: whoever looks at what changed would be told of his own
//! looking, and a queue full of that would make him look again. The closing of a file that was
//! open for writing is: what a program writes to memory that a file is mapped to is told by nothing
//! else.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

pub(crate) use crate::notice::{Notice, What};

/// Bytes read at once: some hundred notices.
const BUFFER: usize = 64 * 1024;

/// A queue of notices.
pub(crate) struct Notices(OwnedFd);

/// What became of the wish to watch a folder.
pub(crate) enum Asked {
    /// It is watched, by this number.
    Watched(i32),
    /// The system lets no more be watched.
    Full,
    /// It is not there, or no folder.
    Gone,
    /// It may not be watched.
    Refused,
}

impl Notices {
    /// Begins a queue.
    pub(crate) fn begin() -> io::Result<Self> {
        Ok(Self(inotify::init(
            CreateFlags::CLOEXEC | CreateFlags::NONBLOCK,
        )?))
    }

    /// What can be read when there are notices.
    pub(crate) fn readable(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    /// Watches a folder. One that is watched keeps its number, however it is called now.
    pub(crate) fn watch(&self, folder: &Path) -> Asked {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW
            | WatchFlags::EXCL_UNLINK;
        match inotify::add_watch(&self.0, folder, flags) {
            Ok(number) => Asked::Watched(number),
            Err(Errno::NOSPC | Errno::NOMEM) => Asked::Full,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Asked::Gone,
            Err(_) => Asked::Refused,
        }
    }

    /// Stops to watch a folder.
    pub(crate) fn leave(&self, number: i32) {
        // The kernel has stopped by itself when the folder is gone.
        let _ = inotify::remove_watch(&self.0, number);
    }

    /// Takes what there is.
    pub(crate) fn drain(&self, into: &mut VecDeque<Notice>) {
        let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER];
        let mut reader = Reader::new(&self.0, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name();
                    into.push_back(Notice {
                        folder: event.wd(),
                        what: what(event.events()),
                        is_folder: event.events().contains(ReadFlags::ISDIR),
                        cookie: event.cookie(),
                        name: name.map(|name| OsStr::from_bytes(name.to_bytes()).to_owned()),
                    });
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    tracing::warn!(%error, "notices of changed files cannot be read");
                    return;
                }
            }
        }
    }
}

fn what(flags: ReadFlags) -> What {
    let has = |flag| flags.contains(flag);
    match () {
        () if has(ReadFlags::QUEUE_OVERFLOW) => What::Overflow,
        () if has(ReadFlags::UNMOUNT) => What::Unmounted,
        () if has(ReadFlags::IGNORED) => What::Ended,
        () if has(ReadFlags::DELETE_SELF) || has(ReadFlags::MOVE_SELF) => What::Left,
        () if has(ReadFlags::MOVED_FROM) => What::MovedFrom,
        () if has(ReadFlags::MOVED_TO) => What::MovedTo,
        () if has(ReadFlags::CREATE) => What::Created,
        () if has(ReadFlags::DELETE) => What::Deleted,
        () => What::Changed,
    }
}
