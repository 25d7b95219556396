//! The journal of originals that are moved into the vault and back: what was begun is written down
//! before a file is touched, so that a restart can finish it.

use async_trait::async_trait;
use vss_core::{SidecarKey, Timestamp};

use crate::{Move, PortResult, ReferenceTarget};

/// Conversions: from the intent to move a file until it is back where it was.
///
/// ```text
/// begin ─> Taking ─ Taken ─> Managed ─ begin_back ─> GivingBack ─ GivenBack ─> (gone)
///             └──── Undone ─> (gone)     <── Undone ────┘
/// ```
///
/// # Contract
/// - `begin` writes a conversion down, instead of an earlier one that is managed, and is a conflict for one that is under way.
/// - `begin_back` begins to give back what is managed, and is a conflict for anything else.
/// - `finish` as taken makes the sidecar's row managed and ready with size and digest of the move, in the same step.
/// - `finish` as given back forgets the row and the conversion in the same step.
/// - `finish` as undone leaves the row as it was, and the conversion as it was before it was begun.
/// - `unfinished` answers what was begun and not finished, of one catalog or of any, also after the journal was closed and opened again.
/// - `find` answers the conversion of a key and `None` where there is none.
#[async_trait]
pub trait ConversionJournal: Send + Sync {
    /// Writes down that a file is about to be moved into the vault; durable when it returns.
    ///
    /// # Errors
    /// `Conflict` when the key has a conversion under way; otherwise when the journal fails.
    async fn begin(&self, conversion: &Conversion, now: Timestamp) -> PortResult<()>;

    /// Writes down that a file is about to be moved back; durable when it returns.
    ///
    /// # Errors
    /// `Conflict` when the key is not managed; otherwise when the journal fails.
    async fn begin_back(&self, key: &SidecarKey, now: Timestamp) -> PortResult<()>;

    /// Writes down how it ended.
    ///
    /// # Errors
    /// `Conflict` when there is nothing that could end so; otherwise when the journal fails.
    async fn finish(&self, key: &SidecarKey, how: MoveEnd, now: Timestamp) -> PortResult<()>;

    /// What was begun and not finished, the oldest first: of the entries of one catalog, or of any
    /// when `None`.
    ///
    /// # Errors
    /// `Corrupt` when one cannot be read; otherwise when the journal fails.
    async fn unfinished(&self, catalog: Option<&str>) -> PortResult<Vec<Conversion>>;

    /// The conversion of one sidecar.
    ///
    /// # Errors
    /// As [`unfinished`](Self::unfinished).
    async fn find(&self, key: &SidecarKey) -> PortResult<Option<Conversion>>;
}

/// A file that was an original and is a managed sidecar, or is on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conversion {
    /// The move.
    pub file: Move,
    /// The instance of the catalog whose entry it was.
    pub catalog: String,
    /// What the row referred to.
    pub target: ReferenceTarget,
    /// How far it is.
    pub phase: MovePhase,
}

/// How far a conversion is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MovePhase {
    /// On its way into the vault.
    Taking,
    /// In the vault.
    Managed,
    /// On its way back.
    GivingBack,
}

impl MovePhase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Taking, Self::Managed, Self::GivingBack];

    /// The spelling in rows, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taking => "taking",
            Self::Managed => "managed",
            Self::GivingBack => "giving_back",
        }
    }
}

/// How a move ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MoveEnd {
    /// The file is in the vault.
    Taken,
    /// The file is where it was.
    GivenBack,
    /// Nothing was moved.
    Undone,
}
