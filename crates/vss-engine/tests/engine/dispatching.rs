//! Who gets work and when: engines that stay, stores that go away, generators that only die, kinds
//! that are held or limited, work that is called off, and old work among urgent work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vss_core::plan::GeneratorDescriptor;
use vss_core::{Digest, FailureClass, Kind, Priority, Status, Variant};
use vss_engine::{Engine, RunOptions, Settings, Until};
use vss_ports::{
    CancelToken, Clock, GenerateFailure, GenerateJob, Generator, LeaseOwner, PortErrorKind, Ports,
    Produced, Selection, SidecarQueue, SidecarStore, Unlimited,
};
use vss_testkit::clock::ManualClock;
use vss_testkit::generator::FakeGenerator;
use vss_testkit::store::Call;

use crate::world::{World, run};

/// An engine with settings of its own.
fn engine_with(world: &World, owner: &str, change: impl FnOnce(&mut Settings)) -> Arc<Engine> {
    let base = world.engine();
    let mut settings = base.settings().clone();
    change(&mut settings);
    Arc::new(Engine::new(world.ports(), settings, LeaseOwner::new(owner)))
}

/// Lets `done` become true, moving time on meanwhile.
async fn until(world: &World, mut done: impl AsyncFnMut() -> bool) {
    while !done().await {
        world.clock.advance(Duration::from_millis(250));
        tokio::task::yield_now().await;
    }
}

