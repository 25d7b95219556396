//! Watching: what is told leads to what indexing or reconciling would have done, and our own work
//! to nothing.
#![expect(
    clippy::disallowed_methods,
    reason = "originals are real files, as the memory catalog wants them"
)]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use vss_core::{Format, Kind, SidecarKey, SidecarSource, Status, Variant, layout};
use vss_engine::{
    Engine, LocationBatch, LocationWatch, ReconcileReport, Settling, TendReport, VaultWatch,
};
use vss_ports::{
    Change, ClaimOrder, ClaimRequest, ContentCatalog, Event, LeaseOwner, RefreshObserver,
    RefreshOptions, RefreshProblem, SidecarQueue, SidecarStore, WatchRequest,
};
use vss_testkit::vault::Unreadable;
use vss_testkit::watcher::MemoryWatcher;

use crate::world::{World, run};

const VAULT: &str = "/in-memory/sidecars";

/// Lets time pass until something is done.
async fn in_time<T>(world: &World, done: impl Future<Output = T>) -> T {
    tokio::pin!(done);
    loop {
        tokio::select! {
            biased;
            done = &mut done => return done,
            () = tokio::task::yield_now() => world.clock.advance(Duration::from_millis(20)),
        }
    }
}

/// A library whose vault is watched.
struct Tended {
    world: World,
    engine: Arc<Engine>,
    watcher: MemoryWatcher,
    watch: VaultWatch,
}

impl Tended {
    async fn with_pictures(count: u8) -> Self {
        let world = World::with_pictures(count).await;
        let engine = world.engine();
        let watcher = MemoryWatcher::default();
        watcher.made(Path::new(VAULT));
        let settling = Settling::default();
        let watch = engine.watch_vault(&watcher, VAULT.into(), settling, Duration::ZERO);
        Self {
            watch: watch.await.unwrap(),
            world,
            engine,
            watcher,
        }
    }

    fn tell(&self, below: &str) {
        self.watcher.changed(&Path::new(VAULT).join(below));
    }

    fn tell_of(&self, key: &SidecarKey) {
        self.tell(layout::sidecar_path(key, &Format::WEBP).as_str());
    }

    /// Waits for what was told to stand still, and looks after it.
    async fn tend(&mut self) -> TendReport {
        let batch = in_time(&self.world, self.watch.next()).await.unwrap();
        self.engine.tend(&batch).await.unwrap()
    }

    fn plant(&self, key: &SidecarKey, bytes: &[u8]) {
        let path = layout::sidecar_path(key, &Format::WEBP);
        self.world.files.plant(path.as_str(), bytes);
        self.tell_of(key);
    }
}

