//! Something fails at every step in turn. Whatever it was, the rows are never untrue, and the next
//! engine finishes the work.

use std::sync::Arc;
use std::time::Duration;

use vss_core::Status;
use vss_engine::{ReconcileOptions, RunOptions};
use vss_ports::PortErrorKind;
use vss_testkit::faulty_vault::{VaultFault, VaultStep};
use vss_testkit::store::Call;

use crate::world::World;

const PICTURES: u8 = 3;

/// Runs into the fault, as far as it gets; a panic is a death.
async fn run_into_it(world: &Arc<World>) {
    let engine = world.engine();
    let options = RunOptions {
        sole_owner: true,
        ..RunOptions::default()
    };
    // Whether it ended in a report, an error or a panic: what it leaves must be true.
    let _ = tokio::spawn(async move { engine.run(&options).await }).await;
    world.assert_true().await;
}

/// A new engine, after everything that backs off has waited long enough.
async fn finish(world: &Arc<World>, what: &str) {
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(3_600));
        world
            .engine()
            .reconcile(ReconcileOptions::default())
            .await
            .unwrap();
        world.assert_true().await;
        world.run().await;
    }
    world.assert_true().await;
    assert_eq!(
        world.count(Status::Ready).await,
        usize::from(PICTURES) * 3,
        "{what}"
    );
    assert_eq!(
        world.rows().await.len(),
        usize::from(PICTURES) * 3,
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_fails_or_dies_at_any_step_loses_nothing() {
    let faults = [
        VaultFault::Refuse(PortErrorKind::Unavailable),
        VaultFault::Refuse(PortErrorKind::Full),
        VaultFault::DoneAndRefuse(PortErrorKind::Unavailable),
        VaultFault::Panic,
        VaultFault::DoneAndPanic,
    ];
    for step in [
        VaultStep::Stage,
        VaultStep::Seal,
        VaultStep::Settle,
        VaultStep::Publish,
    ] {
        for fault in faults {
            let most = if step == VaultStep::Settle { 1 } else { 9 };
            for nth in 0..most {
                let what = format!("{step:?} {nth} {fault:?}");
                let world = Arc::new(World::with_pictures(PICTURES).await);
                world.vault.arm(step, nth, fault);
                run_into_it(&world).await;
                assert!(!world.vault.is_armed(), "{what} never came");
                finish(&world, &what).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_before_or_after_any_call_loses_nothing() {
    for call in [Call::Release, Call::Claim, Call::Commit] {
        for nth in 0..2 {
            for takes_effect in [false, true] {
                let what = format!("{call:?} {nth}, takes effect: {takes_effect}");
                let world = Arc::new(World::with_pictures(PICTURES).await);
                match takes_effect {
                    false => world.store.refuse(call, nth, PortErrorKind::Unavailable),
                    true => world
                        .store
                        .lose_answer(call, nth, PortErrorKind::Unavailable),
                }
                run_into_it(&world).await;
                finish(&world, &what).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_cannot_be_recorded_is_met_again() {
    for takes_effect in [false, true] {
        let world = Arc::new(World::with_pictures(PICTURES).await);
        world
            .generator
            .fail_next(vss_core::FailureClass::TransientIo);
        match takes_effect {
            false => world
                .store
                .refuse(Call::Fail, 0, PortErrorKind::Unavailable),
            true => world
                .store
                .lose_answer(Call::Fail, 0, PortErrorKind::Unavailable),
        }
        run_into_it(&world).await;
        finish(&world, "fail").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_that_was_interrupted_goes_on_where_it_was() {
    for takes_effect in [false, true] {
        let world = Arc::new(World::new());
        for number in 0..PICTURES {
            world.add(&[b'p', number]);
        }
        match takes_effect {
            false => world
                .store
                .refuse(Call::Enqueue, 0, PortErrorKind::Unavailable),
            true => world
                .store
                .lose_answer(Call::Enqueue, 0, PortErrorKind::Unavailable),
        }
        let engine = world.engine();
        let interrupted = engine.reconcile(ReconcileOptions::default()).await;
        assert!(interrupted.is_err(), "the fault never came");
        let planned = world.plan().await;
        assert_eq!(planned, if takes_effect { 0 } else { 9 });
        finish(&world, "plan").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_run_and_says_so() {
    let world = Arc::new(World::with_pictures(PICTURES).await);
    world.vault.arm(
        VaultStep::Publish,
        1,
        VaultFault::Refuse(PortErrorKind::Full),
    );
    let report = world.run().await;
    assert!(report.halted.is_some_and(|why| !why.is_empty()));
    assert!(report.retried > 0 && report.failed == 0);
    finish(&world, "full disk").await;
    assert!(world.now() > vss_core::Timestamp::default());
}
