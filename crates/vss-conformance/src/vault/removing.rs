//! Checks of Vault: what is deleted for good.

use vss_core::{Format, Kind, Variant, layout};
use vss_ports::Vault;

use super::VaultHarness;
use super::fixture::{bytes_of, content, publish, scanned, thumb};

pub(super) async fn a_removed_file_is_gone_with_its_entry(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let (gone, kept) = (thumb(1, Variant::GRID_1X), thumb(1, Variant::GRID_2X));
    publish(&*vault, &gone, b"gone").await;
    publish(&*vault, &kept, b"kept").await;
    assert!(vault.remove(&gone, &Format::WEBP, None).await.unwrap());
    assert_eq!(vault.locate(&gone, &Format::WEBP).unwrap(), None);
    assert!(test.set_aside().is_empty());
    let found = scanned(&*vault, content(1)).await;
    assert_eq!(found.files.len(), 1);
    let manifest = found.manifest.unwrap();
    assert_eq!(manifest.entry(&Kind::THUMB, &Variant::GRID_1X), None);
    assert!(manifest.entry(&Kind::THUMB, &Variant::GRID_2X).is_some());
    assert_eq!(test.sums(content(1)), manifest.b3sums());
    assert_eq!(bytes_of(&*vault, &kept).await.unwrap(), b"kept");
    // Made again, it is there again.
    publish(&*vault, &gone, b"again").await;
    assert_eq!(bytes_of(&*vault, &gone).await.unwrap(), b"again");
}

pub(super) async fn with_its_last_file_a_content_is_gone(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    for n in 1..=2 {
        publish(&*vault, &thumb(n, Variant::GRID_1X), b"last").await;
    }
    let note = format!("{}/notes.txt", layout::content_folder(content(2)));
    test.plant(&note, b"of a person");
    for n in 1..=2 {
        let key = thumb(n, Variant::GRID_1X);
        assert!(vault.remove(&key, &Format::WEBP, None).await.unwrap());
    }
    let left = vault.scan(None, 10).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].content, left[0].files.len()), (content(2), 0));
    assert_eq!((&left[0].manifest, left[0].sums), (&None, true));
    assert_eq!(left[0].strangers[0].name, "notes.txt");
    assert_eq!(vault.strays(10).await.unwrap(), []);
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"anew").await;
    assert_eq!(scanned(&*vault, content(1)).await.files.len(), 1);
}

pub(super) async fn there_is_nothing_to_remove_where_nothing_is(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    assert!(!vault.remove(&key, &Format::WEBP, None).await.unwrap());
    publish(&*vault, &key, b"there").await;
    assert!(!vault.remove(&key, &Format::JSON, None).await.unwrap());
    let other = thumb(1, Variant::GRID_2X);
    assert!(!vault.remove(&other, &Format::WEBP, None).await.unwrap());
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"there");
}

pub(super) async fn what_was_touched_since_is_not_removed(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    publish(&*vault, &key, b"first").await;
    let stamp = |vault: &dyn Vault| vault.locate(&key, &Format::WEBP).unwrap().unwrap().stamp;
    let first = stamp(&*vault);
    assert!(vault.remove(&key, &Format::WEBP, None).await.unwrap());
    assert!(
        !vault
            .remove(&key, &Format::WEBP, Some(first))
            .await
            .unwrap()
    );
    // The same bytes, but another file.
    publish(&*vault, &key, b"first").await;
    assert!(
        !vault
            .remove(&key, &Format::WEBP, Some(first))
            .await
            .unwrap()
    );
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"first");
    let manifest = scanned(&*vault, content(1)).await.manifest.unwrap();
    assert!(manifest.entry(&Kind::THUMB, &Variant::GRID_1X).is_some());
    let second = stamp(&*vault);
    assert!(
        vault
            .remove(&key, &Format::WEBP, Some(second))
            .await
            .unwrap()
    );
    assert_eq!(vault.locate(&key, &Format::WEBP).unwrap(), None);
}
