//! Reconcile brings rows and files together from wherever they are, and then has nothing to do.

use std::sync::Arc;

use proptest::prelude::*;
use vss_core::{ContentUuid, Format, SidecarSource, Status};
use vss_engine::{ReconcileError, ReconcileOptions, ReconcileReport, RegenScope};
use vss_ports::{Amendment, PortErrorKind, SidecarStore, Vault};
use vss_testkit::faulty_vault::{FaultyVault, VaultFault, VaultStep};
use vss_testkit::store::{Call, FaultyStore, MemoryStore};
use vss_testkit::vault::{MemoryVault, Unreadable};

use crate::world::{World, run};

fn did_nothing(report: &ReconcileReport) -> bool {
    (
        report.adopted,
        report.missing,
        report.repaired,
        report.removed_rows,
        report.enqueued,
        report.amended,
    ) == (0, 0, 0, 0, 0, 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_beside_a_vault_with_files_are_made_of_these_first_and_only_once() {
    let mut world = World::with_pictures(3).await;
    let engine = world.engine();
    let asked = engine.make_rows_again().await.unwrap();
    assert_eq!(asked, None, "nothing was made yet");
    run(&engine).await;
    let asked = world.engine().make_rows_again().await.unwrap();
    assert_eq!(asked, None, "these rows know the vault");
    // Another database, and whoever indexed had no idea.
    world.rows = Arc::new(MemoryStore::default());
    world.store = Arc::new(FaultyStore::over(Arc::clone(&world.rows)));
    assert_eq!(world.plan().await, 9);
    let report = world.engine().make_rows_again().await.unwrap().unwrap();
    assert_eq!((report.adopted, report.missing), (9, 0));
    assert_eq!(world.run().await.ready, 0);
    assert_eq!(world.count(Status::Ready).await, 9);
    world.assert_true().await;
    let asked = world.engine().make_rows_again().await.unwrap();
    assert_eq!(asked, None);
}

#[tokio::test]
async fn an_empty_vault_is_not_known_before_something_is_made_into_it() {
    let mut world = World::with_pictures(3).await;
    world.run().await;
    world.rows = Arc::new(MemoryStore::default());
    world.store = Arc::new(FaultyStore::over(Arc::clone(&world.rows)));
    world.plan().await;
    // The disk with the vault is away, and what is seen in its place is as empty as a new one.
    let there = std::mem::replace(
        &mut world.vault,
        Arc::new(FaultyVault::new(Arc::new(MemoryVault::new()))),
    );
    assert_eq!(world.engine().make_rows_again().await.unwrap(), None);
    world.vault = there;
    let report = world.engine().make_rows_again().await.unwrap().unwrap();
    assert_eq!(report.adopted, 9);
    assert_eq!(world.run().await.ready, 0, "nothing is made again");
}

/// The contents of a world, in order.
async fn contents(world: &World) -> Vec<ContentUuid> {
    let mut contents: Vec<_> = world
        .rows()
        .await
        .iter()
        .map(|row| row.key.content)
        .collect();
    contents.dedup();
    contents
}

#[tokio::test]
async fn one_sidecar_that_cannot_be_read_keeps_no_other_from_getting_its_row() {
    for what in [Unreadable::Bytes, Unreadable::Files] {
        let world = World::with_pictures(3).await;
        world.run().await;
        let bad = contents(&world).await[1];
        world.files.make_unreadable(bad, what);
        let keys: Vec<_> = world.rows().await.into_iter().map(|row| row.key).collect();
        world.rows.forget(&keys).await.unwrap();
        let report = world
            .engine()
            .reconcile(ReconcileOptions::default())
            .await
            .unwrap();
        assert_eq!(
            (report.adopted, report.repaired, report.unknown.len()),
            (6, 0, 3),
            "{what:?}"
        );
        for stranger in &report.unknown {
            assert_eq!(stranger.content, Some(bad));
            assert!(stranger.reason.contains("cannot be read"), "{stranger:?}");
        }
        // It is wanted, has no row and is made again over what cannot be read.
        world.files.make_readable(bad);
        assert_eq!(world.run().await.ready, 3);
        world.assert_true().await;
    }
}

#[tokio::test]
async fn one_sidecar_that_may_not_be_opened_keeps_no_other_from_being_verified() {
    let world = World::with_pictures(3).await;
    world.run().await;
    let rows = world.rows().await;
    let bad = rows[0].key.content;
    world.files.make_unreadable(bad, Unreadable::Files);
    let place = vss_core::layout::sidecar_path(&rows[8].key, &rows[8].format);
    let mut bytes = world.files.bytes(&rows[8].key, &rows[8].format).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    world.files.plant(place.as_str(), &bytes);
    let thorough = ReconcileOptions {
        verify_all: true,
        ..ReconcileOptions::default()
    };
    let report = world.engine().reconcile(thorough).await.unwrap();
    assert_eq!((report.repaired, report.unknown.len()), (1, 3));
    for stranger in &report.unknown {
        assert_eq!(stranger.content, Some(bad));
        assert!(stranger.reason.contains("Permission denied"));
    }
    assert_eq!(world.files.set_aside(), [bytes]);
    assert_eq!(world.count(Status::Ready).await, 8);
}

#[tokio::test]
async fn what_cannot_be_done_to_one_content_is_named_and_done_to_all_others() {
    // More contents than are made to agree in one step.
    let world = World::new();
    for number in 0..600_u16 {
        world.add(&number.to_le_bytes());
    }
    world.plan().await;
    world.run().await;
    let contents = contents(&world).await;
    for content in &contents {
        assert!(world.files.lose_manifest(*content));
    }
    for kind in [PortErrorKind::Unavailable, PortErrorKind::Full] {
        let refused = VaultFault::Refuse(kind);
        world.vault.arm(VaultStep::Amend, 0, refused);
    }
    let engine = world.engine();
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!((report.amended, report.stuck), (598, 2));
    let named: Vec<_> = report.unknown.iter().map(|named| named.content).collect();
    assert_eq!(named, [Some(contents[0]), Some(contents[1])]);
    assert_eq!(engine.make_rows_again().await.unwrap(), None);
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!((report.amended, report.stuck), (2, 0));
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_named_and_its_rows_are_left_alone() {
    let world = World::with_pictures(3).await;
    world.run().await;
    let all = contents(&world).await;
    world.files.make_unreadable(all[0], Unreadable::Folder);
    let other = world
        .rows()
        .await
        .into_iter()
        .find(|row| row.key.content == all[1])
        .unwrap();
    assert!(world.files.lose(&other.key, &other.format));
    let report = world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    assert_eq!((report.missing, report.unknown.len()), (1, 1));
    assert_eq!(report.unknown[0].content, Some(all[0]));
    assert!(report.unknown[0].reason.contains("Permission denied"));
    assert_eq!(world.count(Status::Ready).await, 8);
    world.files.make_readable(all[0]);
    world.run().await;
    world.assert_true().await;
}

#[tokio::test]
async fn where_one_folder_after_the_other_cannot_be_read_it_is_the_disk() {
    let world = World::with_pictures(9).await;
    world.run().await;
    let before = world.rows().await;
    for what in [Unreadable::Folder, Unreadable::Bytes, Unreadable::Files] {
        for content in contents(&world).await {
            world.files.make_unreadable(content, what);
        }
        let options = ReconcileOptions {
            verify_all: true,
            ..ReconcileOptions::default()
        };
        let error = world.engine().reconcile(options).await.unwrap_err();
        let ReconcileError::Port(error) = error else {
            panic!("{error}");
        };
        assert!(
            error.in_full().contains("look at the disk"),
            "{}",
            error.in_full()
        );
        assert_eq!(world.rows().await, before, "{what:?}");
        assert!(world.files.set_aside().is_empty(), "{what:?}");
    }
    // Nor is everything made again beside files that nobody may read, for want of their rows.
    let keys: Vec<_> = before.into_iter().map(|row| row.key).collect();
    world.rows.forget(&keys).await.unwrap();
    let refused = world.engine().reconcile(ReconcileOptions::default()).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(world.rows().await.is_empty());
}

#[tokio::test]
async fn a_damaged_file_that_cannot_be_set_aside_is_named_and_no_row_says_it_is_whole() {
    for (kind, stuck) in [
        (PortErrorKind::Unsupported, 0),
        (PortErrorKind::Unexpected, 1),
    ] {
        let world = World::with_pictures(2).await;
        world.run().await;
        let rows = world.rows().await;
        for row in [&rows[0], &rows[3]] {
            let place = vss_core::layout::sidecar_path(&row.key, &row.format);
            world.files.plant(place.as_str(), b"not what it was");
        }
        world
            .vault
            .arm(VaultStep::Quarantine, 0, VaultFault::Refuse(kind));
        let report = world.engine().reconcile(ReconcileOptions::default()).await;
        let report = report.unwrap();
        assert_eq!((report.unknown.len(), report.stuck), (1, stuck), "{kind:?}");
        assert!(report.unknown[0].reason.contains("cannot be set aside"));
        // The other one is aside, and both are made again.
        assert_eq!(world.files.set_aside().len(), 1);
        assert_eq!(world.count(Status::Ready).await, 4);
        world.run().await;
        world.assert_true().await;
    }
}

#[tokio::test]
async fn no_file_is_set_aside_before_its_row_stops_saying_that_it_is_whole() {
    let world = World::with_pictures(1).await;
    world.run().await;
    let row = world.rows().await.remove(0);
    let place = vss_core::layout::sidecar_path(&row.key, &row.format);
    world.files.plant(place.as_str(), b"not what it was");
    let away = PortErrorKind::Unavailable;
    world.store.refuse(Call::Invalidate, 0, away);
    let options = ReconcileOptions::default();
    assert!(world.engine().reconcile(options).await.is_err());
    assert!(world.files.set_aside().is_empty());
    assert_eq!(world.engine().reconcile(options).await.unwrap().repaired, 1);
    assert_eq!(world.files.set_aside(), [b"not what it was"]);
}

#[tokio::test]
async fn what_was_adopted_is_not_queued_for_nobody_when_all_is_made_again() {
    let world = World::with_pictures(1).await;
    world.run().await;
    let rows = world.rows().await;
    let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    world.rows.forget(&keys).await.unwrap();
    world.files.lose_manifest(rows[0].key.content);
    let engine = world.engine();
    let report = engine.reconcile(ReconcileOptions::default()).await.unwrap();
    assert_eq!(report.adopted, 3);
    assert_eq!(engine.regen(RegenScope::All, None, None).await.unwrap(), 0);
    assert_eq!(world.count(Status::Ready).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_rows_come_back_from_files_and_manifests_as_they_were() {
    let world = World::with_pictures(3).await;
    world.run().await;
    let before = world.rows().await;
    let keys: Vec<_> = before.iter().map(|row| row.key.clone()).collect();
    world.rows.forget(&keys).await.unwrap();
    let report = world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    assert_eq!((report.adopted, report.missing), (9, 0));
    for (now, then) in world.rows().await.iter().zip(&before) {
        assert_eq!(
            (&now.key, now.status, now.digest),
            (&then.key, then.status, then.digest)
        );
        assert_eq!((&now.source, &now.version), (&then.source, &then.version));
    }
    assert_eq!(world.run().await.ready, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_manifest_a_whole_file_is_adopted_as_such() {
    let world = World::new();
    let content = world.add(b"one");
    world.plan().await;
    world.run().await;
    let keys: Vec<_> = world
        .rows()
        .await
        .iter()
        .map(|row| row.key.clone())
        .collect();
    world.rows.forget(&keys).await.unwrap();
    assert!(world.files.lose_manifest(content));
    world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    assert!(
        world
            .rows()
            .await
            .iter()
            .all(|row| row.source == SidecarSource::Adopted)
    );
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing() {
    let world = World::with_pictures(2).await;
    world.run().await;
    let rows = world.rows().await;
    world.files.lose(&rows[0].key, &Format::WEBP);
    world.rows.forget(&[rows[3].key.clone()]).await.unwrap();
    let rows = world.rows().await;
    let options = ReconcileOptions {
        dry_run: true,
        verify_all: true,
    };
    let report = world.engine().reconcile(options).await.unwrap();
    assert_eq!((report.missing, report.adopted), (1, 1));
    assert_eq!(world.rows().await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_original_can_give_any_more_is_not_wanted_any_more() {
    let world = World::with_pictures(1).await;
    let gone = world.add(b"gone");
    world.plan().await;
    world.catalog.remove(gone);
    let report = world
        .engine()
        .reconcile(ReconcileOptions::default())
        .await
        .unwrap();
    assert_eq!(report.removed_rows, 3);
    assert_eq!(world.count(Status::Pending).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_lost_or_wrong_is_written_from_the_rows() {
    let world = World::with_pictures(3).await;
    world.run().await;
    let manifests = || async {
        let scanned = world.files.scan(None, 10).await.unwrap();
        let manifests = scanned.into_iter().map(|one| one.manifest.unwrap());
        manifests.collect::<Vec<_>>()
    };
    let before = manifests().await;
    let (lost, wrong) = (before[0].content_uuid, before[1].content_uuid);
    world.files.lose_manifest(lost);
    let mut false_line = before[1].sidecars[0].clone();
    false_line.blake3 = vss_core::Digest::of(b"something else");
    let mut of_nothing = before[2].sidecars[0].clone();
    of_nothing.variant = vss_core::Variant::ICON_1X;
    for (content, line) in [(wrong, false_line), (before[2].content_uuid, of_nothing)] {
        let amendment = Amendment {
            set: vec![line],
            ..Amendment::default()
        };
        assert!(world.files.amend(content, &amendment).await.unwrap());
    }

    let look = ReconcileOptions {
        dry_run: true,
        ..ReconcileOptions::default()
    };
    let looked = world.engine().reconcile(look).await.unwrap();
    assert_eq!((looked.amended, looked.missing, looked.repaired), (3, 0, 0));
    let report = world.engine().reconcile(ReconcileOptions::default()).await;
    assert_eq!(report.unwrap().amended, 3);
    for (now, then) in manifests().await.iter().zip(&before) {
        let said = |manifest: &vss_core::Manifest| manifest.b3sums();
        assert_eq!(said(now), said(then));
        assert_eq!(now.source_blake3, then.source_blake3);
        let made_by =
            |m: &vss_core::Manifest| m.sidecars.iter().map(|e| e.source.clone()).collect();
        let (now, then): (Vec<_>, Vec<_>) = (made_by(now), made_by(then));
        assert_eq!(now, then);
    }
    let again = world.engine().reconcile(ReconcileOptions::default()).await;
    assert!(did_nothing(&again.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_with_sidecars_and_without_originals_are_counted_and_left_alone() {
    let world = World::with_pictures(3).await;
    world.run().await;
    let gone = world.add(b"gone");
    world.plan().await;
    world.run().await;
    world.catalog.remove(gone);
    let report = world.engine().reconcile(ReconcileOptions::default()).await;
    let report = report.unwrap();
    assert_eq!((report.orphaned, report.scanned), (1, 12));
    assert!(did_nothing(&report), "{report:?}");
}

/// Something that happens to a library behind its back.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    LoseFile(usize),
    LoseRow(usize),
    LoseManifest(usize),
    DamageFile(usize),
    TruncateFile(usize),
    PlantStranger(usize),
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let one = (0..6_u8, 0..12_usize).prop_map(|(what, which)| match what {
        0 => Mishap::LoseFile(which),
        1 => Mishap::LoseRow(which),
        2 => Mishap::LoseManifest(which),
        3 => Mishap::DamageFile(which),
        4 => Mishap::TruncateFile(which),
        _ => Mishap::PlantStranger(which),
    });
    proptest::collection::vec(one, 0..12)
}

async fn suffer(world: &World, mishap: Mishap) {
    let rows = world.rows().await;
    let (Mishap::LoseFile(which)
    | Mishap::LoseRow(which)
    | Mishap::LoseManifest(which)
    | Mishap::DamageFile(which)
    | Mishap::TruncateFile(which)
    | Mishap::PlantStranger(which)) = mishap;
    let Some(row) = rows.get(which) else { return };
    let path = vss_core::layout::sidecar_path(&row.key, &row.format).to_string();
    let bytes = world.files.bytes(&row.key, &row.format);
    match (mishap, bytes) {
        (Mishap::LoseFile(_), _) => {
            world.files.lose(&row.key, &row.format);
        }
        (Mishap::LoseRow(_), _) => {
            world
                .rows
                .forget(std::slice::from_ref(&row.key))
                .await
                .unwrap();
        }
        (Mishap::LoseManifest(_), _) => {
            world.files.lose_manifest(row.key.content);
        }
        (Mishap::DamageFile(_), Some(mut bytes)) => {
            *bytes.last_mut().unwrap() ^= 0xff;
            world.files.plant(&path, &bytes);
        }
        (Mishap::TruncateFile(_), Some(bytes)) => {
            world.files.plant(&path, &bytes[..bytes.len() / 2]);
        }
        (Mishap::PlantStranger(_), _) => world
            .files
            .plant(&path.replace("thumbs/", "thumbs/.~"), b"x"),
        (_, None) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happened_a_reconcile_and_a_run_make_it_whole(mishaps in mishaps()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::with_pictures(4).await;
            world.run().await;
            for mishap in &mishaps {
                suffer(&world, *mishap).await;
            }
            let thorough = ReconcileOptions { verify_all: true, dry_run: false };
            world.engine().reconcile(thorough).await.unwrap();
            world.assert_true().await;
            world.run().await;
            world.assert_true().await;
            assert_eq!(world.count(Status::Ready).await, 12, "{mishaps:?}");
            let again = world.engine().reconcile(thorough).await.unwrap();
            assert!(did_nothing(&again), "{mishaps:?}: {again:?}");
        });
    }
}
