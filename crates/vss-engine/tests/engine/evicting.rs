//! What is above a quota makes room: the oldest of what can be made again, nothing else, and it is
//! made again for who asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vss_core::eviction::Quotas;
use vss_core::{ContentUuid, Kind, SidecarSource, Status};
use vss_engine::{Engine, EvictOptions, EvictReport, PathAnswer, ReconcileOptions, RegenScope};
use vss_ports::{Event, PortErrorKind, SidecarStore};
use vss_testkit::faulty_vault::{VaultFault, VaultStep};
use vss_testkit::store::Call;

use crate::world::{World, run};

const HOUR: Duration = Duration::from_secs(3_600);

const LOOK: EvictOptions = EvictOptions {
    apply: false,
    precious: false,
};

const APPLY: EvictOptions = EvictOptions {
    apply: true,
    precious: false,
};

/// Pictures with three thumbnails each, made one hour after the other.
async fn made(count: u8) -> (World, Vec<ContentUuid>) {
    let world = World::new();
    let mut contents = Vec::new();
    for number in 0..count {
        contents.push(world.add(&[b'p', number]));
        world.plan().await;
        world.run().await;
        world.clock.advance(HOUR);
    }
    (world, contents)
}

async fn bytes(world: &World) -> u64 {
    let counts = world.rows.counts().await.unwrap();
    counts.bytes.values().sum()
}

/// An engine that may keep so many per cent of what there is now.
async fn engine_with(world: &World, per_cent: u64) -> Arc<Engine> {
    let quota = bytes(world).await * per_cent / 100;
    world.engine_told(world.ports(), |settings| {
        settings.quotas = Quotas {
            total: None,
            kinds: BTreeMap::from([(Kind::THUMB, quota)]),
        };
    })
}

async fn evict(engine: &Engine, options: EvictOptions) -> EvictReport {
    engine.evict(&options).await.unwrap()
}

async fn in_state(world: &World, content: ContentUuid, status: Status) -> usize {
    let rows = world.rows.of_content(content).await.unwrap();
    rows.iter().filter(|row| row.status == status).count()
}

