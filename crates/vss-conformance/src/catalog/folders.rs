//! What the catalog answers about folders, and about what files say of themselves.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use vss_core::EntryId;
use vss_core::companion::{CaptureTime, LiveId, MediaFacts};
use vss_ports::{ChangeSeq, FolderRecord};

use super::CatalogHarness;
use super::scene::{Scene, content_of};

const ID: &str = "3D388205-9B11-4690-ABFB-3DB8CE42A984";

/// A JPEG of no picture: EXIF with a time and Apple's identifier.
const PHOTO: &[u8] = b"\xff\xd8\xff\xe1\0\x99Exif\0\0MM\0*\0\0\0\x08\
    \0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0\
    \0\x02\x90\x03\0\x02\0\0\0\x14\0\0\0\x38\x92\x7c\0\x07\0\0\0\x45\0\0\0\x4c\0\0\0\0\
    2016:12:07 11:44:58\0\
    Apple iOS\0\0\x01MM\0\x01\0\x11\0\x02\0\0\0\x25\0\0\0\x20\0\0\0\0\
    3D388205-9B11-4690-ABFB-3DB8CE42A984\0\xff\xd9";

fn said() -> MediaFacts {
    MediaFacts {
        live_id: LiveId::read(ID),
        captured: Some(CaptureTime::Wall(1_481_111_098_000)),
        ..MediaFacts::default()
    }
}

impl Scene {
    async fn folders(&self, after: ChangeSeq) -> Vec<FolderRecord> {
        self.catalog.folders(after, 100).await.unwrap()
    }
}

/// The folder below the scene's, and the names in it.
fn names(scene: &Scene, folder: &FolderRecord) -> (String, Vec<String>) {
    let below = folder.path.strip_prefix(scene.root()).unwrap();
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let entries = folder.entries.iter().map(|entry| text(&entry.name));
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    (below.to_str().unwrap().to_owned(), entries)
}

pub(super) async fn folders_come_in_order_whole_and_each_once(harness: &dyn CatalogHarness) {
    let scene = Scene::new(harness).await;
    for folder in ["", "a/", "b/", "b/c/", "d/"] {
        for n in 0..3 {
            scene.write(&format!("{folder}{n}"), format!("{folder}{n}").as_bytes());
        }
    }
    scene.refresh().await;
    let (mut seen, mut after) = (Vec::new(), ChangeSeq(0));
    loop {
        let page = scene.catalog.folders(after, 2).await.unwrap();
        assert!(page.len() <= 2, "{page:?}");
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|folder| folder.seq > after), "{page:?}");
        assert!(page.is_sorted_by_key(|folder| folder.seq), "{page:?}");
        assert!(page.iter().all(|folder| folder.location == scene.root()));
        after = last.seq;
        seen.extend(page.iter().map(|folder| names(&scene, folder)));
    }
    assert_eq!(seen.len(), 5, "each once: {seen:?}");
    let all = ["0", "1", "2"].map(str::to_owned).to_vec();
    let expected = ["", "a", "b", "b/c", "d"].map(|folder| (folder.to_owned(), all.clone()));
    assert_eq!(BTreeSet::from_iter(seen), BTreeSet::from(expected));
    // Of roots in each other the nearest counts.
    let inner = scene.path("b");
    scene.look(&[scene.root(), inner.clone()]).await;
    for folder in scene.folders(ChangeSeq(0)).await {
        let below = folder.path.starts_with(&inner);
        let expected = if below { &inner } else { &scene.root() };
        assert_eq!(&folder.location, expected, "{:?}", folder.path);
    }
}

pub(super) async fn a_folder_has_a_new_number_when_something_in_it_changed(
    harness: &dyn CatalogHarness,
) {
    let scene = Scene::new(harness).await;
    for name in [
        "new/a", "edited/a", "from/a", "from/b", "to/a", "less/a", "less/b", "as/a",
    ] {
        scene.write(name, name.as_bytes());
    }
    scene.refresh().await;
    let last = scene.folders(ChangeSeq(0)).await.last().unwrap().seq;
    scene.refresh().await;
    assert_eq!(scene.folders(last).await, [], "nothing changed");
    scene.write("new/b", b"more");
    scene.write("edited/a", b"other");
    scene.set_time("edited/a", Duration::from_secs(9));
    scene.rename("from/a", "to/moved");
    scene.remove("less/a");
    scene.refresh().await;
    let changed = scene.folders(last).await;
    let changed: BTreeSet<_> = changed.iter().map(|folder| names(&scene, folder)).collect();
    let expected = [
        ("edited", vec!["a"]),
        ("from", vec!["b"]),
        ("less", vec!["b"]),
        ("new", vec!["a", "b"]),
        ("to", vec!["a", "moved"]),
    ];
    let owned = |(folder, names): (&str, Vec<&str>)| {
        let names = names.into_iter().map(str::to_owned);
        (folder.to_owned(), names.collect())
    };
    assert_eq!(changed, expected.map(owned).into());
    // A content that changed has no number in common with a folder.
    let contents = scene.catalog.changes(last, 100).await.unwrap();
    let contents: BTreeSet<_> = contents.iter().map(|content| content.seq).collect();
    let folders = scene.folders(last).await;
    assert!(folders.iter().all(|folder| !contents.contains(&folder.seq)));
}

