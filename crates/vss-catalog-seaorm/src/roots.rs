//! What a refresh was asked to look at, as paths that stay the same however they are written.

use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use vss_ports::{PortError, PortErrorKind, PortResult, RefreshOptions};

use crate::location;

/// A folder or a file to look at.
#[derive(Debug)]
pub(crate) struct Root {
    /// Absolute, no component of it a link.
    pub(crate) path: PathBuf,
    pub(crate) is_folder: bool,
    /// A folder without anything in it, as the place where a disk is mounted is without the disk.
    pub(crate) is_bare: bool,
    /// The bits of `st_dev`.
    pub(crate) device: i64,
}

/// All roots of a refresh, each once, with what is left out below them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) roots: Vec<Root>,
    paths: HashSet<PathBuf>,
    pub(crate) excluded: HashSet<PathBuf>,
    pub(crate) hidden: bool,
    pub(crate) has_file_roots: bool,
}

impl Plan {
    /// Resolves the roots. Touches the disk.
    ///
    /// # Errors
    /// `Rejected` when a root is not there, is neither a folder nor a regular file, or lies in
    /// what is excluded.
    pub(crate) fn resolve(roots: &[PathBuf], options: &RefreshOptions) -> PortResult<Self> {
        let excluded: HashSet<PathBuf> = options
            .excluded
            .iter()
            // What is not there cannot be met either.
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        let mut plan = Self {
            roots: Vec::new(),
            paths: HashSet::new(),
            has_file_roots: false,
            hidden: options.hidden,
            excluded,
        };
        for path in roots {
            let root = plan.root(path)?;
            plan.has_file_roots |= !root.is_folder;
            if plan.paths.insert(root.path.clone()) {
                plan.roots.push(root);
            }
        }
        Ok(plan)
    }

    /// A root below another root is walked by itself, once.
    pub(crate) fn is_root(&self, path: &Path) -> bool {
        self.paths.contains(path)
    }

    fn root(&self, path: &Path) -> PortResult<Root> {
        let refuse = |cause: String| {
            let operation = format!("look at {}", path.display());
            PortError::new(PortErrorKind::Rejected, operation, cause)
        };
        let absent = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => refuse("it is not there: is its disk mounted?".into()),
            _ => refuse(format!("it cannot be reached: {error}")),
        };
        let resolved = path.canonicalize().map_err(absent)?;
        let metadata: Metadata = resolved.symlink_metadata().map_err(absent)?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(refuse(
                "it is neither a folder nor a regular file: name one".into(),
            ));
        }
        if let Some(excluded) = resolved
            .ancestors()
            .find(|part| self.excluded.contains(*part))
        {
            return Err(refuse(format!(
                "it lies in {}, which is left out: name a folder outside of it",
                excluded.display()
            )));
        }
        let is_bare = metadata.is_dir() && location::is_bare(&resolved);
        Ok(Root {
            is_folder: metadata.is_dir(),
            is_bare,
            device: metadata.dev().cast_signed(),
            path: resolved,
        })
    }
}
