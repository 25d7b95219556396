//! What is told of files and folders that change.

use std::path::Path;

use vss_ports::{Change, WatchRequest};

use super::ear::Ear;
use super::{KEPT, WatcherHarness};

pub(super) async fn what_happens_to_files_is_told(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    ground.make(&top.join("in/deep"));
    ground.write(&top.join("in/old"), b"old");
    let mut ear = Ear::at(&*ground, &top).await;
    ground.write(&top.join("new"), b"new");
    ear.until_changed(&top, &top.join("new")).await;
    ground.write(&top.join("in/deep/new"), b"new");
    ear.until_changed(&top, &top.join("in/deep/new")).await;
    ground.write(&top.join("in/old"), b"edited");
    ear.until_changed(&top, &top.join("in/old")).await;
    ground.rename(&top.join("in/old"), &top.join("renamed"));
    ear.until_changed(&top, &top.join("renamed")).await;
    ground.rename(&top.join("new"), &top.join("renamed"));
    while !(ear.has_heard(&top, &top.join("new")) && ear.has_heard(&top, &top.join("renamed"))) {
        ear.next().await;
    }
    ear.heard.clear();
    ground.remove(&top.join("in/deep/new"));
    ear.until_changed(&top, &top.join("in/deep/new")).await;
    ground.remove(&top.join("in"));
    ear.until_changed(&top, &top.join("in")).await;
}

pub(super) async fn a_folder_that_moves_in_is_told_and_watched(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let (outside, root) = (ground.top().join("outside"), ground.top().join("root"));
    ground.make(&outside.join("album/deep"));
    for n in 0..500 {
        ground.write(&outside.join(format!("album/deep/{n}")), b"picture");
    }
    ground.make(&root);
    let mut ear = Ear::at(&*ground, &root).await;
    ground.rename(&outside.join("album"), &root.join("album"));
    // Each of them, and at once.
    for n in 0..500 {
        let file = root.join(format!("album/deep/{n}"));
        while !ear.has_heard(&root, &file) {
            ear.next().await;
        }
    }
    ear.heard.clear();
    ground.write(&root.join("album/deep/new"), b"new");
    ear.until_changed(&root, &root.join("album/deep/new")).await;
    // And made in place, deep, and filled in the same breath.
    ground.make(&root.join("a/b/c/d"));
    ground.write(&root.join("a/b/c/d/file"), b"file");
    ear.until_changed(&root, &root.join("a/b/c/d/file")).await;
    ground.rename(&root.join("album"), &outside.join("again"));
    ear.until_changed(&root, &root.join("album")).await;
    ground.write(&outside.join("again/deep/gone"), b"it is not here any more");
    ground.write(&root.join("a/last"), b"last");
    let told = ear.until_changed(&root, &root.join("a/last")).await;
    assert!(told.iter().all(|path| path.starts_with(&root)), "{told:?}");
}

pub(super) async fn a_folder_that_moves_is_told_at_both_ends(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    ground.make(&top.join("from/album/deep"));
    ground.make(&top.join("to"));
    ground.write(&top.join("from/album/deep/old"), b"old");
    let mut ear = Ear::at(&*ground, &top).await;
    for (from, to) in [
        ("from/album", "to/other"),
        ("to/other", "from/album"),
        ("from", "to/x"),
    ] {
        let (from, to) = (top.join(from), top.join(to));
        ground.rename(&from, &to);
        while !(ear.has_heard(&top, &from) && ear.has_heard(&top, &to)) {
            ear.next().await;
        }
        ear.heard.clear();
    }
    let file = top.join("to/x/album/deep/new");
    ground.write(&file, b"new");
    let told = ear.until_changed(&top, &file).await;
    let is_old = |path: &Path| path.starts_with(top.join("from"));
    assert!(
        !told.iter().any(|path| is_old(path)),
        "by its old path: {told:?}"
    );
    ground.remove(&top.join("to/x/album/deep/old"));
    ear.until_changed(&top, &top.join("to/x/album/deep/old"))
        .await;
}

