//! Walks the roots and hands on what it meets in batches, so that no folder is ever held whole.
//!
//! Links are not followed, so there are no loops. What is left out is not looked into. The thread
//! that walks stops when nobody takes its batches any more.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::Gitignore;
use tokio::sync::mpsc::Sender;
use vss_ports::RefreshProblem;
use walkdir::{DirEntry, WalkDir};

use crate::original::{FileStat, Found, io_problem};
use crate::roots::Plan;
use crate::rules;

/// Files in a batch. Each batch is one look-up and one transaction.
pub(crate) const BATCH: usize = 1_000;
/// Folders that may be open at once on the way down; beyond that, walkdir reads one to its end.
const OPEN_FOLDERS: usize = 64;

/// A part of what a walk met.
#[derive(Default, Debug)]
pub(crate) struct Batch {
    /// Regular files.
    pub(crate) files: Vec<Found>,
    /// What could not be looked at.
    pub(crate) problems: Vec<RefreshProblem>,
    /// Folders, and files, below which nothing may be taken for gone.
    pub(crate) unread: Vec<PathBuf>,
    /// What was left out.
    pub(crate) ignored: u64,
}

/// Nobody listens any more.
struct Unheard;

/// A folder on the way from the root to where the walk is.
struct Folder {
    path: Arc<Path>,
    rules: Option<Gitignore>,
    /// It was said that what is in it may not be looked at.
    unsearchable: bool,
}

struct Walker<'a> {
    plan: &'a Plan,
    batches: &'a Sender<Batch>,
    batch: Batch,
    /// From a root to where the walk is.
    folders: Vec<Folder>,
    /// How many of them lie above the place where the walk began.
    above: usize,
}

/// Walks all roots, or the places in them. Blocks; runs on a thread of its own.
pub(crate) fn walk(plan: &Plan, batches: &Sender<Batch>) {
    let mut walker = Walker {
        plan,
        batches,
        batch: Batch::default(),
        folders: Vec::new(),
        above: 0,
    };
    let walked = match &plan.places {
        None => plan
            .roots
            .iter()
            .try_for_each(|root| walker.root(&root.path)),
        Some(places) => places
            .iter()
            .try_for_each(|(place, root)| walker.place(place, root)),
    };
    let walked = walked.and_then(|()| walker.flush());
    // Whoever asked for the walk has gone: there is nobody left to tell.
    drop(walked);
}

