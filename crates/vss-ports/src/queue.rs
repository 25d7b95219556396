//! The work side of the sidecar rows: what is to be made, by whom it is being made, and how it
//! ended. The queue is the rows themselves; there is no second table to fall out of step.

use std::fmt;

use async_trait::async_trait;
use vss_core::plan::WantedOutput;
use vss_core::{
    ContentUuid, Digest, Disposition, FailureClass, Format, GeneratorId, GeneratorRef, Kind,
    Priority, SidecarKey, Timestamp,
};

use crate::{AttemptUsage, PortError, PortResult};

/// Work on sidecars, under leases and fences. What a person does to the same rows is
/// [`QueueControl`](crate::QueueControl).
///
/// # Contract
/// - `enqueue` makes a pending row where there is none and answers how many it made.
/// - `enqueue` of what is already pending, running or ready changes nothing but a pending row's priority, which it may raise and never lowers.
/// - `enqueue` makes a failed or quarantined row pending when its generator's version is another one, unless it was cancelled.
/// - `enqueue` makes a row pending that failed for want of an original.
/// - `enqueue` leaves every other failed or quarantined row alone.
/// - `enqueue` makes an evicted row pending when somebody waits for it, and leaves it evicted otherwise.
/// - `enqueue` with a watermark records it in the same step, and `watermark` answers the last one of that name.
/// - `claim` answers only pending rows whose time has come, the more urgent first.
/// - `claim` in the order `Oldest` answers what has been due longest first, whatever its priority.
/// - `claim` answers all due outputs of one content and generator together and never more than the wanted number of claims.
/// - `claim` answers only rows of the generators that were asked for.
/// - `claim` answers no row of a kind that is excepted, and the content's other outputs all the same.
/// - A claimed row is running at the priority that the claim names, has one more attempt and one more on its fence, and is not claimed again.
/// - Two claims side by side never answer the same row.
/// - `commit` calls the publisher with exactly the items whose fence holds, before any row becomes ready.
/// - `commit` makes a row ready only when its publication succeeded, and puts it back to pending as transient when it did not.
/// - `commit` after another claim, a release or a commit is fenced off and publishes nothing.
/// - `commit` refuses an item whose original differs from the one the content's sidecars were made from.
/// - `fail` moves a row as its class says, records class and detail, answers what became of it, and is fenced like a commit.
/// - The third harmful attempt since the row last became pending by a decision from outside quarantines it, whatever other attempts there were.
/// - Every attempt that fails or is taken back is recorded, and one that succeeds when it was not the first.
/// - A row that is to be tried again is not claimed before its time, and with the least urgency when the attempt was harmful.
/// - `release` of an owner makes its running rows pending, due at once; their late commits are fenced off.
/// - `release` of expired leases touches no lease that still runs.
/// - `release` of all but one owner keeps that owner's rows running.
/// - `release` of what lies ahead ends leases that end later than that and makes pending rows due whose time is later.
/// - `renew` moves the end of the owner's leases and answers how many it has.
#[async_trait]
pub trait SidecarQueue: Send + Sync {
    /// Plans work: one transaction, idempotent.
    ///
    /// # Errors
    /// When the store fails; then nothing is recorded.
    async fn enqueue(&self, batch: &EnqueueBatch, now: Timestamp) -> PortResult<EnqueueReport>;

    /// The last watermark of a name.
    ///
    /// # Errors
    /// When the store fails.
    async fn watermark(&self, name: &str) -> PortResult<Option<String>>;

    /// Takes due work.
    ///
    /// # Errors
    /// `Corrupt` when a row cannot be read as one; otherwise when the store fails.
    async fn claim(&self, request: &ClaimRequest) -> PortResult<Vec<Claim>>;

    /// Prolongs all leases of an owner.
    ///
    /// # Errors
    /// When the store fails.
    async fn renew(&self, owner: &LeaseOwner, until: Timestamp) -> PortResult<u64>;

    /// Gives running rows back, unmade; how many.
    ///
    /// # Errors
    /// When the store fails.
    async fn release(&self, which: &Recovery, now: Timestamp) -> PortResult<u64>;

    /// Publishes and records finished work: while no other claim can come between, the fences are
    /// checked, the publisher is called with the positions of the items that hold, and the rows of
    /// what it published become ready. One outcome an item.
    ///
    /// # Errors
    /// When the store fails; then no row is changed, and files that were published meanwhile are
    /// found by reconcile.
    async fn commit(
        &self,
        commits: &[Commit],
        publisher: &dyn Publisher,
        now: Timestamp,
    ) -> PortResult<Vec<CommitOutcome>>;

