//! Path and presence: what is there is answered without a database, what is not is promised.

use vss_core::{ContentUuid, Format, Kind, Priority, SidecarKey, Status, Variant};
use vss_engine::{PathAnswer, PathError};
use vss_ports::PortErrorKind;
use vss_testkit::store::Call;

use crate::world::World;

fn thumb(content: ContentUuid) -> SidecarKey {
    SidecarKey::new(content, Kind::THUMB, Variant::GRID_1X)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_found_whole_is_answered_without_the_database() {
    let world = World::new();
    let content = world.add(b"one");
    world.plan().await;
    world.run().await;
    let engine = world.engine();
    let first = engine.path(content, &Kind::THUMB, &Variant::GRID_1X).await;
    assert!(matches!(first, Ok(PathAnswer::Ready { .. })), "{first:?}");
    for call in [
        Call::Find,
        Call::OfContent,
        Call::Presence,
        Call::Enqueue,
        Call::Invalidate,
    ] {
        world.store.refuse(call, 0, PortErrorKind::Unavailable);
    }
    let answer = engine
        .path(content, &Kind::THUMB, &Variant::GRID_1X)
        .await
        .unwrap();
    assert!(matches!(answer, PathAnswer::Ready { .. }), "{answer:?}");
    // The faults are still armed: this one does ask, and so does a new engine.
    let asked = engine.path(content, &Kind::THUMB, &Variant::GRID_2X).await;
    assert!(matches!(asked, Err(PathError::Port(_))), "{asked:?}");
    world
        .store
        .refuse(Call::Find, 0, PortErrorKind::Unavailable);
    let engine = world.engine();
    let asked = engine.path(content, &Kind::THUMB, &Variant::GRID_1X).await;
    assert!(matches!(asked, Err(PathError::Port(_))), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_row_without_a_file_is_repaired_and_promised() {
    let world = World::new();
    let content = world.add(b"one");
    world.plan().await;
    world.run().await;
    assert!(world.files.lose(&thumb(content), &Format::WEBP));
    let engine = world.engine();
    let answer = engine
        .path(content, &Kind::THUMB, &Variant::GRID_1X)
        .await
        .unwrap();
    let ticket = thumb(content).row_uuid();
    assert_eq!(answer, PathAnswer::Pending { ticket });
    let rows = world.rows().await;
    let row = rows.iter().find(|row| row.key == thumb(content)).unwrap();
    assert_eq!(
        (row.status, row.priority),
        (Status::Pending, Some(Priority::Interactive))
    );
    assert_eq!(
        (row.size, row.digest),
        (None, None),
        "it vouches for nothing any more"
    );
    assert_eq!(world.run().await.ready, 1);
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_waits_for_goes_first() {
    let world = World::with_pictures(9).await;
    let wanted = world.add(b"wanted now");
    world.plan().await;
    let engine = world.engine();
    let answer = engine
        .path(wanted, &Kind::THUMB, &Variant::DETAIL_2X)
        .await
        .unwrap();
    assert!(matches!(answer, PathAnswer::Pending { .. }));
    world.run().await;
    // Two jobs begin at once.
    let calls = world.generator.calls();
    let mut first = calls.iter().take(2);
    assert!(first.any(|call| call.source == vss_core::Digest::of(b"wanted now")));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_contents_and_variants_are_refused_by_name() {
    let world = World::new();
    let content = world.add(b"one");
    let engine = world.engine();
    let huge: Variant = "huge".parse().unwrap();
    let asked = engine.path(content, &Kind::THUMB, &huge).await;
    assert!(asked.unwrap_err().to_string().contains("huge"));
    let asked = engine.path(content, &Kind::OCR, &huge).await;
    assert!(asked.unwrap_err().to_string().contains("ocr"));
    let nobody: ContentUuid = "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062".parse().unwrap();
    let asked = engine.path(nobody, &Kind::THUMB, &Variant::GRID_1X).await;
    assert!(matches!(asked, Err(PathError::UnknownContent(_))));
    assert!(world.contents().find(&[content]).await.unwrap().len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_answers_every_asked_pair_and_looks_at_files_only_for_paths() {
    let world = World::with_pictures(2).await;
    let content = world.add(b"one");
    world.plan().await;
    world.run().await;
    world.files.lose(&thumb(content), &Format::WEBP);
    let variants = [Variant::GRID_1X, Variant::GRID_2X, Variant::ICON_1X];
    let nobody: ContentUuid = "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062".parse().unwrap();
    let engine = world.engine();
    let asked = [content, nobody, content];
    let by_rows = engine
        .presence(&asked, &Kind::THUMB, &variants, false)
        .await
        .unwrap();
    assert_eq!(by_rows.len(), 2);
    assert!(
        by_rows[&content][&Variant::GRID_1X].local,
        "the row says so"
    );
    assert!(!by_rows[&content][&Variant::ICON_1X].local);
    assert_eq!(by_rows[&nobody][&Variant::GRID_1X].status, None);
    let by_files = engine
        .presence(&asked, &Kind::THUMB, &variants, true)
        .await
        .unwrap();
    assert!(!by_files[&content][&Variant::GRID_1X].local);
    assert!(by_files[&content][&Variant::GRID_2X].path.is_some());
}