impl Walker<'_> {
    fn root(&mut self, root: &Path) -> Result<(), Unheard> {
        self.folders.clear();
        self.descend(root)
    }

    /// Looks at one place. The folders on the way have a say, as they had on the way from the root;
    /// where one of them leads elsewhere or is left out, nothing is at the place.
    fn place(&mut self, place: &Path, root: &Path) -> Result<(), Unheard> {
        if place == root {
            return self.root(root);
        }
        let parent = place.parent().unwrap_or(root);
        if self.folders.first().is_none_or(|top| *top.path != *root) {
            self.folders.clear();
        }
        while self
            .folders
            .last()
            .is_some_and(|last| !parent.starts_with(&last.path))
        {
            self.folders.pop();
        }
        let entered = self.folders.len();
        let mut way: Vec<&Path> = parent
            .ancestors()
            .take_while(|part| part.starts_with(root))
            .collect();
        way.reverse();
        for folder in way.into_iter().skip(entered) {
            match folder.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Ok(()),
                Err(error) => {
                    if !is_absence(&error) {
                        self.unreadable(folder.to_path_buf(), &error);
                    }
                    return Ok(());
                }
            }
            match self.enter(folder, folder == root) {
                Some(entered) => self.folders.push(entered),
                None => return Ok(()),
            }
        }
        self.descend(place)
    }

    fn descend(&mut self, top: &Path) -> Result<(), Unheard> {
        self.above = self.folders.len();
        let mut steps = WalkDir::new(top)
            .follow_links(false)
            .follow_root_links(false)
            .max_open(OPEN_FOLDERS)
            .into_iter();
        while let Some(step) = steps.next() {
            match step {
                Ok(entry) => {
                    self.folders.truncate(self.above + entry.depth());
                    let is_root = self.folders.is_empty();
                    if entry.file_type().is_dir() {
                        match self.enter(entry.path(), is_root) {
                            Some(folder) => self.folders.push(folder),
                            None => steps.skip_current_dir(),
                        }
                    } else if entry.file_type().is_file()
                        && (is_root || !self.leaves_out_file(&entry))
                    {
                        self.file(&entry);
                    } else {
                        self.batch.ignored += 1;
                    }
                }
                Err(error) => self.failed(&error),
            }
            if self.batch.files.len() >= BATCH || self.batch.problems.len() >= BATCH {
                self.flush()?;
            }
        }
        self.folders.truncate(self.above);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Unheard> {
        let batch = std::mem::take(&mut self.batch);
        self.batches.blocking_send(batch).map_err(|_| Unheard)
    }

    /// Decides whether to look into a folder. A root was asked for by name: only what is below it
    /// is subject to rules.
    fn enter(&mut self, path: &Path, is_root: bool) -> Option<Folder> {
        if !is_root {
            if self.plan.is_root(path) {
                return None;
            }
            let name = path.file_name().unwrap_or_default();
            if (rules::is_hidden(name) && !self.plan.hidden)
                || rules::is_foreign(name)
                || self.plan.excluded.contains(path)
                || self.is_ignored(path, true)
                || rules::declines(path)
            {
                self.batch.ignored += 1;
                return None;
            }
        }
        let rules = match rules::patterns(path) {
            Ok(None) => None,
            Ok(Some((rules, problems))) => {
                self.batch.problems.extend(problems);
                Some(rules)
            }
            Err(problem) => {
                self.batch.problems.push(problem);
                self.batch.unread.push(path.to_path_buf());
                return None;
            }
        };
        Some(Folder {
            path: path.into(),
            rules,
            unsearchable: false,
        })
    }

    fn leaves_out_file(&self, entry: &DirEntry) -> bool {
        let name = entry.file_name();
        name == rules::IGNORE_FILE
            || (rules::is_hidden(name) && !self.plan.hidden)
            || (self.plan.has_file_roots && self.plan.is_root(entry.path()))
            || self.is_ignored(entry.path(), false)
    }

    /// The nearest patterns that say anything decide, as in git.
    fn is_ignored(&self, path: &Path, is_folder: bool) -> bool {
        self.folders
            .iter()
            .rev()
            .filter_map(|folder| folder.rules.as_ref())
            .find_map(|rules| match rules.matched(path, is_folder) {
                Match::None => None,
                Match::Ignore(_) => Some(true),
                Match::Whitelist(_) => Some(false),
            })
            .unwrap_or(false)
    }

    fn file(&mut self, entry: &DirEntry) {
        let metadata = match entry.metadata() {
            // Another thing took its place since the folder was read.
            Ok(metadata) if !metadata.is_file() => {
                self.batch.ignored += 1;
                return;
            }
            Ok(metadata) => metadata,
            Err(error) => return self.unstattable(entry, &io_error(&error)),
        };
        let directory = match self.folders.last() {
            Some(folder) => Arc::clone(&folder.path),
            // A root that is a file: its folder was not entered.
            None => entry.path().parent().unwrap_or(Path::new("/")).into(),
        };
        self.batch.files.push(Found {
            directory,
            name: entry.file_name().to_owned(),
            stat: FileStat::of(&metadata),
        });
    }

    /// A name that cannot be looked at. Where the folder may be listed but not searched, that is
    /// one problem of the folder, not one a file.
    fn unstattable(&mut self, entry: &DirEntry, error: &io::Error) {
        match error.kind() {
            // Removed since the folder was read: it is just not there.
            io::ErrorKind::NotFound => {}
            io::ErrorKind::PermissionDenied => {
                if let Some(folder) = self.folders.last_mut()
                    && !std::mem::replace(&mut folder.unsearchable, true)
                {
                    let path = folder.path.to_path_buf();
                    self.unreadable(path, error);
                }
            }
            _ => self.unreadable(entry.path().to_path_buf(), error),
        }
    }

    /// A folder that cannot be opened, or read to its end.
    fn failed(&mut self, error: &walkdir::Error) {
        // Without a path, reading on in the folder failed, which is one level up.
        let path = match error.path() {
            Some(path) => path.to_path_buf(),
            None => {
                self.folders.truncate(self.above + error.depth());
                match self.folders.last() {
                    Some(folder) => folder.path.to_path_buf(),
                    None => return,
                }
            }
        };
        let error = io_error(error);
        // Only a root stays protected when it is gone: it may be a disk that was pulled out.
        match is_absence(&error) && !self.plan.is_root(&path) {
            true => {}
            false => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: PathBuf, error: &io::Error) {
        let (class, detail) = io_problem(error);
        self.batch.unread.push(path.clone());
        self.batch.problems.push(RefreshProblem {
            path,
            class,
            detail: format!("{detail}; what is known below it is kept"),
        });
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn io_error(error: &walkdir::Error) -> io::Error {
    match error.io_error() {
        Some(cause) => match cause.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(cause.kind(), cause.to_string()),
        },
        // Links are not followed, so that there is no loop to find.
        None => io::Error::other(error.to_string()),
    }
}

/// Paths that could not be read, to ask whether another lies below one.
#[derive(Default)]
pub(crate) struct Unreadable(HashSet<PathBuf>);

impl Unreadable {
    pub(crate) fn extend(&mut self, paths: Vec<PathBuf>) {
        self.0.extend(paths);
    }

    /// Whether nothing can be said about a path.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        !self.0.is_empty() && path.ancestors().any(|part| self.0.contains(part))
    }
}
