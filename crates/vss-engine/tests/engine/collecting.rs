//! Only what was shown is deleted, only of contents whose originals are long gone, and never while
//! anything that may hold one cannot be looked at.

use std::time::Duration;

use vss_core::{ContentUuid, SidecarSource, Status};
use vss_engine::{GcError, GcOptions, GcReport, ReconcileOptions};
use vss_ports::{PortErrorKind, SidecarRecord, SidecarStore, Vault};
use vss_testkit::faulty_vault::{VaultFault, VaultStep};
use vss_testkit::store::Call;

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3_600);

const LOOK: GcOptions = GcOptions {
    grace: Duration::from_secs(30 * 24 * 3_600),
    apply: false,
    precious: false,
    despite_missing: false,
};

const APPLY: GcOptions = GcOptions {
    apply: true,
    ..LOOK
};

async fn gc(world: &World, options: GcOptions) -> GcReport {
    world.engine().gc(&options).await.unwrap()
}

/// A world with three pictures that stay and one that goes now.
async fn with_one_gone() -> (World, ContentUuid) {
    let world = World::with_pictures(3).await;
    let gone = world.add(b"gone");
    world.plan().await;
    world.run().await;
    world.catalog.remove_at(gone, world.now());
    (world, gone)
}

async fn rows_of(world: &World, content: ContentUuid) -> usize {
    world.rows.of_content(content).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_its_originals_goes_after_the_grace_and_a_look() {
    let (world, gone) = with_one_gone().await;
    world.clock.advance(29 * DAY);
    let looked = gc(&world, LOOK).await;
    assert_eq!((looked.contents, looked.waiting), (0, 1));
    world.clock.advance(DAY);
    let looked = gc(&world, LOOK).await;
    assert_eq!((looked.contents, looked.total().sidecars), (1, 3));
    assert!(looked.total().bytes > 0);
    assert_eq!(
        world.count(Status::Ready).await,
        12,
        "a look deletes nothing"
    );

    let done = gc(&world, APPLY).await;
    assert_eq!((done.collected, done.contents), (looked.collected, 1));
    assert_eq!(rows_of(&world, gone).await, 0);
    assert_eq!(world.count(Status::Ready).await, 9);
    world.assert_true().await;
    let scanned = world.files.scan(None, 100).await.unwrap();
    assert!(scanned.iter().all(|folder| folder.content != gone));
    let again = world.engine().reconcile(ReconcileOptions::default()).await;
    let again = again.unwrap();
    assert_eq!((again.adopted, again.missing, again.amended), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_that_was_not_shown() {
    let (world, gone) = with_one_gone().await;
    world.clock.advance(31 * DAY);
    let unseen = world.engine().gc(&APPLY).await;
    assert!(matches!(unseen, Err(GcError::NotShown)), "{unseen:?}");
    gc(&world, LOOK).await;
    // Lost after the look, however long it then takes to act on it.
    let later = world
        .contents()
        .changes(Default::default(), 1)
        .await
        .unwrap()[0]
        .content;
    world.catalog.remove_at(later, world.now());
    world.clock.advance(100 * DAY);
    let done = gc(&world, APPLY).await;
    assert_eq!((done.contents, done.waiting), (1, 1));
    assert_eq!(
        (rows_of(&world, gone).await, rows_of(&world, later).await),
        (0, 3)
    );
    // And what was shown is done with.
    let again = world.engine().gc(&APPLY).await;
    assert!(matches!(again, Err(GcError::NotShown)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_stays() {
    let (world, gone) = with_one_gone().await;
    world.clock.advance(31 * DAY);
    assert_eq!(gc(&world, LOOK).await.contents, 1);
    assert_eq!(world.add(b"gone"), gone);
    assert_eq!(gc(&world, APPLY).await.contents, 0);
    assert_eq!(rows_of(&world, gone).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_catalog_never_knew_stays() {
    let (world, _) = with_one_gone().await;
    world.clock.advance(1_000 * DAY);
    let ports = vss_ports::Ports {
        catalog: World::new().contents(),
        ..world.ports()
    };
    let looked = world.engine_over(ports).gc(&LOOK).await.unwrap();
    assert_eq!((looked.contents, looked.unknown), (0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_generator_made_stays_unless_it_is_asked_for() {
    let (world, gone) = with_one_gone().await;
    let keys: Vec<_> = world.rows.of_content(gone).await.unwrap();
    let keys: Vec<_> = keys.into_iter().map(|row| row.key).take(2).collect();
    world.rows.forget(&keys).await.unwrap();
    world.files.lose_manifest(gone);
    world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    world.clock.advance(31 * DAY);
    gc(&world, LOOK).await;
    let done = gc(&world, APPLY).await;
    assert_eq!((done.total().sidecars, done.kept.sidecars), (1, 2));
    let left = world.rows.of_content(gone).await.unwrap();
    assert!(left.iter().all(|row| row.source == SidecarSource::Adopted));
    world.assert_true().await;
    let all = |options| GcOptions {
        precious: true,
        ..options
    };
    gc(&world, all(LOOK)).await;
    gc(&world, all(APPLY)).await;
    assert_eq!(rows_of(&world, gone).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_location_is_named_and_nothing_is_deleted() {
    let (world, gone) = with_one_gone().await;
    let place = tempfile::tempdir().unwrap();
    world.catalog.note_location(place.path());
    world.clock.advance(31 * DAY);
    gc(&world, LOOK).await;
    let name = place.path().display().to_string();
    drop(place);
    for options in [LOOK, APPLY] {
        let refused = world.engine().gc(&options).await.unwrap_err().to_string();
        assert!(refused.contains(&name), "{refused}");
    }
    assert_eq!(rows_of(&world, gone).await, 3);
    // Nor does a reconcile remove a row, and it says why.
    let unmade = world.add(b"not made yet");
    world.plan().await;
    world.catalog.remove(unmade);
    let engine = world.engine();
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!(report.removed_rows, 0);
    assert_eq!(report.missing_locations[0].path.display().to_string(), name);
    let despite = GcOptions {
        despite_missing: true,
        ..APPLY
    };
    assert_eq!(gc(&world, despite).await.contents, 2);
    assert_eq!(
        (rows_of(&world, gone).await, rows_of(&world, unmade).await),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_fails_at_any_step_is_finished_by_the_next() {
    let faults = [
        VaultFault::Refuse(PortErrorKind::Unavailable),
        VaultFault::DoneAndRefuse(PortErrorKind::Unavailable),
    ];
    for nth in 0..3 {
        for fault in faults {
            let (world, gone) = with_one_gone().await;
            world.clock.advance(31 * DAY);
            gc(&world, LOOK).await;
            world.vault.arm(VaultStep::Remove, nth, fault);
            let done = gc(&world, APPLY).await;
            assert_eq!((done.stuck, done.total().sidecars), (1, 2));
            assert_eq!(rows_of(&world, gone).await, 1);
            finish(&world, gone).await;
        }
    }
    for call in [Call::Page, Call::Forget, Call::Enqueue] {
        let (world, gone) = with_one_gone().await;
        world.clock.advance(31 * DAY);
        gc(&world, LOOK).await;
        world.store.refuse(call, 0, PortErrorKind::Unavailable);
        assert!(world.engine().gc(&APPLY).await.is_err());
        finish(&world, gone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_keeps_no_other_and_is_tried_again_without_a_look() {
    // More contents than are looked at in one step.
    let world = World::new();
    for number in 0..600_u16 {
        world.add(&number.to_le_bytes());
    }
    world.plan().await;
    world.run().await;
    let rows = world.rows().await;
    for row in rows.iter().step_by(3) {
        world.catalog.remove_at(row.key.content, world.now());
    }
    world.clock.advance(31 * DAY);
    assert_eq!(gc(&world, LOOK).await.contents, 600);
    // All of the first content, and one of the second.
    for _ in 0..4 {
        let refused = VaultFault::Refuse(PortErrorKind::Unavailable);
        world.vault.arm(VaultStep::Remove, 0, refused);
    }
    let done = gc(&world, APPLY).await;
    assert_eq!((done.stuck, done.contents), (4, 599));
    let bytes = |rows: &[SidecarRecord]| rows.iter().filter_map(|row| row.size).sum::<u64>();
    let gone = (done.total().sidecars, done.total().bytes);
    assert_eq!(gone, (1_796, bytes(&rows[4..])));
    assert_eq!(world.rows().await, rows[..4]);
    let done = gc(&world, APPLY).await;
    assert_eq!((done.stuck, done.total().sidecars), (0, 4));
    assert!(world.rows().await.is_empty());
    let again = world.engine().gc(&APPLY).await;
    assert!(matches!(again, Err(GcError::NotShown)), "{again:?}");
}

async fn finish(world: &World, gone: ContentUuid) {
    gc(world, LOOK).await;
    gc(world, APPLY).await;
    assert_eq!(rows_of(world, gone).await, 0);
    world.assert_true().await;
    assert_eq!(world.count(Status::Ready).await, 9);
    let scanned = world.files.scan(None, 100).await.unwrap();
    assert!(scanned.iter().all(|folder| folder.content != gone));
}
