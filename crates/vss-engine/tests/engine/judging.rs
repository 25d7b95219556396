//! What becomes of sidecars that cannot be made: the class decides, and nobody's word is taken.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mockall::mock;
use vss_core::companion::LiveId;
use vss_core::plan::{GeneratorDescriptor, Recipe};
use vss_core::{ContentUuid, EntryId, FailureClass, Kind, Status, Timestamp, Variant};
use vss_engine::{Engine, PathAnswer, RegenScope, Verdict};
use vss_ports::{
    CatalogCounts, ChangeSeq, ContentCatalog, ContentRecord, EntryRecord, FolderRecord,
    GenerateFailure, GenerateJob, Generator, HalfRecord, Identified, LeaseOwner, LocationRecord,
    OpenOriginal, OriginalRecord, PortError, PortErrorKind, PortResult, Ports, Produced,
    RefreshObserver, RefreshOptions, RefreshReport,
};
use vss_testkit::generator::FakeGenerator;

use crate::world::{World, run};

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_file_fails_alone_and_is_not_tried_again_until_somebody_asks() {
    let world = World::with_pictures(5).await;
    let bad = world.add(b"!corrupt_source");
    world.plan().await;
    let report = world.run().await;
    assert_eq!((report.ready, report.failed), (15, 3));
    assert_eq!(world.run().await.failed, 0);
    let explained = world.engine().explain(bad).await.unwrap();
    assert_eq!(explained.verdict, Verdict::Failed);
    assert!(
        explained
            .sidecars
            .iter()
            .all(|s| s.class == Some(FailureClass::CorruptSource))
    );
    assert!(
        explained
            .sidecars
            .iter()
            .all(|s| s.remedy.is_some() && s.attempts == 1)
    );

    assert_eq!(
        world
            .engine()
            .retry(None, None, Some(FailureClass::TooLarge))
            .await
            .unwrap(),
        0
    );
    assert_eq!(world.engine().retry(None, None, None).await.unwrap(), 3);
    assert_eq!(world.run().await.failed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_generator_version_tries_failures_again_and_leaves_what_is_ready() {
    let world = World::with_pictures(2).await;
    world.add(b"!unsupported");
    world.plan().await;
    world.run().await;
    let newer = || FakeGenerator::new("fake", "1.1.0", &["image/jpeg"]);
    let engine = world.engine_with(newer());
    let planned = engine
        .index(&[], &Default::default(), &Quiet)
        .await
        .unwrap();
    assert_eq!(planned.enqueued, 3);
    assert_eq!(run(&engine).await.failed, 3);
    // Only who asks for it gets what is ready made anew by the new version.
    assert_eq!(
        engine.regen(RegenScope::Stale, None, None).await.unwrap(),
        6
    );
    assert_eq!(run(&engine).await.ready, 6);
    assert_eq!(
        engine.regen(RegenScope::Stale, None, None).await.unwrap(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_makes_its_variant_stale_alone_and_the_old_file_serves_until_then() {
    let world = World::with_pictures(2).await;
    world.plan().await;
    world.run().await;
    let mut settings = world.engine().settings().clone();
    let thumbs = settings.policy.kinds.get_mut(&Kind::THUMB).unwrap();
    let Recipe::Still(still) = &mut thumbs.get_mut(&Variant::GRID_2X).unwrap().recipe else {
        panic!("a thumbnail is a still");
    };
    still.quality -= 1;
    let owner = LeaseOwner::new("changed");
    let engine = Arc::new(Engine::new(world.ports(), settings, owner));
    let stale = || engine.regen(RegenScope::Stale, None, None);
    assert_eq!(stale().await.unwrap(), 2);
    let pending: Vec<_> = world.rows().await;
    let pending = pending.iter().filter(|row| row.status == Status::Pending);
    for row in pending {
        assert_eq!(row.key.variant, Variant::GRID_2X);
        assert!(row.size.is_some(), "the old file is there");
    }
    assert_eq!(run(&engine).await.ready, 2);
    assert_eq!(stale().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_its_engine_is_set_aside_the_third_time_and_the_others_go_on() {
    let world = World::with_pictures(3).await;
    let poison = world.add(b"poison");
    world.plan().await;
    for attempt in 1..=3_u64 {
        let engine = world.engine_with(Dying::default());
        let report = run(&engine).await;
        assert_eq!(report.ready, if attempt == 1 { 9 } else { 0 });
        assert_eq!(
            report.quarantined,
            if attempt == 3 { 3 } else { 0 },
            "attempt {attempt}"
        );
        world.clock.advance(Duration::from_secs(3_600));
    }
    let rows = world.rows().await;
    let poisoned = rows.iter().filter(|row| row.key.content == poison);
    assert!(
        poisoned
            .clone()
            .all(|row| row.status == Status::Quarantined && row.attempt == 3)
    );
    let notes = poisoned.filter_map(|row| row.failure.as_ref());
    assert!(notes.clone().all(|note| note.class == FailureClass::Crash));
    assert_eq!(notes.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_of_its_format_is_never_published() {
    let world = World::with_pictures(1).await;
    let engine = world.engine_with(Lying(descriptor()));
    let report = run(&engine).await;
    assert_eq!((report.ready, report.retried), (0, 3));
    let rows = world.rows().await;
    let note = rows[0].failure.as_ref().unwrap();
    assert_eq!(note.class, FailureClass::Crash);
    assert!(note.detail.contains("not webp"), "{}", note.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_the_same_identity_but_other_bytes_is_refused() {
    // Beyond 100 KiB only samples are hashed; the byte at 20,000 is in none of them.
    let one = vec![7_u8; 300_000];
    let mut other = one.clone();
    other[20_000] = 8;
    let world = World::new();
    let content = world.add(&one);
    world.plan().await;
    assert_eq!(world.run().await.ready, 3);
    world.catalog.remove(content);
    assert_eq!(world.add(&other), content, "the test needs a collision");
    world
        .engine()
        .regen(RegenScope::All, None, None)
        .await
        .unwrap();
    let report = world.run().await;
    assert_eq!((report.ready, report.failed), (0, 3));
    let rows = world.rows().await;
    assert_eq!(
        rows[0].failure.as_ref().unwrap().class,
        FailureClass::Policy
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_original_fails_as_missing_and_is_made_when_it_returns() {
    let world = World::with_pictures(1).await;
    let content = world.add(b"comes and goes");
    world.plan().await;
    world.catalog.remove(content);
    let report = world.run().await;
    assert_eq!((report.ready, report.failed), (3, 3));
    world.add(b"comes and goes");
    assert_eq!(world.plan().await, 3);
    assert_eq!(world.run().await.ready, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_reads_is_listed_with_its_class_and_queues_nothing() {
    let world = World::new();
    let content = world.catalog.add(b"model", "model/stl".parse().unwrap());
    assert_eq!(world.plan().await, 0);
    let (problems, _) = world
        .engine()
        .problems(ChangeSeq::default(), 10)
        .await
        .unwrap();
    assert_eq!(problems[0].class, Some(FailureClass::Unsupported));
    let asked = world
        .engine()
        .path(content, &Kind::THUMB, &Variant::GRID_1X)
        .await
        .unwrap();
    let PathAnswer::Failed { class, .. } = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(class, FailureClass::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_all_that_can_be_made_of_it_is_no_problem() {
    let world = World::with_pictures(1).await;
    let engine = world.engine();
    let grid = engine.settings().policy.kinds[&Kind::THUMB][&Variant::GRID_1X]
        .recipe
        .clone();
    let Recipe::Still(grid) = grid else {
        panic!("{grid:?}")
    };
    let problems = async |class: FailureClass| {
        world.add(class.as_str().as_bytes());
        let generator = FakeGenerator::new("fake", "1.0.0", &["image/jpeg"]);
        generator.fail_output(grid, class);
        let engine = world.engine_with(generator);
        world.plan().await;
        run(&engine).await;
        let found = engine.problems(ChangeSeq::default(), 10).await.unwrap().0;
        found
            .iter()
            .map(|problem| problem.class)
            .collect::<Vec<_>>()
    };
    // A song without a cover: there is nothing to make the one thing of, and the rest is there.
    assert_eq!(problems(FailureClass::Unsupported).await, []);
    let damaged = FailureClass::CorruptSource;
    assert_eq!(problems(damaged).await, [Some(damaged)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_does_not_answer_is_tried_again_later() {
    let world = World::with_pictures(1).await;
    let mut opener = MockOpener::new();
    opener.expect_open().times(1).returning(|_| {
        Err(PortError::new(
            PortErrorKind::Unavailable,
            "open an original",
            "the share is away",
        ))
    });
    let catalog = Opening {
        inner: world.contents(),
        opener,
    };
    let broken = world.engine_over(Ports {
        catalog: Arc::new(catalog),
        ..world.ports()
    });
    let report = run(&broken).await;
    assert_eq!((report.ready, report.retried), (0, 3));
    assert_eq!(
        world.run().await.ready,
        0,
        "not before its back-off is over"
    );
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.run().await.ready, 3);
}

fn descriptor() -> GeneratorDescriptor {
    FakeGenerator::default().descriptor().clone()
}

/// Dies on `poison`, once a job.
#[derive(Default)]
struct Dying {
    inner: FakeGenerator,
    died: AtomicBool,
}

impl Generator for Dying {
    fn descriptor(&self) -> &GeneratorDescriptor {
        self.inner.descriptor()
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        if job.source_size == 6 {
            self.died.store(true, Ordering::Relaxed);
            panic!("poisoned");
        }
        self.inner.generate(job)
    }
}

/// Says it made WebP files, and wrote something else.
struct Lying(GeneratorDescriptor);

impl Generator for Lying {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.0
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        let lie = |mut file: &std::fs::File| {
            file.write_all(b"<script>alert(1)</script>").unwrap();
            Ok(Produced {
                width: 1,
                height: 1,
                degraded: None,
            })
        };
        Ok(job.outputs.iter().map(|output| lie(output.file)).collect())
    }
}

struct Quiet;

impl RefreshObserver for Quiet {
    fn progress(&self, _: u64, _: u64) {}

    fn problem(&self, _: vss_ports::RefreshProblem) {}
}

mock! {
    Opener {
        fn open(&self, content: ContentUuid) -> PortResult<Option<OpenOriginal>>;
    }
}

/// A catalog whose originals are opened by a mock.
struct Opening {
    inner: Arc<dyn ContentCatalog>,
    opener: MockOpener,
}

#[async_trait]
impl ContentCatalog for Opening {
    async fn instance(&self) -> PortResult<String> {
        self.inner.instance().await
    }

    async fn refresh(
        &self,
        roots: &[PathBuf],
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        self.inner.refresh(roots, options, observer, now).await
    }

    async fn revisit(
        &self,
        revisit: &vss_ports::Revisit,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        self.inner.revisit(revisit, options, observer, now).await
    }

    async fn changes(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<ContentRecord>> {
        self.inner.changes(after, limit).await
    }

    async fn find(&self, contents: &[ContentUuid]) -> PortResult<Vec<ContentRecord>> {
        self.inner.find(contents).await
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentRecord>> {
        self.inner.page(after, until, limit).await
    }

    async fn locations(&self) -> PortResult<Vec<LocationRecord>> {
        self.inner.locations().await
    }

    async fn originals(&self, content: ContentUuid) -> PortResult<Vec<OriginalRecord>> {
        self.inner.originals(content).await
    }

    async fn open(&self, content: ContentUuid) -> PortResult<Option<OpenOriginal>> {
        self.opener.open(content)
    }

    async fn identify(&self, path: &Path) -> PortResult<Option<Identified>> {
        self.inner.identify(path).await
    }

    async fn folders(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<FolderRecord>> {
        self.inner.folders(after, limit).await
    }

    async fn halves(&self, ids: &[LiveId]) -> PortResult<Vec<HalfRecord>> {
        self.inner.halves(ids).await
    }

    async fn entries(&self, entries: &[EntryId]) -> PortResult<Vec<EntryRecord>> {
        self.inner.entries(entries).await
    }

    async fn open_entry(&self, entry: EntryId) -> PortResult<Option<OpenOriginal>> {
        self.inner.open_entry(entry).await
    }

    async fn counts(&self) -> PortResult<CatalogCounts> {
        self.inner.counts().await
    }
}
