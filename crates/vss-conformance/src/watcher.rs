//! The contract of Watcher as checks. They change files below a folder, on a disk or as if on one,
//! and listen.
#![expect(
    clippy::disallowed_methods,
    reason = "the checks are the user whose files change, and wait in the machine's time"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;
use vss_ports::Watcher;

use crate::{Check, check, trials_of};

mod disk;
mod ear;
mod hearing;
mod roots;

pub use disk::Disk;
use hearing::{
    a_change_is_told_without_links, a_dropped_next_loses_nothing,
    a_folder_that_moves_in_is_told_and_watched, a_folder_that_moves_is_told_at_both_ends,
    changes_of_one_file_are_told_once, more_than_is_kept_is_told_as_missed, reading_tells_nothing,
    what_happens_to_files_is_told, what_is_left_out_is_not_told,
};
use roots::{
    a_root_that_goes_away_is_lost_and_found, a_root_that_is_not_there_is_found_once_it_is,
    coverage_counts_every_folder,
};

/// Paths of a root that a cramped watcher keeps.
pub const KEPT: usize = 16;

/// Makes folders to watch.
pub trait WatcherHarness: Send + Sync {
    /// An empty folder with a watcher, which keeps [`KEPT`] paths of a root when it is `cramped`
    /// and more than a thousand otherwise.
    fn fresh(&self, cramped: bool) -> Box<dyn Ground>;
}

/// A folder in which things happen.
pub trait Ground: Send + Sync {
    /// Who watches.
    fn watcher(&self) -> Arc<dyn Watcher>;

    /// The folder, absolute and without links.
    fn top(&self) -> PathBuf;

    /// The same folder through a link. The capability to have links.
    fn link(&self) -> Option<PathBuf>;

    /// Writes a file, whose folder is there.
    fn write(&self, file: &Path, bytes: &[u8]);

    /// Reads a file and the names in its folder.
    fn read(&self, file: &Path);

    /// Makes a folder and those it is in.
    fn make(&self, folder: &Path);

    /// Renames a file or folder.
    fn rename(&self, from: &Path, to: &Path);

    /// Removes a file, or a folder with all in it.
    fn remove(&self, path: &Path);
}

const CHECKS: &[Check<dyn WatcherHarness>] = &[
    check!(what_happens_to_files_is_told),
    check!(a_folder_that_moves_in_is_told_and_watched),
    check!(a_folder_that_moves_is_told_at_both_ends),
    check!(a_change_is_told_without_links),
    check!(changes_of_one_file_are_told_once),
    check!(reading_tells_nothing),
    check!(what_is_left_out_is_not_told),
    check!(a_root_that_goes_away_is_lost_and_found),
    check!(a_root_that_is_not_there_is_found_once_it_is),
    check!(more_than_is_kept_is_told_as_missed),
    check!(a_dropped_next_loses_nothing),
    check!(coverage_counts_every_folder),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn WatcherHarness>) -> Vec<Trial> {
    trials_of("watcher", adapter, &harness, CHECKS)
}
