//! `manifest.json` on disk: read without trust, written whole or not at all.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation};
use rustix::io::Errno;
use vss_core::layout::MANIFEST_NAME;
use vss_core::{ContentUuid, Format, MANIFEST_VERSION, Manifest, SidecarKey};
use vss_ports::PortErrorKind;

use crate::folders::{Folders, named_file};
use crate::placing::{self, Aside, QuarantineName, Unplaced};
use crate::problem::{During, Problem, Step};
use crate::tree;

/// Largest manifest that is read or written, in bytes: some 10,000 sidecars of one content.
pub(crate) const LARGEST: u64 = 4 * 1024 * 1024;

/// What is at a manifest's place.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// A manifest of this content.
    Manifest(Manifest),
    /// A manifest of a version that this build does not know.
    Newer(u32),
    /// Something that is no manifest of this content, and why.
    Broken(String),
}

/// Reads the manifest in a content's folder.
pub(crate) fn read(folder: BorrowedFd<'_>, content: ContentUuid) -> Step<Found> {
    let broken = |reason: &str| Ok(Found::Broken(reason.to_owned()));
    let Some(file) = tree::file_in(folder, MANIFEST_NAME).during("open a manifest")? else {
        return match rustix::fs::statat(folder, MANIFEST_NAME, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(Found::Absent),
            answer => {
                answer.during("look at a manifest")?;
                broken("not a regular file")
            }
        };
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .during("read a manifest")?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > LARGEST) {
        return broken("larger than a manifest can be");
    }
    match version_of(&bytes) {
        Some(version) if version > MANIFEST_VERSION => return Ok(Found::Newer(version)),
        Some(_) | None => {}
    }
    match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) if manifest.content_uuid != content => {
            broken("it is the manifest of another content")
        }
        Ok(manifest) => Ok(Found::Manifest(manifest)),
        Err(error) => broken(&error.to_string()),
    }
}

/// The version alone, because what else a newer manifest holds is unknown.
fn version_of(bytes: &[u8]) -> Option<u32> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    u32::try_from(value.get("version")?.as_u64()?).ok()
}

/// Keeps other processes from changing the manifest in a content's folder, until it is dropped.
pub(crate) struct Lock(OwnedFd);

impl Lock {
    /// Waits for its turn.
    pub(crate) fn take(folder: OwnedFd) -> Step<Self> {
        loop {
            match rustix::fs::flock(&folder, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                answer => {
                    return answer
                        .during("lock a content's folder")
                        .map(|()| Self(folder));
                }
            }
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A manifest that is written and has no place yet.
pub(crate) struct Draft {
    file: File,
    name: String,
}

/// Writes a manifest to the staging folder.
pub(crate) fn draft(folders: &Folders, manifest: &Manifest) -> Step<Draft> {
    let mut bytes = serde_json::to_vec_pretty(manifest)
        .map_err(|error| Problem::refused(PortErrorKind::Unexpected, error.to_string()))?;
    bytes.push(b'\n');
    if u64::try_from(bytes.len()).is_ok_and(|size| size > LARGEST) {
        let reason = format!("the manifest would be larger than {LARGEST} bytes");
        return Err(Problem::refused(PortErrorKind::Rejected, reason));
    }
    let (file, name) = named_file(folders)?;
    let mut draft = Draft { file, name };
    match draft.file.write_all(&bytes).during("write a manifest") {
        Ok(()) => Ok(draft),
        Err(problem) => {
            draft.discard(folders);
            Err(problem)
        }
    }
}

impl Draft {
    /// Makes its bytes durable.
    pub(crate) fn sync(&self, folders: &Folders) -> Step<()> {
        folders.syncer.data(&self.file).during("sync a manifest")
    }

    /// Puts it in its place. What was there and is no manifest is set aside.
    pub(crate) fn install(
        self,
        folders: &Folders,
        folder: BorrowedFd<'_>,
        content: ContentUuid,
        over_stranger: bool,
    ) -> Step<()> {
        let placed = if over_stranger {
            let stranger = QuarantineName {
                content,
                stem: "manifest".to_owned(),
                extension: "json",
            };
            let unplaced = Unplaced {
                file: &self.file,
                name: Some(&self.name),
            };
            let place = (folder, MANIFEST_NAME);
            placing::put_over(folders, unplaced, place, Aside::ForGood(&stranger)).map(|old| {
                tracing::warn!(%content, moved_to = old, "set aside a manifest that is none");
            })
        } else {
            rustix::fs::renameat(folders.staging(), self.name.as_str(), folder, MANIFEST_NAME)
                .during("rename a manifest")
        };
        if placed.is_err() {
            self.discard(folders);
        }
        placed
    }

    /// Removes it. Should that fail, the next sweep does it.
    pub(crate) fn discard(&self, folders: &Folders) {
        let _ = rustix::fs::unlinkat(folders.staging(), self.name.as_str(), AtFlags::empty());
    }
}

/// Takes the line of a sidecar out of the manifest that was found in a locked folder; durable when
/// it returns.
pub(crate) fn drop_line(
    folders: &Folders,
    folder: BorrowedFd<'_>,
    found: Found,
    key: &SidecarKey,
    format: &Format,
) -> Step<()> {
    let Found::Manifest(mut manifest) = found else {
        return Ok(());
    };
    let said = manifest.entry(&key.kind, &key.variant);
    if said.is_some_and(|said| said.format == *format) {
        manifest.remove(&key.kind, &key.variant);
        let draft = draft(folders, &manifest)?;
        draft.sync(folders)?;
        draft.install(folders, folder, key.content, false)?;
        folders.syncer.folder(folder).during("sync a folder")?;
    }
    Ok(())
}

/// Puts back what was there before an installed manifest.
pub(crate) fn restore(
    folders: &Folders,
    folder: BorrowedFd<'_>,
    content: ContentUuid,
    before: &Found,
) -> Step<()> {
    match before {
        Found::Manifest(manifest) => {
            draft(folders, manifest)?.install(folders, folder, content, false)
        }
        // What was no manifest stays in quarantine.
        Found::Absent | Found::Broken(_) | Found::Newer(_) => {
            match rustix::fs::unlinkat(folder, MANIFEST_NAME, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno).during("take a manifest back"),
            }
        }
    }
}
