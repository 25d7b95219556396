//! Managed sidecar files: staged, published whole, found again.

use std::fs::File;
use std::path::PathBuf;

use async_trait::async_trait;
use vss_core::reconcile::FoundFile;
use vss_core::{
    ContentUuid, Digest, Format, Kind, Manifest, ManifestEntry, SidecarKey, Timestamp, Variant,
};

use crate::PortResult;

/// Keeps managed sidecars at the place that follows from their key and format
/// ([`vss_core::layout`]), and a manifest beside them.
///
/// # Contract
/// - What is only staged or sealed is neither located, opened nor scanned.
/// - `seal` answers the size and the BLAKE3 of exactly the bytes that were written.
/// - Sealing an empty file is rejected.
/// - After `publish` the file is located and opened with the sealed bytes.
/// - After `publish` the manifest has the entry of each published file and keeps the others.
/// - Publishing the same bytes again succeeds and changes nothing.
/// - Publishing over a file that the publication says it replaces leaves the new bytes.
/// - Publishing over any other file sets that file aside first and leaves the new bytes.
/// - One publication that fails does not keep the others of its batch from being published.
/// - `locate` and `open` of what is not there answer `None`.
/// - `locate` answers the same stamp until the file is written to or replaced, and then another one.
/// - `locate` and `open` never answer an empty file, a folder, a symbolic link or anything reached through one.
/// - `scan` answers contents in the order of their uuid, each once, beginning after the given one.
/// - `scan` answers at most the wanted number of contents and none when there are no more.
/// - `scan` names every sidecar of a content with its size, and the manifest as it was written.
/// - `scan` answers what does not parse, and an empty file, as a stranger and nothing else of that name.
/// - `scan` says whether the sums beside a manifest are those of its sidecars.
/// - `inspect` answers what `scan` would of the asked contents, each once, and none for one without a folder.
/// - `strays` answers what lies outside of every content's folder and belongs nowhere, at most the wanted number.
/// - After `quarantine` the file is no longer located, its manifest entry is gone and its bytes are kept elsewhere.
/// - After `remove` the file is gone for good, its manifest entry too, and no other file is touched.
/// - `remove` of the last file of a content leaves nothing of its folder but what is no sidecar.
/// - `remove` of what is not there answers false.
/// - `remove` of a file with a stamp that it does not have any more answers false and leaves it.
/// - After `amend` the manifest has the given entries, lacks those that are gone and keeps the others, and no file is touched.
/// - `amend` answers whether it had to write anything, and never does for a content without a folder.
/// - After whatever changes the manifest, the sums beside it name each of its sidecars with its digest.
/// - `quarantine` answers where the bytes are kept, and `None` for what is not there.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Where a sidecar's file is, if it is there. Costs a few system calls and never blocks on
    /// anything else, so it is not async.
    ///
    /// # Errors
    /// When the file system fails.
    fn locate(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<LocalFile>>;

    /// Opens a sidecar for reading.
    ///
    /// # Errors
    /// When the file system fails.
    async fn open(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<File>>;

    /// A new empty file in the vault's file system that has no place yet. When the `Staged` is
    /// dropped unpublished, nothing of it remains, at the latest when the vault is opened anew.
    ///
    /// # Errors
    /// `Full` when there is no space, otherwise when the file system fails.
    async fn stage(&self) -> PortResult<Staged>;

    /// Hashes what was written.
    ///
    /// # Errors
    /// `Rejected` when it is empty, otherwise when it cannot be read.
    async fn seal(&self, staged: Staged) -> PortResult<Sealed>;

    /// Makes the bytes of sealed files durable, before anything refers to them.
    ///
    /// # Errors
    /// When the file system fails; then none of them may be published.
    async fn settle(&self, sealed: &[&Sealed]) -> PortResult<()>;

    /// Gives settled files their place and writes the manifests and, for `b3sum --check`, the sums;
    /// files and manifests are durable when it returns. One
    /// result a publication. What failed is staged anew, not published again from the same
    /// `Sealed`.
    async fn publish(&self, batch: &[&Publication]) -> Vec<PortResult<()>>;

    /// Contents that have a folder, in the order of their uuid, at most `limit`. One whose folder
    /// cannot be read is no reason not to answer the others.
    ///
    /// # Errors
    /// When the file system fails.
    async fn scan(
        &self,
        after: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ScannedContent>>;

    /// Those of the contents that have a folder, in the order of their uuid.
    ///
    /// # Errors
    /// When the file system fails.
    async fn inspect(&self, contents: &[ContentUuid]) -> PortResult<Vec<ScannedContent>>;

    /// What lies in the vault but in no content's folder, and belongs nowhere: folders in the
    /// wrong shard, forgotten files, what other processes staged and left; at most `limit`. Names
    /// are paths below the vault. What else begins with a dot at the top of the vault is not looked
    /// at.
    ///
    /// # Errors
    /// When the file system fails.
    async fn strays(&self, limit: usize) -> PortResult<Vec<ScannedStranger>>;

    /// Moves a file aside, out of the way of readers and scans; where it is now, if it was there.
    ///
    /// # Errors
    /// When the file system fails.
    async fn quarantine(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<PathBuf>>;

    /// Deletes a file, and the manifest and folders that nothing is left for; whether it was there.
    /// With `only`, a file that was touched since it was located with that stamp is left.
    ///
    /// # Errors
    /// `Unsupported` when the manifest is of a newer version, otherwise when the file system fails.
    async fn remove(
        &self,
        key: &SidecarKey,
        format: &Format,
        only: Option<FileStamp>,
    ) -> PortResult<bool>;

    /// Makes the manifest of a content, and the sums beside it, say what is so; whether anything
    /// had to be written for that. For reconcile: whoever publishes or sets aside has it done.
    ///
    /// # Errors
    /// `Unsupported` when the manifest is of a newer version, otherwise when the file system fails.
    async fn amend(&self, content: ContentUuid, amendment: &Amendment) -> PortResult<bool>;
}

/// A sidecar file on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// What tells whether it was touched since.
    pub stamp: FileStamp,
}

/// What a file system says of a file that tells whether it was touched since: two equal stamps are
/// of the same bytes, unless a disk changed them behind the file system's back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FileStamp {
    /// When its bytes were last written, nanoseconds since 1970-01-01T00:00:00Z. Whoever writes
    /// can set it.
    pub modified_ns: i64,
    /// When it was last changed in any way, likewise. Nobody can set it.
    pub changed_ns: i64,
    /// Its number in its file system.
    pub file: u64,
}

impl FileStamp {
    /// When its bytes were last written.
    pub const fn modified(&self) -> Timestamp {
        Timestamp::from_millis(self.modified_ns.div_euclid(1_000_000))
    }
}

/// What a manifest is to say from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Amendment {
    /// Entries that it is to have.
    pub set: Vec<ManifestEntry>,
    /// Entries that it is not to have.
    pub gone: Vec<(Kind, Variant)>,
    /// Size and BLAKE3 of the original, unless it already names one.
    pub source: Option<(u64, Digest)>,
}

