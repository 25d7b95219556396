//! Checks of Vault: what a walk through it names.

use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, Digest, Kind, Manifest, ManifestEntry, SidecarKey, Variant, layout};
use vss_ports::ScannedContent;

use super::VaultHarness;
use super::fixture::{content, publication, publish, publish_one, scanned, thumb};

pub(super) async fn contents_are_scanned_in_order_each_once(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    for n in [0xff, 3, 0x9a, 0, 0xa0, 17] {
        publish(&*vault, &thumb(n, Variant::GRID_1X), b"x").await;
        publish(&*vault, &thumb(n, Variant::GRID_2X), b"y").await;
    }
    // Two in one shard.
    let mut bytes = *content(17).as_bytes();
    bytes[15] = 0;
    let neighbour = ContentUuid::from_bytes(bytes);
    let key = SidecarKey::new(neighbour, Kind::THUMB, Variant::GRID_1X);
    publish(&*vault, &key, b"z").await;

    let mut all: Vec<_> = [0, 3, 17, 0x9a, 0xa0, 0xff].map(content).into();
    all.insert(2, neighbour);
    let names = |found: Vec<ScannedContent>| -> Vec<ContentUuid> {
        found.into_iter().map(|found| found.content).collect()
    };
    assert_eq!(names(vault.scan(None, 100).await.unwrap()), all);
    for (i, after) in all.iter().enumerate() {
        let rest = names(vault.scan(Some(*after), 100).await.unwrap());
        assert_eq!(rest, all[i + 1..], "after {after}");
    }
    // One that is not there is as good a place to begin after.
    let rest = names(vault.scan(Some(content(4)), 100).await.unwrap());
    assert_eq!(rest, all[2..]);
}

pub(super) async fn a_scan_is_limited_and_ends(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    for n in 0..7 {
        publish(&*vault, &thumb(n, Variant::GRID_1X), b"x").await;
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = vault.scan(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.content);
        pages.push(page.len());
    }
    assert_eq!(pages, [3, 3, 1]);
    assert_eq!(vault.scan(None, 0).await.unwrap(), []);
}

pub(super) async fn inspecting_answers_what_a_scan_would(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    for n in [1, 3, 5] {
        publish(&*vault, &thumb(n, Variant::GRID_1X), b"x").await;
    }
    let folder = layout::content_folder(content(3));
    test.plant(&format!("{folder}/notes.txt"), b"mine");
    let asked = [5, 2, 3, 5].map(content);
    let expected: Vec<_> = [
        scanned(&*vault, content(3)).await,
        scanned(&*vault, content(5)).await,
    ]
    .into();
    assert_eq!(expected[0].strangers.len(), 1);
    assert_eq!(vault.inspect(&asked).await.unwrap(), expected);
    assert_eq!(vault.inspect(&[]).await.unwrap(), []);
}

pub(super) async fn a_scan_names_each_sidecar_and_the_manifest(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let proxy = SidecarKey::new(content(1), Kind::PROXY, "edit".parse().unwrap());
    let keys = [
        thumb(1, Variant::GRID_1X),
        thumb(1, Variant::ICON_1X),
        proxy,
    ];
    let mut entries = Vec::new();
    for (n, key) in (1..).zip(&keys) {
        let publication = publication(&*vault, key, &vec![b'x'; 100 * n]).await;
        publish_one(&*vault, &publication).await;
        entries.push(publication.entry);
    }
    let found = scanned(&*vault, content(1)).await;
    let want = |entry: &ManifestEntry| FoundFile {
        kind: entry.kind.clone(),
        variant: entry.variant.clone(),
        format: entry.format.clone(),
        size: entry.size,
    };
    for entry in &entries {
        assert!(found.files.contains(&want(entry)), "{found:?}");
    }
    assert_eq!(found.files.len(), 3);
    assert_eq!(found.strangers, []);
    let mut written = Manifest::empty(content(1));
    written.source_size = Some(77);
    written.source_blake3 = Some(Digest::of(b"the original"));
    entries.into_iter().for_each(|entry| written.set(entry));
    assert_eq!(found.manifest, Some(written));
}

pub(super) async fn a_scan_answers_strangers_as_such(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    publish(&*vault, &key, b"good").await;
    let folder = layout::content_folder(content(1));
    let strangers = [
        "thumbs/GRID@2X.webp",
        "thumbs/grid@2x",
        "thumbs/.grid@2x.webp.tmp",
        "thumbs/con.webp",
        "thumbs/deep/grid@2x.webp",
        "thumb/grid@2x.webp",
        "notes.txt",
        "thumbs/icon@1x.webp",
    ];
    for name in strangers {
        let bytes: &[u8] = if name.contains("icon@1x") { b"" } else { b"?" };
        test.plant(&format!("{folder}/{name}"), bytes);
    }
    let found = scanned(&*vault, content(1)).await;
    assert_eq!(found.files.len(), 1, "{found:?}");
    assert_eq!(found.files[0].variant, Variant::GRID_1X);
    for name in strangers {
        // A folder may be named instead of each file in it.
        let named = |stranger: &str| name == stranger || name.starts_with(&format!("{stranger}/"));
        let by: Vec<_> = found.strangers.iter().filter(|s| named(&s.name)).collect();
        assert_eq!(by.len(), 1, "{name}: {found:?}");
        assert!(!by[0].reason.is_empty());
    }
    assert_eq!(found.strangers.len(), strangers.len());
    assert!(found.manifest.is_some());
}

pub(super) async fn strays_outside_of_contents_are_named(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"good").await;
    assert_eq!(vault.strays(10).await.unwrap(), []);
    let wrong_shard = format!("content/00/00/{}/thumbs/grid@1x.webp", content(1));
    let strays = [
        "forgotten.txt",
        "content/forgotten.txt",
        "content/ZZ/forgotten.txt",
        "content/00/forgotten.txt",
        "content/00/00/not-a-uuid/x",
        wrong_shard.as_str(),
    ];
    for path in strays {
        test.plant(path, b"stray");
    }
    test.plant(".hidden", b"not looked at");
    let found = vault.strays(100).await.unwrap();
    for path in strays {
        let named = |name: &str| path == name || path.starts_with(&format!("{name}/"));
        assert!(found.iter().any(|s| named(&s.name)), "{path}: {found:?}");
    }
    assert_eq!(found.len(), strays.len(), "{found:?}");
    assert_eq!(vault.strays(2).await.unwrap().len(), 2);
    assert_eq!(vault.strays(0).await.unwrap(), []);
    // None of them is scanned as a content.
    assert_eq!(vault.scan(None, 10).await.unwrap().len(), 1);
}
