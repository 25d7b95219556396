//! Taking a sidecar out of the way: out of its place and out of the manifest, its bytes kept.

use std::os::fd::AsFd;
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
    match rustix::fs::statat(&kind, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        // A folder is no file; publishing over it sets it aside.
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            return Ok(None);
        }
        Err(Errno::NOENT) => return Ok(None),
        answer => answer.during("look at a file")?,
    };
    let aside = QuarantineName {
        content: key.content,
        stem: format!("{}.{}", key.kind, key.variant),
        extension: format.as_str(),
    };
    let moved = Aside::ForGood(&aside).with_free_name(folders, |free| {
        let from = (kind.as_fd(), name.as_str());
        placing::rename_new(folders, from, (folders.quarantine(), free))
    });
    let kept = match moved {
        Err(Errno::NOENT) => return Ok(None),
        answer => answer.during("move a file into quarantine")?,
    };
    folders
        .syncer
        .folder(folders.quarantine())
        .and_then(|()| folders.syncer.folder(kind.as_fd()))
        .during("sync a folder")?;

    manifest_file::drop_line(folders, lock.folder(), manifest, key, format)?;
    Ok(Some(folders.path.join(QUARANTINE).join(kept)))
}
