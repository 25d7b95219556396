//! The port, implemented: each method hands blocking work to a thread that may block.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use vss_core::{ContentUuid, Format, SidecarKey, layout};
use vss_ports::{
    Amendment, FileStamp, LocalFile, PortErrorKind, PortResult, Publication, ScannedContent,
    ScannedStranger, Sealed, Staged, Vault,
};

use crate::content_work::Job;
use crate::durability::Durability;
use crate::folders::Folders;
use crate::problem::{During, Problem, Step};
use crate::publish::{TOGETHER, publish};
use crate::{amend, quarantine, remove, scan, staging, tree};

/// How a vault is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FsVaultOptions {
    /// How much is made durable before a call returns.
    pub durability: Durability,
    /// Whether files that were staged and never published are removed. Only for whoever holds the
    /// library's lock: another process' staged files would be gone as well.
    pub sweep: bool,
    /// Whether to keep to what every Unix has: named staging files, paths walked part by part,
    /// links and renames instead of exchanges. What a system lacks is always done this way; to do
    /// everything this way is for tests and for file systems that claim more than they keep.
    pub portable: bool,
}

/// A vault in a folder of a file system. Cloning it is cheap and opens nothing.
#[derive(Clone)]
pub struct FsVault(Arc<Folders>);

impl FsVault {
    /// Opens the vault in a folder, `{library}/sidecars`.
    ///
    /// # Errors
    /// `Rejected` when there is no such folder; `Unavailable` or `Full` when what is missing in it
    /// cannot be made.
    pub fn open(root: &Path, options: FsVaultOptions) -> PortResult<Self> {
        let opened = Folders::open(root, options);
        let operation = || format!("open the vault {}", root.display());
        opened
            .map(|folders| Self(Arc::new(folders)))
            .map_err(|problem| problem.during(operation()))
    }

    /// Makes the folder, unless it is there, and opens the vault in it.
    ///
    /// # Errors
    /// When it cannot be made, and those of [`FsVault::open`].
    pub fn create(root: &Path, options: FsVaultOptions) -> PortResult<Self> {
        let operation = || format!("make the vault {}", root.display());
        Folders::create(root).map_err(|problem| problem.during(operation()))?;
        Self::open(root, options)
    }

    #[cfg(test)]
    pub(crate) fn folders(&self) -> &Folders {
        &self.0
    }

    /// Runs blocking work where it may block. The work goes on when the caller is cancelled, so
    /// that no step is left half done.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Step<T> + Send + 'static,
    ) -> Step<T> {
        let folders = Arc::clone(&self.0);
        let ended = tokio::task::spawn_blocking(move || work(&folders)).await;
        ended.unwrap_or_else(|died| {
            Err(Problem::refused(
                PortErrorKind::Unexpected,
                died.to_string(),
            ))
        })
    }
}

/// Takes a publication over; `sealed` stays the caller's.
pub(crate) fn job_of(index: usize, publication: &Publication) -> Step<Job> {
    let Publication { entry, sealed, .. } = publication;
    if (entry.size, entry.blake3) != (sealed.size, sealed.digest) {
        let reason = "the manifest entry is not that of the sealed file";
        return Err(Problem::refused(PortErrorKind::Rejected, reason));
    }
    Ok(Job {
        index,
        content: publication.content,
        entry: entry.clone(),
        source: publication.source,
        file: hold(&sealed.staged.file)?,
        name: sealed.staged.name.clone(),
        sealed: (sealed.size, sealed.digest),
        replaces: publication.replaces,
    })
}

fn hold(file: &File) -> Step<File> {
    file.try_clone().during("hold a staged file")
}

