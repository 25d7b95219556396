//! The managed place of a file that is moved: made before the file comes, noted in the manifest
//! when it is there.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::AtFlags;
use vss_core::{Manifest, ManifestEntry, SidecarSource, layout};
use vss_ports::{Move, PortErrorKind};

use crate::content_work::locked_folder;
use crate::folders::Folders;
use crate::manifest_file::{self, Draft, Found, Lock};
use crate::placing::{self, Occupant, Unplaced};
use crate::problem::{During, Problem, Step};
use crate::tree;

/// A place in a locked content's folder.
pub(super) struct Inside {
    file: Move,
    lock: Lock,
    kind: OwnedFd,
    name: String,
    broken: bool,
    /// The manifest with the file in it, until it has its place.
    draft: RefCell<Option<Draft>>,
}

impl Inside {
    /// Makes the folders and drafts the manifest; durable when it returns.
    pub(super) fn prepare(folders: &Folders, file: &Move) -> Step<Self> {
        let (lock, parents) = locked_folder(folders, file.key.content)?;
        let before = manifest_file::read(lock.folder(), file.key.content)?;
        let kind = tree::made_folder_in(lock.folder(), file.key.kind.folder());
        let (kind, _) = kind.during("make a kind's folder")?;
        let broken = matches!(before, Found::Broken(_));
        let draft = match before {
            Found::Newer(version) => return Err(newer(version)),
            Found::Manifest(manifest) => drafted(folders, file, manifest)?,
            Found::Absent | Found::Broken(_) => {
                drafted(folders, file, Manifest::empty(file.key.content))?
            }
        };
        let inside = Self {
            file: file.clone(),
            lock,
            kind,
            name: layout::file_name(&file.key.variant, &file.format),
            broken,
            draft: RefCell::new(draft),
        };
        let synced = inside.sync_made(folders, &parents);
        if synced.is_err() {
            inside.discard(folders);
        }
        synced.map(|()| inside)
    }

    /// The place as it is; `None` when there is no such folder.
    pub(super) fn open(folders: &Folders, file: &Move) -> Step<Option<Self>> {
        let path = layout::content_folder(file.key.content);
        let opened = folders.tree.open_folder(path.as_str());
        let Some(folder) = opened.during("open a content's folder")? else {
            return Ok(None);
        };
        let lock = Lock::take(folder)?;
        let opened = tree::folder_in(lock.folder(), file.key.kind.folder());
        let kind = opened.during("open a kind's folder")?;
        Ok(kind.map(|kind| Self {
            file: file.clone(),
            lock,
            kind,
            name: layout::file_name(&file.key.variant, &file.format),
            broken: false,
            draft: RefCell::new(None),
        }))
    }

    fn sync_made(&self, folders: &Folders, parents: &[OwnedFd]) -> Step<()> {
        if let Some(draft) = &*self.draft.borrow() {
            draft.sync(folders)?;
        }
        let made = parents.iter().map(AsFd::as_fd);
        for folder in made.chain([self.lock.folder()]) {
            folders.syncer.folder(folder).during("sync a folder")?;
        }
        Ok(())
    }

    /// The folder and the name in it.
    pub(super) fn name(&self) -> (BorrowedFd<'_>, &str) {
        (self.kind.as_fd(), &self.name)
    }

    /// What has the place.
    pub(super) fn what_is(&self) -> Step<Occupant> {
        placing::what_is(self.kind.as_fd(), &self.name)
    }

    /// Renames a file to the place, which must be free.
    pub(super) fn place(&self, folders: &Folders, from: (BorrowedFd<'_>, &str)) -> Step<()> {
        placing::rename_new(folders, from, self.name()).during("rename a file to its place")
    }

    /// Links a staged file to the place, which must be free.
    pub(super) fn put(&self, folders: &Folders, file: Unplaced<'_>) -> Step<()> {
        placing::put(folders, file, self.kind.as_fd(), &self.name).during("link a file")
    }

    /// Makes the name durable, then the manifest's line.
    pub(super) fn note(&self, folders: &Folders) -> Step<()> {
        folders
            .syncer
            .folder(self.kind.as_fd())
            .during("sync a folder")?;
        if let Some(draft) = self.draft.borrow_mut().take() {
            let content = self.file.key.content;
            draft.install(folders, self.lock.folder(), content, self.broken)?;
            let synced = folders.syncer.folder(self.lock.folder());
            synced.during("sync a folder")?;
        }
        Ok(())
    }

    /// Takes the drafted manifest away again.
    pub(super) fn discard(&self, folders: &Folders) {
        if let Some(draft) = self.draft.borrow_mut().take() {
            draft.discard(folders);
        }
    }

    /// Takes the file away, and its line.
    pub(super) fn remove(&self, folders: &Folders) -> Step<()> {
        rustix::fs::unlinkat(&self.kind, self.name.as_str(), AtFlags::empty())
            .during("remove a sidecar")?;
        self.drop_line(folders)
    }

    /// Takes the line of a file out of the manifest that is not there any more.
    pub(super) fn drop_line(&self, folders: &Folders) -> Step<()> {
        folders
            .syncer
            .folder(self.kind.as_fd())
            .during("sync a folder")?;
        let (key, format) = (&self.file.key, &self.file.format);
        match manifest_file::read(self.lock.folder(), key.content)? {
            Found::Newer(version) => Err(newer(version)),
            found => manifest_file::drop_line(folders, self.lock.folder(), found, key, format),
        }
    }
}

fn newer(version: u32) -> Problem {
    let reason = format!("its manifest is of version {version}, which is newer");
    Problem::refused(PortErrorKind::Unsupported, reason)
}

/// The manifest with a file in it; `None` when it says so already.
fn drafted(folders: &Folders, file: &Move, mut manifest: Manifest) -> Step<Option<Draft>> {
    let entry = ManifestEntry {
        kind: file.key.kind.clone(),
        variant: file.key.variant.clone(),
        format: file.format.clone(),
        size: file.identity.size,
        blake3: file.digest,
        source: SidecarSource::Converted,
        generator_version: None,
        created_at: file.created_at,
    };
    if manifest.entry(&entry.kind, &entry.variant) == Some(&entry) {
        return Ok(None);
    }
    manifest.set(entry);
    manifest_file::draft(folders, &manifest).map(Some)
}
