//! Looking again at single places, and at files that may still be on their way.

use std::time::Duration;

use vss_core::Timestamp;
use vss_ports::{ChangeSeq, PortErrorKind, RefreshObserver, RefreshProblem, Revisit};

use super::CatalogHarness;
use super::scene::{Scene, content_of};

pub(super) async fn a_file_that_was_just_changed_is_left_for_later(harness: &dyn CatalogHarness) {
    let mut scene = Scene::with(harness, &[("known", b"before"), ("gone", b"gone")]).await;
    scene.options.still_for = Duration::from_secs(2);
    scene.write("known", b"after that");
    scene.write("new", b"on its way");
    scene.write("ahead", b"from the future");
    scene.remove("gone");
    scene.set_time("known", Duration::from_secs(99));
    scene.set_time("new", Duration::from_secs(100));
    scene.set_time("ahead", Duration::from_secs(5_000));
    let look = async |seconds: i64| {
        let revisit = Revisit {
            roots: vec![scene.root()],
            places: vec![scene.root()],
        };
        let now = Timestamp::from_millis(seconds * 1_000);
        let (report, problems) = scene.revisit_at(&revisit, now).await;
        let told = problems.into_iter().map(|p| (p.path, p.class));
        let mut told: Vec<_> = told.collect();
        told.sort();
        (report, told)
    };
    let (report, told) = look(100).await;
    let both = [
        (scene.path("known"), "changing"),
        (scene.path("new"), "changing"),
    ];
    assert_eq!(told, both);
    assert_eq!(
        (report.hashed, report.vanished),
        (1, 1),
        "the others are looked at"
    );
    assert_eq!(scene.places(b"from the future").await, ["ahead"]);
    assert_eq!(scene.places(b"before").await, ["known"], "it is kept");
    let (_, told) = look(101).await;
    assert_eq!(told, [(scene.path("new"), "changing")]);
    assert_eq!(scene.places(b"after that").await, ["known"]);
    let (_, told) = look(102).await;
    assert_eq!(told, []);
    assert_eq!(scene.places(b"on its way").await, ["new"]);
}

pub(super) async fn a_revisit_finds_what_changed_at_its_places_only(harness: &dyn CatalogHarness) {
    let files: [(&str, &[u8]); 6] = [
        ("edited", b"one"),
        ("gone", b"two"),
        ("in/kept", b"three"),
        ("in/deep/gone", b"four"),
        ("in-between", b"five"),
        ("elsewhere", b"six"),
    ];
    let scene = Scene::with(harness, &files).await;
    scene.write("edited", b"one more");
    scene.remove("gone");
    scene.remove("in/deep/gone");
    scene.write("in/deep/new", b"new");
    scene.write("new", b"also new");
    // Nobody told of these.
    scene.write("elsewhere", b"sixty");
    scene.remove("in-between");
    let (report, problems) = scene
        .revisit(&["edited", "gone", "in", "in/deep/new", "new"])
        .await;
    assert_eq!(problems, []);
    assert_eq!((report.files, report.hashed, report.unchanged), (4, 3, 1));
    assert_eq!(report.vanished, 2);
    for (bytes, places) in [
        (b"one more".as_slice(), ["edited"]),
        (b"three", ["in/kept"]),
        (b"new", ["in/deep/new"]),
        (b"also new", ["new"]),
        (b"five", ["in-between"]),
        (b"six", ["elsewhere"]),
    ] {
        assert_eq!(scene.places(bytes).await, places);
    }
    for bytes in [b"one".as_slice(), b"two", b"four"] {
        assert_eq!(scene.places(bytes).await, [""; 0]);
    }
    // A file where a folder was, and the other way round.
    std::fs::remove_dir_all(scene.path("in")).unwrap();
    scene.write("in", b"a file now");
    scene.remove("new");
    scene.write("new/deep/file", b"in a folder now");
    scene.revisit(&["in", "new"]).await;
    assert_eq!(scene.places(b"a file now").await, ["in"]);
    assert_eq!(scene.places(b"in a folder now").await, ["new/deep/file"]);
    assert_eq!(scene.catalog.counts().await.unwrap().originals, 5);
    let (nothing, _) = scene.revisit(&[]).await;
    assert_eq!((nothing.files, nothing.vanished), (0, 0));
    let outside = Revisit {
        roots: vec![scene.path("new")],
        places: vec![scene.path("edited"), scene.path("elsewhere")],
    };
    let (nothing, _) = scene.revisit_at(&outside, Timestamp::default()).await;
    assert_eq!((nothing.files, nothing.vanished), (0, 0), "below no root");
}

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _files: u64, _hashed: u64) {}
    fn problem(&self, _problem: RefreshProblem) {}
}

