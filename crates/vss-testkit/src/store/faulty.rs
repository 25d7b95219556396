//! A decorator that fails a chosen call of a store, before or after it took effect.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use vss_core::companion::Decision;
use vss_core::{
    ContentUuid, Digest, Disposition, EntryId, Kind, Priority, SidecarKey, Timestamp, Variant,
};
use vss_ports::{
    Adoption, AttemptRecord, Claim, ClaimRequest, Commit, CommitOutcome, ContentOutline,
    Conversion, ConversionJournal, EnqueueBatch, EnqueueReport, Failure, Invalidation, LeaseOwner,
    MoveEnd, PortError, PortErrorKind, PortResult, PresenceRow, Publisher, QueueControl,
    QueueDepth, Recovery, Reference, ReferenceRecord, ReferenceStore, Referral, Selection,
    SidecarCounts, SidecarQueue, SidecarRecord, SidecarStore,
};

/// The calls of all ports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "each is the port's method of the same name")]
pub enum Call {
    Find,
    OfContent,
    Presence,
    Page,
    Outline,
    Adopt,
    Invalidate,
    Evict,
    Forget,
    Attempts,
    Counts,
    Enqueue,
    Watermark,
    Claim,
    Renew,
    Release,
    Commit,
    Fail,
    Pause,
    Resume,
    Paused,
    Requeue,
    Cancel,
    Depths,
    List,
    Refer,
    Lose,
    References,
    Referring,
    Decide,
    Decisions,
    BeginMove,
    BeginBack,
    FinishMove,
    UnfinishedMoves,
    FindMove,
}

/// Passes everything on to another store, except for the calls that a test chose.
pub struct FaultyStore<S> {
    inner: Arc<S>,
    faults: Mutex<Vec<Fault>>,
}

struct Fault {
    call: Call,
    /// How many calls pass before it strikes.
    after: usize,
    kind: PortErrorKind,
    /// Whether the call takes effect before its answer is lost.
    takes_effect: bool,
}

impl<S> FaultyStore<S> {
    /// A decorator that fails nothing yet.
    pub fn over(inner: Arc<S>) -> Self {
        Self {
            inner,
            faults: Mutex::default(),
        }
    }

    /// The call after `after` others of its name fails once and does nothing.
    pub fn refuse(&self, call: Call, after: usize, kind: PortErrorKind) {
        self.arm(call, after, kind, false);
    }

    /// The call after `after` others of its name takes effect, but answers an error once: what a
    /// caller sees of a database that was lost between its COMMIT and its answer.
    pub fn lose_answer(&self, call: Call, after: usize, kind: PortErrorKind) {
        self.arm(call, after, kind, true);
    }

    fn arm(&self, call: Call, after: usize, kind: PortErrorKind, takes_effect: bool) {
        self.faults.lock().unwrap().push(Fault {
            call,
            after,
            kind,
            takes_effect,
        });
    }

    /// The fault that strikes this call, if any.
    fn strike(&self, call: Call) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|f| f.call == call && f.after == 0);
        let struck = at.map(|at| faults.remove(at));
        let waiting = faults.iter_mut().filter(|f| f.call == call && f.after > 0);
        waiting.for_each(|fault| fault.after -= 1);
        struck
    }

    async fn pass<T>(
        &self,
        call: Call,
        answer: impl Future<Output = PortResult<T>>,
    ) -> PortResult<T> {
        let Some(fault) = self.strike(call) else {
            return answer.await;
        };
        if fault.takes_effect {
            answer.await?;
        }
        let operation = format!("{call:?}").to_lowercase();
        Err(PortError::new(
            fault.kind,
            operation,
            "a fault was injected",
        ))
    }
}

#[async_trait]
impl<S: SidecarStore> SidecarStore for FaultyStore<S> {
    async fn find(&self, key: &SidecarKey) -> PortResult<Option<SidecarRecord>> {
        self.pass(Call::Find, self.inner.find(key)).await
    }

    async fn of_content(&self, content: ContentUuid) -> PortResult<Vec<SidecarRecord>> {
        let answer = self.inner.of_content(content);
        self.pass(Call::OfContent, answer).await
    }

    async fn presence(
        &self,
        contents: &[ContentUuid],
        kind: &Kind,
        variants: &[Variant],
    ) -> PortResult<Vec<PresenceRow>> {
        let answer = self.inner.presence(contents, kind, variants);
        self.pass(Call::Presence, answer).await
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        let answer = self.inner.page(after, until, limit);
        self.pass(Call::Page, answer).await
    }

    async fn outline(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentOutline>> {
        let answer = self.inner.outline(after, until, limit);
        self.pass(Call::Outline, answer).await
    }

    async fn adopt(&self, found: &[Adoption], now: Timestamp) -> PortResult<Vec<bool>> {
        self.pass(Call::Adopt, self.inner.adopt(found, now)).await
    }

    async fn invalidate(
        &self,
        keys: &[SidecarKey],
        how: Invalidation,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        let answer = self.inner.invalidate(keys, how, priority, now);
        self.pass(Call::Invalidate, answer).await
    }

    async fn evict(
        &self,
        sidecars: &[(SidecarKey, Digest)],
        now: Timestamp,
    ) -> PortResult<Vec<bool>> {
        let evicted = self.inner.evict(sidecars, now);
        self.pass(Call::Evict, evicted).await
    }

    async fn forget(&self, keys: &[SidecarKey]) -> PortResult<u64> {
        self.pass(Call::Forget, self.inner.forget(keys)).await
    }

    async fn attempts(&self, key: &SidecarKey) -> PortResult<Vec<AttemptRecord>> {
        self.pass(Call::Attempts, self.inner.attempts(key)).await
    }

    async fn counts(&self) -> PortResult<SidecarCounts> {
        self.pass(Call::Counts, self.inner.counts()).await
    }
}

#[async_trait]
impl<S: SidecarQueue> SidecarQueue for FaultyStore<S> {
    async fn enqueue(&self, batch: &EnqueueBatch, now: Timestamp) -> PortResult<EnqueueReport> {
        let answer = self.inner.enqueue(batch, now);
        self.pass(Call::Enqueue, answer).await
    }