    /// Records failed work and answers what becomes of each; `None` where the fence did not hold.
    ///
    /// # Errors
    /// When the store fails; then no row is changed.
    async fn fail(
        &self,
        failures: &[Failure],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Disposition>>>;
}

/// Gives finished files their place, inside a [`SidecarQueue::commit`].
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes the commits at these positions; one result a position, in the same order.
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>>;
}

/// Who holds leases: one running engine. Never reused, so that a restart frees what it held.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeaseOwner(String);

impl LeaseOwner {
    /// An owner by the text that rows hold; the engine makes it from boot id, pid and a nonce.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that rows hold.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeaseOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Work to be planned in one step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EnqueueBatch {
    /// The contents and what they should have.
    pub items: Vec<EnqueueItem>,
    /// Recorded in the same step.
    pub watermark: Option<Watermark>,
}

/// What one content should have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnqueueItem {
    /// The content.
    pub content: ContentUuid,
    /// How urgent it is.
    pub priority: Priority,
    /// What it should have.
    pub outputs: Vec<WantedOutput>,
}

/// How far somebody got through something, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watermark {
    /// Whose it is.
    pub name: String,
    /// How far, in the owner's own spelling.
    pub value: String,
}

/// What an enqueue did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EnqueueReport {
    /// Rows that were made.
    pub inserted: u64,
    /// Rows that had failed and are pending again.
    pub revived: u64,
}

/// What work somebody wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimRequest {
    /// Who.
    pub owner: LeaseOwner,
    /// The time.
    pub now: Timestamp,
    /// How long the lease runs.
    pub lease_until: Timestamp,
    /// How many claims at most.
    pub limit: usize,
    /// Work of these generators only, whatever their version in the row.
    pub generators: Vec<GeneratorId>,
    /// No work of these kinds: they are being made as often as they may be at a time.
    pub except: Vec<Kind>,
    /// What comes first.
    pub order: ClaimOrder,
}

/// Which due work comes first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ClaimOrder {
    /// The more urgent; of equally urgent work what has been due longer.
    #[default]
    Urgent,
    /// What has been due longest, whatever its priority: one claim in a few takes this order, so
    /// that nothing starves.
    Oldest,
}

/// Due outputs of one content by one generator, claimed together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The content.
    pub content: ContentUuid,
    /// The generator that is to make them.
    pub generator: GeneratorId,
    /// The outputs, ordered by kind and variant.
    pub outputs: Vec<ClaimedOutput>,
}

/// One claimed output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimedOutput {
    /// Which sidecar.
    pub key: SidecarKey,
    /// Its format.
    pub format: Format,
    /// To be shown again at commit.
    pub fence: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How urgent it is: what somebody waits for need not wait for company.
    pub priority: Priority,
    /// The digest of the old file that is served meanwhile and may be replaced.
    pub replaces: Option<Digest>,
}

/// One finished output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// Which sidecar.
    pub key: SidecarKey,
    /// The fence of its claim.
    pub fence: u64,
    /// Its format.
    pub format: Format,
    /// Size of its file in bytes.
    pub size: u64,
    /// Digest of its file.
    pub digest: Digest,
    /// Who made it.
    pub generator: GeneratorRef,
    /// Size and BLAKE3 of the whole original it was made from.
    pub original: (u64, Digest),
    /// What making it cost.
    pub usage: AttemptUsage,
}

/// How a commit ended.
#[derive(Debug)]
pub enum CommitOutcome {
    /// File and row are durable.
    Committed,
    /// The lease was lost; nothing was published.
    Fenced,
    /// The content's other sidecars were made from a file with the same identity but other bytes;
    /// nothing was published, the row failed as `policy`.
    SourceConflict,
    /// The file could not be published; the row is pending again.
    Unpublished(PortError),
}

/// One failed output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Which sidecar.
    pub key: SidecarKey,
    /// The fence of its claim.
    pub fence: u64,
    /// Why.
    pub class: FailureClass,
    /// For a person.
    pub detail: String,
    /// Any random number; spreads the back-off.
    pub jitter: u64,
    /// What the attempt cost.
    pub usage: AttemptUsage,
}

/// Whose leases end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recovery {
    /// Those that ran out.
    Expired,
    /// Those of one owner.
    Owner(LeaseOwner),
    /// Those of every other owner: for who knows that no other lives.
    AllBut(LeaseOwner),
    /// Those that end later than this, beyond any lease: a clock was wrong when they were given.
    /// What is to wait longer is due as well.
    Ahead(Timestamp),
}
