//! Publishing into one content's folder: place the files, merge the manifest, sync, or take all
//! of it back. A batch (`publish.rs`) runs the steps of many contents beside each other.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use vss_core::layout::{self, CONTENT_ROOT};
use vss_core::{ContentUuid, Digest, Manifest, ManifestEntry};
use vss_ports::PortErrorKind;

use crate::folders::Folders;
use crate::manifest_file::{self, Draft, Found, Lock};
use crate::placing::{self, Placed, QuarantineName, Unplaced};
use crate::problem::{During, Problem, Step};
use crate::{staging, tree};

/// One publication, owned, so that it can be worked on while its caller waits or has gone away.
pub(crate) struct Job {
    /// Which of the batch it is.
    pub(crate) index: usize,
    /// The content.
    pub(crate) content: ContentUuid,
    /// Its line in the manifest.
    pub(crate) entry: ManifestEntry,
    /// Size and digest of the original.
    pub(crate) source: Option<(u64, Digest)>,
    /// The staged file.
    pub(crate) file: File,
    /// Its name in the staging folder, if it has one.
    pub(crate) name: Option<String>,
    /// Its size and digest.
    pub(crate) sealed: (u64, Digest),
    /// The digest of what it may replace.
    pub(crate) replaces: Option<Digest>,
}

impl Job {
    fn file_name(&self) -> String {
        layout::file_name(&self.entry.variant, &self.entry.format)
    }
}

/// A file in its place.
struct Done {
    job: Job,
    folder: OwnedFd,
    placed: Placed,
}

/// A content's folder that is being published into, locked.
pub(crate) struct ContentWork {
    content: ContentUuid,
    lock: Lock,
    /// Folders above it whose entries are new.
    parents: Vec<OwnedFd>,
    before: Found,
    draft: Option<Draft>,
    installed: bool,
    done: Vec<Done>,
}

/// Which publications failed, and why.
pub(crate) type Failures = Vec<(usize, Problem)>;

/// Opens and locks a content's folder, places what can be placed and drafts the manifest.
pub(crate) fn begin(
    folders: &Folders,
    content: ContentUuid,
    jobs: Vec<Job>,
    failures: &mut Failures,
) -> Option<ContentWork> {
    let indices: Vec<usize> = jobs.iter().map(|job| job.index).collect();
    let mut fail_all = |problem: Problem| {
        failures.extend(indices.iter().map(|index| (*index, problem.clone())));
    };
    let mut work = match ContentWork::open(folders, content) {
        Ok(work) => work,
        Err(problem) => {
            fail_all(problem);
            return None;
        }
    };
    for job in jobs {
        let index = job.index;
        if let Err(problem) = work.place(folders, job) {
            failures.push((index, problem));
        }
    }
    if work.done.is_empty() {
        return None;
    }
    if let Err(problem) = work.draft_manifest(folders) {
        work.take_back(folders, &problem, failures);
        return None;
    }
    Some(work)
}

impl ContentWork {
    fn open(folders: &Folders, content: ContentUuid) -> Step<Self> {
        let (lock, mut parents) = locked_folder(folders, content)?;
        let before = manifest_file::read(lock.folder(), content)?;
        match &before {
            Found::Newer(version) => {
                let reason = format!("its manifest is of version {version}, which is newer");
                return Err(Problem::refused(PortErrorKind::Unsupported, reason));
            }
            // A folder without a manifest may be what a crash left, with parents not durable.
            Found::Absent if parents.is_empty() => parents = all_parents(folders, content)?,
            Found::Absent | Found::Manifest(_) | Found::Broken(_) => {}
        }
        Ok(Self {
            content,
            lock,
            parents,
            before,
            draft: None,
            installed: false,
            done: Vec::new(),
        })
    }

    fn place(&mut self, folders: &Folders, job: Job) -> Step<()> {
        if let Some(name) = &job.name {
            staging::prove(folders, &job.file, name)?;
        }
        let kind = job.entry.kind.folder();
        let (folder, _) =
            tree::made_folder_in(self.lock.folder(), kind).during("make a kind's folder")?;
        let stranger = QuarantineName {
            content: self.content,
            stem: format!("{}.{}", job.entry.kind, job.entry.variant),
            extension: job.entry.format.as_str(),
        };
        let unplaced = Unplaced {
            file: &job.file,
            name: job.name.as_deref(),
        };
        let placed = placing::place(
            folders,
            unplaced,
            job.sealed,
            job.replaces,
            (folder.as_fd(), &job.file_name()),
            &stranger,
        )?;
        self.done.push(Done {
            job,
            folder,
            placed,
        });
        Ok(())
    }

    fn draft_manifest(&mut self, folders: &Folders) -> Step<()> {
        let old = match &self.before {
            Found::Manifest(manifest) => Some(manifest),
            Found::Absent | Found::Broken(_) | Found::Newer(_) => None,
        };
        let mut new = old
            .cloned()
            .unwrap_or_else(|| Manifest::empty(self.content));
        for Done { job, placed, .. } in &self.done {
            if let Some((size, digest)) = job.source {
                new.source_size = Some(size);
                new.source_blake3 = Some(digest);
            }
            let said = new.entry(&job.entry.kind, &job.entry.variant);
            let unchanged = *placed == Placed::AlreadyThere
                && said.is_some_and(|said| {
                    said.format == job.entry.format && said.blake3 == job.sealed.1
                });
            if !unchanged {
                new.set(job.entry.clone());
            }
        }
        if old != Some(&new) {
            self.draft = Some(manifest_file::draft(folders, &new)?);
        }
        Ok(())
    }