pub(super) async fn what_a_file_says_is_known_of_every_copy(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a.jpg", PHOTO), ("x", b"words")]).await;
    scene.write("copies/b.jpg", PHOTO);
    scene.refresh().await;
    scene.rename("copies/b.jpg", "moved/c.jpg");
    scene.refresh().await;
    let folders = scene.folders(ChangeSeq(0)).await;
    let entries: Vec<_> = folders.iter().flat_map(|folder| &folder.entries).collect();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        let expected = match entry.content == content_of(PHOTO) {
            true => said(),
            false => MediaFacts::default(),
        };
        assert_eq!(entry.facts, expected, "{entry:?}");
        let records = scene.catalog.find(&[entry.content]).await.unwrap();
        assert_eq!(records[0].media_type, entry.media_type);
        let originals = scene.catalog.originals(entry.content).await.unwrap();
        assert!(
            originals
                .iter()
                .any(|original| original.entry == entry.entry)
        );
    }
}

pub(super) async fn halves_are_every_place_of_an_identifier(harness: &dyn CatalogHarness) {
    let mut other = PHOTO.to_vec();
    other.extend(b"another picture");
    let files = [
        ("a.jpg", PHOTO),
        ("far/b.jpg", PHOTO),
        ("c.jpg", &other),
        ("x", b"words"),
    ];
    let scene = Scene::with(harness, &files).await;
    let unknown = LiveId::read("somebody else's").unwrap();
    let ids = [LiveId::read(ID).unwrap(), unknown];
    let halves = scene.catalog.halves(&ids).await.unwrap();
    let place = |half: &vss_ports::HalfRecord| {
        assert_eq!(half.location, scene.root());
        assert_eq!(half.entry.facts, said());
        let name = String::from_utf8(half.entry.name.clone()).unwrap();
        half.path.join(name)
    };
    let places: BTreeSet<_> = halves.iter().map(place).collect();
    let expected = ["a.jpg", "c.jpg", "far/b.jpg"].map(|name| scene.path(name));
    assert_eq!(places, expected.into());
    assert_eq!(halves.len(), 3);
    scene.remove("a.jpg");
    scene.refresh().await;
    assert_eq!(scene.catalog.halves(&ids).await.unwrap().len(), 2);
    assert_eq!(scene.catalog.halves(&[unknown]).await.unwrap(), []);
    assert_eq!(scene.catalog.halves(&[]).await.unwrap(), []);
}

pub(super) async fn entries_answer_where_and_which_file_each_was(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a.jpg", PHOTO), ("in/b", b"words")]).await;
    let folders = scene.folders(ChangeSeq(0)).await;
    let known: Vec<_> = folders.iter().flat_map(|folder| &folder.entries).collect();
    let mut asked: Vec<_> = known.iter().map(|entry| entry.entry).collect();
    asked.extend([asked[0], EntryId(1 << 40)]);
    let records = scene.catalog.entries(&asked).await.unwrap();
    assert_eq!(records.len(), 2, "each known one once: {records:?}");
    for record in records {
        assert!(known.contains(&&record.entry), "{record:?}");
        assert_eq!(record.location, scene.root());
        let name = String::from_utf8(record.entry.name.clone()).unwrap();
        let below = if name == "b" { "in/b" } else { "a.jpg" };
        assert_eq!(record.path, scene.path(below));
        let stat = record.path.metadata().unwrap();
        let identity = record.identity;
        assert_eq!((identity.device, identity.inode), (stat.dev(), stat.ino()));
        assert_eq!(identity.size, stat.len());
        let modified = stat.mtime() * 1_000_000_000 + stat.mtime_nsec();
        assert_eq!(identity.modified_ns, modified);
    }
    assert_eq!(scene.catalog.entries(&[]).await.unwrap(), []);
}

pub(super) async fn open_entry_opens_the_original_at_one_place(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"words"), ("b", b"words")]).await;
    let entry = async |name: &str| {
        let originals = scene.catalog.originals(content_of(b"words")).await.unwrap();
        let at = originals.iter().find(|o| o.path == scene.path(name));
        at.unwrap().entry
    };
    let (a, b) = (entry("a").await, entry("b").await);
    let opened = scene.catalog.open_entry(b).await.unwrap().unwrap();
    assert_eq!((opened.path, opened.size), (scene.path("b"), 5));
    assert_eq!(opened.entry, b);
    let mut bytes = String::new();
    (&opened.file).read_to_string(&mut bytes).unwrap();
    assert_eq!(bytes, "words");
    scene.write("b", b"other words");
    assert!(scene.catalog.open_entry(b).await.unwrap().is_none());
    scene.remove("a");
    assert!(scene.catalog.open_entry(a).await.unwrap().is_none());
    let unknown = scene.catalog.open_entry(EntryId(1 << 40)).await;
    assert!(unknown.unwrap().is_none());
}
