//! What a refresh finds, leaves out and never touches.

use std::collections::BTreeSet;
use std::time::Duration;

use vss_core::Timestamp;
use vss_ports::{ChangeSeq, PortErrorKind, RefreshObserver, RefreshProblem};

use super::CatalogHarness;
#[cfg(target_os = "linux")]
use super::opened;
use super::scene::{PNG, Scene, content_of};

pub(super) async fn each_file_is_found_once_and_its_content_known(harness: &dyn CatalogHarness) {
    let scene = Scene::new(harness).await;
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let files: [(&str, &[u8]); 5] = [
        ("a.txt", b"one"),
        ("deep/er/b.txt", b"two"),
        ("deep/c", b"three"),
        ("-dash, \"quote\"\nand line.txt", b"four"),
        ("large.bin", &large),
    ];
    files
        .iter()
        .for_each(|(name, bytes)| scene.write(name, bytes));
    // A root below another root, a root that is a file, and a root twice: each file once.
    let roots = ["", "deep", "deep/c", ""].map(|root| scene.path(root));
    let (report, problems) = scene.look(&roots).await;
    assert_eq!(problems, []);
    assert_eq!(
        (report.files, report.hashed, report.new_contents),
        (5, 5, 5)
    );
    for (name, bytes) in files {
        assert_eq!(scene.places(bytes).await, [name]);
        let found = scene.find(bytes).await.unwrap();
        assert_eq!((found.size, found.originals), (bytes.len() as u64, 1));
    }
    let gone = scene.path("not there");
    let none = &scene.options;
    let missing = scene
        .catalog
        .refresh(&[gone], none, &Deaf, Timestamp::default())
        .await;
    assert_eq!(missing.unwrap_err().kind, PortErrorKind::Rejected);
    assert_eq!(
        scene.places(b"one").await,
        ["a.txt"],
        "nothing is taken for gone"
    );
}

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _files: u64, _hashed: u64) {}
    fn problem(&self, _problem: RefreshProblem) {}
}

pub(super) async fn an_unchanged_folder_is_not_hashed_again(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"one"), ("in/b", b"two")]).await;
    let before = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    let again = scene.refresh().await;
    assert_eq!((again.files, again.unchanged), (2, 2));
    assert_eq!(
        (
            again.hashed,
            again.moved,
            again.vanished,
            again.new_contents
        ),
        (0, 0, 0, 0)
    );
    let after = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    assert_eq!(before, after, "and nothing changed");
}

pub(super) async fn an_edited_file_has_a_new_content(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"before"), ("copy", b"before")]).await;
    scene.write("a", b"after that");
    let report = scene.refresh().await;
    assert_eq!(
        (report.hashed, report.unchanged, report.new_contents),
        (1, 1, 1)
    );
    assert_eq!(scene.places(b"after that").await, ["a"]);
    assert_eq!(scene.places(b"before").await, ["copy"]);
    // Written elsewhere and renamed into place: the same path, another file.
    scene.write("new", b"afterwards");
    scene.rename("new", "a");
    scene.refresh().await;
    assert_eq!(scene.places(b"afterwards").await, ["a"]);
    assert_eq!(scene.find(b"after that").await.unwrap().originals, 0);
    // Touched only: it has to be read, and is what it was.
    let known = scene.find(b"afterwards").await;
    scene.write("a", b"afterwards");
    scene.set_time("a", Duration::from_secs(77));
    assert_eq!(scene.refresh().await.hashed, 1);
    assert_eq!(scene.find(b"afterwards").await, known);
}