fn nothing() -> ReconcileReport {
    ReconcileReport::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_publish_ourselves_is_no_news() {
    let mut tended = Tended::with_pictures(3).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    assert_eq!(rows.len(), 9);
    let opened = tended.world.events.events().len();
    for row in &rows {
        let folder = layout::content_folder(row.key.content);
        tended.tell_of(&row.key);
        tended.tell(folder.as_str());
        tended.tell(&format!("{folder}/thumbs"));
        tended.tell(&format!("{folder}/manifest.json"));
        tended.tell(&format!("{folder}/B3SUMS"));
    }
    let report = tended.tend().await;
    assert_eq!((report.done, report.echoes), (nothing(), 3));
    assert_eq!(tended.world.rows().await, rows);
    assert_eq!(
        tended.world.events.events().len(),
        opened,
        "nobody hears of it"
    );
    // One that somebody touched is noticed among them.
    tended.plant(&rows[4].key, b"RIFF....WEBPnot it");
    tended.tell_of(&rows[3].key);
    let report = tended.tend().await;
    assert_eq!((report.done.repaired, report.echoes), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_beside_others_has_nobody_read_them() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let key = tended.world.rows().await[0].key.clone();
    let rotten = tended.world.files.bytes(&key, &Format::WEBP).unwrap();
    let rotten: Vec<u8> = rotten.iter().map(|byte| byte ^ 1).collect();
    let path = layout::sidecar_path(&key, &Format::WEBP);
    tended.world.files.plant(path.as_str(), &rotten);
    // The first text of it makes a folder, and the manifest and its sums anew.
    let folder = layout::content_folder(key.content);
    for name in ["ocr", "manifest.json", "B3SUMS"] {
        tended.tell(&format!("{folder}/{name}"));
    }
    let report = tended.tend().await;
    assert_eq!(
        report.done,
        nothing(),
        "a scrub reads them, in its own time"
    );
    // Its own folder is another matter.
    tended.tell(&format!("{folder}/thumbs"));
    assert_eq!(tended.tend().await.done.repaired, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_somebody_takes_away_are_written_again() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let content = tended.world.rows().await[0].key.content;
    let sums = tended.world.files.sums(content);
    assert!(tended.world.files.lose_sums(content));
    let folder = layout::content_folder(content);
    tended.tell(&format!("{folder}/B3SUMS"));
    let amended = ReconcileReport {
        amended: 1,
        ..nothing()
    };
    assert_eq!(tended.tend().await.done, amended);
    assert_eq!(tended.world.files.sums(content), sums);
    tended.tell(&format!("{folder}/B3SUMS"));
    assert_eq!(tended.tend().await.echoes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_away_is_made_again() {
    let mut tended = Tended::with_pictures(2).await;
    run(&tended.engine).await;
    let key = tended.world.rows().await[2].key.clone();
    assert!(tended.world.files.lose(&key, &Format::WEBP));
    tended.tell_of(&key);
    let report = tended.tend().await;
    assert_eq!(
        report.done,
        ReconcileReport {
            missing: 1,
            amended: 1,
            ..nothing()
        }
    );
    assert_eq!(tended.world.count(Status::Pending).await, 1);
    assert_eq!(run(&tended.engine).await.ready, 1);
    tended.world.assert_true().await;
    // All of a content, and nothing but its folder is told.
    let content = tended.world.rows().await[0].key.content;
    for row in tended.world.rows().await {
        if row.key.content == content {
            assert!(tended.world.files.lose(&row.key, &Format::WEBP));
        }
    }
    tended.tell(layout::content_folder(content).as_str());
    assert_eq!(tended.tend().await.done.missing, 3);
    assert_eq!(run(&tended.engine).await.ready, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_is_set_aside_even_when_it_is_as_long_as_before() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    let good = tended
        .world
        .files
        .bytes(&rows[0].key, &Format::WEBP)
        .unwrap();
    let mut rotten = good.clone();
    *rotten.last_mut().unwrap() ^= 1;
    tended.plant(&rows[0].key, &rotten);
    tended.plant(&rows[1].key, &good[..good.len() - 1]);
    let report = tended.tend().await;
    assert_eq!(
        report.done,
        ReconcileReport {
            repaired: 2,
            ..nothing()
        }
    );
    assert_eq!(tended.world.files.set_aside().len(), 2);
    let events = tended.world.events.events();
    let corrupt = |event: &&Event| matches!(event, Event::SidecarCorrupt { .. });
    assert_eq!(events.iter().filter(corrupt).count(), 2);
    assert_eq!(run(&tended.engine).await.ready, 2);
    tended.world.assert_true().await;
    assert_eq!(
        tended.world.files.bytes(&rows[0].key, &Format::WEBP),
        Some(good)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_put_there_is_adopted_and_verified_once() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let made = tended.world.rows().await[0].key.clone();
    let bytes = tended.world.files.bytes(&made, &Format::WEBP).unwrap();
    let key = SidecarKey::new(made.content, Kind::THUMB, Variant::ICON_1X);
    tended.plant(&key, &bytes);
    assert_eq!(
        tended.tend().await.done,
        ReconcileReport {
            adopted: 1,
            amended: 1,
            ..nothing()
        }
    );
    let rows = tended.world.rows().await;
    let row = rows.iter().find(|row| row.key == key).unwrap();
    assert_eq!(
        (row.status, &row.source),
        (Status::Ready, &SidecarSource::Adopted)
    );
    // Told once more it is hashed, and from then on known.
    tended.tell_of(&key);
    let report = tended.tend().await;
    assert_eq!((report.done, report.echoes), (nothing(), 0));
    tended.tell_of(&key);
    let report = tended.tend().await;
    assert_eq!((report.done, report.echoes), (nothing(), 1));
    // What is no sidecar is left alone.
    let folder = layout::content_folder(made.content);
    tended
        .world
        .files
        .plant(&format!("{folder}/thumbs/my notes.txt"), b"mine");
    tended.tell(&format!("{folder}/thumbs/my notes.txt"));
    tended.tell_of(&key);
    assert_eq!(
        tended.tend().await.echoes,
        1,
        "nothing but the sidecar was compared"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_read_keeps_no_other_from_being_looked_after() {
    let mut tended = Tended::with_pictures(3).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    let (bad, lost) = (rows[0].key.content, &rows[8]);
    tended.world.files.make_unreadable(bad, Unreadable::Folder);
    tended.tell(layout::content_folder(bad).as_str());
    tended.tell_of(&rows[0].key);
    assert!(tended.world.files.lose(&lost.key, &lost.format));
    tended.tell_of(&lost.key);
    let report = tended.tend().await;
    assert_eq!((report.done.missing, report.echoes), (1, 0));
    tended.world.files.make_readable(bad);
    run(&tended.engine).await;
    tended.world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_adopted_and_goes_away_is_made_if_it_is_wanted_and_forgotten_if_not() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
    let bytes = tended.world.files.bytes(&keys[0], &Format::WEBP).unwrap();
    tended.world.rows.forget(&keys).await.unwrap();
    assert!(tended.world.files.lose_manifest(keys[0].content));
    let unasked = SidecarKey::new(keys[0].content, Kind::THUMB, Variant::ICON_1X);
    tended.plant(&unasked, &bytes);
    tended.tell(layout::content_folder(keys[0].content).as_str());
    assert_eq!(tended.tend().await.done.adopted, 4);
    for key in [&keys[0], &unasked] {
        assert!(tended.world.files.lose(key, &Format::WEBP));
        tended.tell_of(key);
    }
    let report = tended.tend().await;
    assert_eq!((report.done.missing, report.done.enqueued), (2, 1));
    assert_eq!(run(&tended.engine).await.ready, 1);
    let now = tended.world.rows().await;
    assert_eq!(
        now.iter().map(|row| &row.key).collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    assert!(now.iter().all(|row| row.status == Status::Ready));
    tended.world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_made_is_left_alone() {
    let mut tended = Tended::with_pictures(1).await;
    let request = ClaimRequest {
        owner: LeaseOwner::new("another"),
        generators: vec![tended.engine.generators()[0].generator.id.clone()],
        limit: 8,
        order: ClaimOrder::Urgent,
        now: tended.world.now(),
        lease_until: tended.world.now().plus(Duration::from_secs(30)),
        except: Vec::new(),
    };
    let claimed = tended.world.rows.claim(&request).await.unwrap();
    let key = claimed[0].outputs[0].key.clone();
    tended.plant(&key, b"RIFF....WEBPhalf of it");
    let report = tended.tend().await;
    assert_eq!(report.done, nothing());
    assert_eq!(tended.world.count(Status::Running).await, 3);
    assert!(tended.world.files.bytes(&key, &Format::WEBP).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_make_again_is_forgotten() {
    let mut tended = Tended::with_pictures(2).await;
    run(&tended.engine).await;
    let key = tended.world.rows().await[0].key.clone();
    tended.world.catalog.remove(key.content);
    assert!(tended.world.files.lose(&key, &Format::WEBP));
    tended.tell_of(&key);
    let report = tended.tend().await;
    assert_eq!((report.done.missing, report.done.removed_rows), (1, 1));
    assert_eq!(tended.world.rows().await.len(), 5);
    assert_eq!(run(&tended.engine).await.ready, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_something_was_missed_or_a_shard_moved_all_of_it_is_compared() {
    let mut tended = Tended::with_pictures(8).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    for row in [&rows[0], &rows[10], &rows[23]] {
        assert!(tended.world.files.lose(&row.key, &Format::WEBP));
    }
    let (h0, h1) = layout::shard(rows[10].key.content);
    tended.tell(&format!("content/{h0}/{h1}"));
    let report = tended.tend().await;
    assert_eq!((report.done.missing, report.echoes), (1, 0));
    tended.tell(&format!("content/{h0}/{h1}"));
    let report = tended.tend().await;
    assert_eq!(
        (report.done, report.echoes),
        (nothing(), 1),
        "what is there is known, and its manifest names no more"
    );
    tended.watcher.tell(&Change::Missed(VAULT.into()));
    assert_eq!(tended.tend().await.done, nothing(), "it is said at once");
    let report = tended.tend().await;
    assert_eq!(
        (report.done.missing, report.done.scanned),
        (2, 21),
        "all is compared"
    );
    assert_eq!(run(&tended.engine).await.ready, 3);
    tended.world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_vault_is_away_nothing_in_it_is_taken_for_gone() {
    let mut tended = Tended::with_pictures(1).await;
    run(&tended.engine).await;
    let rows = tended.world.rows().await;
    tended.tell_of(&rows[0].key);
    tended.watcher.tell(&Change::Lost(VAULT.into()));
    let batch = in_time(&tended.world, tended.watch.next()).await.unwrap();
    assert_eq!(batch.news, [Change::Lost(VAULT.into())]);
    let report = tended.engine.tend(&batch).await.unwrap();
    assert_eq!((report.done, report.echoes), (nothing(), 0));
    tended.watcher.tell(&Change::Found(VAULT.into()));
    let batch = in_time(&tended.world, tended.watch.next()).await.unwrap();
    assert_eq!(batch.news, [Change::Found(VAULT.into())]);
    assert_eq!(tended.tend().await.done.scanned, 3);
    assert_eq!(tended.world.rows().await, rows);
}

/// Folders that are watched: real ones, about which the watcher is told.
struct Watched {
    world: World,
    engine: Arc<Engine>,
    watcher: MemoryWatcher,
    folder: tempfile::TempDir,
    options: RefreshOptions,
}

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _: u64, _: u64) {}
    fn problem(&self, problem: RefreshProblem) {
        panic!("{problem:?}");
    }
}

impl Watched {
    fn new() -> Self {
        let world = World::new();
        Self {
            engine: world.engine(),
            world,
            watcher: MemoryWatcher::default(),
            folder: tempfile::tempdir().unwrap(),
            options: RefreshOptions {
                still_for: Duration::from_secs(1),
                ..RefreshOptions::default()
            },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    async fn watch(&self, roots: &[&str]) -> LocationWatch {
        let roots: Vec<_> = roots.iter().map(|root| self.path(root)).collect();
        for root in &roots {
            std::fs::create_dir_all(root).unwrap();
            self.watcher.made(root);
        }
        let request = WatchRequest {
            roots,
            ..WatchRequest::default()
        };
        let settling = Settling::default();
        let watch = self
            .engine
            .watch_locations(&self.watcher, &request, settling, Duration::ZERO);
        watch.await.unwrap()
    }

    /// Writes a file that was changed so long before the world's now.
    fn write(&self, name: &str, bytes: &[u8], age: Duration) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let now = u64::try_from(self.world.now().as_millis()).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(now) - age;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(at).unwrap();
        self.watcher.changed(&path);
    }

    async fn next(&self, watch: &mut LocationWatch) -> LocationBatch {
        in_time(&self.world, watch.next()).await.unwrap()
    }

    async fn originals(&self) -> u64 {
        self.world.catalog.counts().await.unwrap().originals
    }
}

const OLD: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_indexed_and_nothing_else_is_looked_at() {
    let watched = Watched::new();
    let mut watch = watched.watch(&["photos"]).await;
    watched.write("photos/a", b"\xff\xd8\xffone", OLD);
    watched.write("photos/deep/b", b"\xff\xd8\xfftwo", OLD);
    watched.watcher.changed(&watched.path("photos/deep"));
    std::fs::write(watched.path("photos/silent"), b"nobody told of it").unwrap();
    let batch = watched.next(&mut watch).await;
    assert_eq!(
        batch.places,
        ["photos/a", "photos/deep"].map(|place| watched.path(place))
    );
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!((report.found.files, report.found.hashed), (2, 2));
    assert_eq!(report.enqueued, 6, "three sidecars each");
    assert_eq!(watched.originals().await, 2);
    assert_eq!(run(&watched.engine).await.ready, 6);
    // Both ends of a move come in one batch, and nothing is hashed.
    std::fs::rename(watched.path("photos/deep"), watched.path("photos/other")).unwrap();
    for end in ["photos/other", "photos/deep"] {
        watched.watcher.changed(&watched.path(end));
    }
    let batch = watched.next(&mut watch).await;
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!(
        (report.found.moved, report.found.hashed, report.enqueued),
        (1, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_still_being_copied_waits_until_it_stands_still() {
    let watched = Watched::new();
    let mut watch = watched.watch(&["photos"]).await;
    watched.write("photos/done", b"\xff\xd8\xffone", OLD);
    let batch = watched.next(&mut watch).await;
    // The folder was told, and this one in it grows.
    watched.write(
        "photos/growing",
        b"\xff\xd8\xffhalf",
        Duration::from_millis(300),
    );
    let batch = LocationBatch {
        places: vec![watched.path("photos")],
        ..batch
    };
    let report = watched.engine.revisit(&batch, &watched.options, &Deaf);
    let report = report.await.unwrap();
    assert_eq!(report.later, [watched.path("photos/growing")]);
    assert_eq!((report.found.hashed, watched.originals().await), (1, 1));
    watch.put_back(report.later);
    watched.write(
        "photos/growing",
        b"\xff\xd8\xffhalf and half",
        Duration::ZERO,
    );
    let batch = watched.next(&mut watch).await;
    assert_eq!(batch.places, [watched.path("photos/growing")]);
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!((report.later.len(), report.found.new_contents), (0, 1));
    assert_eq!(watched.originals().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_not_there_keeps_what_is_known_and_the_others_going() {
    let watched = Watched::new();
    let mut watch = watched.watch(&["disk", "photos"]).await;
    watched.write("disk/a", b"\xff\xd8\xffone", OLD);
    let batch = watched.next(&mut watch).await;
    watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    // It is pulled out: everything in it seems to go, and nobody said yet that it is lost.
    std::fs::rename(watched.path("disk"), watched.path("away")).unwrap();
    watched.watcher.changed(&watched.path("disk/a"));
    watched.write("photos/b", b"\xff\xd8\xfftwo", OLD);
    let batch = watched.next(&mut watch).await;
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    let refused: Vec<_> = report
        .refused
        .iter()
        .map(|(root, _)| root.clone())
        .collect();
    assert_eq!(refused, [watched.path("disk")]);
    assert_eq!((report.found.hashed, watched.originals().await), (1, 2));
    // Once it is said, it is not even tried.
    watched.watcher.removed(&watched.path("disk"));
    let batch = watched.next(&mut watch).await;
    assert_eq!(batch.news, [Change::Lost(watched.path("disk"))]);
    assert_eq!(batch.roots, [watched.path("photos")]);
    std::fs::rename(watched.path("away"), watched.path("disk")).unwrap();
    watched.watcher.made(&watched.path("disk"));
    let batch = watched.next(&mut watch).await;
    assert_eq!(batch.news, [Change::Found(watched.path("disk"))]);
    let batch = watched.next(&mut watch).await;
    assert_eq!(batch.places, [watched.path("disk")]);
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!((report.found.unchanged, report.refused.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_for_while_its_original_moved_is_made_after_all() {
    let watched = Watched::new();
    let mut watch = watched.watch(&["photos"]).await;
    watched.write("photos/a", b"\xff\xd8\xffone", OLD);
    let batch = watched.next(&mut watch).await;
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!(report.enqueued, 3);
    std::fs::rename(watched.path("photos/a"), watched.path("photos/b")).unwrap();
    assert_eq!(
        run(&watched.engine).await.failed,
        3,
        "nobody looked yet where it is"
    );
    watched.watcher.changed(&watched.path("photos/a"));
    watched.watcher.changed(&watched.path("photos/b"));
    let batch = watched.next(&mut watch).await;
    let report = watched
        .engine
        .revisit(&batch, &watched.options, &Deaf)
        .await
        .unwrap();
    assert_eq!(
        (report.found.moved, report.found.hashed, report.enqueued),
        (1, 0, 3)
    );
    assert_eq!(run(&watched.engine).await.ready, 3);
}
