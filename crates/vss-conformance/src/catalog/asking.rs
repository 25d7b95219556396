//! What the catalog answers about contents, originals and files.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use vss_core::ContentUuid;
use vss_ports::{CatalogCounts, ChangeSeq, PortErrorKind};

use super::CatalogHarness;
use super::scene::{PNG, Scene, content_of};

pub(super) async fn changes_come_in_order_and_each_content_once(harness: &dyn CatalogHarness) {
    let scene = Scene::new(harness).await;
    for n in 0..7 {
        scene.write(&format!("{n}"), format!("content {n}").as_bytes());
        scene.write(&format!("copy of {n}"), format!("content {n}").as_bytes());
    }
    scene.refresh().await;
    scene.remove("3");
    scene.remove("copy of 3");
    scene.refresh().await;
    let (mut seen, mut after) = (Vec::new(), ChangeSeq(0));
    loop {
        let page = scene.catalog.changes(after, 2).await.unwrap();
        assert!(page.len() <= 2, "{page:?}");
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|record| record.seq > after), "{page:?}");
        assert!(page.is_sorted_by_key(|record| record.seq), "{page:?}");
        after = last.seq;
        seen.extend(page.into_iter().map(|record| record.content));
    }
    let expected: BTreeSet<ContentUuid> = (0..7)
        .filter(|n| *n != 3)
        .map(|n| content_of(format!("content {n}").as_bytes()))
        .collect();
    assert_eq!(seen.len(), 6, "each once");
    assert_eq!(BTreeSet::from_iter(seen), expected, "those with originals");
    scene.write("new", b"something new");
    scene.refresh().await;
    let new = scene.catalog.changes(after, 10).await.unwrap();
    assert_eq!(new, [scene.find(b"something new").await.unwrap()]);
}

pub(super) async fn a_content_that_comes_back_has_a_new_change_number(
    harness: &dyn CatalogHarness,
) {
    let scene = Scene::with(harness, &[("a", b"one"), ("b", b"two")]).await;
    let before = scene.find(b"one").await.unwrap().seq;
    scene.remove("a");
    scene.refresh().await;
    assert_eq!(
        scene.find(b"one").await.unwrap().seq,
        before,
        "going is no change to plan for"
    );
    scene.write("again", b"one");
    assert_eq!(scene.refresh().await.new_contents, 1);
    let now = scene.find(b"one").await.unwrap().seq;
    assert!(now > before && now > scene.find(b"two").await.unwrap().seq);
    // A copy more is not.
    scene.write("copy", b"one");
    assert_eq!(scene.refresh().await.new_contents, 0);
    assert_eq!(scene.find(b"one").await.unwrap().seq, now);
}

pub(super) async fn pages_come_in_order_between_their_bounds(harness: &dyn CatalogHarness) {
    let names: Vec<String> = (0..9).map(|n| format!("content {n}")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| (&**name, name.as_bytes()))
        .collect();
    let scene = Scene::with(harness, &files).await;
    scene.remove("content 3");
    scene.refresh().await;
    let mut contents: Vec<_> = names
        .iter()
        .map(|name| content_of(name.as_bytes()))
        .collect();
    contents.sort_unstable();
    let page = async |after, until, limit| {
        let page = scene.catalog.page(after, until, limit).await.unwrap();
        for record in &page {
            let found = scene.catalog.find(&[record.content]).await.unwrap();
            assert_eq!(found, std::slice::from_ref(record));
        }
        Vec::from_iter(page.into_iter().map(|record| record.content))
    };
    assert_eq!(page(None, None, 99).await, contents);
    assert_eq!(page(None, None, 4).await, contents[..4]);
    assert_eq!(page(Some(contents[3]), None, 99).await, contents[4..]);
    assert_eq!(
        page(Some(contents[3]), Some(contents[6]), 99).await,
        contents[4..=6]
    );
    assert_eq!(
        page(Some(contents[3]), Some(contents[6]), 2).await,
        contents[4..6]
    );
    assert_eq!(page(Some(contents[6]), Some(contents[3]), 9).await, []);
}

pub(super) async fn find_answers_the_known_ones(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"one"), ("b", b"two")]).await;
    scene.remove("a");
    scene.refresh().await;
    let mut asked: Vec<_> = (0..5_000)
        .map(|n| content_of(format!("{n}").as_bytes()))
        .collect();
    asked.extend([b"one", b"two"].map(|bytes| content_of(bytes)));
    let found = scene.catalog.find(&asked).await.unwrap();
    let mut found: Vec<_> = found
        .iter()
        .map(|record| (record.content, record.originals))
        .collect();
    let mut expected = [(content_of(b"one"), 0), (content_of(b"two"), 1)];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(scene.catalog.find(&[]).await.unwrap(), []);
}