pub(super) async fn a_moved_file_keeps_its_content_without_being_hashed(
    harness: &dyn CatalogHarness,
) {
    let files: [(&str, &[u8]); 4] = [
        ("a", b"one"),
        ("in/b", b"two"),
        ("c", b"three"),
        ("d", b"four"),
    ];
    let scene = Scene::with(harness, &files).await;
    let entry = async |bytes| scene.catalog.originals(content_of(bytes)).await.unwrap()[0].entry;
    let known = entry(b"one").await;
    let before = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    scene.rename("a", "z/renamed");
    scene.rename("in", "out");
    // Onto a known file, which is no more.
    scene.rename("c", "d");
    let report = scene.refresh().await;
    assert_eq!((report.files, report.hashed, report.moved), (3, 0, 3));
    assert_eq!(report.vanished, 1);
    assert_eq!(scene.places(b"one").await, ["z/renamed"]);
    assert_eq!(scene.places(b"two").await, ["out/b"]);
    assert_eq!(scene.places(b"three").await, ["d"]);
    assert_eq!(scene.find(b"four").await.unwrap().originals, 0);
    assert_eq!(entry(b"one").await, known, "it is the same original");
    let after = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    let kept: Vec<_> = before
        .into_iter()
        .filter(|c| c.content != content_of(b"four"))
        .collect();
    assert_eq!(after, kept, "there is nothing to plan again");
    // Two that changed places, and a chain.
    scene.rename("z/renamed", "tmp");
    scene.rename("out/b", "z/renamed");
    scene.rename("tmp", "out/b");
    scene.refresh().await;
    assert_eq!(scene.places(b"one").await, ["out/b"]);
    assert_eq!(scene.places(b"two").await, ["z/renamed"]);
    // A second name for one file is no move.
    std::fs::hard_link(scene.path("d"), scene.path("hard")).unwrap();
    assert_eq!(scene.refresh().await.moved, 0);
    assert_eq!(scene.places(b"three").await, ["d", "hard"]);
}

pub(super) async fn a_vanished_file_is_no_original_any_more(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"one"), ("in/b", b"two"), ("c", b"two")]).await;
    scene.remove("a");
    scene.remove("in/b");
    let report = scene.refresh().await;
    assert_eq!((report.files, report.vanished), (1, 2));
    assert_eq!(scene.places(b"two").await, ["c"]);
    assert_eq!(scene.places(b"one").await, [""; 0]);
    assert_eq!(scene.find(b"one").await.unwrap().originals, 0);
    // A file that may not be looked at any more is gone from here, too.
    scene.write(".vssignore", b"c\n");
    assert_eq!(scene.refresh().await.vanished, 1);
    assert_eq!(scene.find(b"two").await.unwrap().originals, 0);
}

pub(super) async fn copies_are_originals_of_one_content(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", PNG), ("b.png", PNG), ("in/c.jpg", PNG)]).await;
    let found = scene.find(PNG).await.unwrap();
    assert_eq!(found.originals, 3);
    assert_eq!(found.media_type.as_str(), "image/png", "by its bytes");
    assert_eq!(
        scene.catalog.changes(ChangeSeq(0), 10).await.unwrap(),
        [found]
    );
}

pub(super) async fn empty_and_unreadable_files_are_reported_and_the_rest_is_indexed(
    harness: &dyn CatalogHarness,
) {
    let scene = Scene::new(harness).await;
    scene.write("a", b"");
    scene.write("b", b"secret");
    scene.write("c", b"plain");
    let forbidden = scene.forbid("b");
    let (report, problems) = scene.look(&[scene.root()]).await;
    let mut expected = vec![(scene.path("a"), "empty")];
    expected.extend(forbidden.then(|| (scene.path("b"), "permission")));
    let mut told: Vec<_> = problems.into_iter().map(|p| (p.path, p.class)).collect();
    told.sort();
    assert_eq!(told, expected);
    assert_eq!(report.files, 3);
    assert_eq!(scene.places(b"plain").await, ["c"]);
    assert_eq!(scene.find(b"secret").await.is_none(), forbidden);
    // A known file that is emptied has no content any more.
    scene.write("c", b"");
    let (_, problems) = scene.look(&[scene.root()]).await;
    assert!(
        problems.iter().any(|p| p.path == scene.path("c")),
        "{problems:?}"
    );
    assert_eq!(scene.find(b"plain").await.unwrap().originals, 0);
}

