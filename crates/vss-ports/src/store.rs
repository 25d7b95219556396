//! The rows that say which sidecars exist.

use std::collections::BTreeMap;

use async_trait::async_trait;
use semver::Version;
use vss_core::{
    ContentUuid, Digest, EntryId, FailureClass, Format, Kind, Priority, SidecarKey, SidecarSource,
    Status, Timestamp, Variant,
};

use crate::{AttemptRecord, LeaseOwner, PortResult};

/// Records of sidecars. The queue side of the same rows is [`SidecarQueue`](crate::SidecarQueue).
///
/// # Contract
/// - `find` answers the row of a key and `None` where there is none.
/// - `of_content` answers all rows of a content, ordered by kind and variant.
/// - `presence` answers one row for each existing sidecar among the asked ones and none for others.
/// - `presence` takes any number of contents, also one twice, and answers each sidecar once.
/// - `page` answers whole contents in the order of their uuid, after the one bound and up to the other.
/// - `outline` answers the rows that `page` answers, content by content, as they are.
/// - `adopt` makes a row ready with exactly what was found, whether there was a row or not.
/// - `adopt` leaves a running row alone and says so.
/// - `adopt` clears an earlier failure.
/// - `invalidate` makes a ready row pending and answers how many rows it changed.
/// - `invalidate` with the file gone forgets size and digest, and keeps them when the old file is served.
/// - `invalidate` leaves rows in any other state as they are, but forgets the old file of one that is not running when it is gone.
/// - `evict` makes rows evicted that are ready with the digest that is said, forgets size and digest, and answers which.
/// - `evict` leaves references, and rows in any other state or with another digest, as they are.
/// - `forget` removes rows, except running ones, with their attempts, and answers how many.
/// - `attempts` answers the recorded attempts of a key, the newest last.
/// - `counts` agrees with the rows after every kind of change.
/// - What was written is there after the store was closed and opened again.
#[async_trait]
pub trait SidecarStore: Send + Sync {
    /// One row.
    ///
    /// # Errors
    /// `Corrupt` when the row cannot be read as one; otherwise when the store fails.
    async fn find(&self, key: &SidecarKey) -> PortResult<Option<SidecarRecord>>;

    /// All rows of a content.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn of_content(&self, content: ContentUuid) -> PortResult<Vec<SidecarRecord>>;

