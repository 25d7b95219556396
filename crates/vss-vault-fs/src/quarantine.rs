//! Taking a sidecar out of the way: out of its place and out of the manifest, its bytes kept.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use vss_core::{Format, SidecarKey, layout};
use vss_ports::PortErrorKind;

use crate::folders::{Folders, QUARANTINE};
use crate::manifest_file::{self, Found, Lock};
use crate::placing::{self, Aside, QuarantineName};
use crate::problem::{During, Problem, Step};
use crate::tree;

/// Moves a file into the quarantine folder; where it is now, or nothing when there is none.
pub(crate) fn quarantine(
    folders: &Folders,
    key: &SidecarKey,
    format: &Format,
) -> Step<Option<PathBuf>> {
    let path = layout::content_folder(key.content);
    let opened = folders.tree.open_folder(path.as_str());
    let Some(folder) = opened.during("open a content's folder")? else {
        return Ok(None);
    };
    let lock = Lock::take(folder)?;
    let opened = tree::folder_in(lock.folder(), key.kind.folder());
    let Some(kind) = opened.during("open a kind's folder")? else {
        return Ok(None);
    };
    let manifest = manifest_file::read(lock.folder(), key.content)?;
    if let Found::Newer(version) = manifest {
        let reason = format!("its manifest is of version {version}, which is newer");
        return Err(Problem::refused(PortErrorKind::Unsupported, reason));
    }

    let name = layout::file_name(&key.variant, format);
    if !is_there(kind.as_fd(), &name)? {
        return Ok(None);
    }
    let aside = QuarantineName {
        content: key.content,
        stem: format!("{}.{}", key.kind, key.variant),
        extension: format.as_str(),
    };
    let quarantine = folders.quarantine();
    let quarantine = quarantine.during("open the quarantine folder")?;
    let moved = Aside::ForGood(&aside).with_free_name(folders, |free| {
        let from = (kind.as_fd(), name.as_str());
        placing::rename_new(folders, from, (quarantine.as_fd(), free))
    });
    let kept = match moved {
        // It may as well be the quarantine folder that is gone in this moment.
        Err(Errno::NOENT) if !is_there(kind.as_fd(), &name)? => return Ok(None),
        answer => answer.during("move a file into quarantine")?,
    };
    folders
        .syncer
        .folder(quarantine.as_fd())
        .and_then(|()| folders.syncer.folder(kind.as_fd()))
        .during("sync a folder")?;

    manifest_file::drop_line(folders, lock.folder(), manifest, key, format)?;
    Ok(Some(folders.path.join(QUARANTINE).join(kept)))
}

/// Whether there is a file. A folder is none; publishing over it sets it aside.
fn is_there(kind: BorrowedFd<'_>, name: &str) -> Step<bool> {
    match rustix::fs::statat(kind, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(false),
        answer => {
            let stat = answer.during("look at a file")?;
            Ok(FileType::from_raw_mode(stat.st_mode) != FileType::Directory)
        }
    }
}
