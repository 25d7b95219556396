//! Originals that go away and come back while work on them is under way.
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever else writes there"
)]

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use vss_core::{ContentUuid, FailureClass, Status};
use vss_ports::{ContentCatalog, Event};

use crate::world::{World, run};

impl World {
    /// Where the first original of a content is.
    async fn place(&self, content: ContentUuid) -> PathBuf {
        self.catalog
            .originals(content)
            .await
            .unwrap()
            .remove(0)
            .path
    }

    /// Works until nothing is due, and looks again at what was queued last of all.
    async fn run_out(&self) {
        self.run().await;
        self.run().await;
    }
}

/// As if somebody had written the same bytes again.
fn touch(path: &PathBuf) {
    let later = SystemTime::now() + Duration::from_secs(60);
    File::open(path).unwrap().set_modified(later).unwrap();
}

#[tokio::test]
async fn a_file_that_was_moved_and_found_while_a_job_looked_for_it_is_not_given_up() {
    let world = World::with_pictures(1).await;
    // The index saw it before the job's failure was recorded, and will not see it again.
    world.catalog.miss_next();
    let report = world.run().await;
    assert_eq!((report.failed, report.retried), (0, 3));
    let failed =
        |event: &Event| matches!(event, Event::SidecarFailed { will_retry, .. } if !will_retry);
    assert!(!world.events.events().iter().any(failed));
    world.run().await;
    assert_eq!(world.count(Status::Ready).await, 3);
    world.assert_true().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_file_that_changes_meanwhile_is_said_of_no_content() {
    for says in [None, Some(FailureClass::CorruptSource)] {
        for has_copy in [false, true] {
            let world = Arc::new(World::new());
            let content = world.add(b"a picture");
            world.plan().await;
            let gate = world.generator.hold();
            if let Some(says) = says {
                world.generator.fail_next(says);
            }
            let engine = world.engine();
            let running = tokio::spawn(async move { run(&engine).await });
            let begun = Arc::clone(&world);
            let begun = tokio::task::spawn_blocking(move || begun.generator.wait_for_calls(1));
            begun.await.unwrap();
            touch(&world.place(content).await);
            if has_copy {
                world.add(b"a picture");
            }
            drop(gate);
            running.await.unwrap();
            world.run_out().await;
            let rows = world.rows().await;
            if has_copy {
                assert!(
                    rows.iter().all(|row| row.status == Status::Ready),
                    "{says:?}: {rows:?}"
                );
                continue;
            }
            // Nobody has said yet what the file is now, so nobody looks at it again and again.
            assert_eq!(world.generator.calls().len(), 1);
            for row in rows {
                let why = row.failure.unwrap();
                assert_eq!(why.class, FailureClass::MissingSource, "{says:?}");
                assert!(why.detail.contains("index it again"), "{}", why.detail);
            }
        }
    }
}

#[tokio::test]
async fn what_is_on_a_disk_that_is_away_waits_for_that_disk_and_for_nothing_else() {
    let (world, folder) = (World::new(), TempDir::new().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let [here, disk, away] = ["here", "disk", "away"].map(|name| root.join(name));
    for folder in [&here, &disk] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(disk.join("1.jpg"), b"\xff\xd8\xffon the disk").unwrap();
    world.index(&disk).await;
    std::fs::rename(&disk, &away).unwrap();
    world.run_out().await;
    assert_eq!(world.count(Status::Failed).await, 3);
    for number in 0..3 {
        let bytes = [b"\xff\xd8\xffhere ".as_slice(), &[number]].concat();
        std::fs::write(here.join(format!("{number}.jpg")), bytes).unwrap();
        assert_eq!(world.index(&here).await.enqueued, 3);
    }
    std::fs::rename(&away, &disk).unwrap();
    assert_eq!(world.index(&here).await.enqueued, 3, "the disk is there");
    world.run().await;
    assert_eq!(world.count(Status::Ready).await, 12);
}

#[tokio::test]
async fn a_file_that_is_put_back_as_it_was_is_found_by_the_next_index() {
    let (world, folder) = (World::new(), TempDir::new().unwrap());
    let [here, away] = ["here.jpg", "../away.jpg"].map(|name| folder.path().join("in").join(name));
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(&here, b"\xff\xd8\xffa picture").unwrap();
    world.index(&folder.path().join("in")).await;
    std::fs::rename(&here, &away).unwrap();
    world.run_out().await;
    assert_eq!(world.count(Status::Failed).await, 3);
    std::fs::rename(&away, &here).unwrap();
    let again = world.index(&folder.path().join("in")).await;
    assert_eq!((again.found.unchanged, again.enqueued), (1, 3));
    world.run().await;
    assert_eq!(world.count(Status::Ready).await, 3);
}
