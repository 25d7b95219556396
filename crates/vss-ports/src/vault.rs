//! Managed sidecar files: staged, published whole, found again.

use std::fs::File;
use std::path::PathBuf;

use async_trait::async_trait;
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Digest, Format, Manifest, ManifestEntry, SidecarKey};

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
/// - The stamp of a file stays while nobody touches the file, and is another one after its bytes were changed or it was replaced.
/// - `locate` and `open` never answer an empty file, a folder, a symbolic link or anything reached through one.
/// - `scan` answers contents in the order of their uuid, each once, beginning after the given one.
/// - `scan` answers at most the wanted number of contents and none when there are no more.
/// - `scan` names every sidecar of a content with its size, and the manifest as it was written.
/// - `scan` answers what does not parse, and an empty file, as a stranger and nothing else of that name.
/// - `inspect` answers what `scan` would of the asked contents, each once, and none for one without a folder.
/// - `strays` answers what lies outside of every content's folder and belongs nowhere, at most the wanted number.
/// - After `quarantine` the file is no longer located, its manifest entry is gone and its bytes are kept elsewhere.
/// - `quarantine` of what is not there answers false.
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

    /// Gives settled files their place and writes the manifests; durable when it returns. One
    /// result a publication. What failed is staged anew, not published again from the same
    /// `Sealed`.
    async fn publish(&self, batch: &[&Publication]) -> Vec<PortResult<()>>;

    /// Contents that have a folder, in the order of their uuid, at most `limit`.
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
    /// wrong shard, forgotten files; at most `limit`. Names are paths below the vault. What begins
    /// with a dot at the top of the vault is not looked at.
    ///
    /// # Errors
    /// When the file system fails.
    async fn strays(&self, limit: usize) -> PortResult<Vec<ScannedStranger>>;

    /// Moves a file aside, out of the way of readers and scans; whether it was there.
    ///
    /// # Errors
    /// When the file system fails.
    async fn quarantine(&self, key: &SidecarKey, format: &Format) -> PortResult<bool>;
}

/// A sidecar file on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Tells without reading whether it is still the same.
    pub stamp: FileStamp,
}

/// What the file system says of a file besides its bytes: another value after every change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FileStamp {
    /// The number of its inode.
    pub inode: u64,
    /// When its bytes changed, in nanoseconds since the epoch.
    pub modified_ns: i64,
    /// When anything about it changed, in nanoseconds since the epoch. Nobody can set it back.
    pub changed_ns: i64,
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
    /// What is there and is no sidecar.
    pub strangers: Vec<ScannedStranger>,
}

/// Something in the vault that is no sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScannedStranger {
    /// Where, below the content's folder (below the vault for a stray), for a person to read.
    pub name: String,
    /// Why it is none.
    pub reason: String,
}
