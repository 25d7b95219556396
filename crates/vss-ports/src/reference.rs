//! Sidecars that are originals themselves, and what people said of which file belongs to which.

use async_trait::async_trait;
use vss_core::companion::{Decision, Evidence, Relation};
use vss_core::{ContentUuid, Digest, EntryId, Format, Kind, SidecarKey, Timestamp, Variant};

use crate::{PortResult, SidecarRecord};

/// The rows of [`SidecarStore`](crate::SidecarStore) that refer to an original instead of a file
/// in the vault. They are never made, so no queue has them.
///
/// A reference is *lost* while its original is gone: its row is failed as `missing_source`. What is
/// said of "the other calls" holds for those of `SidecarStore` and `QueueControl`.
///
/// # Contract
/// - `refer` makes a row ready with size, digest and original as they were found, and answers its key.
/// - `refer` to an original that its content has already changes that row and keeps its variant.
/// - `refer` to a copy of what is ready already keeps the row as it is.
/// - `refer` takes the first of the variants that no other original has, and answers none when there is none left.
/// - `refer` leaves a managed sidecar with the same bytes alone and says so; any other counts as taken.
/// - `lose` makes ready references failed for want of an original, without size and digest, and answers how many.
/// - A lost reference is ready again under its variant when its original is referred to again.
/// - `references` answers whole originals in the order of their entry, after the one given and at most so many, also lost ones.
/// - `referring` answers every reference to the asked originals.
/// - `forget` of a reference removes it; `adopt` of its key makes it managed, and it refers to nothing any more.
/// - The other calls leave references as they are: neither `invalidate` nor `requeue` changes one.
/// - `decisions` answers what was decided, of two about the same two originals the later one, also after the store was closed and opened again.
#[async_trait]
pub trait ReferenceStore: Send + Sync {
    /// Records originals as sidecars; one answer a reference.
    ///
    /// # Errors
    /// When the store fails; then none is recorded.
    async fn refer(&self, found: &[Reference], now: Timestamp) -> PortResult<Vec<Referral>>;

    /// Notes that originals are gone.
    ///
    /// # Errors
    /// When the store fails; then none is changed.
    async fn lose(&self, keys: &[SidecarKey], now: Timestamp) -> PortResult<u64>;

    /// References by pages of originals.
    ///
    /// # Errors
    /// `Corrupt` when a row cannot be read as one; otherwise when the store fails.
    async fn references(
        &self,
        after: Option<EntryId>,
        limit: usize,
    ) -> PortResult<Vec<ReferenceRecord>>;

    /// The references to some originals, in no particular order.
    ///
    /// # Errors
    /// As [`references`](Self::references).
    async fn referring(&self, entries: &[EntryId]) -> PortResult<Vec<ReferenceRecord>>;

    /// Keeps what a person said. `catalog` is the instance of the catalog whose entries are named.
    ///
    /// # Errors
    /// When the store fails; then nothing is kept.
    async fn decide(&self, catalog: &str, decision: &Decision, now: Timestamp) -> PortResult<()>;

    /// Everything that was decided, the oldest first, with the instance of the catalog whose
    /// entries are named.
    ///
    /// # Errors
    /// `Corrupt` when one cannot be read; otherwise when the store fails.
    async fn decisions(&self) -> PortResult<Vec<(String, Decision)>>;
}

/// An original that was found to be a sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The content that it belongs to.
    pub content: ContentUuid,
    /// As which kind.
    pub kind: Kind,
    /// Under which variant, the preferred one first; see [`vss_core::companion::slot`].
    pub variants: Vec<Variant>,
    /// Its format.
    pub format: Format,
    /// Where it is.
    pub target: ReferenceTarget,
    /// Size in bytes of what serves as the sidecar: of the whole file, or of a part of it.
    pub size: u64,
    /// Digest of the same bytes.
    pub digest: Digest,
}

/// What a reference refers to, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferenceTarget {
    /// The catalog's name for the original.
    pub entry: EntryId,
    /// The content that original had when it was looked at.
    pub companion: ContentUuid,
    /// What it is to the content that it belongs to. Of a Motion Photo, which part of the file.
    pub relation: Relation,
    /// What that rests on.
    pub evidence: Evidence,
}

/// What became of a reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Referral {
    /// Its row is ready; whether it is new, or other than it was.
    Ready {
        /// The row.
        key: SidecarKey,
        /// Whether anything about it changed.
        changed: bool,
    },
    /// The content has these bytes as a managed sidecar.
    Managed(SidecarKey),
    /// Others have every variant.
    Taken,
}

/// A row that refers to an original.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReferenceRecord {
    /// The row; its `entry` is that of the target.
    pub row: SidecarRecord,
    /// What it refers to.
    pub target: ReferenceTarget,
}
