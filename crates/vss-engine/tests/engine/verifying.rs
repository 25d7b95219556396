//! A sidecar is compared with its row before it is first given to anybody; one that is damaged is
//! set aside, given to nobody, and made again.

use std::sync::Arc;

use vss_core::{
    Digest, Format, Kind, Priority, SidecarKey, SidecarSource, Status, Variant, layout,
};
use vss_engine::{Engine, PathAnswer, PathError, ReconcileOptions, ScrubOptions};
use vss_ports::{Event, SidecarRecord, SidecarStore};
use vss_testkit::vault::Unreadable;

use crate::world::{World, run};

const THUMB: (Kind, Variant) = (Kind::THUMB, Variant::GRID_1X);

/// One picture with its thumbnails, and the row of one of them.
async fn made() -> (World, SidecarRecord) {
    let world = World::with_pictures(1).await;
    world.run().await;
    let row = row(&world).await;
    (world, row)
}

async fn row(world: &World) -> SidecarRecord {
    let rows = world.rows().await;
    let is_it = |row: &&SidecarRecord| (&row.key.kind, &row.key.variant) == (&THUMB.0, &THUMB.1);
    rows.iter().find(is_it).unwrap().clone()
}

/// Flips one bit of its file.
fn rot(world: &World, row: &SidecarRecord) -> Vec<u8> {
    let mut bytes = world.files.bytes(&row.key, &row.format).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let place = layout::sidecar_path(&row.key, &row.format);
    world.files.plant(place.as_str(), &bytes);
    bytes
}

async fn path(engine: &Arc<Engine>, key: &SidecarKey) -> PathAnswer {
    let asked = engine.path(key.content, &key.kind, &key.variant);
    asked.await.unwrap()
}

