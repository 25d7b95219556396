//! Deleting a sidecar, and with the last one the folders it lay in.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use vss_core::{ContentUuid, Format, SidecarKey, layout};
use vss_ports::{FileStamp, PortErrorKind};

use crate::folders::Folders;
use crate::manifest_file::{self, Found, Lock};
use crate::problem::{During, Problem, Step};
use crate::tree;

/// Deletes a file; false when there is none, or another than the one that is meant. The file goes first: a line without a file is what
/// reconcile mends, a file without a line is one that it would adopt.
pub(crate) fn remove(
    folders: &Folders,
    key: &SidecarKey,
    format: &Format,
    only: Option<FileStamp>,
) -> Step<bool> {
    let path = layout::content_folder(key.content);
    let opened = folders.tree.open_folder(path.as_str());
    let Some(folder) = opened.during("open a content's folder")? else {
        return Ok(false);
    };
    let lock = Lock::take(folder)?;
    let opened = tree::folder_in(lock.folder(), key.kind.folder());
    let Some(kind) = opened.during("open a kind's folder")? else {
        return Ok(false);
    };
    let manifest = manifest_file::read(lock.folder(), key.content)?;
    if let Found::Newer(version) = manifest {
        let reason = format!("its manifest is of version {version}, which is newer");
        return Err(Problem::refused(PortErrorKind::Unsupported, reason));
    }
    let name = layout::file_name(&key.variant, format);
    // Whoever publishes here waits for the lock.
    if let Some(stamp) = only {
        match rustix::fs::statat(&kind, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if tree::stamp_of(&stat) == stamp => {}
            Ok(_) | Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(errno).during("look at a sidecar"),
        }
    }
    match rustix::fs::unlinkat(&kind, name.as_str(), AtFlags::empty()) {
        // A folder is no file.
        Err(Errno::NOENT | Errno::ISDIR) => return Ok(false),
        // What some systems say of a folder, and all of a file that may not be deleted.
        Err(Errno::PERM) if is_folder(kind.as_fd(), &name)? => return Ok(false),
        answer => answer.during("delete a sidecar")?,
    }
    folders
        .syncer
        .folder(kind.as_fd())
        .during("sync a folder")?;
    if let Found::Manifest(mut manifest) = manifest {
        let said = manifest.entry(&key.kind, &key.variant);
        if said.is_some_and(|said| said.format == *format) {
            manifest.remove(&key.kind, &key.variant);
        }
        if manifest.sidecars.is_empty() {
            manifest_file::remove(lock.folder())?;
        } else {
            let draft = manifest_file::draft(folders, &manifest)?;
            draft.sync(folders)?;
            draft.install(folders, lock.folder(), key.content, false)?;
        }
        let synced = folders.syncer.folder(lock.folder());
        synced.during("sync a folder")?;
    }
    tidy(folders, key.content, lock.folder(), key.kind.folder())?;
    Ok(true)
}

fn is_folder(parent: BorrowedFd<'_>, name: &str) -> Step<bool> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno).during("look at a sidecar"),
    }
}

/// Removes folders in which nothing is left. Shards stay: another process may be about to put a
/// content into one.
fn tidy(folders: &Folders, content: ContentUuid, folder: BorrowedFd<'_>, kind: &str) -> Step<()> {
    let (h0, h1) = layout::shard(content);
    let shard = folders
        .tree
        .open_folder(&format!("{}/{h0}/{h1}", layout::CONTENT_ROOT));
    let Some(shard) = shard.during("open a shard")? else {
        return Ok(());
    };
    let content = content.to_string();
    for (parent, name) in [(folder, kind), (shard.as_fd(), &*content)] {
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => {}
            // Something is left in it.
            Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
            Err(errno) => return Err(errno).during("remove an empty folder"),
        }
    }
    let synced = folders.syncer.folder(shard.as_fd());
    synced.during("sync a shard")
}
