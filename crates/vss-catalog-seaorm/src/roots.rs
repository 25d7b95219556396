//! What a refresh was asked to look at, as paths that stay the same however they are written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vss_core::Timestamp;
use vss_ports::{PortError, PortErrorKind, PortResult, RefreshOptions};

use crate::{location, rules};

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
    /// Each root as it was given, and where that is.
    given: HashMap<PathBuf, PathBuf>,
    pub(crate) excluded: HashSet<PathBuf>,
    pub(crate) hidden: bool,
    pub(crate) has_file_roots: bool,
    /// Where to look, each with the root whose rules hold there, in the order of the paths; the
    /// roots themselves when `None`.
    pub(crate) places: Option<Vec<(PathBuf, PathBuf)>>,
    /// Times of change, in nanoseconds since the epoch, at which a file may still be on its way.
    pub(crate) young: Option<RangeInclusive<i64>>,
}

impl Plan {
    /// Resolves the roots. Touches the disk.
    ///
    /// # Errors
    /// `Rejected` when a root is not there, is neither a folder nor a regular file, or lies in
    /// what is excluded.
    pub(crate) fn resolve(
        roots: &[PathBuf],
        options: &RefreshOptions,
        now: Timestamp,
    ) -> PortResult<Self> {
        let excluded: HashSet<PathBuf> = options
            .excluded
            .iter()
            // What is not there cannot be met either.
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        let mut plan = Self {
            roots: Vec::new(),
            paths: HashSet::new(),
            given: HashMap::new(),
            has_file_roots: false,
            hidden: options.hidden,
            excluded,
            places: None,
            young: young(options.still_for, now),
        };
        for path in roots {
            let root = plan.root(path)?;
            plan.has_file_roots |= !root.is_folder;
            plan.given.insert(path.clone(), root.path.clone());
            if plan.paths.insert(root.path.clone()) {
                plan.roots.push(root);
            }
        }
        Ok(plan)
    }

    /// Narrows the look to single places. Those below none of the roots are left out, those below
    /// others are one with them, and a file with rules stands for its folder.
    pub(crate) fn narrow(&mut self, places: &[PathBuf]) {
        let mut wanted: BTreeSet<PathBuf> = BTreeSet::new();
        for place in places {
            let place = self.given.get(place).unwrap_or(place);
            let place = match (rules::is_rule(place), place.parent()) {
                (true, Some(folder)) => folder,
                _ => place.as_path(),
            };
            wanted.insert(place.to_path_buf());
        }
        let below = |root: &&Root| {
            let above = root.path.ancestors().skip(1);
            above.into_iter().any(|part| wanted.contains(part))
        };
        // Walked by themselves, as they are when everything is looked at.
        let inner: Vec<_> = self
            .roots
            .iter()
            .filter(below)
            .map(|root| root.path.clone())
            .collect();
        let mut narrowed: Vec<(PathBuf, PathBuf)> = Vec::new();
        for place in wanted {
            let is_covered = place.ancestors().skip(1).any(|part| {
                let found = narrowed.binary_search_by(|(known, _)| known.as_path().cmp(part));
                found.is_ok() && self.nearest(part) == self.nearest(&place)
            });
            if let Some(root) = self.nearest(&place)
                && !is_covered
            {
                let root = root.to_path_buf();
                narrowed.push((place, root));
            }
        }
        narrowed.extend(inner.into_iter().map(|root| (root.clone(), root)));
        narrowed.sort();
        narrowed.dedup();
        self.places = Some(narrowed);
    }

    /// The innermost root that a path is at or below.
    fn nearest<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.ancestors().find(|part| self.paths.contains(*part))
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

/// Times at which a file was changed less than `still_for` ago. None from the future: its clock is
/// another one, and may stay ahead for ever.
fn young(still_for: Duration, now: Timestamp) -> Option<RangeInclusive<i64>> {
    let span = i64::try_from(still_for.as_nanos()).unwrap_or(i64::MAX);
    let now = now.as_millis().saturating_mul(1_000_000);
    // The clock says whole milliseconds.
    (span > 0).then(|| now.saturating_sub(span).saturating_add(1)..=now.saturating_add(999_999))
}