pub(super) async fn a_change_is_told_without_links(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let Some(link) = ground.link() else { return };
    let top = ground.top();
    ground.make(&top.join("in"));
    let mut ear = Ear::at(&*ground, &link).await;
    ground.write(&top.join("in/new"), b"new");
    let told = ear.until_changed(&top, &top.join("in/new")).await;
    assert!(told.iter().all(|path| path.starts_with(&top)), "{told:?}");
}

pub(super) async fn changes_of_one_file_are_told_once(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    let mut ear = Ear::at(&*ground, &top).await;
    for n in 0..1_000_u32 {
        ground.write(&top.join("file"), &n.to_le_bytes());
        ground.write(&top.join("other"), &n.to_le_bytes());
    }
    ground.write(&top.join("last"), b"last");
    // The ear hears none of them twice at once.
    ear.until_changed(&top, &top.join("last")).await;
}

pub(super) async fn reading_tells_nothing(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    ground.make(&top.join("in"));
    ground.write(&top.join("in/file"), b"file");
    let mut ear = Ear::at(&*ground, &top).await;
    for _ in 0..10 {
        ground.read(&top.join("in/file"));
    }
    ground.write(&top.join("last"), b"last");
    let told = ear.until_changed(&top, &top.join("last")).await;
    // By itself or with the folder that it is in, and nothing else.
    assert!(
        told.iter().all(|path| top.join("last").starts_with(path)),
        "{told:?}"
    );
}

pub(super) async fn what_is_left_out_is_not_told(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    for folder in [".hidden/in", "library/in", "deep/library"] {
        ground.make(&top.join(folder));
    }
    let mut request = WatchRequest {
        roots: vec![top.clone()],
        hidden: false,
        excluded: vec![top.join("library"), top.join("not there")],
    };
    let mut ear = Ear::with(&*ground, request.clone()).await;
    ground.write(&top.join(".hidden/in/file"), b"hidden");
    ground.write(&top.join("library/in/file"), b"excluded");
    ground.make(&top.join("library/new"));
    ground.write(&top.join("library/new/file"), b"excluded");
    ground.write(&top.join("deep/library/file"), b"another");
    let told = ear
        .until_changed(&top, &top.join("deep/library/file"))
        .await;
    let left_out = |path: &Path| {
        path.starts_with(top.join("library")) || path.starts_with(top.join(".hidden"))
    };
    assert!(!told.iter().any(|path| left_out(path)), "{told:?}");
    request.hidden = true;
    let mut ear = Ear::with(&*ground, request).await;
    ground.write(&top.join(".hidden/in/file"), b"asked for");
    ear.until_changed(&top, &top.join(".hidden/in/file")).await;
}

pub(super) async fn more_than_is_kept_is_told_as_missed(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(true);
    let top = ground.top();
    let mut ear = Ear::at(&*ground, &top).await;
    for n in 0..2 * KEPT {
        ground.make(&top.join(n.to_string()));
    }
    // All of them are known, and none was asked for.
    ground.make(&top.join("last"));
    let folders = 2 * KEPT as u64 + 2;
    ear.covers(|coverage| coverage.watched + coverage.swept == folders)
        .await;
    assert!(ear.next().await.contains(&Change::Missed(top.clone())));
    ear.heard.clear();
    ground.write(&top.join("last/new"), b"new");
    ear.until_changed(&top, &top.join("last/new")).await;
}

pub(super) async fn a_dropped_next_loses_nothing(harness: &dyn WatcherHarness) {
    let ground = harness.fresh(false);
    let top = ground.top();
    let mut ear = Ear::at(&*ground, &top).await;
    for n in 0..100 {
        ground.write(&top.join(n.to_string()), b"file");
        ear.glance().await;
    }
    for n in 0..100 {
        while !ear.has_heard(&top, &top.join(n.to_string())) {
            ear.next().await;
        }
    }
}
