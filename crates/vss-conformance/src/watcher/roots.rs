//! Roots that go and come, and how many folders are watched.

use vss_ports::{Change, WatchRequest};

use super::WatcherHarness;
use super::ear::Ear;

pub(super) async fn a_root_that_goes_away_is_lost_and_found(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let root = ground.top().join("root");
    ground.make(&root.join("in"));
    let mut ear = Ear::at(&*ground, &root).await;
    ground.rename(&root, &ground.top().join("elsewhere"));
    ear.until(&Change::Lost(root.clone())).await;
    ear.covers(|coverage| !coverage.is_there && coverage.watched + coverage.swept == 0)
        .await;
    ground.rename(&ground.top().join("elsewhere"), &root);
    ear.until(&Change::Found(root.clone())).await;
    ground.write(&root.join("in/new"), b"new");
    ear.until_changed(&root, &root.join("in/new")).await;
    ground.remove(&root);
    ear.until(&Change::Lost(root.clone())).await;
    ground.make(&root.join("other"));
    ear.until(&Change::Found(root.clone())).await;
    ground.write(&root.join("other/new"), b"new");
    ear.until_changed(&root, &root.join("other/new")).await;
}

pub(super) async fn a_root_that_is_not_there_is_found_once_it_is(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let root = ground.top().join("mnt/disk");
    let mut ear = Ear::at(&*ground, &root).await;
    ear.covers(|coverage| !coverage.is_there).await;
    ear.until(&Change::Lost(root.clone())).await;
    ground.make(&root.join("in"));
    ear.until(&Change::Found(root.clone())).await;
    ground.write(&root.join("in/new"), b"new");
    ear.until_changed(&root, &root.join("in/new")).await;
}

pub(super) async fn coverage_counts_every_folder(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    for folder in ["a/b", "c", ".hidden/d", "library/e"] {
        ground.make(&top.join(folder));
    }
    ground.write(&top.join("file"), b"no folder");
    let request = WatchRequest {
        roots: vec![top.clone()],
        hidden: false,
        excluded: vec![top.join("library")],
    };
    let ear = Ear::with(&*ground, request).await;
    let found = ear
        .covers(|coverage| coverage.watched + coverage.swept == 4)
        .await;
    assert_eq!((found.root, found.is_there), (top.clone(), true));
    ground.make(&top.join("c/d/e"));
    ear.covers(|coverage| coverage.watched + coverage.swept == 6)
        .await;
    ground.rename(&top.join("c"), &top.join("a/b/c"));
    ear.covers(|coverage| coverage.watched + coverage.swept == 6)
        .await;
    ground.remove(&top.join("a"));
    ear.covers(|coverage| coverage.watched + coverage.swept == 1)
        .await;
}