pub(super) async fn originals_are_every_place_in_order(harness: &dyn CatalogHarness) {
    let names = ["z", "a/b", "a.b", "a-b/c", "b", "\u{e4}"];
    let scene = Scene::new(harness).await;
    names.iter().for_each(|name| scene.write(name, b"same"));
    scene.refresh().await;
    let originals = scene.catalog.originals(content_of(b"same")).await.unwrap();
    let paths: Vec<_> = originals
        .iter()
        .map(|original| original.path.clone())
        .collect();
    let mut expected = names.map(|name| scene.path(name));
    expected.sort();
    assert_eq!(paths, expected);
    assert!(originals.iter().all(|original| original.size == 4));
    let entries: BTreeSet<_> = originals.iter().map(|original| original.entry).collect();
    assert_eq!(entries.len(), names.len(), "each has a name of its own");
    assert_eq!(
        scene
            .catalog
            .originals(content_of(b"unknown"))
            .await
            .unwrap(),
        []
    );
}

pub(super) async fn open_answers_what_was_hashed_and_skips_what_changed(
    harness: &dyn CatalogHarness,
) {
    let scene = Scene::with(harness, &[("a", PNG), ("b", PNG), ("c", PNG)]).await;
    // One is longer now, one has another time, one is as it was.
    scene.write("a", &[PNG, b"more"].concat());
    scene.set_time("b", Duration::from_secs(5));
    let mut open = scene.catalog.open(content_of(PNG)).await.unwrap().unwrap();
    let mut bytes = Vec::new();
    open.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, PNG);
    assert_eq!((open.size, open.path), (PNG.len() as u64, scene.path("c")));
    assert_eq!(open.media_type.as_str(), "image/png");
    let originals = scene.catalog.originals(content_of(PNG)).await.unwrap();
    let entry = originals
        .iter()
        .find(|original| original.path == scene.path("c"));
    assert_eq!(entry.unwrap().entry, open.entry);
}

pub(super) async fn open_answers_none_when_no_original_is_as_it_was(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"one"), ("b", b"one"), ("c", b"one")]).await;
    let open = async || scene.catalog.open(content_of(b"one")).await.unwrap();
    assert!(open().await.is_some());
    scene.remove("a");
    scene.write("b", b"longer");
    scene.remove("c");
    scene.fifo("c");
    assert!(open().await.is_none());
    let unknown = scene.catalog.open(content_of(b"unknown")).await.unwrap();
    assert!(unknown.is_none());
}

pub(super) async fn identify_goes_by_the_bytes_now(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"before")]).await;
    scene.write("a", PNG);
    scene.write("empty", b"");
    scene.fifo("fifo");
    let identify = async |name| scene.catalog.identify(&scene.path(name)).await;
    let found = identify("a").await.unwrap().unwrap();
    assert_eq!(
        (found.content, found.size),
        (content_of(PNG), PNG.len() as u64)
    );
    assert_eq!(found.media_type.as_str(), "image/png");
    assert_eq!(scene.find(PNG).await, None, "asking is not indexing");
    assert_eq!(identify("empty").await.unwrap(), None);
    for name in ["not there", "fifo", ""] {
        assert_eq!(
            identify(name).await.unwrap_err().kind,
            PortErrorKind::Rejected,
            "{name:?}"
        );
    }
}

pub(super) async fn counts_agree_with_what_was_found(harness: &dyn CatalogHarness) {
    let scene = Scene::new(harness).await;
    let counts = async || {
        let CatalogCounts {
            contents,
            originals,
            folders,
        } = scene.catalog.counts().await.unwrap();
        (contents, originals, folders)
    };
    assert_eq!(counts().await, (0, 0, 0));
    for (name, bytes) in [("a", b"one"), ("b", b"one"), ("c", b"two"), ("d", b"six")] {
        scene.write(name, bytes);
    }
    scene.refresh().await;
    assert_eq!(counts().await, (3, 4, 1));
    // Moved; edited into a copy; the last of its content gone.
    scene.rename("a", "in/moved");
    scene.write("c", b"one");
    scene.set_time("c", Duration::from_secs(9));
    scene.remove("d");
    scene.refresh().await;
    assert_eq!(counts().await, (1, 3, 2));
    scene.write("d", b"six");
    scene.rename("in/moved", "moved");
    scene.refresh().await;
    assert_eq!(counts().await, (2, 4, 1));
}

pub(super) async fn an_instance_is_the_catalogs_own(harness: &dyn CatalogHarness) {
    let (one, other) = (
        Scene::with(harness, &[("a", b"one")]).await,
        Scene::new(harness).await,
    );
    let name = one.catalog.instance().await.unwrap();
    assert!(!name.is_empty());
    assert_ne!(name, other.catalog.instance().await.unwrap());
    one.write("b", b"two");
    one.refresh().await;
    assert_eq!(name, one.catalog.instance().await.unwrap());
}
