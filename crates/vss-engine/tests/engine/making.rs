//! Planning and running when nothing goes wrong, and when an engine lives longer than its lease.

use std::sync::Arc;
use std::time::Duration;

use vss_core::Status;
use vss_engine::RunOptions;
use vss_ports::{CancelToken, Event};

use crate::world::{World, run};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_made_in_one_pass_a_content_and_told() {
    let world = World::with_pictures(4).await;
    let report = world.run().await;
    assert_eq!((report.ready, report.failed, report.halted), (12, 0, None));
    assert_eq!(
        world.generator.calls().len(),
        4,
        "all outputs of a content in one call"
    );
    assert!(
        world
            .generator
            .calls()
            .iter()
            .all(|call| call.outputs.len() == 3)
    );
    let told = world.events.events();
    assert_eq!(
        told.iter()
            .filter(|e| matches!(e, Event::SidecarReady { .. }))
            .count(),
        12
    );
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_and_running_again_does_nothing() {
    let world = World::with_pictures(3).await;
    world.run().await;
    assert_eq!(world.plan().await, 0);
    assert_eq!(world.run().await.ready, 0);
    assert_eq!(world.generator.calls().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_original_is_planned_alone() {
    let world = World::with_pictures(3).await;
    world.run().await;
    world.add(b"late");
    assert_eq!(world.plan().await, 3);
    assert_eq!(world.run().await.ready, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_first_claim_leaves_everything_pending() {
    let world = World::with_pictures(2).await;
    let stop = CancelToken::new();
    stop.cancel();
    let report = world
        .engine()
        .run(&RunOptions {
            stop,
            sole_owner: true,
            ..RunOptions::default()
        })
        .await
        .unwrap();
    assert_eq!((report.ready, report.halted.is_some()), (0, true));
    assert_eq!(world.count(Status::Pending).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_that_wakes_up_late_is_fenced_off_and_publishes_nothing() {
    let world = Arc::new(World::with_pictures(1).await);
    let gate = world.generator.hold();
    let zombie = world.engine();
    let late = tokio::spawn(async move { run(&zombie).await });
    let waiting = Arc::clone(&world);
    tokio::task::spawn_blocking(move || waiting.generator.wait_for_calls(1))
        .await
        .unwrap();

    // Its lease runs out while it hangs; another engine takes over and finishes.
    let successor = world.engine_with(vss_testkit::generator::FakeGenerator::default());
    let report = run(&successor).await;
    assert_eq!(report.ready, 3);
    let before = world.rows().await;

    drop(gate);
    let late = late.await.unwrap();
    assert_eq!((late.ready, late.fenced), (0, 3));
    assert_eq!(world.rows().await, before);
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_lease_is_not_taken_by_an_engine_that_may_have_company() {
    let world = Arc::new(World::with_pictures(1).await);
    let gate = world.generator.hold();
    let first = world.engine();
    let working = tokio::spawn(async move { first.run(&RunOptions::default()).await.unwrap() });
    let waiting = Arc::clone(&world);
    tokio::task::spawn_blocking(move || waiting.generator.wait_for_calls(1))
        .await
        .unwrap();
    let second = world.engine_with(vss_testkit::generator::FakeGenerator::default());
    assert_eq!(second.run(&RunOptions::default()).await.unwrap().ready, 0);

    // Once the lease is over, it is.
    world.clock.advance(Duration::from_millis(30_001));
    let took_over = second.run(&RunOptions::default()).await.unwrap();
    drop(gate);
    let first = working.await.unwrap();
    // The advance also wakes the first one's renewal; whoever was quicker, nothing is made twice.
    assert_eq!(took_over.ready + first.ready, 3);
    world.assert_true().await;
}