async fn calls(world: &Arc<World>, count: usize) {
    let world = Arc::clone(world);
    let waited = tokio::task::spawn_blocking(move || world.generator.wait_for_calls(count));
    waited.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_makes_what_is_queued_later_and_stops_when_told() {
    let world = Arc::new(World::new());
    let (engine, stop) = (world.engine(), CancelToken::new());
    let options = RunOptions {
        stop: stop.clone(),
        until: Until::Stopped,
        ..RunOptions::default()
    };
    let staying = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(&options).await.unwrap() }
    });
    for name in [b"first", b"later"] {
        world.add(name);
        world.plan().await;
        engine.wake();
        let made = world.count(Status::Ready).await + 3;
        until(&world, async || world.count(Status::Ready).await == made).await;
    }
    stop.cancel();
    engine.wake();
    assert_eq!(staying.await.unwrap().ready, 6);
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_another_process_queued_is_found_without_a_call() {
    let world = Arc::new(World::new());
    let (engine, stop) = (world.engine(), CancelToken::new());
    let options = RunOptions {
        stop: stop.clone(),
        until: Until::Stopped,
        ..RunOptions::default()
    };
    let staying = tokio::spawn(async move { engine.run(&options).await.unwrap() });
    world.add(b"from elsewhere");
    world.plan().await;
    until(&world, async || world.count(Status::Ready).await == 3).await;
    stop.cancel();
    until(&world, async || staying.is_finished()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_for_a_moment_loses_nothing_and_ends_nothing() {
    for call in [Call::Release, Call::Claim, Call::Commit, Call::Fail] {
        for takes_effect in [false, true] {
            let what = format!("{call:?}, takes effect: {takes_effect}");
            let world = Arc::new(World::with_pictures(3).await);
            world.generator.fail_next(FailureClass::Unsupported);
            let away = PortErrorKind::Unavailable;
            match takes_effect {
                false => world.store.refuse(call, 0, away),
                true => world.store.lose_answer(call, 0, away),
            }
            let engine = engine_with(&world, "patient", |settings| {
                settings.patience = Duration::from_secs(1 << 40);
            });
            let running = tokio::spawn(async move { run(&engine).await });
            until(&world, async || running.is_finished()).await;
            running.await.unwrap();
            assert_eq!(world.count(Status::Failed).await, 3, "{what}");
            // What was claimed and not heard of is claimed again once its lease is over.
            world.clock.advance(Duration::from_secs(3_600));
            world.run().await;
            assert_eq!(world.count(Status::Ready).await, 6, "{what}");
            world.assert_true().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_queued_by_a_clock_that_was_ahead_is_made_now() {
    let world = World::with_pictures(3).await;
    world.generator.fail_next(FailureClass::TransientIo);
    let right = world.clock.now();
    world.clock.advance(Duration::from_secs(4 * 365 * 86_400));
    world.plan().await;
    world.run().await;
    let later = World::with_pictures(0).await;
    assert_eq!(later.clock.now(), right);
    // The same rows, seen by an engine whose clock is right again.
    let ports = Ports {
        clock: Arc::clone(&later.clock) as _,
        ..world.ports()
    };
    let engine = world.engine_over(ports);
    assert_eq!(run(&engine).await.ready, 3);
    assert_eq!(world.count(Status::Ready).await, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hangs_gives_up_its_place_and_no_more_than_that() {
    let world = Arc::new(World::with_pictures(5).await);
    let engine = engine_with(&world, "single", |settings| settings.workers = 1);
    let gate = world.generator.hold();
    let running = tokio::spawn(async move { run(&engine).await });
    calls(&world, 1).await;
    // No time passed: one worker, one job. Then the first is silent, and a second one begins.
    assert_eq!(world.generator.calls().len(), 1);
    until(&world, async || world.generator.calls().len() > 1).await;
    // Each is a time at which the dispatcher looks again.
    let mut looks = 0;
    until(&world, async || {
        looks += 1;
        looks > 500 || world.generator.calls().len() > 2
    })
    .await;
    assert_eq!(
        world.generator.calls().len(),
        2,
        "all that hangs is not let pile up"
    );
    drop(gate);
    until(&world, async || running.is_finished()).await;
    assert_eq!(running.await.unwrap().ready, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generator_that_only_dies_is_given_rest_and_then_a_trial() {
    let world = World::with_pictures(40).await;
    (0..15).for_each(|_| world.generator.fail_next(FailureClass::Crash));
    let engine = engine_with(&world, "careful", |settings| settings.workers = 1);
    let report = run(&engine).await;
    assert!(report.halted.unwrap().contains("fake"));
    assert_eq!(world.generator.calls().len(), 10, "ten deaths and no more");
    assert_eq!(world.count(Status::Pending).await, 120, "nothing is lost");

    // It did nothing well yet, so the trial is one more job, which dies as well.
    world.clock.advance(Duration::from_secs(60));
    run(&engine).await;
    run(&engine).await;
    assert_eq!(world.generator.calls().len(), 11, "it rests again");

    // It was mended: the first job that works lets all others in.
    let mended = engine_with(&world, "mended", |_| ());
    assert_eq!(run(&mended).await.halted, None);
    world.clock.advance(Duration::from_secs(3_600));
    run(&mended).await;
    assert_eq!(world.count(Status::Ready).await, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_kills_its_worker_is_quarantined_alone_and_delays_nobody() {
    let world = World::with_pictures(20).await;
    let poison: Vec<_> = (0..12)
        .map(|number| world.add(format!("!crash {number}").as_bytes()))
        .collect();
    world.plan().await;
    let engine = engine_with(&world, "steady", |settings| settings.workers = 1);
    let report = run(&engine).await;
    assert_eq!((report.ready, report.halted), (60, None));
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(3_600));
        // Good ones in between, as in a real library.
        world.add(&world.now().as_millis().to_le_bytes());
        world.plan().await;
        run(&engine).await;
    }
    for row in world.rows().await {
        let expected = match poison.contains(&row.key.content) {
            true => Status::Quarantined,
            false => Status::Ready,
        };
        assert_eq!(row.status, expected, "{}", row.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_kind_is_not_made_until_it_is_resumed_also_by_another_engine() {
    let world = World::with_pictures(2).await;
    world.engine().pause(&[Kind::THUMB]).await.unwrap();
    assert_eq!(run(&world.engine()).await.ready, 0);
    let seen = world.engine().queue().await.unwrap();
    assert_eq!(seen.paused.first().unwrap().0, Kind::THUMB);
    assert_eq!(seen.depths.iter().map(|depth| depth.due).sum::<u64>(), 6);
    world.engine().resume(&[Kind::THUMB]).await.unwrap();
    assert_eq!(run(&world.engine()).await.ready, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_called_off_ends_its_job_and_comes_back_only_on_request() {
    let world = Arc::new(World::with_pictures(1).await);
    let content = world.rows().await.first().unwrap().key.content;
    let _gate = world.generator.hold();
    let engine = world.engine();
    let running = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { run(&engine).await }
    });
    calls(&world, 1).await;
    assert_eq!(engine.queue().await.unwrap().active.len(), 1);
    let all_of_it = Selection {
        statuses: vec![Status::Pending, Status::Running],
        contents: Some(vec![content]),
        ..Selection::default()
    };
    // The gate stays shut: only the call ends the job.
    assert_eq!(engine.cancel(&all_of_it).await.unwrap(), 3);
    let report = running.await.unwrap();
    assert_eq!((report.ready, report.failed), (0, 0));
    for row in world.rows().await {
        let class = row.failure.map(|failure| failure.class);
        assert_eq!(class, Some(FailureClass::Cancelled));
    }
    assert_eq!(world.plan().await, 0);
    assert_eq!(engine.queue().await.unwrap().active, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_abandoned_are_nobodys_fault_and_free_at_once() {
    let world = Arc::new(World::with_pictures(2).await);
    let gate = world.generator.hold();
    let (engine, stop) = (world.engine(), CancelToken::new());
    let options = RunOptions {
        stop: stop.clone(),
        ..RunOptions::default()
    };
    let running = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(&options).await.unwrap() }
    });
    calls(&world, 2).await;
    stop.cancel();
    assert_eq!(engine.abandon_jobs(), 2);
    let report = running.await.unwrap();
    assert_eq!((report.ready, report.failed, report.retried), (0, 0, 0));
    for row in world.rows().await {
        assert_eq!((row.status, row.failure), (Status::Pending, None));
    }
    drop(gate);
    assert_eq!(world.run().await.ready, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_work_gets_its_turn_among_urgent_work() {
    let world = World::new();
    let old = world.add(b"old");
    world.plan().await;
    let all = Selection {
        statuses: vec![Status::Ready],
        ..Selection::default()
    };
    run(&world.engine()).await;
    let control = world.ports().control;
    let requeued = control.requeue(&all, Priority::Regenerate, world.now());
    assert_eq!(requeued.await.unwrap(), 3);
    for number in 0..40_u8 {
        world.clock.advance(Duration::from_secs(1));
        let wanted = world.add(&[number]);
        let engine = world.engine();
        let asked = engine.path(wanted, &Kind::THUMB, &Variant::GRID_1X).await;
        asked.unwrap();
    }
    let slow = Arc::new(Slow(FakeGenerator::default(), Arc::clone(&world.clock)));
    let ports = Ports {
        generators: vec![Arc::clone(&slow) as _],
        ..world.ports()
    };
    let mut settings = world.engine().settings().clone();
    settings.workers = 1;
    let engine = Engine::new(ports, settings, LeaseOwner::new("fair"));
    run(&Arc::new(engine)).await;
    let calls = slow.0.calls();
    let turn = calls.iter();
    let turn = turn.take_while(|call| call.source != Digest::of(b"old"));
    assert!(turn.count() < 8, "{old} waited too long");
}

/// A generator whose jobs take a tenth of a second.
struct Slow(FakeGenerator, Arc<ManualClock>);

impl Generator for Slow {
    fn descriptor(&self) -> &GeneratorDescriptor {
        self.0.descriptor()
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        self.1.advance(Duration::from_millis(100));
        self.0.generate(job)
    }
}

/// Counts how many of its jobs are at the same place at once.
struct Crowd {
    inner: FakeGenerator,
    /// Bytes to reserve before the place.
    bytes: u64,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: FakeGenerator::default(),
            bytes,
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }
}

impl Generator for Crowd {
    fn descriptor(&self) -> &GeneratorDescriptor {
        self.inner.descriptor()
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        job.host.reserve(self.bytes)?;
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        // Room for others to come in, were they let.
        (0..1_000).for_each(|_| std::thread::yield_now());
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.inner.generate(&GenerateJob {
            // Memory is asked for once.
            host: &Unlimited,
            cancel: job.cancel.clone(),
            ..*job
        })
    }
}

async fn most_at_once(crowd: &Arc<Crowd>, change: impl FnOnce(&mut Settings)) -> usize {
    let world = World::new();
    for number in 0..60_u8 {
        world.add(&[number]);
    }
    world.plan().await;
    let base = world.engine();
    let mut settings = base.settings().clone();
    settings.workers = 4;
    change(&mut settings);
    let ports = Ports {
        generators: vec![Arc::clone(crowd) as _],
        ..world.ports()
    };
    let engine = Arc::new(Engine::new(ports, settings, LeaseOwner::new("crowd")));
    assert_eq!(run(&engine).await.ready, 180);
    crowd.most.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_is_made_no_oftener_at_once_than_it_may() {
    let one = |settings: &mut Settings| settings.kind_limits = [(Kind::THUMB, 1)].into();
    assert_eq!(most_at_once(&Crowd::new(1), one).await, 1);
    let free = most_at_once(&Crowd::new(1), |_| ()).await;
    assert!(free > 1, "the limit is what keeps them apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_hold_no_more_memory_at_once_than_there_is() {
    let budget = |settings: &mut Settings| settings.memory_budget = 100;
    assert_eq!(most_at_once(&Crowd::new(60), budget).await, 1);
    assert_eq!(most_at_once(&Crowd::new(5_000), budget).await, 1);
    assert!(most_at_once(&Crowd::new(20), budget).await > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_tells_what_it_cost() {
    let world = World::new();
    world.add(b"!timeout");
    world.plan().await;
    world.run().await;
    let key = world.rows().await.remove(0).key;
    let attempts = world.rows.attempts(&key).await.unwrap();
    let attempt = attempts.first().unwrap();
    assert_eq!(attempt.usage.started_at, world.now());
    assert_eq!((attempt.attempt, attempts.len()), (1, 1));
    let renewed = world.rows.renew(&attempt.owner, world.now()).await.unwrap();
    assert_eq!(renewed, 0, "nobody holds it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_for_a_generator_that_is_not_here_stays_and_says_so() {
    let world = World::with_pictures(1).await;
    let other = world.engine_with(FakeGenerator::new("other", "1.0.0", &["image/png"]));
    let report = run(&other).await;
    assert_eq!((report.ready, report.failed), (0, 0));
    assert_eq!(world.count(Status::Pending).await, 3);
    let content = world.rows().await.remove(0).key.content;
    let explained = other.explain(content).await.unwrap();
    for sidecar in explained.sidecars {
        assert!(sidecar.reason.contains("fake 1.0.0"), "{}", sidecar.reason);
        assert!(sidecar.reason.contains("not part"), "{}", sidecar.reason);
        assert!(sidecar.remedy.is_some());
    }
    assert_eq!(run(&world.engine()).await.ready, 3);
}
