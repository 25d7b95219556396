//! The place of an original: its folder, reached name by name and never through a link, and the
//! name in it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use vss_ports::{FileIdentity, Move, OriginalPlace};

use super::{held_name, same_file};
use crate::folders::Folders;
use crate::problem::{During, Step};
use crate::{native, placing, staging};

/// How a file is opened that may be a trap.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// A folder outside of the vault, and a name in it.
pub(super) struct Outside {
    folder: OwnedFd,
    name: OsString,
}

impl Outside {
    /// `None` when the folder is not there, or a link leads to it.
    pub(super) fn open(place: &OriginalPlace) -> Step<Option<Self>> {
        let Some((name, folders)) = place.below().split_last() else {
            return Ok(None);
        };
        let through = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |folder: BorrowedFd<'_>, name: &OsStr, flags| {
            rustix::fs::openat(folder, name, through | flags, Mode::empty())
        };
        let walk = || -> rustix::io::Result<OwnedFd> {
            let mut here = open(CWD, OsStr::new("/"), native::LOOK)?;
            // Without the first name, which is the root.
            let location = place.location().iter().skip(1);
            for name in location.chain(folders.iter().map(OsString::as_os_str)) {
                here = open(here.as_fd(), name, native::LOOK)?;
            }
            // The last one is synced too.
            open(here.as_fd(), OsStr::new("."), OFlags::RDONLY)
        };
        match walk() {
            Ok(folder) => Ok(Some(Self {
                folder,
                name: name.clone(),
            })),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno).during("open the original's folder"),
        }
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// The regular file there, and which it is.
    pub(super) fn open_file(&self) -> Step<Option<(File, FileIdentity)>> {
        open_in(self.folder(), &self.name)
    }

    /// Whether the bytes of a file are there.
    pub(super) fn has(&self, file: &Move) -> Step<bool> {
        match self.open_file()? {
            Some((found, identity)) if identity.size == file.identity.size => {
                Ok(staging::digest_of(&found)?.1 == file.digest)
            }
            _ => Ok(false),
        }
    }

    /// Makes the file that is there, and its name, durable.
    pub(super) fn settle(&self, folders: &Folders) -> Step<()> {
        if let Some((there, _)) = self.open_file()? {
            let synced = folders.syncer.data(&there);
            synced.during("sync the original")?;
        }
        let synced = folders.syncer.folder(self.folder());
        synced.during("sync the original's folder")
    }

    /// Removes the original whose bytes are in the vault. What has its name may be another file at
    /// any moment, so it is renamed first, and removed when it is the one.
    pub(super) fn remove(&self, folders: &Folders, file: &Move) -> Step<()> {
        let aside = OsString::from(format!(".vss-moved-{}", held_name(file)));
        // What an interrupted removal left.
        self.remove_aside(folders, file, &aside)?;
        match self.open_file()? {
            Some((_, identity)) if identity == file.identity => {}
            // A restart numbered the devices anew: then its bytes say whether it is the same one.
            Some((_, identity)) if same_file(&identity, &file.identity) && self.has(file)? => {}
            // Gone, or another one, which is none of ours.
            _ => return Ok(()),
        }
        let renamed = placing::rename_to_own(
            folders,
            (self.folder(), self.name.as_os_str()),
            (self.folder(), aside.as_os_str()),
        );
        match renamed {
            Err(Errno::NOENT) => return Ok(()),
            answer => answer.during("take the original away")?,
        }
        self.remove_aside(folders, file, &aside)
    }

    fn remove_aside(&self, folders: &Folders, file: &Move, aside: &OsStr) -> Step<()> {
        match open_in(self.folder(), aside)? {
            Some((_, identity)) if same_file(&identity, &file.identity) => {
                rustix::fs::unlinkat(self.folder(), aside, AtFlags::empty())
                    .during("remove the original")?;
            }
            _ => {
                let back = (self.folder(), self.name.as_os_str());
                match placing::rename_new(folders, (self.folder(), aside), back) {
                    // Nothing there; or its place has something by now, and it stays beside that.
                    Ok(()) | Err(Errno::NOENT | Errno::EXIST) => {}
                    Err(errno) => return Err(errno).during("put a file back"),
                }
            }
        }
        let synced = folders.syncer.folder(self.folder());
        synced.during("sync the original's folder")
    }
}

/// Opens a regular file in a folder; `None` for anything else.
pub(super) fn open_in(folder: BorrowedFd<'_>, name: &OsStr) -> Step<Option<(File, FileIdentity)>> {
    let opened = match rustix::fs::openat(folder, name, READ, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(errno).during("open the original"),
    };
    let opened = File::from(opened);
    let stat = opened.metadata().during("look at the original")?;
    let identity = FileIdentity {
        device: stat.dev(),
        inode: stat.ino(),
        size: stat.len(),
        modified_ns: stat
            .mtime()
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.mtime_nsec()),
    };
    Ok(stat.is_file().then_some((opened, identity)))
}
