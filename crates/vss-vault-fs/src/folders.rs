//! The folders of one vault: its root, held for its life, and its own folders in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use vss_ports::PortErrorKind;

use crate::durability::Syncer;
use crate::problem::{During, Problem, Step};
use crate::tree::{self, Tree};
use crate::{FsVaultOptions, listing};

/// Where files lie that have no place yet.
pub(crate) const STAGING: &str = ".staging";
/// Where files lie that were set aside.
pub(crate) const QUARANTINE: &str = ".quarantine";
/// Where originals wait that are moved into the vault. Nothing sweeps it.
pub(crate) const MOVING: &str = ".moving";
/// Tells media scanners (Android's, and those that copy its habit) to keep out.
const NO_MEDIA: &str = ".nomedia";

/// An open vault.
pub(crate) struct Folders {
    /// Its absolute path, for answers only: nothing is opened by it.
    pub(crate) path: PathBuf,
    /// Everything below it.
    pub(crate) tree: Tree,
    /// Does the syncing.
    pub(crate) syncer: Syncer,
    /// Whether it keeps to what every Unix has.
    pub(crate) portable: bool,
    drawn: AtomicU64,
}

impl Folders {
    /// Makes the root folder, and its parents, unless they are there.
    pub(crate) fn create(root: &Path) -> Step<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .create(root)
            .during("make the vault's folder")
    }

    /// Opens a root folder and makes what is missing in it.
    pub(crate) fn open(root: &Path, options: FsVaultOptions) -> Step<Self> {
        let path = std::path::absolute(root).during("make the vault's path absolute")?;
        let top = match tree::top_folder(&path) {
            Err(Errno::NOENT | Errno::NOTDIR) => {
                return Err(Problem::refused(
                    PortErrorKind::Rejected,
                    format!(
                        "{} is no folder (not mounted, or not a library?)",
                        path.display()
                    ),
                ));
            }
            opened => opened.during("open the vault's folder")?,
        };
        let tree = Tree::new(top, options.portable);
        let folders = Self {
            path,
            syncer: Syncer::new(options.durability),
            portable: options.portable,
            drawn: AtomicU64::new(0),
            tree,
        };
        for own in [folders.staging(), folders.quarantine()] {
            own.during("open one of the vault's own folders")?;
        }
        folders.keep_scanners_out()?;
        if options.sweep {
            folders.sweep()?;
        }
        Ok(folders)
    }

    /// The folder of files without a place.
    pub(crate) fn staging(&self) -> rustix::io::Result<OwnedFd> {
        self.own(STAGING)
    }

    /// The folder of files that were set aside.
    pub(crate) fn quarantine(&self) -> rustix::io::Result<OwnedFd> {
        self.own(QUARANTINE)
    }

    /// The folder of originals on their way; made when it is first needed.
    pub(crate) fn moving(&self) -> Step<OwnedFd> {
        self.own(MOVING).during("make the folder of moves")
    }

    /// One of the vault's own folders, opened each time: people are told to empty them by hand, and
    /// one that is held while it is removed takes no file any more.
    fn own(&self, name: &str) -> rustix::io::Result<OwnedFd> {
        let (folder, new) = tree::made_folder_in(self.tree.root(), name)?;
        if new {
            self.syncer.folder(self.tree.root())?;
        }
        Ok(folder)
    }

    /// A name for the staging folder that this vault did not use before. Another process may
    /// have: names are always taken without overwriting, and the next one is tried.
    pub(crate) fn draw_name(&self) -> String {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{drawn:x}", std::process::id())
    }

    /// Whether a name in the staging folder may be one that this process drew.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        let process = name.split_once('-').map(|(process, _)| process);
        process == Some(&*format!("{:x}", std::process::id()))
    }

    fn keep_scanners_out(&self) -> Step<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        match rustix::fs::openat(self.tree.root(), NO_MEDIA, flags, tree::FILE_MODE) {
            // A library on a read-only disk can still be read.
            Ok(_) | Err(Errno::EXIST | Errno::ROFS) => Ok(()),
            Err(errno) => Err(errno).during("make .nomedia"),
        }
    }

    /// Removes what earlier processes staged and never published.
    fn sweep(&self) -> Step<()> {
        let staging = self.staging().during("open the staging folder")?;
        let staged = listing::entries(staging.as_fd()).during("list the staging folder")?;
        let mut swept = 0_u64;
        for entry in staged.iter().filter(|entry| !entry.is_folder()) {
            entry
                .remove(staging.as_fd())
                .during("sweep the staging folder")?;
            swept += 1;
        }
        if swept > 0 {
            tracing::info!(files = swept, "swept the staging folder");
        }
        Ok(())
    }
}

/// Creates a file that nobody has yet, with a drawn name, and opens it for reading and writing.
pub(crate) fn named_file(folders: &Folders) -> Step<(std::fs::File, String)> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode: Mode = tree::FILE_MODE;
    let staging = folders.staging().during("open the staging folder")?;
    loop {
        let name = folders.draw_name();
        match rustix::fs::openat(&staging, name.as_str(), flags, mode) {
            Ok(file) => return Ok((file.into(), name)),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).during("make a staging file"),
        }
    }
}