/// Fails unless what was evicted has no file and is not wanted by anybody.
async fn assert_gone(world: &World) {
    world.assert_true().await;
    for row in world.rows().await {
        if row.status == Status::Evicted {
            assert_eq!(
                world.files.bytes(&row.key, &row.format),
                None,
                "{}",
                row.key
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_make_room_and_nothing_more_than_needed() {
    let (world, contents) = made(10).await;
    let before = bytes(&world).await;
    let engine = engine_with(&world, 70).await;
    let looked = evict(&engine, LOOK).await;
    assert_eq!(bytes(&world).await, before, "a look evicts nothing");
    let done = evict(&engine, APPLY).await;
    assert_eq!(done, looked);
    assert!(!done.is_short());
    let amount = done.total();
    assert_eq!(bytes(&world).await, before - amount.bytes);
    // All are of one size: from ten to 70 per cent, and to 95 of these.
    assert_eq!(
        (amount.sidecars, world.count(Status::Evicted).await),
        (11, 11)
    );
    for (content, gone) in contents.iter().zip([3, 3, 3, 2, 0, 0, 0, 0, 0, 0]) {
        assert_eq!(in_state(&world, *content, Status::Evicted).await, gone);
    }
    assert_gone(&world).await;
    let told = world.events.events();
    let told = told
        .iter()
        .filter(|event| matches!(event, Event::SidecarEvicted { .. }));
    assert_eq!(told.count(), 11);
    assert_eq!(evict(&engine, APPLY).await, EvictReport::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_made_room_is_made_again_for_who_asks_and_not_before() {
    let (world, contents) = made(3).await;
    evict(&*engine_with(&world, 70).await, APPLY).await;
    assert_eq!(in_state(&world, contents[0], Status::Evicted).await, 3);
    // An engine without quotas: nothing is in the way of making it.
    let engine = world.engine();
    let reconciled = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!(
        (reconciled.missing, reconciled.enqueued, reconciled.amended),
        (0, 0, 0)
    );
    let nothing = BTreeMap::new();
    assert_eq!(
        engine.plan_for(&*world.contents()).await.unwrap().missing,
        nothing
    );
    assert_eq!(
        engine.regen(RegenScope::Stale, None, None).await.unwrap(),
        0
    );
    assert_eq!(engine.retry(None, None, None).await.unwrap(), 0);
    assert_eq!((world.plan().await, world.run().await.ready), (0, 0));
    let row = world.rows.of_content(contents[0]).await.unwrap().remove(0);
    let asked = engine.path(contents[0], &row.key.kind, &row.key.variant);
    let ticket = row.key.row_uuid();
    assert_eq!(asked.await.unwrap(), PathAnswer::Pending { ticket });
    assert_eq!(run(&engine).await.ready, 1);
    let asked = engine.path(contents[0], &row.key.kind, &row.key.variant);
    assert!(matches!(asked.await.unwrap(), PathAnswer::Ready { .. }));
    // Asked for by name, the rest of it comes as well.
    let named = Some(vec![contents[0]]);
    assert_eq!(engine.regen(RegenScope::All, named, None).await.unwrap(), 3);
    assert_eq!(run(&engine).await.ready, 3);
    let states = [Status::Ready, Status::Evicted];
    let [ready, evicted] = states.map(|status| world.count(status));
    assert_eq!((ready.await, evicted.await), (8, 1));
    assert_gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_to_the_quota() {
    let (world, _) = made(4).await;
    let before = bytes(&world).await;
    let engine = engine_with(&world, 100).await;
    for number in 0..4 {
        world.add(&[b'q', number]);
    }
    world.plan().await;
    assert_eq!(run(&engine).await.ready, 12);
    assert!(bytes(&world).await <= before);
    assert!(world.count(Status::Evicted).await >= 12);
    assert_gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_works_a_run_keeps_to_the_quota_too() {
    let (world, _) = made(4).await;
    let engine = engine_with(&world, 50).await;
    let options = vss_engine::RunOptions {
        until: vss_engine::Until::Stopped,
        ..Default::default()
    };
    let stop = options.stop.clone();
    let working = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(&options).await.unwrap() }
    });
    while world.count(Status::Evicted).await == 0 {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    stop.cancel();
    engine.wake();
    while !working.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_again_stays_and_is_told() {
    let (world, contents) = made(5).await;
    // Nobody has an original of the first; nobody knows how the second was made; the disk of the
    // third is away.
    world.catalog.remove(contents[0]);
    let found = world.rows.of_content(contents[1]).await.unwrap();
    let keys: Vec<_> = found.iter().map(|row| row.key.clone()).collect();
    world.rows.forget(&keys).await.unwrap();
    world.files.lose_manifest(contents[1]);
    world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    assert_eq!(world.count(Status::Ready).await, 15);
    let engine = engine_with(&world, 10).await;
    let precious = EvictOptions {
        precious: true,
        ..APPLY
    };
    let done = evict(&engine, precious).await;
    assert_eq!(done.total().sidecars, 9);
    assert!(done.short[&Kind::THUMB] > 0);
    assert_eq!(in_state(&world, contents[0], Status::Ready).await, 3);
    let left = world.rows.of_content(contents[1]).await.unwrap();
    assert!(left.iter().all(|row| row.status == Status::Ready));
    assert!(left.iter().all(|row| row.source == SidecarSource::Adopted));
    assert_gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_a_disk_that_is_away_stays() {
    let (world, contents) = made(2).await;
    let original = world
        .contents()
        .originals(contents[0])
        .await
        .unwrap()
        .remove(0);
    // A location below which the first original lies, and that cannot be looked at.
    world.catalog.note_location(&original.path);
    assert_eq!(world.engine().missing_locations().await.unwrap().len(), 1);
    let engine = engine_with(&world, 0).await;
    assert_eq!(evict(&engine, APPLY).await.total().sidecars, 3);
    assert_eq!(in_state(&world, contents[0], Status::Ready).await, 3);
    assert_eq!(in_state(&world, contents[1], Status::Evicted).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_vault_makes_no_room() {
    let (world, _) = made(2).await;
    let engine = engine_with(&world, 50).await;
    for row in world.rows().await {
        world.files.lose(&row.key, &row.format);
        world.files.lose_manifest(row.key.content);
    }
    let refused = engine.evict(&APPLY).await.unwrap_err().to_string();
    assert!(refused.contains("empty"), "{refused}");
    assert_eq!(world.count(Status::Evicted).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eviction_that_fails_at_any_step_leaves_no_ready_row_without_a_file() {
    let refuse = VaultFault::Refuse(PortErrorKind::Unavailable);
    let done = VaultFault::DoneAndRefuse(PortErrorKind::Unavailable);
    for nth in 0..6 {
        for fault in [refuse, done] {
            let (world, _) = made(4).await;
            let engine = engine_with(&world, 50).await;
            world.vault.arm(VaultStep::Remove, nth, fault);
            let report = engine.evict(&APPLY).await.unwrap();
            let left = u64::from(fault == refuse);
            assert_eq!((report.stuck, report.total().sidecars), (left, 7 - left));
            // Its row is there, and no reconcile is needed for it to go the next time.
            world.assert_true().await;
            let engine = engine_with(&world, 0).await;
            assert_eq!(evict(&engine, APPLY).await.total().sidecars, 5 + left);
            finish(&world, &engine).await;
        }
    }
    // As often as each is called.
    for (call, times) in [(Call::Counts, 1), (Call::Page, 4), (Call::Evict, 1)] {
        for nth in 0..times {
            let (world, _) = made(4).await;
            let engine = engine_with(&world, 50).await;
            world.store.refuse(call, nth, PortErrorKind::Unavailable);
            assert!(engine.evict(&APPLY).await.is_err());
            finish(&world, &engine).await;
            let (world, _) = made(4).await;
            let engine = engine_with(&world, 50).await;
            world
                .store
                .lose_answer(call, nth, PortErrorKind::Unavailable);
            assert!(engine.evict(&APPLY).await.is_err());
            finish(&world, &engine).await;
        }
    }
}

async fn finish(world: &World, engine: &Engine) {
    world.assert_true().await;
    // What lost its row is there again at no cost, and goes the next time.
    let made = world.generator.calls();
    engine.reconcile(ReconcileOptions::default()).await.unwrap();
    world.assert_true().await;
    engine.evict(&APPLY).await.unwrap();
    assert!(world.count(Status::Ready).await <= 6);
    assert_eq!(
        world.count(Status::Ready).await + world.count(Status::Evicted).await,
        12
    );
    assert_eq!(world.generator.calls(), made);
    assert_gone(world).await;
}
