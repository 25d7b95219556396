//! Checks of Vault: from a staged file to a published one.

use std::io::Write;

use vss_core::{Digest, Format, Kind, Timestamp, Variant, layout};
use vss_ports::{PortErrorKind, Staged};

use super::VaultHarness;
use super::fixture::{
    bytes_of, content, manifest, publication, publish, publish_one, scanned, thumb,
};

pub(super) async fn what_is_only_staged_or_sealed_is_not_seen(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    let mut staged = vault.stage().await.unwrap();
    staged.file.write_all(b"staged").unwrap();
    let prepared = publication(&*vault, &key, b"sealed").await;
    assert_eq!(vault.locate(&key, &Format::WEBP).unwrap(), None);
    assert!(vault.open(&key, &Format::WEBP).await.unwrap().is_none());
    assert_eq!(vault.scan(None, 10).await.unwrap(), []);
    assert_eq!(vault.strays(10).await.unwrap(), []);
    // Without this the check would pass for a vault that shows nothing at all.
    publish_one(&*vault, &prepared).await;
    assert!(vault.locate(&key, &Format::WEBP).unwrap().is_some());
}

pub(super) async fn seal_answers_size_and_digest_of_what_was_written(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    // Below, at and above the sizes of hash buffers, and not a multiple of any.
    for size in [1_usize, 1_024, 131_072, 700_001] {
        let bytes: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut staged = vault.stage().await.unwrap();
        // In pieces, as a generator writes.
        for piece in bytes.chunks(100_000) {
            staged.file.write_all(piece).unwrap();
        }
        let sealed = vault.seal(staged).await.unwrap();
        assert_eq!(sealed.size, u64::try_from(size).unwrap());
        assert_eq!(sealed.digest, Digest::of(&bytes), "{size} bytes");
    }
}

pub(super) async fn an_empty_file_is_not_sealed(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let staged: Staged = vault.stage().await.unwrap();
    let refused = vault.seal(staged).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Rejected);
}

pub(super) async fn a_published_file_is_located_and_opened(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    publish(&*vault, &key, b"sealed bytes").await;
    let local = vault.locate(&key, &Format::WEBP).unwrap().unwrap();
    assert_eq!(local.size, 12);
    assert!(local.path.is_absolute());
    let place = layout::sidecar_path(&key, &Format::WEBP);
    assert!(local.path.ends_with(place.as_str()), "{local:?}");
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"sealed bytes");
    // Each opening reads from the beginning.
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"sealed bytes");
}

pub(super) async fn a_publication_is_added_to_the_manifest(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"one").await;
    let first = manifest(&*vault, content(1)).await;
    let two = publication(&*vault, &thumb(1, Variant::GRID_2X), b"two").await;
    let three = publication(&*vault, &thumb(1, Variant::ICON_1X), b"three").await;
    let results = vault.publish(&[&two, &three]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    let all = manifest(&*vault, content(1)).await;
    assert_eq!(all.content_uuid, content(1));
    assert_eq!(all.source_size, Some(77));
    assert_eq!(all.source_blake3, Some(Digest::of(b"the original")));
    assert_eq!(all.sidecars.len(), 3);
    let entry = |variant| all.entry(&Kind::THUMB, &variant);
    assert_eq!(entry(Variant::GRID_1X), first.sidecars.first());
    assert_eq!(entry(Variant::GRID_2X), Some(&two.entry));
    assert_eq!(entry(Variant::ICON_1X), Some(&three.entry));
}

pub(super) async fn publishing_the_same_bytes_again_changes_nothing(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    publish(&*vault, &key, b"same").await;
    let before = scanned(&*vault, content(1)).await;
    let mut again = publication(&*vault, &key, b"same").await;
    again.entry.created_at = Timestamp::from_millis(1_800_000_000_000);
    publish_one(&*vault, &again).await;
    assert_eq!(scanned(&*vault, content(1)).await, before);
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"same");
    assert!(test.set_aside().is_empty());
}

pub(super) async fn what_a_publication_replaces_is_replaced(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    publish(&*vault, &key, b"old").await;
    let mut new = publication(&*vault, &key, b"newer").await;
    new.replaces = Some(Digest::of(b"old"));
    publish_one(&*vault, &new).await;
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"newer");
    let found = scanned(&*vault, content(1)).await;
    assert_eq!(found.files.len(), 1);
    assert_eq!(found.manifest.unwrap().sidecars, [new.entry]);
    assert!(test.set_aside().is_empty(), "what may go is not kept");
}

pub(super) async fn what_a_publication_does_not_replace_is_set_aside(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let key = thumb(1, Variant::GRID_1X);
    let place = layout::sidecar_path(&key, &Format::WEBP);
    test.plant(place.as_str(), b"a stranger");
    publish(&*vault, &key, b"ours").await;
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"ours");
    assert_eq!(test.set_aside(), [b"a stranger"]);

    // Saying that something else is replaced does not help either.
    let mut third = publication(&*vault, &key, b"third").await;
    third.replaces = Some(Digest::of(b"something else"));
    publish_one(&*vault, &third).await;
    assert_eq!(bytes_of(&*vault, &key).await.unwrap(), b"third");
    let mut aside = test.set_aside();
    aside.sort();
    assert_eq!(aside, [&b"a stranger"[..], b"ours"]);
}

pub(super) async fn a_failing_publication_harms_no_other(harness: &dyn VaultHarness) {
    // A small batch and one that is worth being synced as a whole.
    for size in [3_u8, 20] {
        let test = harness.fresh();
        let vault = test.vault();
        let blocked = size / 2;
        test.block(content(blocked));
        let mut batch = Vec::new();
        for n in 0..size {
            batch.push(publication(&*vault, &thumb(n, Variant::GRID_1X), &[n; 9]).await);
        }
        let results = vault.publish(&batch.iter().collect::<Vec<_>>()).await;
        assert_eq!(results.len(), batch.len());
        for n in 0..size {
            let (key, at) = (thumb(n, Variant::GRID_1X), usize::from(n));
            assert_eq!(results[at].is_err(), n == blocked, "{n}: {:?}", results[at]);
            let want = (n != blocked).then(|| vec![n; 9]);
            assert_eq!(bytes_of(&*vault, &key).await, want);
        }
    }
}
