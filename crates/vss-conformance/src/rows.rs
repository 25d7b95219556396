//! What the checks of the ports of rows share: they look at the same
//! rows, so one harness opens them and one bench speaks of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{
    ContentUuid, Digest, Disposition, FailureClass, Format, GeneratorId, GeneratorRef, Kind,
    Priority, SidecarKey, SidecarSource, Status, Timestamp, Variant,
};
use vss_ports::{
    Adoption, AttemptRecord, AttemptUsage, Claim, ClaimOrder, ClaimRequest, ClaimedOutput, Commit,
    CommitOutcome, ConversionJournal, EnqueueBatch, EnqueueItem, EnqueueReport, Failure,
    LeaseOwner, Maker, PortError, PortErrorKind, PortResult, Publisher, QueueControl,
    ReferenceStore, SidecarCounts, SidecarQueue, SidecarRecord, SidecarStore,
};

/// Opens stores.
#[async_trait]
pub trait RowsHarness: Send + Sync {
    /// The store of a place: empty the first time, what was written before when it is opened
    /// again after the one that wrote was dropped.
    async fn open(&self, place: &str) -> Rows;
}

/// The ports of one open store.
pub struct Rows {
    /// Its records.
    pub store: Arc<dyn SidecarStore>,
    /// Its queue.
    pub queue: Arc<dyn SidecarQueue>,
    /// The power over its queue.
    pub control: Arc<dyn QueueControl>,
    /// Its references.
    pub references: Arc<dyn ReferenceStore>,
    /// Its journal of moves.
    pub conversions: Arc<dyn ConversionJournal>,
}

impl Rows {
    /// The ports of a store that is all of them.
    pub fn of<S>(store: Arc<S>) -> Self
    where
        S: SidecarStore + SidecarQueue + QueueControl + ReferenceStore + ConversionJournal,
        S: 'static,
    {
        Self {
            store: Arc::clone(&store) as _,
            queue: Arc::clone(&store) as _,
            references: Arc::clone(&store) as _,
            conversions: Arc::clone(&store) as _,
            control: store,
        }
    }
}

/// An open store and the words to speak of it.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn SidecarStore>,
    pub(crate) queue: Arc<dyn SidecarQueue>,
    pub(crate) control: Arc<dyn QueueControl>,
    pub(crate) references: Arc<dyn ReferenceStore>,
    pub(crate) conversions: Arc<dyn ConversionJournal>,
    place: String,
}

/// Milliseconds after the time when all checks begin.
pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000).plus(Duration::from_millis(millis))
}

pub(crate) fn content(number: u8) -> ContentUuid {
    ContentUuid::from_bytes([number; 16])
}

pub(crate) fn key(number: u8, variant: &Variant) -> SidecarKey {
    SidecarKey::new(content(number), Kind::THUMB, variant.clone())
}

pub(crate) fn owner(name: &str) -> LeaseOwner {
    LeaseOwner::new(name)
}