impl Amendment {
    /// Changes a manifest.
    pub fn apply(&self, manifest: &mut Manifest) {
        for (kind, variant) in &self.gone {
            manifest.remove(kind, variant);
        }
        for entry in &self.set {
            manifest.set(entry.clone());
        }
        if manifest.source_blake3.is_none()
            && let Some((size, digest)) = self.source
        {
            manifest.source_size = Some(size);
            manifest.source_blake3 = Some(digest);
        }
    }
}

/// A file without a place.
#[derive(Debug)]
pub struct Staged {
    /// Open for reading and writing.
    pub file: File,
    /// Its name in the staging folder, where the file system has no nameless files.
    pub name: Option<String>,
}

/// A staged file whose bytes are known.
#[derive(Debug)]
pub struct Sealed {
    /// The file.
    pub staged: Staged,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

/// One file on its way to its place.
#[derive(Debug)]
pub struct Publication {
    /// Which content it belongs to.
    pub content: ContentUuid,
    /// What the manifest will say of it; kind, variant and format give the place, size and digest
    /// are those of `sealed`.
    pub entry: ManifestEntry,
    /// Size and BLAKE3 of the original it was made from.
    pub source: Option<(u64, Digest)>,
    /// The file.
    pub sealed: Sealed,
    /// The digest of the file at its place that may be replaced.
    pub replaces: Option<Digest>,
}

/// One content's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScannedContent {
    /// The content.
    pub content: ContentUuid,
    /// Its sidecar files.
    pub files: Vec<FoundFile>,
    /// Its manifest, unless there is none or it cannot be read.
    pub manifest: Option<Manifest>,
    /// Whether the sums beside the manifest are those of its sidecars, as far as their size tells.
    pub sums: bool,
    /// What is there and is no sidecar.
    pub strangers: Vec<ScannedStranger>,
    /// Why it could not be read; then all else says nothing of what is there.
    pub unreadable: Option<String>,
}

impl ScannedContent {
    /// A folder of which nothing is known yet.
    pub fn new(content: ContentUuid) -> Self {
        Self {
            content,
            files: Vec::new(),
            manifest: None,
            sums: false,
            strangers: Vec::new(),
            unreadable: None,
        }
    }
}

/// Something in the vault that is no sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScannedStranger {
    /// Where, below the content's folder (below the vault for a stray), for a person to read.
    pub name: String,
    /// Why it is none.
    pub reason: String,
}
