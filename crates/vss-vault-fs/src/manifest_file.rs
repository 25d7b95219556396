//! `manifest.json` on disk: read without trust, written whole or not at all, with the same in the
//! words of `b3sum` beside it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation};
use rustix::io::Errno;
use vss_core::layout::{MANIFEST_NAME, SUMS_NAME};
use vss_core::{ContentUuid, Format, MANIFEST_VERSION, Manifest, SidecarKey};
use vss_ports::PortErrorKind;

use crate::folders::{Folders, named_file};
use crate::placing::{self, Aside, QuarantineName, Unplaced};
use crate::problem::{During, Problem, Step};
use crate::tree;

/// Few manifests are larger, in bytes.
const USUAL: usize = 8 << 10;

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
    // Without room to begin with it would be read in bits.
    let mut bytes = Vec::with_capacity(USUAL);
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .during("read a manifest")?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > LARGEST) {
        return broken("larger than a manifest can be");
    }
    match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) if manifest.version > MANIFEST_VERSION => Ok(Found::Newer(manifest.version)),
        Ok(manifest) if manifest.content_uuid != content => {
            broken("it is the manifest of another content")
        }
        Ok(manifest) => Ok(Found::Manifest(manifest)),
        // A newer one need not look like one that is known.
        Err(error) => match version_of(&bytes) {
            Some(version) if version > MANIFEST_VERSION => Ok(Found::Newer(version)),
            Some(_) | None => broken(&error.to_string()),
        },
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

    /// Whether the folder itself is gone and only this descriptor is left of it.
    pub(crate) fn is_of_nothing(&self) -> Step<bool> {
        let stat = rustix::fs::fstat(&self.0).during("look at a content's folder")?;
        Ok(stat.st_nlink == 0)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A manifest that is written and has no place yet, and its sums; none where it has no sidecars.
pub(crate) struct Draft {
    file: File,
    name: String,
    /// By their name alone: a batch holds enough descriptors.
    sums: Option<String>,
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
    let mut draft = Draft {
        file,
        name,
        sums: None,
    };
    match draft.write(folders, &bytes, &manifest.b3sums()) {
        Ok(()) => Ok(draft),
        Err(problem) => {
            draft.discard(folders);
            Err(problem)
        }
    }
}

impl Draft {
    fn write(&mut self, folders: &Folders, manifest: &[u8], sums: &str) -> Step<()> {
        self.file.write_all(manifest).during("write a manifest")?;
        if !sums.is_empty() {
            let (mut file, name) = named_file(folders)?;
            self.sums = Some(name);
            file.write_all(sums.as_bytes()).during("write sums")?;
        }
        Ok(())
    }

    /// Makes its bytes durable. The sums follow from it and reconcile writes them again, so they
    /// are not worth a flush of the disk.
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
        let placed = self
            .put(folders, folder, content, over_stranger)
            .and_then(|()| self.put_sums(folders, folder, content));
        if placed.is_err() {
            self.discard(folders);
        }
        placed
    }

    /// Puts the manifest alone in its place; whoever can take that back goes on with the sums.
    pub(crate) fn put(
        &self,
        folders: &Folders,
        folder: BorrowedFd<'_>,
        content: ContentUuid,
        over_stranger: bool,
    ) -> Step<()> {
        if !over_stranger {
            let name = self.name.as_str();
            let renamed = folders
                .staging()
                .and_then(|staging| rustix::fs::renameat(staging, name, folder, MANIFEST_NAME));
            return renamed.during("rename a manifest");
        }
        let unplaced = Unplaced {
            file: &self.file,
            name: Some(&self.name),
        };
        let stranger = stranger(content, "manifest", "json");
        let place = (folder, MANIFEST_NAME);
        placing::put_over(folders, unplaced, place, Aside::ForGood(&stranger)).map(|old| {
            tracing::warn!(%content, moved_to = old, "set aside a manifest that is none");
        })
    }

    /// Puts sums in their place, or nothing where there is nothing to sum up. They hold nothing
    /// that the manifest does not, so whatever file was there may go; a folder is set aside.
    pub(crate) fn put_sums(
        &self,
        folders: &Folders,
        folder: BorrowedFd<'_>,
        content: ContentUuid,
    ) -> Step<()> {
        let Some(name) = self.sums.as_deref() else {
            return remove_sums(folder);
        };
        let staging = folders.staging().during("open the staging folder")?;
        match rustix::fs::renameat(staging, name, folder, SUMS_NAME) {
            Err(Errno::ISDIR) => {
                let unplaced = Unplaced {
                    file: &self.file,
                    name: Some(name),
                };
                let stranger = stranger(content, "sums", "b3");
                let (place, aside) = ((folder, SUMS_NAME), Aside::ForGood(&stranger));
                placing::put_over(folders, unplaced, place, aside).map(|_| ())
            }
            answer => answer.during("rename sums"),
        }
    }

    /// Removes it. Should that fail, the next sweep does it.
    pub(crate) fn discard(&self, folders: &Folders) {
        for name in [&self.name].into_iter().chain(&self.sums) {
            let unlink = |staging| rustix::fs::unlinkat(staging, name.as_str(), AtFlags::empty());
            let _ = folders.staging().and_then(unlink);
        }
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

fn stranger(content: ContentUuid, stem: &str, extension: &'static str) -> QuarantineName<'static> {
    QuarantineName {
        content,
        stem: stem.to_owned(),
        extension,
    }
}

fn remove_sums(folder: BorrowedFd<'_>) -> Step<()> {
    match rustix::fs::unlinkat(folder, SUMS_NAME, AtFlags::empty()) {
        // A folder of that name is none of ours.
        Ok(()) | Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => Ok(()),
        Err(errno) => Err(errno).during("remove sums"),
    }
}

/// Removes a manifest and its sums.
pub(crate) fn remove(folder: BorrowedFd<'_>) -> Step<()> {
    remove_sums(folder)?;
    match rustix::fs::unlinkat(folder, MANIFEST_NAME, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).during("remove a manifest"),
    }
}

/// Whether the sums beside a manifest are its own, byte for byte.
pub(crate) fn sums_match(folder: BorrowedFd<'_>, manifest: &Manifest) -> Step<bool> {
    let wanted = manifest.b3sums();
    let mut found = Vec::new();
    if let Some(file) = tree::file_in(folder, SUMS_NAME).during("open sums")? {
        let most = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1))
            .read_to_end(&mut found)
            .during("read sums")?;
    }
    Ok(found == wanted.as_bytes())
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
        Found::Absent | Found::Broken(_) | Found::Newer(_) => remove(folder),
    }
}
