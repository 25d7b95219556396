//! Hearing of changes to files as they happen.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::PortResult;

/// Tells what changes below folders, soon after it does. It never tells what a file holds; whoever
/// hears of a path looks at it. Changes are told late rather than not at all, and too often rather
/// than too seldom.
///
/// # Contract
/// - After `watch` answered, a file that is made, written, renamed or removed below a root is told.
/// - A folder that was filled elsewhere is told when it moves below a root, and so is what happens in it from then on.
/// - A folder that moves is told at both ends, and what happens in it afterwards by its new path.
/// - A change is told by the path of what changed or of a folder above it, absolute and without links.
/// - Many changes of one file that nobody has heard of yet are told once.
/// - Reading files and folders tells nothing.
/// - What is excluded, and what lies in a hidden folder, is not told; the latter unless it is asked for.
/// - A root that goes away is told as lost, and as found when it is there again; then it is watched as before.
/// - A root that is not there when the watch begins is told as found once it is there.
/// - When more happens than is kept, that something was missed is told with the root.
/// - A `next` that is dropped loses nothing.
/// - `coverage` counts each folder below a root as watched or as swept.
#[async_trait]
pub trait Watcher: Send + Sync {
    /// Begins to watch, until what it answers is dropped.
    ///
    /// # Errors
    /// `Unavailable` when the system has no more to give, and says what to raise; otherwise when
    /// it fails. A root that is not there is no error.
    async fn watch(&self, request: &WatchRequest) -> PortResult<Box<dyn Watch>>;
}

/// A watch that goes on.
#[async_trait]
pub trait Watch: Send + Sync {
    /// Waits until something changed, and answers all that did since the last time. What is told
    /// may be told again.
    ///
    /// # Errors
    /// `Unexpected` when nothing will be told any more.
    async fn next(&mut self) -> PortResult<Vec<Change>>;

    /// How the roots are watched now, in the order of the request.
    fn coverage(&self) -> Vec<Coverage>;
}

/// What to watch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WatchRequest {
    /// Folders to watch with all below them.
    pub roots: Vec<PathBuf>,
    /// Also look into folders whose name begins with a dot.
    pub hidden: bool,
    /// Folders to leave out wherever they are met.
    pub excluded: Vec<PathBuf>,
}

/// Something to look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Change {
    /// Something came, changed or went here. Where a folder is or was, whatever is below it may
    /// have changed as well.
    Changed(PathBuf),
    /// More may have changed at or below this root than was told.
    Missed(PathBuf),
    /// This root, as it was asked for, cannot be watched now: it is not there.
    Lost(PathBuf),
    /// This root is watched again; anything may have changed meanwhile.
    Found(PathBuf),
}

impl Change {
    /// Which path it is about.
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::Changed(path) | Self::Missed(path) | Self::Lost(path) | Self::Found(path) => path,
        }
    }
}

/// How one root is watched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// The root, as it was asked for.
    pub root: PathBuf,
    /// Whether it is there.
    pub is_there: bool,
    /// Folders whose changes are told by the system at once.
    pub watched: u64,
    /// Folders beyond what the system lets be watched: looked at every so often.
    pub swept: u64,
    /// Why all of its folders are looked at every so often, in a word such as `nfs`.
    pub polled: Option<String>,
}
