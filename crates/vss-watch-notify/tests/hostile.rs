//! What goes on on a real disk: storms, mounts, trees that move while they are watched.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may, and it owns the folders it makes"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vss_ports::{Change, Watch, WatchRequest, Watcher};
use vss_watch_notify::{NotifyWatcher, WatchSettings};

const DEADLINE: Duration = Duration::from_secs(30);

async fn watch(root: &Path) -> Box<dyn Watch> {
    let settings = WatchSettings {
        roots_every: Duration::from_millis(50),
        ..WatchSettings::default()
    };
    let request = WatchRequest {
        roots: vec![root.to_path_buf()],
        ..WatchRequest::default()
    };
    NotifyWatcher::new(settings).watch(&request).await.unwrap()
}

async fn next(watch: &mut Box<dyn Watch>) -> Vec<Change> {
    tokio::time::timeout(DEADLINE, watch.next())
        .await
        .unwrap()
        .unwrap()
}

async fn until(watch: &mut Box<dyn Watch>, wanted: &Change) {
    while !next(watch).await.contains(wanted) {}
}

fn files(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in folder.read_dir().unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), into),
            false => drop(into.insert(entry.path())),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_removed_and_made_again_at_once_is_watched_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("root");
    std::fs::create_dir(&root).unwrap();
    let mut watch = watch(&root).await;
    for round in 0..20 {
        // Often it has the number that it had before.
        std::fs::remove_dir_all(&root).unwrap();
        std::fs::create_dir(&root).unwrap();
        until(&mut watch, &Change::Found(root.clone())).await;
        let file = root.join(round.to_string());
        std::fs::write(&file, "file").unwrap();
        until(&mut watch, &Change::Changed(file)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_trees_that_are_made_moved_and_removed_at_once_no_file_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let mut watch = watch(&root).await;
    let storm = |thread: usize| {
        let root = root.clone();
        move || {
            for round in 0..30 {
                let tree = root.join(format!("{thread}-{round}"));
                std::fs::create_dir_all(tree.join("a/b/c")).unwrap();
                for n in 0..20 {
                    std::fs::write(tree.join(format!("a/{n}")), "file").unwrap();
                    std::fs::write(tree.join(format!("a/b/c/{n}")), "file").unwrap();
                }
                let moved = root.join(format!("{thread}-{round}-moved"));
                std::fs::rename(&tree, &moved).unwrap();
                std::fs::rename(moved.join("a/b"), moved.join("b")).unwrap();
                std::fs::write(moved.join("b/c/last"), "last").unwrap();
                if round % 3 == 0 {
                    std::fs::remove_dir_all(&moved).unwrap();
                }
            }
        }
    };
    let threads: Vec<_> = (0..4).map(|n| std::thread::spawn(storm(n))).collect();
    let done = tokio::task::spawn_blocking(move || {
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
    let mut told = BTreeSet::new();
    tokio::pin!(done);
    let mut is_done = false;
    while !is_done {
        tokio::select! {
            changes = watch.next() => told.extend(changes.unwrap()),
            _ = &mut done => is_done = true,
        }
    }
    // What comes after it is told after it.
    std::fs::write(root.join("end"), "end").unwrap();
    while !told.contains(&Change::Changed(root.join("end"))) {
        told.extend(next(&mut watch).await);
    }
    let mut there = BTreeSet::new();
    files(&root, &mut there);
    assert_eq!(there.len(), 4 * 20 * 41 + 1);
    let covered = |file: &Path| {
        let mut above = file.ancestors().take_while(|part| part.starts_with(&root));
        above.any(|part| told.contains(&Change::Changed(part.to_path_buf())))
    };
    let lost: Vec<_> = there.iter().filter(|file| !covered(file)).collect();
    assert_eq!(lost, Vec::<&PathBuf>::new());
    // And everything that is there now is watched by its present name.
    for (n, file) in there.iter().enumerate().filter(|(n, _)| n % 100 == 0) {
        std::fs::write(file, n.to_string()).unwrap();
        until(&mut watch, &Change::Changed(file.clone())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_mounted_on_a_root_and_taken_away_again_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("disk");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("beneath"), "the folder without its disk").unwrap();
    let mut watch = watch(&root).await;
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&root).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) {
        eprintln!("skipped: a disk that comes and goes needs the right to mount a tmpfs (root)");
        return;
    }
    until(&mut watch, &Change::Found(root.clone())).await;
    std::fs::write(root.join("new"), "new").unwrap();
    until(&mut watch, &Change::Changed(root.join("new"))).await;
    assert!(run("umount", &["-l"]));
    until(&mut watch, &Change::Found(root.clone())).await;
    std::fs::write(root.join("beneath"), "changed").unwrap();
    until(&mut watch, &Change::Changed(root.join("beneath"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_comes_and_goes_below_a_root_is_watched_and_what_is_beneath_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let disk = root.join("in/my disk");
    std::fs::create_dir_all(&disk).unwrap();
    let mut watch = watch(&root).await;
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&disk).output();
        output.is_ok_and(|output| output.status.success())
    };
    let mount = || run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]);
    let told = async |watch: &mut Box<dyn Watch>, name: &str| {
        let file = Change::Changed(disk.join(name));
        // What is written before it is watched is told with the disk.
        loop {
            std::fs::write(file.path(), "file").unwrap();
            if next(watch).await.contains(&file) {
                return;
            }
        }
    };
    if !mount() {
        eprintln!("skipped: a disk that comes and goes needs the right to mount a tmpfs (root)");
        return;
    }
    until(&mut watch, &Change::Changed(disk.clone())).await;
    told(&mut watch, "new").await;
    std::fs::create_dir_all(disk.join("deep/er")).unwrap();
    until(&mut watch, &Change::Changed(disk.join("deep"))).await;
    // While the watcher looks into it, it is busy.
    let umount = |way: &[&str]| while !run("umount", way) {};
    for way in [&[][..], &["-l"]] {
        umount(way);
        until(&mut watch, &Change::Changed(disk.clone())).await;
        told(&mut watch, "beneath").await;
        // At once, so that another disk is at its place before anybody looks.
        assert!(mount());
        umount(way);
        assert!(mount());
        until(&mut watch, &Change::Changed(disk.clone())).await;
        told(&mut watch, "again").await;
    }
    umount(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_call_wrote_is_told_when_the_file_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join("mapped");
    std::fs::write(&file, "what a program maps and writes to").unwrap();
    let mut watch = watch(folder.path()).await;
    let mapped = std::fs::File::options().read(true).write(true).open(&file);
    drop(mapped.unwrap());
    assert_eq!(next(&mut watch).await, [Change::Changed(file)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_whoever_listens() {
    let folder = tempfile::tempdir().unwrap();
    let threads = || {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| {
                let name = task.as_ref().unwrap().path().join("comm");
                std::fs::read_to_string(name).is_ok_and(|name| name.trim() == "vss-watch")
            })
            .count()
    };
    let watch = watch(folder.path()).await;
    assert_eq!(threads(), 1);
    drop(watch);
    let ended = async {
        while threads() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, ended).await.unwrap();
}