    async fn watermark(&self, name: &str) -> PortResult<Option<String>> {
        self.pass(Call::Watermark, self.inner.watermark(name)).await
    }

    async fn claim(&self, request: &ClaimRequest) -> PortResult<Vec<Claim>> {
        self.pass(Call::Claim, self.inner.claim(request)).await
    }

    async fn renew(&self, owner: &LeaseOwner, until: Timestamp) -> PortResult<u64> {
        let answer = self.inner.renew(owner, until);
        self.pass(Call::Renew, answer).await
    }

    async fn release(&self, which: &Recovery, now: Timestamp) -> PortResult<u64> {
        let answer = self.inner.release(which, now);
        self.pass(Call::Release, answer).await
    }

    async fn commit(
        &self,
        commits: &[Commit],
        publisher: &dyn Publisher,
        now: Timestamp,
    ) -> PortResult<Vec<CommitOutcome>> {
        let answer = self.inner.commit(commits, publisher, now);
        self.pass(Call::Commit, answer).await
    }

    async fn fail(
        &self,
        failures: &[Failure],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Disposition>>> {
        self.pass(Call::Fail, self.inner.fail(failures, now)).await
    }
}

#[async_trait]
impl<S: QueueControl> QueueControl for FaultyStore<S> {
    async fn pause(&self, kinds: &[Kind], now: Timestamp) -> PortResult<u64> {
        self.pass(Call::Pause, self.inner.pause(kinds, now)).await
    }

    async fn resume(&self, kinds: &[Kind]) -> PortResult<u64> {
        self.pass(Call::Resume, self.inner.resume(kinds)).await
    }

    async fn paused(&self) -> PortResult<Vec<(Kind, Timestamp)>> {
        self.pass(Call::Paused, self.inner.paused()).await
    }

    async fn cancel(&self, selection: &Selection, now: Timestamp) -> PortResult<u64> {
        let answer = self.inner.cancel(selection, now);
        self.pass(Call::Cancel, answer).await
    }

    async fn depths(&self, now: Timestamp) -> PortResult<Vec<QueueDepth>> {
        self.pass(Call::Depths, self.inner.depths(now)).await
    }

    async fn list(
        &self,
        selection: &Selection,
        after: Option<&SidecarKey>,
        limit: usize,
    ) -> PortResult<Vec<SidecarRecord>> {
        let answer = self.inner.list(selection, after, limit);
        self.pass(Call::List, answer).await
    }

    async fn requeue(
        &self,
        selection: &Selection,
        priority: Priority,
        now: Timestamp,
    ) -> PortResult<u64> {
        let answer = self.inner.requeue(selection, priority, now);
        self.pass(Call::Requeue, answer).await
    }
}

#[async_trait]
impl<S: ReferenceStore> ReferenceStore for FaultyStore<S> {
    async fn refer(&self, found: &[Reference], now: Timestamp) -> PortResult<Vec<Referral>> {
        self.pass(Call::Refer, self.inner.refer(found, now)).await
    }

    async fn lose(&self, keys: &[SidecarKey], now: Timestamp) -> PortResult<u64> {
        self.pass(Call::Lose, self.inner.lose(keys, now)).await
    }

    async fn references(
        &self,
        after: Option<EntryId>,
        limit: usize,
    ) -> PortResult<Vec<ReferenceRecord>> {
        let answer = self.inner.references(after, limit);
        self.pass(Call::References, answer).await
    }

    async fn referring(&self, entries: &[EntryId]) -> PortResult<Vec<ReferenceRecord>> {
        let answer = self.inner.referring(entries);
        self.pass(Call::Referring, answer).await
    }

    async fn decide(&self, catalog: &str, decision: &Decision, now: Timestamp) -> PortResult<()> {
        let answer = self.inner.decide(catalog, decision, now);
        self.pass(Call::Decide, answer).await
    }

    async fn decisions(&self) -> PortResult<Vec<(String, Decision)>> {
        self.pass(Call::Decisions, self.inner.decisions()).await
    }
}

#[async_trait]
impl<S: ConversionJournal> ConversionJournal for FaultyStore<S> {
    async fn begin(&self, conversion: &Conversion, now: Timestamp) -> PortResult<()> {
        let answer = self.inner.begin(conversion, now);
        self.pass(Call::BeginMove, answer).await
    }

    async fn begin_back(&self, key: &SidecarKey, now: Timestamp) -> PortResult<()> {
        let answer = self.inner.begin_back(key, now);
        self.pass(Call::BeginBack, answer).await
    }

    async fn finish(&self, key: &SidecarKey, how: MoveEnd, now: Timestamp) -> PortResult<()> {
        let answer = self.inner.finish(key, how, now);
        self.pass(Call::FinishMove, answer).await
    }

    async fn unfinished(&self, catalog: Option<&str>) -> PortResult<Vec<Conversion>> {
        let answer = self.inner.unfinished(catalog);
        self.pass(Call::UnfinishedMoves, answer).await
    }

    async fn find(&self, key: &SidecarKey) -> PortResult<Option<Conversion>> {
        self.pass(Call::FindMove, self.inner.find(key)).await
    }
}
