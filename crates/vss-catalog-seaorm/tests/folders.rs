//! Folders as people have them: odd names, links, other programs' leavings, disks that are not
//! there, and refreshes that were ended half-way.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests are the user whose files are looked at"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{Mode, OFlags};
use tempfile::TempDir;
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::{ContentUuid, Timestamp};
use vss_ports::{
    CatalogCounts, ChangeSeq, ContentCatalog, PortErrorKind, RefreshObserver, RefreshOptions,
    RefreshProblem, RefreshReport,
};

#[derive(Default)]
struct Heard(Mutex<Vec<RefreshProblem>>);

impl RefreshObserver for Heard {
    fn progress(&self, _files: u64, _hashed: u64) {}

    fn problem(&self, problem: RefreshProblem) {
        self.0.lock().unwrap().push(problem);
    }
}

/// A catalog beside the folder it looks at.
struct Scene {
    catalog: SeaOrmCatalog,
    options: RefreshOptions,
    folder: PathBuf,
    _keep: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(CatalogSettings::default()).await
    }

    async fn with(settings: CatalogSettings) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let path = keep.path().join("catalog.db");
        let catalog = SeaOrmCatalog::open(&path, settings).await.unwrap();
        let folder = keep.path().canonicalize().unwrap().join("folder");
        std::fs::create_dir(&folder).unwrap();
        Self {
            catalog,
            options: RefreshOptions::default(),
            folder,
            _keep: keep,
        }
    }

    fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    async fn look(&self, roots: &[&Path]) -> (RefreshReport, Vec<RefreshProblem>) {
        let heard = Heard::default();
        let roots: Vec<PathBuf> = roots.iter().map(|root| root.to_path_buf()).collect();
        let report = self
            .catalog
            .refresh(&roots, &self.options, &heard, Timestamp::from_millis(1))
            .await
            .unwrap();
        (report, heard.0.into_inner().unwrap())
    }

    async fn refresh(&self) -> RefreshReport {
        let (report, problems) = self.look(&[&self.folder]).await;
        assert_eq!(problems, []);
        report
    }

    /// Every original, below the folder.
    async fn names(&self) -> BTreeSet<OsString> {
        let mut names = BTreeSet::new();
        for record in self
            .catalog
            .changes(ChangeSeq(0), usize::MAX)
            .await
            .unwrap()
        {
            for original in self.catalog.originals(record.content).await.unwrap() {
                let name = original.path.strip_prefix(&self.folder).unwrap();
                names.insert(name.as_os_str().to_owned());
            }
        }
        names
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<OsString> {
    names.into_iter().map(OsString::from).collect()
}

#[tokio::test]
async fn any_name_a_file_can_have_is_kept_as_it_is() {
    let scene = Scene::new().await;
    let odd: Vec<OsString> = [
        b"-leading-dash.jpg".to_vec(),
        b"line\nfeed\ttab".to_vec(),
        b"quote'and\"semi;colon%_\\".to_vec(),
        b" space ".to_vec(),
        "emoji-\u{1f4f7}.JPG".into(),
        b"latin1-\xe4\xff\xfe".to_vec(),
        b"\x01\x7f".to_vec(),
        vec![b'x'; 255],
        b"deep/a\xff/b/c/d/dup.jpeg".to_vec(),
    ]
    .map(OsString::from_vec)
    .into();
    for name in &odd {
        scene.write(name, b"nine copies");
    }
    let report = scene.refresh().await;
    assert_eq!((report.files, report.new_contents), (9, 1));
    assert_eq!(scene.names().await, odd.iter().cloned().collect());
    let record = &scene.catalog.changes(ChangeSeq(0), 9).await.unwrap()[0];
    assert_eq!(record.originals, 9);
    assert_eq!(scene.refresh().await.unchanged, 9);
    for name in &odd {
        let found = scene.catalog.identify(&scene.folder.join(name)).await;
        assert_eq!(found.unwrap().unwrap().content, record.content);
    }
    // Each of them can be the one that is opened.
    for name in odd {
        let open = scene.catalog.open(record.content).await.unwrap().unwrap();
        std::fs::remove_file(open.path).unwrap();
        assert!(scene.folder.join(name).parent().unwrap().exists());
    }
    assert!(scene.catalog.open(record.content).await.unwrap().is_none());
}

#[tokio::test]
async fn a_root_may_be_a_link_and_a_loop_below_it_is_harmless() {
    let scene = Scene::new().await;
    scene.write("in/a", b"one");
    symlink(&scene.folder, scene.folder.join("in/up")).unwrap();
    symlink("loop", scene.folder.join("loop")).unwrap();
    let link = scene.folder.with_extension("link");
    symlink(&scene.folder, &link).unwrap();
    let (report, problems) = scene.look(&[&link, &scene.folder]).await;
    assert_eq!((report.files, report.ignored, problems), (1, 2, vec![]));
    assert_eq!(
        scene.names().await,
        names(["in/a"]),
        "by the name without links"
    );
}

#[tokio::test]
async fn what_other_programs_left_is_not_indexed() {
    let mut scene = Scene::new().await;
    scene.options.hidden = true;
    for folder in [
        "@eaDir",
        "#recycle",
        ".Trash-1000",
        "lost+found",
        ".snapshots",
        ".stfolder",
        ".stversions",
        "film.trickplay",
        "deep/@eaDir/deeper",
    ] {
        scene.write(format!("{folder}/{folder}.jpg"), folder.as_bytes());
    }
    scene.write("app/.nomedia", b"");
    scene.write("app/cache/a.jpg", b"asked not to");
    scene.write("mine.sdlibrary/library.json", b"{}");
    scene.write("mine.sdlibrary/sidecars/content/a.webp", b"ours");
    // These only look like it.
    scene.write("named.sdlibrary/a", b"no library");
    scene.write("eaDir/a", b"not theirs");
    scene.write("@eaDir.txt", b"a file");
    scene.write(".config/a", b"hidden but asked for");
    let report = scene.refresh().await;
    let expected = ["named.sdlibrary/a", "eaDir/a", "@eaDir.txt", ".config/a"];
    assert_eq!(scene.names().await, names(expected));
    assert_eq!(report.ignored, 11, "each folder once");
    // Asked for by its name, a folder is looked at.
    let (report, _) = scene.look(&[&scene.folder.join("@eaDir")]).await;
    assert_eq!(report.files, 1);
}

#[tokio::test]
async fn patterns_leave_out_what_they_say() {
    let scene = Scene::new().await;
    for name in [
        "a.tmp",
        "keep.tmp",
        "in/b.tmp",
        "in/c.txt",
        "build/d",
        "in/build/e",
        "top/build",
    ] {
        scene.write(name, name.as_bytes());
    }
    scene.write(".vssignore", b"# a comment\n*.tmp\n!keep.tmp\n/build/\r\n");
    scene.write("in/.vssignore", b"!b.tmp\nc.*\n");
    // Git's own files mean nothing here.
    scene.write(".gitignore", b"*\n");
    scene.write(".ignore", b"*\n");
    scene.refresh().await;
    let expected = ["keep.tmp", "in/b.tmp", "in/build/e", "top/build"];
    assert_eq!(scene.names().await, names(expected));
    // Taking a rule away brings files back; a bad line is said and the others hold.
    scene.write(".vssignore", b"{unclosed\n*.tmp\n\xff\n");
    let (_, problems) = scene.look(&[&scene.folder]).await;
    let told: Vec<_> = problems
        .iter()
        .map(|p| (p.path.as_path(), p.class))
        .collect();
    let file = scene.folder.join(".vssignore");
    assert_eq!(told, [(file.as_path(), "rule"), (file.as_path(), "rule")]);
    assert!(problems[0].detail.starts_with("line 1 "), "{problems:?}");
    assert!(problems[1].detail.starts_with("line 3 "), "{problems:?}");
    let expected = ["in/b.tmp", "in/build/e", "top/build", "build/d"];
    assert_eq!(scene.names().await, names(expected));
}

#[tokio::test]
async fn a_library_inside_an_indexed_folder_is_left_out_and_is_no_root() {
    let mut scene = Scene::new().await;
    scene.write("a", b"one");
    scene.write("library/b", b"two");
    let library = scene.folder.join("library");
    scene.options.excluded = vec![library.clone()];
    assert_eq!(scene.refresh().await.ignored, 1);
    assert_eq!(scene.names().await, names(["a"]));
    for root in [library.clone(), library.join("b")] {
        let refused = scene
            .catalog
            .refresh(
                &[root],
                &scene.options,
                &Heard::default(),
                Timestamp::default(),
            )
            .await
            .unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Rejected);
        assert!(
            refused.source.to_string().contains("left out"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_root_that_is_no_file_and_one_that_is_not_there_are_refused_before_anything() {
    let scene = Scene::new().await;
    scene.write("a", b"one");
    scene.refresh().await;
    std::fs::remove_file(scene.folder.join("a")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scene.folder.join("socket")).unwrap();
    for (root, word) in [("not there", "mounted"), ("socket", "neither")] {
        let roots = [scene.folder.clone(), scene.folder.join(root)];
        let refused = scene
            .catalog
            .refresh(
                &roots,
                &scene.options,
                &Heard::default(),
                Timestamp::default(),
            )
            .await
            .unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Rejected);
        assert!(refused.source.to_string().contains(word), "{refused:?}");
        let counts = scene.catalog.counts().await.unwrap();
        assert_eq!(counts.originals, 1, "nothing was taken for gone");
    }
}

#[tokio::test]
async fn two_roots_do_not_take_each_others_files_for_gone() {
    let scene = Scene::new().await;
    // The names sort around each other: `a-b` lies between `a` and `a/`.
    for name in ["a/1", "a/x/2", "a-b/3", "a.b/4", "ab/5", "a0/6"] {
        scene.write(name, name.as_bytes());
    }
    let root = |name: &str| scene.folder.join(name);
    scene.refresh().await;
    let (report, _) = scene.look(&[&root("a")]).await;
    assert_eq!((report.unchanged, report.vanished), (2, 0));
    std::fs::remove_dir_all(root("a")).unwrap();
    std::fs::remove_dir_all(root("a-b")).unwrap();
    std::fs::create_dir(root("a")).unwrap();
    let (report, _) = scene.look(&[&root("a")]).await;
    assert_eq!(report.vanished, 2);
    assert_eq!(
        scene.names().await,
        names(["a-b/3", "a.b/4", "ab/5", "a0/6"])
    );
    // A root that is a file speaks for itself alone.
    let (report, _) = scene.look(&[&root("ab/5")]).await;
    assert_eq!((report.files, report.unchanged, report.vanished), (1, 1, 0));
    std::fs::write(root("ab/5"), b"").unwrap();
    let (report, problems) = scene.look(&[&root("ab/5")]).await;
    assert_eq!((report.vanished, problems.len()), (1, 1));
    assert_eq!(scene.names().await, names(["a-b/3", "a.b/4", "a0/6"]));
}

#[tokio::test]
async fn pages_of_vanished_files_end_anywhere() {
    // More than a page in one folder, and more than a page of folders.
    let scene = Scene::new().await;
    for n in 0..2_200 {
        scene.write(format!("large/{n}"), b"same");
    }
    for n in 0..50 {
        for m in 0..50 {
            scene.write(format!("many/{n}/{m}"), b"same");
        }
    }
    scene.write("stays", b"same");
    assert_eq!(scene.refresh().await.files, 4_701);
    std::fs::remove_dir_all(scene.folder.join("large")).unwrap();
    for n in 0..50 {
        std::fs::remove_file(scene.folder.join(format!("many/{n}/7"))).unwrap();
    }
    let report = scene.refresh().await;
    assert_eq!((report.vanished, report.unchanged), (2_250, 2_451));
    let counts = scene.catalog.counts().await.unwrap();
    let CatalogCounts {
        contents,
        originals,
        ..
    } = counts;
    assert_eq!((contents, originals), (1, 2_451));
    let originals = scene.catalog.originals(first(&scene).await).await.unwrap();
    assert_eq!(originals.len(), 2_451);
}

async fn first(scene: &Scene) -> ContentUuid {
    scene.catalog.changes(ChangeSeq(0), 1).await.unwrap()[0].content
}

#[tokio::test]
async fn a_chain_and_a_ring_of_renames_are_told_apart_without_reading() {
    let scene = Scene::new().await;
    for name in ["a", "b", "c"] {
        scene.write(name, name.as_bytes());
    }
    scene.refresh().await;
    let rename = |from: &str, to: &str| {
        std::fs::rename(scene.folder.join(from), scene.folder.join(to)).unwrap();
    };
    // c to d, b to c, a to b: a chain.
    rename("c", "d");
    rename("b", "c");
    rename("a", "b");
    let report = scene.refresh().await;
    assert_eq!((report.moved, report.hashed, report.vanished), (3, 0, 0));
    // b and c change places, d too: a ring.
    rename("d", "x");
    rename("c", "d");
    rename("b", "c");
    rename("x", "b");
    let report = scene.refresh().await;
    assert_eq!((report.moved, report.hashed, report.vanished), (3, 0, 0));
    for (name, bytes) in [("b", b"c"), ("c", b"a"), ("d", b"b")] {
        let now = scene.catalog.identify(&scene.folder.join(name)).await;
        let now = now.unwrap().unwrap().content;
        let places = scene.catalog.originals(now).await.unwrap();
        assert_eq!(places.len(), 1, "{bytes:?}");
        assert_eq!(places[0].path, scene.folder.join(name));
    }
}

#[tokio::test]
async fn a_chain_of_renames_longer_than_a_batch_loses_no_file() {
    // With one reader, so that whoever writes a batch and whoever looks ahead want the same one.
    let readers = NonZeroUsize::MIN;
    let scene = Scene::with(CatalogSettings { readers }).await;
    for n in 0..2_500 {
        scene.write(format!("{n}"), format!("content {n}").as_bytes());
    }
    scene.refresh().await;
    for round in 1..4 {
        let name = |n: i32| scene.folder.join(n.to_string());
        for n in (0..2_500).rev() {
            let at = n + round - 1;
            std::fs::rename(name(at), name(at + 1)).unwrap();
        }
        let report = scene.refresh().await;
        assert_eq!(report.files, 2_500);
        let records = scene
            .catalog
            .changes(ChangeSeq(0), usize::MAX)
            .await
            .unwrap();
        assert_eq!(records.len(), 2_500, "round {round}");
        for record in records {
            let places = scene.catalog.originals(record.content).await.unwrap();
            assert_eq!(places.len(), 1);
            let now = scene.catalog.identify(&places[0].path).await.unwrap();
            assert_eq!(now.unwrap().content, record.content);
        }
    }
}

#[tokio::test]
async fn a_second_name_in_a_root_that_is_looked_at_alone_is_no_move() {
    let scene = Scene::new().await;
    scene.write("a/one", b"one");
    scene.refresh().await;
    std::fs::create_dir(scene.folder.join("b")).unwrap();
    let second = scene.folder.join("b/second");
    std::fs::hard_link(scene.folder.join("a/one"), second).unwrap();
    let (report, _) = scene.look(&[&scene.folder.join("b")]).await;
    assert_eq!((report.moved, report.hashed), (0, 1));
    assert_eq!(scene.names().await, names(["a/one", "b/second"]));
}

#[tokio::test]
async fn two_new_names_of_one_moved_file_are_two_originals() {
    let scene = Scene::new().await;
    scene.write("a", b"one");
    scene.refresh().await;
    std::fs::hard_link(scene.folder.join("a"), scene.folder.join("b")).unwrap();
    std::fs::rename(scene.folder.join("a"), scene.folder.join("c")).unwrap();
    let report = scene.refresh().await;
    assert_eq!((report.moved, report.hashed, report.files), (1, 1, 2));
    assert_eq!(scene.names().await, names(["b", "c"]));
}

#[tokio::test]
async fn a_type_by_bytes_stays_and_a_type_by_name_is_the_first() {
    let scene = Scene::new().await;
    let type_of = async |scene: &Scene| {
        let record = scene
            .catalog
            .changes(ChangeSeq(0), 1)
            .await
            .unwrap()
            .remove(0);
        (record.media_type.to_string(), record.seq)
    };
    scene.write("blind", b"words");
    scene.refresh().await;
    let (unknown, before) = type_of(&scene).await;
    assert_eq!(unknown, "application/octet-stream");
    scene.write("blind.txt", b"words");
    scene.refresh().await;
    let (text, after) = type_of(&scene).await;
    assert_eq!(text, "text/plain");
    assert!(after > before, "another type is something to plan for");
    scene.write("blind.png", b"words");
    scene.refresh().await;
    assert_eq!(type_of(&scene).await, ("text/plain".into(), after));
}

#[tokio::test]
async fn a_refresh_that_is_dropped_half_way_is_completed_by_the_next() {
    let scene = Scene::new().await;
    for n in 0..5_000 {
        scene.write(format!("{n}"), format!("content {n}").as_bytes());
    }
    // Ends the refresh with the first batch that was written.
    struct Stop(tokio::sync::Notify);
    impl RefreshObserver for Stop {
        fn progress(&self, _files: u64, _hashed: u64) {
            self.0.notify_one();
        }
        fn problem(&self, _problem: RefreshProblem) {}
    }
    let stop = Stop(tokio::sync::Notify::new());
    let roots = [scene.folder.clone()];
    let refresh = scene
        .catalog
        .refresh(&roots, &scene.options, &stop, Timestamp::default());
    tokio::select! {
        biased;
        () = stop.0.notified() => {}
        report = refresh => panic!("it was not stopped: {report:?}"),
    }
    let half = scene.catalog.counts().await.unwrap().originals;
    assert!((1..5_000).contains(&half), "{half}");
    let report = scene.refresh().await;
    assert_eq!((report.files, report.vanished), (5_000, 0));
    assert!(report.unchanged >= half);
    assert_eq!(scene.catalog.counts().await.unwrap().originals, 5_000);
}

#[tokio::test]
async fn a_path_that_is_too_long_to_open_is_reported_and_the_rest_is_indexed() {
    let scene = Scene::new().await;
    scene.write("a", b"one");
    // Made from the inside, as an unpacker does: deeper than any path can say.
    let mut folder = rustix::fs::open(&scene.folder, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let name = "d".repeat(200);
    for _ in 0..25 {
        rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    rustix::fs::openat(&folder, "b", flags, Mode::RWXU).unwrap();
    let (report, problems) = scene.look(&[&scene.folder]).await;
    assert_eq!(report.files, 1);
    assert!(!problems.is_empty() && problems.iter().all(|p| p.class == "io"));
    assert!(problems[0].detail.contains("too long"), "{problems:?}");
}