#[async_trait]
impl Vault for FsVault {
    fn locate(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<LocalFile>> {
        let path = layout::sidecar_path(key, format);
        let found = self.0.tree.look(path.as_str()).during("look at a file");
        let found = found.map_err(|problem| problem.during(format!("locate {path}")))?;
        Ok(found
            .filter(|stat| tree::is_regular(stat) && tree::size_of(stat) > 0)
            .map(|stat| LocalFile {
                path: self.0.path.join(path.as_str()),
                size: tree::size_of(&stat),
                stamp: tree::stamp_of(&stat),
            }))
    }

    async fn open(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<File>> {
        let path = layout::sidecar_path(key, format);
        let operation = format!("open {path}");
        let opened = self.run(move |folders| {
            let file = folders
                .tree
                .open_file(path.as_str())
                .during("open a file")?;
            match file {
                Some(file) if file.metadata().during("look at a file")?.len() > 0 => Ok(Some(file)),
                Some(_) | None => Ok(None),
            }
        });
        opened.await.map_err(|problem| problem.during(operation))
    }

    async fn stage(&self) -> PortResult<Staged> {
        let staged = self.run(staging::stage).await;
        staged.map_err(|problem| problem.during("stage a file"))
    }

    async fn seal(&self, staged: Staged) -> PortResult<Sealed> {
        let sealed = self
            .run(move |folders| staging::seal(folders, staged))
            .await;
        sealed.map_err(|problem| problem.during("seal a staged file"))
    }

    async fn settle(&self, sealed: &[&Sealed]) -> PortResult<()> {
        let fail = |problem: Problem| problem.during("settle staged files");
        for together in sealed.chunks(TOGETHER) {
            let files = together.iter().map(|sealed| hold(&sealed.staged.file));
            let files = files.collect::<Step<Vec<File>>>().map_err(fail)?;
            let settled = self
                .run(move |folders| staging::settle(folders, &files))
                .await;
            settled.map_err(fail)?;
        }
        Ok(())
    }

    async fn publish(&self, batch: &[&Publication]) -> Vec<PortResult<()>> {
        let mut results: Vec<PortResult<()>> = batch.iter().map(|_| Ok(())).collect();
        let mut fail = |index: usize, problem: Problem| {
            if let (Some(publication), Some(result)) = (batch.get(index), results.get_mut(index)) {
                let Publication { content, entry, .. } = publication;
                let key = SidecarKey::new(*content, entry.kind.clone(), entry.variant.clone());
                let path = layout::sidecar_path(&key, &entry.format);
                *result = Err(problem.during(format!("publish {path}")));
            }
        };
        let indices: Vec<usize> = (0..batch.len()).collect();
        for together in indices.chunks(TOGETHER) {
            let mut jobs = Vec::with_capacity(together.len());
            for (index, publication) in together.iter().filter_map(|i| Some((*i, batch.get(*i)?))) {
                match job_of(index, publication) {
                    Ok(job) => jobs.push(job),
                    Err(problem) => fail(index, problem),
                }
            }
            let handed: Vec<usize> = jobs.iter().map(|job| job.index).collect();
            let published = self.run(move |folders| Ok(publish(folders, jobs))).await;
            let failures = published.unwrap_or_else(|problem| {
                let each = |index: &usize| (*index, problem.clone());
                handed.iter().map(each).collect()
            });
            for (index, problem) in failures {
                fail(index, problem);
            }
        }
        results
    }

    async fn scan(
        &self,
        after: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ScannedContent>> {
        let scanned = self.run(move |folders| scan::scan(folders, after, limit));
        let scanned = scanned.await;
        scanned.map_err(|problem| problem.during("scan the vault"))
    }

    async fn inspect(&self, contents: &[ContentUuid]) -> PortResult<Vec<ScannedContent>> {
        let mut contents = contents.to_vec();
        contents.sort_unstable();
        contents.dedup();
        let inspected = self.run(move |folders| scan::inspect(folders, &contents));
        let inspected = inspected.await;
        inspected.map_err(|problem| problem.during("inspect contents in the vault"))
    }

    async fn strays(&self, limit: usize) -> PortResult<Vec<ScannedStranger>> {
        let found = self.run(move |folders| scan::strays(folders, limit)).await;
        found.map_err(|problem| problem.during("look for strays in the vault"))
    }

    async fn quarantine(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<PathBuf>> {
        let operation = format!("quarantine {}", layout::sidecar_path(key, format));
        let (key, format) = (key.clone(), format.clone());
        let moved = self.run(move |folders| quarantine::quarantine(folders, &key, &format));
        moved.await.map_err(|problem| problem.during(operation))
    }

    async fn remove(
        &self,
        key: &SidecarKey,
        format: &Format,
        only: Option<FileStamp>,
    ) -> PortResult<bool> {
        let operation = format!("delete {}", layout::sidecar_path(key, format));
        let (key, format) = (key.clone(), format.clone());
        let removed = self.run(move |folders| remove::remove(folders, &key, &format, only));
        removed.await.map_err(|problem| problem.during(operation))
    }

    async fn amend(&self, content: ContentUuid, amendment: &Amendment) -> PortResult<bool> {
        let operation = format!("amend {}", layout::manifest_path(content));
        let amendment = amendment.clone();
        let amended = self.run(move |folders| amend::amend(folders, content, &amendment));
        amended.await.map_err(|problem| problem.during(operation))
    }
}
