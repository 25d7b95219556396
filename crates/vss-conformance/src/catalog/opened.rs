//! Which names in a folder were opened, by whomever: inotify tells even of an open that was closed
//! at once.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

/// Hears of every open in some folders.
pub(super) struct Opened(OwnedFd);

impl Opened {
    pub(super) fn watch(folders: &[&Path]) -> Self {
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        for folder in folders {
            add_watch(&inotify, *folder, WatchFlags::OPEN).unwrap();
        }
        Self(inotify)
    }

    /// The names of what was opened so far and is no folder.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        let mut names = BTreeSet::new();
        while let Ok(event) = reader.next() {
            assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW));
            if let Some(name) = event.file_name()
                && !event.events().contains(ReadFlags::ISDIR)
            {
                names.insert(name.to_string_lossy().into_owned());
            }
        }
        names
    }
}