pub(super) async fn a_place_that_is_not_there_is_gone_with_all_below_it(
    harness: &dyn CatalogHarness,
) {
    let files: [(&str, &[u8]); 4] = [
        ("disk/a/b/c", b"one"),
        ("disk/a/d", b"two"),
        ("disk/e", b"three"),
        ("disk/link/f", b"four"),
    ];
    let scene = Scene::with(harness, &files).await;
    let revisit = |places: &[&str]| Revisit {
        roots: vec![scene.path("disk")],
        places: places.iter().map(|place| scene.path(place)).collect(),
    };
    scene.rename("disk", "elsewhere");
    let gone = revisit(&["disk/a", "disk/e", "disk"]);
    let refused = scene
        .catalog
        .revisit(&gone, &scene.options, &Deaf, Timestamp::default());
    assert_eq!(refused.await.unwrap_err().kind, PortErrorKind::Rejected);
    assert_eq!(
        scene.catalog.counts().await.unwrap().originals,
        4,
        "all is kept"
    );
    scene.rename("elsewhere", "disk");
    std::fs::remove_dir_all(scene.path("disk/a")).unwrap();
    // What is reached through a link is not there.
    scene.rename("disk/link", "target");
    scene.link(&scene.path("target"), "disk/link");
    let places = revisit(&["disk/a/b", "disk/a/d", "disk/link/f"]);
    let (report, problems) = scene.revisit_at(&places, Timestamp::default()).await;
    assert_eq!(problems, []);
    assert_eq!((report.files, report.vanished), (0, 3));
    assert_eq!(scene.places(b"three").await, ["disk/e"]);
    assert_eq!(scene.catalog.counts().await.unwrap().originals, 1);
}

pub(super) async fn a_file_that_moved_between_two_places_stays_the_same(
    harness: &dyn CatalogHarness,
) {
    let files: [(&str, &[u8]); 4] = [
        ("from/a", b"one"),
        ("from/deep/b", b"two"),
        ("c", b"three"),
        ("d", b"four"),
    ];
    let scene = Scene::with(harness, &files).await;
    let entry = async |bytes| scene.catalog.originals(content_of(bytes)).await.unwrap()[0].entry;
    let known = [
        entry(b"one").await,
        entry(b"two").await,
        entry(b"three").await,
    ];
    let before = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    scene.rename("from", "to");
    // The other end of this one is not told, and it lands on a known file.
    scene.rename("c", "d");
    let (report, problems) = scene.revisit(&["from", "to", "d"]).await;
    assert_eq!(problems, []);
    assert_eq!((report.moved, report.hashed, report.vanished), (3, 0, 1));
    assert_eq!(scene.places(b"one").await, ["to/a"]);
    assert_eq!(scene.places(b"two").await, ["to/deep/b"]);
    assert_eq!(scene.places(b"three").await, ["d"]);
    let now = [
        entry(b"one").await,
        entry(b"two").await,
        entry(b"three").await,
    ];
    assert_eq!(now, known, "they are the same originals");
    let after = scene.catalog.changes(ChangeSeq(0), 10).await.unwrap();
    let kept = before
        .into_iter()
        .filter(|c| c.content != content_of(b"four"));
    assert_eq!(
        after,
        kept.collect::<Vec<_>>(),
        "there is nothing to plan again"
    );
}

pub(super) async fn a_revisit_leaves_out_what_a_refresh_does(harness: &dyn CatalogHarness) {
    let mut scene = Scene::new(harness).await;
    for name in [
        "seen",
        "out/a",
        "out/deep/b",
        "library/c",
        ".hidden/d",
        "in/e",
    ] {
        scene.write(name, name.as_bytes());
    }
    scene.write(".vssignore", b"out\n");
    scene.options.excluded = vec![scene.path("library")];
    let places = [
        "seen",
        "out",
        "out/deep/b",
        "library/c",
        ".hidden",
        ".hidden/d",
        "in/e",
    ];
    let (report, problems) = scene.revisit(&places).await;
    assert_eq!(problems, []);
    assert_eq!(report.hashed, 2);
    assert_eq!(scene.catalog.counts().await.unwrap().originals, 2);
    assert_eq!(scene.places(b"seen").await, ["seen"]);
    assert_eq!(scene.places(b"in/e").await, ["in/e"]);
    // Rules that come and go change what is known of the whole folder.
    scene.write("in/.vssignore", b"e\n");
    let (report, _) = scene.revisit(&["in/.vssignore"]).await;
    assert_eq!(report.vanished, 1);
    scene.remove("in/.vssignore");
    scene.remove(".vssignore");
    scene.revisit(&["in/.vssignore", ".vssignore"]).await;
    assert_eq!(scene.places(b"in/e").await, ["in/e"]);
    assert_eq!(scene.places(b"out/deep/b").await, ["out/deep/b"]);
    assert_eq!(scene.find(b"library/c").await, None);
    assert_eq!(scene.find(b".hidden/d").await, None);
}

pub(super) async fn a_revisit_makes_no_place_a_location(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a/b/c", b"one")]).await;
    scene.write("a/b/d", b"two");
    scene.write("new/e", b"three");
    scene.revisit(&["a/b", "a/b/d", "new"]).await;
    let folders = scene.catalog.folders(ChangeSeq(0), 10).await.unwrap();
    assert_eq!(folders.len(), 2);
    for folder in folders {
        assert_eq!(folder.location, scene.root(), "{:?}", folder.path);
    }
}
