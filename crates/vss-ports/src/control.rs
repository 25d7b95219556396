//! What a person does to the queue: look at it, hold it, cancel work, ask for work again.

use async_trait::async_trait;
use vss_core::{
    ContentUuid, FailureClass, GeneratorRef, Kind, Priority, SidecarKey, Status, Timestamp, Variant,
};

use crate::{PortResult, SidecarRecord};

/// Power over the queue, for a person. Workers use [`SidecarQueue`](crate::SidecarQueue).
///
/// # Contract
/// - `pause` keeps the rows of its kinds from being claimed until `resume`, and both answer how many kinds they changed.
/// - `paused` answers the paused kinds in order, each with the time it was first paused at, also after the store was closed and opened again.
/// - Whatever else is done to a row of a paused kind is done as if it was not paused.
/// - `requeue` moves the selected rows that the event allows to pending, attempts at zero, and answers how many; an original that was moved or copied into the vault, and a file that was adopted, stay as they are, since nobody makes them.
/// - `requeue` makes a selected pending row that waits out a failure due now, attempts at zero and its priority kept; other pending rows stay as they are.
/// - `cancel` makes the selected pending and running rows failed as cancelled, and answers how many.
/// - `cancel` fences off whoever works on a row, and an old file is served on.
/// - A cancelled row becomes pending by `requeue` alone, not by an enqueue of any version.
/// - `depths` counts pending rows that are due, pending rows that wait for their time, and running ones, by kind and priority.
/// - `list` answers the selected rows ordered by key, after the one bound and at most so many.
#[async_trait]
pub trait QueueControl: Send + Sync {
    /// Holds kinds; how many of them were not held before.
    ///
    /// # Errors
    /// When the store fails; then nothing is changed.
    async fn pause(&self, kinds: &[Kind], now: Timestamp) -> PortResult<u64>;

    /// Lets kinds go on; how many of them were held.
    ///
    /// # Errors
    /// When the store fails; then nothing is changed.
    async fn resume(&self, kinds: &[Kind]) -> PortResult<u64>;

    /// The kinds that are held, and since when.
    ///
    /// # Errors
    /// `Corrupt` when one cannot be read as a kind; otherwise when the store fails.
    async fn paused(&self) -> PortResult<Vec<(Kind, Timestamp)>>;

    /// Sends rows back to pending because somebody asked for it. Very many go by parts, so that others
    /// get their turn.
    ///
    /// # Errors
    /// When the store fails; what was moved until then stays.
    async fn requeue(
        &self,
        selection: &Selection,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64>;

    /// Gives up rows that are to be made or are being made. Very many go by parts.
    ///
    /// # Errors
    /// When the store fails; what was given up until then stays.
    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64>;

    /// How much work there is; only what is not zero, ordered by kind and priority.
    ///
    /// # Errors
    /// `Corrupt` when a row cannot be read as one; otherwise when the store fails.
    async fn depths(&self, now: Timestamp) -> PortResult<Vec<QueueDepth>>;

    /// Rows of a selection, a page at a time.
    ///
    /// # Errors
    /// `Corrupt` when a row cannot be read as one; otherwise when the store fails.
    async fn list(
        &self,
        selection: &Selection,
        after: Option<&SidecarKey>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>>;
}

/// Which rows somebody means. Everything that is given must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// In one of these states, so no row when none is named. What is done with them is done only
    /// where the state allows it: `requeue` takes failed and quarantined rows by `Retry` and ready
    /// ones by `Invalidate` (their file is served on), `cancel` pending and running ones.
    pub statuses: Vec<Status>,
    /// Of one of these contents; of any when `None`.
    pub contents: Option<Vec<ContentUuid>>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Failed with this class.
    pub class: Option<FailureClass>,
    /// Of a kind and variant in this list, made or to be made by the generator that stands there
    /// at another version; a row that is requeued is then to be made at that one.
    pub stale_against: Option<Vec<Maker>>,
}

/// By which generator, at which version, a kind and variant would be made now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maker {
    /// The kind.
    pub kind: Kind,
    /// The variant.
    pub variant: Variant,
    /// The generator; its version is marked with the recipe.
    pub generator: GeneratorRef,
}

/// Rows of one kind at one priority that are to be made or are being made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct QueueDepth {
    /// The kind.
    pub kind: Kind,
    /// The priority.
    pub priority: Priority,
    /// Pending, and their time has come.
    pub due: u64,
    /// Pending, and their time is still to come.
    pub later: u64,
    /// Running.
    pub running: u64,
}
