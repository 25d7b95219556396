//! Which originals there are, and which content each of them is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vss_core::companion::{self, LiveId};
use vss_core::{ContentUuid, EntryId, MediaType, Timestamp};

use crate::{FileIdentity, PortResult};

/// The originals. A host with an index of its own implements this over it; `refresh` is then
/// `Unsupported`.
///
/// A content has a change number that grows whenever the content is new, has originals again or
/// turns out to be of another media type. Whoever plans remembers how far they got. A folder has
/// one too, of the same row of numbers, that grows whenever a file in it is new, edited, moved or
/// gone.
///
/// # Contract
/// - `refresh` finds each regular file below the roots once and knows its content afterwards.
/// - `refresh` of a folder in which nothing changed hashes nothing.
/// - An edited file has a new content, and the old content loses that original.
/// - A moved or renamed file keeps its content without being hashed again.
/// - A vanished file is no original any more; a content may have none left.
/// - Copies of one file are originals of one content.
/// - An empty file and an unreadable one are reported by path and class, and the rest is indexed.
/// - A folder or a changed file that cannot be read is reported, and what is known of it is kept.
/// - Symbolic links, FIFOs, sockets and devices are never opened.
/// - Excluded folders and hidden files are left out, hidden ones unless they are asked for.
/// - A file that was changed less than the wanted time ago is reported as `changing`, and what is known of it is kept.
/// - `revisit` finds what is new, edited, moved or gone at its places and looks at nothing else.
/// - `revisit` takes a place that is not there for gone with all below it, and keeps everything when the root is not there.
/// - A file that moved between two places of one `revisit`, or from anywhere, stays the same original and is not hashed.
/// - `revisit` leaves out what a `refresh` of its roots does, and forgets what a new rule leaves out.
/// - `revisit` makes no place a location.
/// - `changes` answers contents that have originals in the order of their change number, after the given one, each content once.
/// - A content that comes back after its last original vanished gets a new change number.
/// - `find` answers the known ones among the asked contents, also those without originals.
/// - `page` answers the known contents in the order of their uuid, after the one bound and up to the other, also those without originals.
/// - `find` says when a content lost its last original, as of the refresh that found that, and nothing while it has one.
/// - `locations` answers every root that was looked at, and why one cannot be looked at now.
/// - `originals` answers every place of a content.
/// - `open` answers a whole original whose size and time are those that were hashed, and skips one that changed.
/// - `open` answers `None` when no original of the content can be opened as it was hashed.
/// - `identify` answers what the file at a path is now, by its bytes.
/// - `folders` answers folders with all their entries, in the order of their change number, after the given one, each folder once.
/// - A folder gets a new change number when a file in it is new, edited, moved or gone, and keeps it when nothing is.
/// - What a file says of itself is known of its content, and so of every copy.
/// - `halves` answers every place of the contents that carry one of the identifiers.
/// - `entries` answers the known ones among the asked originals, with where and which file each was when it was hashed.
/// - `open_entry` opens the original at one place as `open` does, and no other copy of it.
/// - `counts` agrees with what was found.
/// - `instance` differs between two catalogs and stays the same over the life of one.
#[async_trait]
pub trait ContentCatalog: Send + Sync {
    /// Names this catalog, so that change numbers of another one are not taken for its.
    ///
    /// # Errors
    /// When the catalog fails.
    async fn instance(&self) -> PortResult<String>;

    /// Looks at everything below the roots (folders or single files) and notes what is new,
    /// changed, moved or gone. Memory does not grow with the number of files but for one bit each.
    ///
    /// # Errors
    /// `Rejected` when a root is not there, `Unsupported` when something else keeps this catalog;
    /// otherwise when the catalog fails. A file that cannot be read is no error but a problem in
    /// the report.
    async fn refresh(
        &self,
        roots: &[PathBuf],
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport>;

    /// Looks again at single places at or below the roots, as `refresh` of the roots would: at
    /// files, and at folders with all below them, whether they are there or not. Places below none
    /// of the roots are passed over.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    async fn revisit(
        &self,
        revisit: &Revisit,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport>;

    /// Contents with originals that changed after `after`, at most `limit`.
    ///
    /// # Errors
    /// `Corrupt` when a row cannot be read as one; otherwise when the catalog fails.
    async fn changes(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<ContentRecord>>;

    /// What is known of contents, in no particular order.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn find(&self, contents: &[ContentUuid]) -> PortResult<Vec<ContentRecord>>;

    /// What is known of contents with `after < uuid <= until`, ordered by uuid, of at most `limit`.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentRecord>>;

    /// The roots that were looked at, ordered by path, and whether they are there now.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn locations(&self) -> PortResult<Vec<LocationRecord>>;

    /// Every place of a content, ordered by path.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn originals(&self, content: ContentUuid) -> PortResult<Vec<OriginalRecord>>;

    /// Opens an original of a content for reading.
    ///
    /// # Errors
    /// When the catalog fails.
    async fn open(&self, content: ContentUuid) -> PortResult<Option<OpenOriginal>>;

    /// What the file at a path is. Reads at most 100 KiB of it; `None` when it is empty.
    ///
    /// # Errors
    /// `Rejected` when there is no readable regular file.
    async fn identify(&self, path: &Path) -> PortResult<Option<Identified>>;

    /// Folders that changed after `after` and still hold originals, at most `limit`.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn folders(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<FolderRecord>>;

    /// Every place of the contents that carry one of these identifiers of Live Photos, in no
    /// particular order.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn halves(&self, ids: &[LiveId]) -> PortResult<Vec<HalfRecord>>;

    /// What is known of originals at their places, in no particular order.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn entries(&self, entries: &[EntryId]) -> PortResult<Vec<EntryRecord>>;

    /// Opens the original at one place for reading; `None` when it is not there as it was hashed.
    ///
    /// # Errors
    /// When the catalog fails.
    async fn open_entry(&self, entry: EntryId) -> PortResult<Option<OpenOriginal>>;

    /// How much there is.
    ///
    /// # Errors
    /// When the catalog fails.
    async fn counts(&self) -> PortResult<CatalogCounts>;
}

/// A change number. Zero is before every change.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ChangeSeq(pub i64);

/// What is known of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentRecord {
    /// The content.
    pub content: ContentUuid,
    /// Its last change number.
    pub seq: ChangeSeq,
    /// Its size in bytes.
    pub size: u64,
    /// What it is, by its bytes; by its name only where its bytes say nothing.
    pub media_type: MediaType,
    /// How many originals it has.
    pub originals: u64,
    /// Since when it has none, if it has none and that is known.
    pub lost_at: Option<Timestamp>,
}

/// A root that was looked at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocationRecord {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Why it cannot be looked at now, for a person. What is known of it is not to be taken for
    /// gone then.
    pub missing: Option<String>,
}