pub(super) async fn what_cannot_be_read_keeps_what_is_known(harness: &dyn CatalogHarness) {
    let files: [(&str, &[u8]); 3] = [("in/deep/a", b"one"), ("b", b"two"), ("c", b"three")];
    let scene = Scene::with(harness, &files).await;
    scene.write("c", b"three and more");
    if scene.forbid("c") {
        let (report, problems) = scene.look(&[scene.root()]).await;
        let told: Vec<_> = problems.into_iter().map(|p| (p.path, p.class)).collect();
        assert_eq!(told, [(scene.path("c"), "permission")]);
        assert_eq!(report.vanished, 0);
        assert_eq!(scene.places(b"three").await, ["c"]);
    }
    scene.permit("c");
    scene.look(&[scene.root()]).await;
    assert_eq!(scene.places(b"three and more").await, ["c"]);
    assert_eq!(scene.find(b"three").await.unwrap().originals, 0);
    let forbidden = scene.forbid("in");
    scene.remove("b");
    let (report, problems) = scene.look(&[scene.root()]).await;
    scene.permit("in");
    assert_eq!(report.vanished, 1, "what is gone elsewhere is gone");
    assert_eq!(scene.places(b"one").await, ["in/deep/a"]);
    let told: Vec<_> = problems.into_iter().map(|p| (p.path, p.class)).collect();
    let expected = forbidden.then(|| (scene.path("in"), "permission"));
    assert_eq!(told, Vec::from_iter(expected));
}

pub(super) async fn links_fifos_and_sockets_are_never_opened(harness: &dyn CatalogHarness) {
    let scene = Scene::new(harness).await;
    let outside = tempfile::TempDir::new().unwrap();
    std::fs::write(outside.path().join("target"), b"outside").unwrap();
    scene.write("regular", b"inside");
    scene.link(&outside.path().join("target"), "to a file");
    scene.link(outside.path(), "to a folder");
    scene.link(&scene.root(), "to itself");
    scene.link(&scene.path("nothing"), "to nothing");
    scene.fifo("fifo");
    // Where patterns are expected, too. Opening it would wait for a writer for ever.
    scene.fifo(".vssignore");
    let _socket = std::os::unix::net::UnixListener::bind(scene.path("socket")).unwrap();
    #[cfg(target_os = "linux")]
    let opened = opened::Opened::watch(&[&scene.root(), outside.path()]);
    let report = scene.refresh().await;
    assert_eq!((report.files, report.hashed), (1, 1));
    assert_eq!(report.ignored, 7, "each is counted once");
    #[cfg(target_os = "linux")]
    assert_eq!(opened.names(), BTreeSet::from(["regular".into()]));
    assert_eq!(scene.places(b"inside").await, ["regular"]);
    assert_eq!(scene.find(b"outside").await, None);
    // A file whose place a link took: it is gone, and the link is not followed.
    scene.remove("regular");
    scene.link(&outside.path().join("target"), "regular");
    assert_eq!(scene.refresh().await.vanished, 1);
    assert!(
        scene
            .catalog
            .open(content_of(b"inside"))
            .await
            .unwrap()
            .is_none()
    );
}

pub(super) async fn excluded_and_hidden_files_are_left_out(harness: &dyn CatalogHarness) {
    let mut scene = Scene::new(harness).await;
    for name in [
        "seen",
        ".hidden",
        ".folder/b",
        "library/c",
        "deep/library/d",
    ] {
        scene.write(name, name.as_bytes());
    }
    // However the folder is written down.
    scene.options.excluded = vec![scene.path("deep/../library"), scene.path("not there")];
    let report = scene.refresh().await;
    assert_eq!((report.files, report.ignored), (2, 3));
    assert_eq!(scene.places(b"seen").await, ["seen"]);
    assert_eq!(scene.places(b"deep/library/d").await, ["deep/library/d"]);
    scene.options.hidden = true;
    let report = scene.refresh().await;
    assert_eq!((report.files, report.ignored), (4, 1));
    assert_eq!(scene.places(b".hidden").await, [".hidden"]);
    assert_eq!(scene.places(b".folder/b").await, [".folder/b"]);
    assert_eq!(scene.find(b"library/c").await, None);
}