fn is_ready(answer: &PathAnswer) -> bool {
    matches!(answer, PathAnswer::Ready { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_never_answered_and_is_made_again() {
    let (world, row) = made().await;
    let bytes = rot(&world, &row);
    let engine = world.engine();
    assert!(!is_ready(&path(&engine, &row.key).await));
    assert_eq!(world.files.set_aside(), [bytes]);
    let withdrawn = self::row(&world).await;
    assert_eq!(
        (withdrawn.status, withdrawn.priority, withdrawn.size),
        (Status::Pending, Some(Priority::Interactive), None)
    );
    let corrupt = Event::SidecarCorrupt {
        key: row.key.clone(),
    };
    assert!(world.events.events().contains(&corrupt));
    assert_eq!(world.run().await.ready, 1);
    assert!(is_ready(&path(&engine, &row.key).await));
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_after_the_first_read_is_noticed_at_the_next() {
    let (world, row) = made().await;
    let engine = world.engine();
    assert!(is_ready(&path(&engine, &row.key).await));
    rot(&world, &row);
    assert!(!is_ready(&path(&engine, &row.key).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_hashed_only_when_it_was_written_to_after_its_row() {
    let (world, row) = made().await;
    let told = || world.engine_told(world.ports(), |settings| settings.verify_up_to = 0);
    rot(&world, &row);
    let engine = told();
    assert!(
        is_ready(&path(&engine, &row.key).await),
        "untouched, as far as times tell"
    );
    let later = row.updated_at.plus(std::time::Duration::from_millis(1));
    world.files.touch(&row.key, &row.format, later);
    assert!(!is_ready(&path(&engine, &row.key).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_presence_nor_ls_names_a_damaged_file() {
    let (world, row) = made().await;
    rot(&world, &row);
    let (content, variants) = (row.key.content, [Variant::GRID_1X, Variant::GRID_2X]);
    let present = world.engine();
    let present = present
        .presence(&[content], &Kind::THUMB, &variants, true)
        .await;
    let present = &present.unwrap()[&content];
    assert!(!present[&Variant::GRID_1X].local);
    assert!(present[&Variant::GRID_2X].path.is_some());

    let (world, row) = made().await;
    rot(&world, &row);
    let listed = world.engine().ls(row.key.content).await.unwrap();
    assert_eq!(listed.len(), 3);
    for (listed, path) in listed {
        let whole = listed.key != row.key;
        assert_eq!(
            (path.is_some(), listed.status == Status::Ready),
            (whole, whole)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_row_is_served_when_its_manifest_vouches_for_it_and_gets_its_row() {
    let (world, row) = made().await;
    world
        .rows
        .forget(std::slice::from_ref(&row.key))
        .await
        .unwrap();
    assert!(is_ready(&path(&world.engine(), &row.key).await));
    let again = self::row(&world).await;
    assert_eq!((again.status, again.digest), (Status::Ready, row.digest));
    assert_eq!((again.source, again.version), (row.source, row.version));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_without_a_row_is_not_served() {
    let (world, row) = made().await;
    world
        .rows
        .forget(std::slice::from_ref(&row.key))
        .await
        .unwrap();
    let bytes = rot(&world, &row);
    assert!(!is_ready(&path(&world.engine(), &row.key).await));
    assert_eq!(world.files.set_aside(), [bytes]);
    assert_eq!(world.run().await.ready, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_at_too_late_is_not_set_aside() {
    let (world, mut row) = made().await;
    // As somebody read the row before its file was published anew.
    row.digest = Some(Digest::of(b"the file before this one"));
    assert!(world.engine().whole_file(&row).await.unwrap().is_none());
    assert!(world.files.set_aside().is_empty());
    world.assert_true().await;
    assert_eq!(world.count(Status::Ready).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_adopted_and_is_damaged_is_made_by_whoever_can() {
    let (world, row) = made().await;
    world
        .rows
        .forget(std::slice::from_ref(&row.key))
        .await
        .unwrap();
    world.files.lose_manifest(row.key.content);
    let engine = world.engine();
    engine.reconcile(ReconcileOptions::default()).await.unwrap();
    let adopted = self::row(&world).await;
    assert_eq!(adopted.source, SidecarSource::Adopted);
    rot(&world, &adopted);
    assert!(!is_ready(&path(&engine, &row.key).await));
    assert_eq!(run(&engine).await.ready, 1);
    let made = self::row(&world).await;
    assert_eq!(
        (made.status, made.source),
        (Status::Ready, row.source.clone())
    );

    // The same when reconcile finds it gone.
    world
        .rows
        .forget(std::slice::from_ref(&row.key))
        .await
        .unwrap();
    world.files.lose_manifest(row.key.content);
    engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert!(world.files.lose(&row.key, &Format::WEBP));
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!(report.missing, 1);
    assert_eq!(run(&engine).await.ready, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_once_is_whole_when_it_can_be_read_again() {
    let (world, row) = made().await;
    let content = row.key.content;
    world.files.make_unreadable(content, Unreadable::BytesOnce);
    assert!(is_ready(&path(&world.engine(), &row.key).await));
    assert!(world.files.set_aside().is_empty());
    // What cannot be read twice is set aside, where somebody makes it again.
    world.files.make_unreadable(content, Unreadable::Bytes);
    assert!(!is_ready(&path(&world.engine(), &row.key).await));
    assert_eq!(world.files.set_aside().len(), 1);
    world.files.make_readable(content);
    assert_eq!(world.run().await.ready, 1);
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_and_nobody_makes_again_is_left_where_it_is() {
    let (world, _) = made().await;
    let rows = world.rows().await;
    let content = rows[0].key.content;
    // Its original is gone.
    world.catalog.remove(content);
    world.files.make_unreadable(content, Unreadable::Bytes);
    let engine = world.engine();
    for row in &rows {
        let asked = engine.path(content, &row.key.kind, &row.key.variant).await;
        let error = asked.unwrap_err();
        assert!(matches!(error, PathError::Port(_)), "{error:?}");
        assert!(engine.whole_file(row).await.unwrap().is_none());
    }
    let scrubbed = engine.scrub(&ScrubOptions::default()).await.unwrap();
    assert_eq!(scrubbed.findings.len(), 3);
    assert!(scrubbed.findings.iter().all(|found| found.left.is_some()));
    let thorough = ReconcileOptions {
        verify_all: true,
        ..ReconcileOptions::default()
    };
    let report = engine.reconcile(thorough).await.unwrap();
    assert_eq!((report.repaired, report.unknown.len()), (0, 3));
    assert_eq!(world.rows().await, rows);
    assert!(world.files.set_aside().is_empty());
    world.files.make_readable(content);
    for row in &rows {
        assert!(is_ready(&path(&engine, &row.key).await));
    }
}