/// One place of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalRecord {
    /// The catalog's name for it.
    pub entry: EntryId,
    /// Where it is, absolute, in the bytes the file system uses.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// A folder with the originals in it; what is in folders below is theirs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderRecord {
    /// Its last change number.
    pub seq: ChangeSeq,
    /// Where it is, absolute.
    pub path: PathBuf,
    /// The root below which it was found, the nearest of several; itself where only files in it
    /// were roots.
    pub location: PathBuf,
    /// Its originals, with what they say of themselves.
    pub entries: Vec<companion::Entry>,
}

/// One place of one half of a Live Photo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HalfRecord {
    /// The folder.
    pub path: PathBuf,
    /// As that of a [`FolderRecord`].
    pub location: PathBuf,
    /// The original.
    pub entry: companion::Entry,
}

/// What is known of an original at its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryRecord {
    /// The catalog's name for it, its content, its name and what it says of itself.
    pub entry: companion::Entry,
    /// Where it is, absolute.
    pub path: PathBuf,
    /// As that of a [`FolderRecord`].
    pub location: PathBuf,
    /// Which file it was when it was hashed.
    pub identity: FileIdentity,
}

/// An original, open for reading.
#[derive(Debug)]
pub struct OpenOriginal {
    /// The file, opened for reading only.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub media_type: MediaType,
    /// Where it is, to name it to a person.
    pub path: PathBuf,
    /// The catalog's name for it.
    pub entry: EntryId,
}

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identified {
    /// Its content.
    pub content: ContentUuid,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: MediaType,
}

/// How much a catalog holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CatalogCounts {
    /// Contents with at least one original.
    pub contents: u64,
    /// Originals.
    pub originals: u64,
    /// Folders that hold originals.
    pub folders: u64,
}

/// What to look at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RefreshOptions {
    /// Also files and folders whose name begins with a dot.
    pub hidden: bool,
    /// Folders to leave out wherever they are met: our own library.
    pub excluded: Vec<PathBuf>,
    /// A file that was changed less than this ago may still be on its way here: it is left for
    /// later. One from the future is not waited for.
    pub still_for: Duration,
}

/// Places to look at again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Revisit {
    /// Folders that were or could be looked at whole. They say which rules there are.
    pub roots: Vec<PathBuf>,
    /// Absolute paths without links, or roots as they are given.
    pub places: Vec<PathBuf>,
}

/// Hears how a refresh goes on.
pub trait RefreshObserver: Send + Sync {
    /// So many files were seen, of which so many were hashed.
    fn progress(&self, files: u64, hashed: u64);

    /// A file or folder that could not be indexed.
    fn problem(&self, problem: RefreshProblem);
}

/// A file or folder that could not be indexed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshProblem {
    /// Which.
    pub path: PathBuf,
    /// A word for scripts: `empty`, `permission`, `vanished`, `changing`, `io`, `loop`, `unmounted`
    /// for a folder whose disk is not there, or `rule` for a line of a `.vssignore` that is no
    /// pattern.
    pub class: &'static str,
    /// For a person, with what to do.
    pub detail: String,
}

/// What a refresh found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RefreshReport {
    /// Regular files that were looked at.
    pub files: u64,
    /// Of these, read and hashed.
    pub hashed: u64,
    /// Of these, known and as they were.
    pub unchanged: u64,
    /// Of these, known under another path.
    pub moved: u64,
    /// Left out by a rule, and what is no regular file.
    pub ignored: u64,
    /// Known before and gone now.
    pub vanished: u64,
    /// Contents that were not known or had no original.
    pub new_contents: u64,
    /// Reported problems.
    pub problems: u64,
}
