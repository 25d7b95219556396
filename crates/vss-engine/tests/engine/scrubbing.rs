//! A scrub finds everything that is damaged, names it, has it made again, and keeps its place.

use std::sync::Arc;
use std::time::Duration;

use vss_core::integrity::Damage;
use vss_core::{SidecarSource, Status, layout};
use vss_engine::{
    PathAnswer, ReconcileError, ReconcileOptions, Repair, ScrubError, ScrubOptions, ScrubPace,
    ScrubReport,
};
use vss_ports::{CancelToken, PortErrorKind, SidecarRecord, SidecarStore};
use vss_testkit::faulty_vault::{VaultFault, VaultStep};
use vss_testkit::store::Call;
use vss_testkit::vault::Unreadable;

use crate::world::World;

const ALL: bool = true;

async fn scrub(world: &World, all: bool) -> ScrubReport {
    let options = ScrubOptions {
        all,
        ..ScrubOptions::default()
    };
    world.engine().scrub(&options).await.unwrap()
}

fn damage(world: &World, row: &SidecarRecord) {
    let mut bytes = world.files.bytes(&row.key, &row.format).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let place = layout::sidecar_path(&row.key, &row.format);
    world.files.plant(place.as_str(), &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_damaged_is_found_named_set_aside_and_made_again() {
    let world = World::with_pictures(40).await;
    world.run().await;
    let rows = world.rows().await;
    let damaged: Vec<_> = rows.iter().step_by(6).cloned().collect();
    damaged.iter().for_each(|row| damage(&world, row));
    let report = scrub(&world, ALL).await;
    assert_eq!((report.checked, report.missing), (120, 0));
    let named: Vec<_> = report.findings.iter().map(|found| &found.key).collect();
    assert_eq!(
        named,
        damaged.iter().map(|row| &row.key).collect::<Vec<_>>()
    );
    let rotten = |damage| damage == Damage::BitRot;
    assert!(report.findings.iter().all(|found| rotten(found.damage)));
    assert!(report.findings.iter().all(|found| found.kept.is_some()));
    assert_eq!(world.files.set_aside().len(), damaged.len());
    assert_eq!(world.count(Status::Pending).await, damaged.len());
    world.assert_true().await;

    let engine = world.engine();
    let repair = engine.repair_of(&damaged[0].key).await.unwrap();
    assert_eq!(repair, Repair::UnderWay);
    assert_eq!(world.run().await.ready, damaged.len() as u64);
    for row in &damaged {
        assert_eq!(engine.repair_of(&row.key).await.unwrap(), Repair::Done);
    }
    world.assert_true().await;
    assert!(scrub(&world, ALL).await.findings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rot_is_told_from_an_edit_and_from_a_file_that_was_cut_short() {
    let world = World::with_pictures(1).await;
    world.run().await;
    let rows = world.rows().await;
    rows.iter().for_each(|row| damage(&world, row));
    let later = rows[1].updated_at.plus(Duration::from_secs(1));
    world.files.touch(&rows[1].key, &rows[1].format, later);
    let place = layout::sidecar_path(&rows[2].key, &rows[2].format);
    world.files.plant(place.as_str(), b"RIFF");
    let found = scrub(&world, ALL).await.findings;
    let found: Vec<_> = found.iter().map(|found| found.damage).collect();
    assert_eq!(found, [Damage::BitRot, Damage::Edited, Damage::Replaced]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_that_only_looks_changes_nothing() {
    let world = World::with_pictures(2).await;
    world.run().await;
    let rows = world.rows().await;
    damage(&world, &rows[0]);
    world.files.lose(&rows[1].key, &rows[1].format);
    let options = ScrubOptions {
        dry_run: true,
        ..ScrubOptions::default()
    };
    let engine = world.engine();
    let report = engine.scrub(&options).await.unwrap();
    assert_eq!((report.findings.len(), report.missing), (1, 1));
    assert_eq!(world.rows().await, rows);
    assert!(world.files.set_aside().is_empty());
    assert_eq!(engine.scrub_cycle().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_make_again_is_reported_with_its_reason() {
    let world = World::with_pictures(1).await;
    world.run().await;
    let content = world.rows().await[0].key.content;
    let keys: Vec<_> = world.rows().await.into_iter().map(|row| row.key).collect();
    world.rows.forget(&keys).await.unwrap();
    world.files.lose_manifest(content);
    let engine = world.engine();
    engine.reconcile(ReconcileOptions::default()).await.unwrap();
    world.catalog.remove(content);
    let rows = world.rows().await;
    assert_eq!(rows[0].source, SidecarSource::Adopted);
    damage(&world, &rows[0]);
    let report = scrub(&world, ALL).await;
    assert_eq!(report.findings.len(), 1);
    world.run().await;
    let repair = engine.repair_of(&rows[0].key).await.unwrap();
    let Repair::Impossible { reason, remedy } = repair else {
        panic!("{repair:?}");
    };
    assert!(reason.contains("no generator made it"), "{reason}");
    assert!(remedy.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_vault_is_a_disk_that_is_not_mounted() {
    let world = World::with_pictures(2).await;
    world.run().await;
    let rows = world.rows().await;
    for row in &rows {
        world.files.lose(&row.key, &row.format);
        world.files.lose_manifest(row.key.content);
    }
    let engine = world.engine();
    let scrubbed = engine.scrub(&ScrubOptions::default()).await;
    assert!(
        matches!(scrubbed, Err(ScrubError::Empty(_))),
        "{scrubbed:?}"
    );
    let reconciled = engine.reconcile(ReconcileOptions::default()).await;
    let refused = matches!(reconciled, Err(ReconcileError::Empty(_)));
    assert!(refused, "{reconciled:?}");
    assert_eq!(world.rows().await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_in_the_background_takes_its_period_and_keeps_its_place() {
    // Three steps of contents.
    let world = Arc::new(World::new());
    for number in 0..600_u16 {
        world.add(&number.to_le_bytes());
    }
    world.plan().await;
    world.run().await;
    let last = world.rows().await.last().unwrap().clone();
    damage(&world, &last);
    let day = Duration::from_secs(24 * 3_600);
    let pace = ScrubPace {
        period: 30 * day,
        budget: u64::MAX,
    };
    // A new engine each time, as after a restart.
    let begin = || {
        let (engine, stop) = (world.engine(), CancelToken::new());
        let stopping = stop.clone();
        let task = tokio::spawn(async move { engine.scrub_slowly(pace, &stopping).await });
        (task, stop)
    };
    let cycle = || async { world.engine().scrub_cycle().await.unwrap() };
    let contents = || async {
        let cycle = cycle().await?;
        let rows = world.rows().await;
        let looked = rows
            .iter()
            .filter(|row| Some(row.key.content) <= cycle.after);
        Some(looked.count() / 3)
    };
    let reach = |wanted: usize| {
        let contents = &contents;
        async move {
            while contents().await != Some(wanted) {
                tokio::task::yield_now().await;
            }
        }
    };
    let (task, stop) = begin();
    reach(256).await;
    // Nothing more until 256 of 600 parts of the time are over: 12.8 days.
    for _ in 0..12 {
        world.clock.advance(day);
        task.abort();
        let (again, _) = begin();
        tokio::task::yield_now().await;
        again.abort();
        assert_eq!(contents().await, Some(256));
    }
    stop.cancel();
    assert_eq!(world.count(Status::Ready).await, 1_800);

    // Behind by weeks, it catches up without waiting, then ends its cycle and waits for the next.
    world.clock.advance(40 * day);
    let (task, _) = begin();
    while world.count(Status::Pending).await == 0 {
        tokio::task::yield_now().await;
    }
    while cycle().await.is_some_and(|cycle| cycle.after.is_some()) {
        tokio::task::yield_now().await;
    }
    let began = cycle().await.unwrap().began;
    assert_eq!(
        began,
        world.now(),
        "the next one begins late, not in the past"
    );
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_that_may_not_be_opened_is_named_and_the_scrub_goes_on() {
    let world = World::with_pictures(12).await;
    world.run().await;
    let rows = world.rows().await;
    // Also of a content whose folder is closed there is more than one, and that is still one folder.
    let (files, folder) = (rows[3].key.content, rows[9].key.content);
    world.files.make_unreadable(files, Unreadable::Files);
    world.files.make_unreadable(folder, Unreadable::Folder);
    damage(&world, &rows[35]);
    let report = scrub(&world, ALL).await;
    assert!(report.finished);
    assert_eq!((report.findings.len(), report.missing), (7, 0));
    let (last, left) = report.findings.split_last().unwrap();
    assert_eq!((&last.key, &last.left), (&rows[35].key, &None));
    for finding in left {
        assert!([files, folder].contains(&finding.key.content));
        assert_eq!((finding.damage, &finding.kept), (Damage::Unreadable, &None));
        let why = finding.left.as_deref().unwrap();
        assert!(why.contains("Permission denied"), "{why}");
    }
    assert_eq!(world.count(Status::Ready).await, 35);
    world.files.make_readable(files);
    world.files.make_readable(folder);
    world.run().await;
    assert!(scrub(&world, ALL).await.findings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_sidecar_that_cannot_be_set_aside_is_named_and_the_scrub_goes_on() {
    let world = World::with_pictures(4).await;
    world.run().await;
    let rows = world.rows().await;
    damage(&world, &rows[0]);
    damage(&world, &rows[9]);
    let refused = VaultFault::Refuse(PortErrorKind::Unexpected);
    world.vault.arm(VaultStep::Quarantine, 0, refused);
    let report = scrub(&world, ALL).await;
    let [first, last] = &report.findings[..] else {
        panic!("{report:?}");
    };
    assert!(report.finished);
    assert!(first.left.is_some() && first.kept.is_none(), "{first:?}");
    assert!(last.left.is_none() && last.kept.is_some(), "{last:?}");
    assert_eq!(world.rows().await[0], rows[0], "its row is as it was");
    assert_eq!(scrub(&world, ALL).await.findings.len(), 1);
    world.run().await;
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_sidecar_after_the_other_may_not_be_opened_it_is_the_disk() {
    let world = Arc::new(World::with_pictures(30).await);
    world.run().await;
    let rows = world.rows().await;
    for row in &rows[15..] {
        world
            .files
            .make_unreadable(row.key.content, Unreadable::Files);
    }
    let options = ScrubOptions::default();
    let failed = world.engine().scrub(&options).await;
    assert!(matches!(failed, Err(ScrubError::Failing)), "{failed:?}");
    // Also for one that takes a content a step.
    let pace = ScrubPace {
        period: Duration::ZERO,
        budget: 1,
    };
    let (engine, stop) = (world.engine(), CancelToken::new());
    let task = tokio::spawn(async move { engine.scrub_slowly(pace, &stop).await });
    let place = || async { world.engine().scrub_cycle().await.unwrap()?.after };
    // Seven contents in a row are passed by; at the eighth it rests until that can be read.
    let last = Some(rows[15 + 3 * 6].key.content);
    for _ in 0..20 {
        while place().await < last {
            world.clock.advance(Duration::from_secs(3_600));
            tokio::task::yield_now().await;
        }
        world.clock.advance(Duration::from_secs(3_600));
        tokio::task::yield_now().await;
        assert_eq!(place().await, last);
    }
    world.files.make_readable(rows[15 + 3 * 7].key.content);
    while place().await == last {
        world.clock.advance(Duration::from_secs(3_600));
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(world.files.set_aside().is_empty());
    assert_eq!(world.count(Status::Ready).await, 90);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_in_the_background_reads_for_seconds_and_keeps_its_place_in_between() {
    let world = Arc::new(World::with_pictures(100).await);
    world.run().await;
    let rows = world.rows().await;
    let until = |content| {
        let rows = rows.iter().filter(move |row| row.key.content <= content);
        rows.filter_map(|row| row.size).sum::<u64>()
    };
    let all = until(rows[299].key.content);
    let largest = rows
        .chunks(3)
        .map(|of| of.iter().filter_map(|row| row.size).sum::<u64>());
    let largest = largest.max().unwrap();
    // A tenth of it in four seconds.
    let budget = all / 40;
    let pace = ScrubPace {
        period: Duration::ZERO,
        budget,
    };
    let (engine, stop) = (world.engine(), CancelToken::new());
    let (scrubbing, stopping) = (Arc::clone(&engine), stop.clone());
    let task = tokio::spawn(async move { scrubbing.scrub_slowly(pace, &stopping).await });
    let (mut read, mut rest, mut since, mut steps) = (0, Duration::ZERO, world.now(), 0);
    while read < all / 2 {
        let cycle = engine.scrub_cycle().await.unwrap();
        let Some(cycle) = cycle.filter(|cycle| cycle.bytes > read) else {
            world.clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
            continue;
        };
        let now = cycle.bytes - read;
        assert!(
            now <= 4 * budget + largest,
            "{now} at once of {budget} a second"
        );
        assert_eq!(until(cycle.after.unwrap()), cycle.bytes);
        let rested = world.now().since(since);
        assert!(rested >= rest, "{rested:?} instead of {rest:?}");
        rest = Duration::from_millis(now * 1_000 / budget);
        (read, since, steps) = (cycle.bytes, world.now(), steps + 1);
    }
    assert!(steps >= 5, "{steps}");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_that_fails_at_any_step_leaves_nothing_untrue_and_the_next_one_ends_it() {
    for fault in [
        VaultFault::Refuse(PortErrorKind::Unavailable),
        VaultFault::DoneAndRefuse(PortErrorKind::Unavailable),
    ] {
        for nth in 0..3 {
            let world = World::with_pictures(3).await;
            world.run().await;
            let rows = world.rows().await;
            rows.iter().step_by(3).for_each(|row| damage(&world, row));
            world.vault.arm(VaultStep::Quarantine, nth, fault);
            fails_then_ends(&world).await;
        }
    }
    for call in [Call::Find, Call::Page, Call::Invalidate, Call::Enqueue] {
        for nth in 0..2 {
            let world = World::with_pictures(3).await;
            world.run().await;
            let rows = world.rows().await;
            rows.iter().step_by(3).for_each(|row| damage(&world, row));
            world.store.refuse(call, nth, PortErrorKind::Unavailable);
            fails_then_ends(&world).await;
        }
    }
}

async fn fails_then_ends(world: &World) {
    let _ = world.engine().scrub(&ScrubOptions::default()).await;
    let engine = world.engine();
    for row in world.rows().await {
        let (key, ready) = (&row.key, row.status == Status::Ready);
        let asked = engine.path(key.content, &key.kind, &key.variant).await;
        if let Ok(PathAnswer::Ready { .. }) = asked {
            let bytes = world.files.bytes(key, &row.format).unwrap();
            assert!(ready && Some(vss_core::Digest::of(&bytes)) == row.digest);
        }
    }
    scrub(world, ALL).await;
    world.assert_true().await;
    world.run().await;
    world.assert_true().await;
    assert_eq!(world.count(Status::Ready).await, 9);
}
