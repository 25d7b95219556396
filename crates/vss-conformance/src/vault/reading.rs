//! Checks of Vault: what readers find, and what is kept from them.
#![expect(
    clippy::disallowed_methods,
    reason = "a check plays whoever else can write to the vault's folder"
)]

use std::path::Path;

use vss_core::{Format, Kind, SidecarKey, Variant, layout};

use super::VaultHarness;
use super::fixture::{bytes_of, content, manifest, publish, scanned, thumb};

pub(super) async fn what_is_not_there_is_none(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"there").await;
    for key in [
        thumb(1, Variant::GRID_2X),
        thumb(2, Variant::GRID_1X),
        SidecarKey::new(content(1), Kind::OCR, Variant::GRID_1X),
    ] {
        assert_eq!(vault.locate(&key, &Format::WEBP).unwrap(), None);
        assert!(vault.open(&key, &Format::WEBP).await.unwrap().is_none());
    }
    let key = thumb(1, Variant::GRID_1X);
    assert_eq!(vault.locate(&key, &Format::JSON).unwrap(), None);
}

pub(super) async fn a_stamp_tells_whether_a_file_was_touched(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    let stamp = || vault.locate(&key, &Format::WEBP).unwrap().unwrap().stamp;
    publish(&*vault, &key, b"first").await;
    let first = stamp();
    publish(&*vault, &thumb(1, Variant::GRID_2X), b"beside it").await;
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"first");
    assert_eq!(
        stamp(),
        first,
        "publishing beside it and reading it is not touching it"
    );
    publish(&*vault, &key, b"other").await;
    let replaced = stamp();
    assert_ne!(replaced, first, "it was replaced by as many bytes");
    let place = layout::sidecar_path(&key, &Format::WEBP);
    test.plant(place.as_str(), b"OTHER");
    assert_ne!(stamp(), replaced, "as many bytes were written over it");
}

pub(super) async fn traps_are_neither_located_nor_opened(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let refused = async |key: &SidecarKey, what: &str| {
        let located = vault.locate(key, &Format::WEBP).unwrap();
        assert_eq!(located, None, "{what} was located");
        assert_eq!(bytes_of(&*vault, key).await, None, "{what} was opened");
    };
    let empty = thumb(1, Variant::GRID_1X);
    let place = |key: &SidecarKey| layout::sidecar_path(key, &Format::WEBP).to_string();
    test.plant(&place(&empty), b"");
    refused(&empty, "an empty file").await;
    let Some(root) = test.root() else {
        return;
    };

    let folder = thumb(1, Variant::GRID_2X);
    test.plant(&format!("{}/inside", place(&folder)), b"in a folder");
    refused(&folder, "a folder").await;

    // Everything a link leads to is real and outside.
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("grid@1x.webp");
    std::fs::write(&victim, b"outside").unwrap();
    for depth in 1..=5 {
        let n = 10 + u8::try_from(depth).unwrap();
        let key = thumb(n, Variant::GRID_1X);
        let path = place(&key);
        let parts: Vec<&str> = path.split('/').collect();
        // The shard, the content, the kind's folder, the file: each a link in turn.
        let (link, rest) = parts.split_at(depth + 1);
        let target = match rest {
            [] => victim.clone(),
            rest => {
                let target = outside.path().join(n.to_string());
                let inner = target.join(rest.join("/"));
                std::fs::create_dir_all(inner.parent().unwrap()).unwrap();
                std::fs::write(&inner, b"outside").unwrap();
                target
            }
        };
        let link = root.join(link.join("/"));
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&target, &link);
        refused(&key, &format!("what lies behind the link at depth {depth}")).await;
    }
}

pub(super) async fn a_quarantined_file_is_out_of_the_way_and_kept(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let (bad, good) = (thumb(1, Variant::GRID_1X), thumb(1, Variant::GRID_2X));
    publish(&*vault, &bad, b"bad").await;
    publish(&*vault, &good, b"good").await;
    assert!(vault.quarantine(&bad, &Format::WEBP).await.unwrap());

    assert_eq!(vault.locate(&bad, &Format::WEBP).unwrap(), None);
    let found = scanned(&*vault, content(1)).await;
    assert_eq!(found.files.len(), 1);
    let manifest = found.manifest.unwrap();
    assert_eq!(manifest.entry(&Kind::THUMB, &Variant::GRID_1X), None);
    assert!(manifest.entry(&Kind::THUMB, &Variant::GRID_2X).is_some());
    assert_eq!(bytes_of(&*vault, &good).await.unwrap(), b"good");
    assert_eq!(test.set_aside(), [b"bad"]);

    // The same key again, and nothing of the first is lost.
    publish(&*vault, &bad, b"bad too").await;
    assert!(vault.quarantine(&bad, &Format::WEBP).await.unwrap());
    let mut aside = test.set_aside();
    aside.sort();
    assert_eq!(aside, [&b"bad"[..], b"bad too"]);
}

pub(super) async fn there_is_nothing_to_quarantine_where_nothing_is(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    assert!(!vault.quarantine(&key, &Format::WEBP).await.unwrap());
    publish(&*vault, &key, b"there").await;
    assert!(!vault.quarantine(&key, &Format::JSON).await.unwrap());
    let other = thumb(1, Variant::GRID_2X);
    assert!(!vault.quarantine(&other, &Format::WEBP).await.unwrap());
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"there");
    let manifest = manifest(&*vault, content(1)).await;
    assert_eq!(manifest.sidecars.len(), 1);
    assert!(test.set_aside().is_empty());
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, link).unwrap();
    } else {
        std::os::windows::fs::symlink_file(target, link).unwrap();
    }
}