    /// Whether a manifest will be replaced whose lines are acknowledged already.
    pub(crate) fn replaces_manifest(&self) -> bool {
        self.draft.is_some() && matches!(self.before, Found::Manifest(_))
    }

    /// Syncs what has to be durable before the manifest says so: names, parents, the draft.
    pub(crate) fn sync_before(&self, folders: &Folders) -> Step<()> {
        let set_aside = |done: &Done| matches!(done.placed, Placed::SetAside { .. });
        if self.done.iter().any(set_aside) {
            let quarantine = folders.quarantine();
            let synced = quarantine.and_then(|folder| folders.syncer.folder(folder.as_fd()));
            synced.during("sync the quarantine folder")?;
        }
        let kinds = self.done.iter().map(|done| done.folder.as_fd());
        for folder in kinds.chain(self.parents.iter().map(AsFd::as_fd)) {
            folders.syncer.folder(folder).during("sync a folder")?;
        }
        self.draft
            .as_ref()
            .map_or(Ok(()), |draft| draft.sync(folders))
    }

    /// Puts the manifest in its place, and the sums beside it.
    pub(crate) fn install(&mut self, folders: &Folders) -> Step<()> {
        if let Some(draft) = &self.draft {
            let (folder, content) = (self.lock.folder(), self.content);
            let over_stranger = matches!(self.before, Found::Broken(_));
            draft.put(folders, folder, content, over_stranger)?;
            // From here on there is something to restore, also when the sums cannot follow.
            self.installed = true;
            draft.put_sums(folders, folder, content)?;
        }
        self.draft = None;
        Ok(())
    }

    /// Syncs the names of the manifest and of the kinds' folders.
    pub(crate) fn sync_after(&self, folders: &Folders) -> Step<()> {
        let folder = self.lock.folder();
        folders.syncer.folder(folder).during("sync a folder")
    }

    /// Removes what only an undo needed. What cannot be removed is swept at the next open.
    pub(crate) fn finish(self, folders: &Folders) {
        for Done { job, placed, .. } in &self.done {
            let left = match placed {
                Placed::AlreadyThere => job.name.as_deref(),
                Placed::Replaced { old } => Some(old.as_str()),
                Placed::New | Placed::SetAside { .. } => None,
            };
            if let Some(name) = left
                && let Ok(staging) = folders.staging()
            {
                let none = rustix::fs::AtFlags::empty();
                let _ = rustix::fs::unlinkat(staging, name, none);
            }
        }
    }

    /// Undoes everything and reports every publication as failed. What cannot be undone is whole
    /// and sealed, and reconcile adopts it.
    pub(crate) fn take_back(self, folders: &Folders, problem: &Problem, failures: &mut Failures) {
        let report = |undone: Step<()>| {
            if let Err(error) = undone {
                tracing::warn!(content = %self.content, %error, "could not undo a publication");
            }
        };
        if self.installed {
            let folder = self.lock.folder();
            report(manifest_file::restore(
                folders,
                folder,
                self.content,
                &self.before,
            ));
        }
        if let Some(draft) = &self.draft {
            draft.discard(folders);
        }
        for done in self.done.iter().rev() {
            let place = (done.folder.as_fd(), &*done.job.file_name());
            report(placing::take_back(folders, &done.placed, place));
            failures.push((done.job.index, problem.clone()));
        }
    }
}

/// Locks a content's folder, made if need be, and opens the folders whose entries are new by that.
pub(crate) fn locked_folder(folders: &Folders, content: ContentUuid) -> Step<(Lock, Vec<OwnedFd>)> {
    loop {
        let (folder, parents) = content_folder(folders, content)?;
        let lock = Lock::take(folder)?;
        // Else its last sidecar, and so the folder, was deleted while this waited for its turn.
        if !lock.is_of_nothing()? {
            return Ok((lock, parents));
        }
    }
}

/// Opens a content's folder, made if need be, and the folders whose entries are new by that.
fn content_folder(folders: &Folders, content: ContentUuid) -> Step<(OwnedFd, Vec<OwnedFd>)> {
    let path = layout::content_folder(content);
    let there = folders.tree.open_folder(path.as_str());
    if let Some(folder) = there.during("open a content's folder")? {
        return Ok((folder, Vec::new()));
    }
    let mut parents = Vec::new();
    let mut here = folders
        .tree
        .root()
        .try_clone_to_owned()
        .during("hold a folder")?;
    for part in path.parts() {
        let (next, new) =
            tree::made_folder_in(here.as_fd(), part).during("make a content's folder")?;
        if new {
            parents.push(here);
        }
        here = next;
    }
    Ok((here, parents))
}

/// The folders above a content's.
fn all_parents(folders: &Folders, content: ContentUuid) -> Step<Vec<OwnedFd>> {
    let (h0, h1) = layout::shard(content);
    let root = folders.tree.root().try_clone_to_owned();
    let mut parents = vec![root.during("hold a folder")?];
    let paths = [
        CONTENT_ROOT.to_owned(),
        format!("{CONTENT_ROOT}/{h0}"),
        format!("{CONTENT_ROOT}/{h0}/{h1}"),
    ];
    for path in paths {
        parents.extend(
            folders
                .tree
                .open_folder(&path)
                .during("open a content's parent")?,
        );
    }
    Ok(parents)
}