pub(crate) fn generator(version: &str) -> GeneratorRef {
    GeneratorRef {
        id: "image".parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

/// What makes the usual kinds and variants now: `generator` at this version.
pub(crate) fn makers(version: &str) -> Vec<Maker> {
    let variants = [Variant::GRID_1X, Variant::GRID_2X, Variant::DETAIL_1X];
    let kinds = [Kind::THUMB, Kind::PROXY];
    let of = |kind: &Kind, variant: &Variant| Maker {
        kind: kind.clone(),
        variant: variant.clone(),
        generator: generator(version),
    };
    let all = kinds
        .iter()
        .flat_map(|k| variants.iter().map(move |v| of(k, v)));
    all.collect()
}

pub(crate) fn original(number: u8) -> (u64, Digest) {
    (1_000 + u64::from(number), Digest::of(&[number]))
}

pub(crate) fn wanted(variant: &Variant, version: &str) -> WantedOutput {
    WantedOutput {
        kind: Kind::THUMB,
        variant: variant.clone(),
        format: Format::WEBP,
        recipe: Recipe::Still(StillRecipe {
            max_side: 256,
            quality: 80,
        }),
        generator: generator(version),
    }
}

/// An output of another kind by another generator.
pub(crate) fn wanted_text() -> WantedOutput {
    WantedOutput {
        kind: Kind::OCR,
        variant: "ocr".parse().unwrap(),
        format: Format::JSON,
        generator: GeneratorRef {
            id: "text".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        },
        ..wanted(&Variant::GRID_1X, "1.0.0")
    }
}

/// An output of another kind by the same generator.
pub(crate) fn wanted_kind(kind: &Kind) -> WantedOutput {
    WantedOutput {
        kind: kind.clone(),
        ..wanted(&Variant::GRID_1X, "1.0.0")
    }
}

pub(crate) fn item(number: u8, priority: Priority, outputs: Vec<WantedOutput>) -> EnqueueItem {
    EnqueueItem {
        content: content(number),
        priority,
        outputs,
    }
}

pub(crate) fn request(name: &str, now: Timestamp, limit: usize) -> ClaimRequest {
    ClaimRequest {
        owner: owner(name),
        now,
        lease_until: now.plus(Duration::from_secs(30)),
        limit,
        generators: vec!["image".parse().unwrap(), "text".parse().unwrap()],
        except: Vec::new(),
        order: ClaimOrder::Urgent,
    }
}

pub(crate) fn commit_of(output: &ClaimedOutput) -> Commit {
    let number = output.key.content.as_bytes()[0];
    Commit {
        key: output.key.clone(),
        fence: output.fence,
        format: output.format.clone(),
        size: 500,
        digest: Digest::of(output.key.to_string().as_bytes()),
        generator: generator("1.0.0"),
        original: original(number),
        usage: usage(),
    }
}

/// What every attempt of these checks costs.
pub(crate) fn usage() -> AttemptUsage {
    AttemptUsage {
        started_at: at(2),
        duration: Duration::from_micros(3_999),
        cpu: Some(Duration::from_nanos(2_500_999)),
        peak_memory: Some(7 << 20),
    }
}

pub(crate) fn failure_of(output: &ClaimedOutput, class: FailureClass) -> Failure {
    Failure {
        key: output.key.clone(),
        fence: output.fence,
        class,
        detail: format!("it was {class}"),
        jitter: 7,
        usage: usage(),
    }
}

pub(crate) fn adoption(number: u8, variant: &Variant) -> Adoption {
    Adoption {
        key: key(number, variant),
        format: Format::WEBP,
        size: 321,
        digest: Digest::of(b"found"),
        source: SidecarSource::Adopted,
        version: None,
        original: None,
    }
}

impl Bench {
    /// A store of its own for one check.
    pub(crate) async fn fresh(harness: &dyn RowsHarness) -> Self {
        static PLACES: AtomicU64 = AtomicU64::new(0);
        let place = format!("place-{}", PLACES.fetch_add(1, Ordering::Relaxed));
        Self::open(harness, place).await
    }

    async fn open(harness: &dyn RowsHarness, place: String) -> Self {
        let Rows {
            store,
            queue,
            control,
            references,
            conversions,
        } = harness.open(&place).await;
        Self {
            store,
            queue,
            control,
            references,
            conversions,
            place,
        }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(self, harness: &dyn RowsHarness) -> Self {
        let place = self.place.clone();
        drop(self);
        Self::open(harness, place).await
    }

    pub(crate) async fn plan(&self, items: Vec<EnqueueItem>) -> EnqueueReport {
        self.plan_at(items, at(0)).await
    }

    pub(crate) async fn plan_at(&self, items: Vec<EnqueueItem>, now: Timestamp) -> EnqueueReport {
        let batch = EnqueueBatch {
            items,
            watermark: None,
        };
        self.queue.enqueue(&batch, now).await.unwrap()
    }

    /// Plans one variant of one content.
    pub(crate) async fn plan_one(&self, number: u8, variant: &Variant) {
        let outputs = vec![wanted(variant, "1.0.0")];
        self.plan(vec![item(number, Priority::New, outputs)]).await;
    }

    pub(crate) async fn claim(&self, name: &str, now: Timestamp, limit: usize) -> Vec<Claim> {
        let claims = self.queue.claim(&request(name, now, limit)).await;
        claims.unwrap()
    }

    /// Plans one variant of one content and claims it.
    pub(crate) async fn claimed(&self, number: u8, variant: &Variant) -> ClaimedOutput {
        self.plan_one(number, variant).await;
        let mut claims = self.claim("a", at(0), 1).await;
        claims.remove(0).outputs.remove(0)
    }

    /// Brings one variant of one content to ready.
    pub(crate) async fn ready(&self, number: u8, variant: &Variant) -> ClaimedOutput {
        let output = self.claimed(number, variant).await;
        let outcomes = self.commit(&[commit_of(&output)], at(1)).await;
        assert!(matches!(outcomes[..], [CommitOutcome::Committed]));
        output
    }

    /// Brings one variant of one content to failed or quarantined.
    pub(crate) async fn failed(&self, number: u8, variant: &Variant, class: FailureClass) {
        self.plan_one(number, variant).await;
        for hour in 0..4 {
            // Past every back-off.
            let now = at(hour * 4_000_000);
            for claim in self.claim("a", now, 1).await {
                let failure = failure_of(&claim.outputs[0], class);
                self.queue.fail(&[failure], now).await.unwrap();
            }
        }
        let status = self.status(number, variant).await;
        assert!(matches!(status, Status::Failed | Status::Quarantined));
    }

    pub(crate) async fn commit(&self, commits: &[Commit], now: Timestamp) -> Vec<CommitOutcome> {
        let publisher = Shelf::default();
        self.queue.commit(commits, &publisher, now).await.unwrap()
    }

    /// Records a failure; what became of the row, `None` where it was fenced off.
    pub(crate) async fn fail(&self, failure: Failure, now: Timestamp) -> Option<Disposition> {
        self.queue.fail(&[failure], now).await.unwrap()[0]
    }

    pub(crate) async fn row(&self, number: u8, variant: &Variant) -> SidecarRecord {
        let found = self.store.find(&key(number, variant)).await;
        found.unwrap().expect("the row is there")
    }

    pub(crate) async fn status(&self, number: u8, variant: &Variant) -> Status {
        self.row(number, variant).await.status
    }

    pub(crate) async fn attempts(&self, number: u8, variant: &Variant) -> Vec<AttemptRecord> {
        let attempts = self.store.attempts(&key(number, variant)).await;
        attempts.unwrap()
    }

    /// Compares the totals with the rows themselves.
    pub(crate) async fn assert_counts(&self, after: &str) {
        let mut expected = SidecarCounts::default();
        for row in self.store.page(None, None, usize::MAX).await.unwrap() {
            let (kind, status) = (row.key.kind.clone(), row.status);
            let of_kind = expected.rows.entry(kind.clone()).or_default();
            *of_kind.entry(status).or_default() += 1;
            let bytes = row.size.filter(|size| *size > 0 && status == Status::Ready);
            if let Some(size) = bytes.filter(|_| row.source != SidecarSource::Reference) {
                *expected.bytes.entry(kind).or_default() += size;
            }
        }
        assert_eq!(self.store.counts().await.unwrap(), expected, "{after}");
    }
}

/// A publisher that remembers what it was asked, and refuses what it is told to.
#[derive(Default)]
pub(crate) struct Shelf {
    /// Positions to refuse.
    pub(crate) refuse: BTreeSet<usize>,
    /// Looks at this row whenever it is asked.
    pub(crate) watch: Option<(Arc<dyn SidecarStore>, SidecarKey)>,
    pub(crate) asked: Mutex<Vec<Vec<usize>>>,
    pub(crate) seen: Mutex<Vec<Status>>,
}

impl Shelf {
    /// The positions of each call.
    pub(crate) fn asked(&self) -> Vec<Vec<usize>> {
        self.asked.lock().unwrap().clone()
    }

    /// The states of the watched row, one a call.
    pub(crate) fn seen(&self) -> Vec<Status> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Publisher for Shelf {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        if let Some((store, key)) = &self.watch {
            let row = store.find(key).await.unwrap().unwrap();
            self.seen.lock().unwrap().push(row.status);
        }
        self.asked.lock().unwrap().push(positions.to_vec());
        let answer = |position| match self.refuse.contains(position) {
            true => Err(PortError::new(
                PortErrorKind::Unavailable,
                "publish",
                "the mount is gone",
            )),
            false => Ok(()),
        };
        positions.iter().map(answer).collect()
    }
}

/// The generators that [`wanted`] and [`wanted_text`] name.
pub(crate) fn image_only() -> Vec<GeneratorId> {
    vec!["image".parse().unwrap()]
}