    /// Which of the sidecars `contents` x `variants` of one kind have a row, and in what state.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn presence(
        &self,
        contents: &[ContentUuid],
        kind: &Kind,
        variants: &[Variant],
    ) -> PortResult<Vec<PresenceRow>>;

    /// All rows of contents with `after < uuid <= until`, ordered by uuid, whole contents only, of
    /// at most `limit` contents.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>>;

    /// The rows of contents as by [`page`](Self::page), as far as a comparison with files needs
    /// them: reconcile goes through all of them.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn outline(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentOutline>>;

    /// Records whole files that were found in their place; one answer an adoption, `false` where
    /// the row is running.
    ///
    /// # Errors
    /// When the store fails; then none is recorded.
    async fn adopt(&self, found: &[Adoption], now: Timestamp) -> PortResult<Vec<bool>>;

    /// Sends rows back to pending.
    ///
    /// # Errors
    /// When the store fails; then none is changed.
    async fn invalidate(
        &self,
        keys: &[SidecarKey],
        how: Invalidation,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64>;

    /// Records that sidecars make room; one answer a sidecar, `false` where the row says something
    /// else by now. Their files are to be removed afterwards: a crash in between leaves a whole
    /// file that reconcile adopts, and never a ready row without one.
    ///
    /// # Errors
    /// When the store fails; then none is changed.
    async fn evict(
        &self,
        sidecars: &[(SidecarKey, Digest)],
        now: Timestamp,
    ) -> PortResult<Vec<bool>>;

    /// Removes rows.
    ///
    /// # Errors
    /// When the store fails; then none is removed.
    async fn forget(&self, keys: &[SidecarKey]) -> PortResult<u64>;

    /// The attempts at making a sidecar, as far as the queue records them.
    ///
    /// # Errors
    /// `Corrupt` when an attempt cannot be read as one; otherwise when the store fails.
    async fn attempts(&self, key: &SidecarKey) -> PortResult<Vec<AttemptRecord>>;

    /// How many rows there are of each kind in each state, and the bytes of ready ones.
    ///
    /// # Errors
    /// When the store fails.
    async fn counts(&self) -> PortResult<SidecarCounts>;
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SidecarRecord {
    /// Which sidecar.
    pub key: SidecarKey,
    /// Its file format.
    pub format: Format,
    /// Its state.
    pub status: Status,
    /// Who made the file, or is to make it.
    pub source: SidecarSource,
    /// The version of the generator that made it, or is to.
    pub version: Option<Version>,
    /// Size of the file in bytes: of a ready row, or of the old file of one that is to be made, is
    /// being made or could not be made anew.
    pub size: Option<u64>,
    /// Digest of that file.
    pub digest: Option<Digest>,
    /// The original that serves as a sidecar, for a reference.
    pub entry: Option<EntryId>,
    /// Size and BLAKE3 of the whole original that the content's sidecars were made from.
    pub source_digest: Option<Digest>,
    /// When the row came into being.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How urgent it is, while it is pending or running.
    pub priority: Option<Priority>,
    /// How often it was claimed since it last became pending by a decision from outside.
    pub attempt: u32,
    /// When it may be claimed, while it is pending.
    pub not_before: Option<Timestamp>,
    /// Counts claims; a commit with an older one is refused.
    pub fence: u64,
    /// Who works on it, while it is running.
    pub lease: Option<Lease>,
    /// Why the last attempt failed.
    pub failure: Option<FailureNote>,
}

/// Who works on a row, and until when nobody else may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Who.
    pub owner: LeaseOwner,
    /// Until when.
    pub until: Timestamp,
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureNote {
    /// The class.
    pub class: FailureClass,
    /// For a person.
    pub detail: String,
}

/// What presence says of one sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PresenceRow {
    /// Its content.
    pub content: ContentUuid,
    /// Its variant.
    pub variant: Variant,
    /// Its state.
    pub status: Status,
    /// Its format.
    pub format: Format,
    /// Size of the file that is there, in bytes; also of the old file of a pending row.
    pub size: Option<u64>,
}

/// The rows of one content, told in few words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentOutline {
    /// The content.
    pub content: ContentUuid,
    /// Its rows, ordered by kind and variant.
    pub rows: Vec<RowOutline>,
}

/// One row, told in few words; each is that of [`SidecarRecord`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowOutline {
    /// Its kind.
    pub kind: Kind,
    /// Its variant.
    pub variant: Variant,
    /// Its file format.
    pub format: Format,
    /// Its state.
    pub status: Status,
    /// Who made the file, or is to make it.
    pub source: SidecarSource,
    /// Size of the file it vouches for, in bytes.
    pub size: Option<u64>,
    /// Digest of that file.
    pub digest: Option<Digest>,
}

impl From<&SidecarRecord> for RowOutline {
    fn from(row: &SidecarRecord) -> Self {
        Self {
            kind: row.key.kind.clone(),
            variant: row.key.variant.clone(),
            format: row.format.clone(),
            status: row.status,
            source: row.source.clone(),
            size: row.size,
            digest: row.digest,
        }
    }
}

/// A whole file that was found in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adoption {
    /// Which sidecar.
    pub key: SidecarKey,
    /// Its format.
    pub format: Format,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest, computed from the file.
    pub digest: Digest,
    /// Where it comes from, if its manifest says; otherwise [`SidecarSource::Adopted`].
    pub source: SidecarSource,
    /// The version of its generator, if its manifest says.
    pub version: Option<Version>,
    /// Size and BLAKE3 of the original, if its manifest says.
    pub original: Option<(u64, Digest)>,
}

/// What happened to the file of a row that goes back to pending.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Invalidation {
    /// It is gone: the row forgets it.
    FileGone,
    /// It is whole and served until its successor is published.
    KeepServing,
}

/// Counts of a whole store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SidecarCounts {
    /// Rows of each kind in each state; only what is not zero.
    pub rows: BTreeMap<Kind, BTreeMap<Status, u64>>,
    /// Bytes of ready managed sidecars of each kind; only what is not zero.
    pub bytes: BTreeMap<Kind, u64>,
}
