//! Checks of Vault: manifests and sums that are made to say what is so.

use vss_core::{Digest, Format, Kind, SidecarKey, Timestamp, Variant, layout};
use vss_ports::Amendment;

use super::VaultHarness;
use super::fixture::{
    bytes_of, content, manifest, publication, publish, publish_one, scanned, thumb,
};

pub(super) async fn an_amendment_is_written_once_and_touches_no_file(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let (kept, gone, new) = (Variant::GRID_1X, Variant::GRID_2X, Variant::ICON_1X);
    for variant in [&kept, &gone] {
        publish(&*vault, &thumb(1, variant.clone()), b"bytes").await;
    }
    let said = manifest(&*vault, content(1)).await;
    let mut entry = said.entry(&Kind::THUMB, &kept).unwrap().clone();
    entry.variant = new.clone();
    entry.created_at = Timestamp::from_millis(7);
    let amendment = Amendment {
        set: vec![entry.clone()],
        gone: vec![(Kind::THUMB, gone.clone())],
        // One is named already.
        source: Some((1, Digest::of(b"another original"))),
    };
    assert!(vault.amend(content(1), &amendment).await.unwrap());
    let now = manifest(&*vault, content(1)).await;
    assert_eq!(
        now.entry(&Kind::THUMB, &kept),
        said.entry(&Kind::THUMB, &kept)
    );
    assert_eq!(now.entry(&Kind::THUMB, &gone), None);
    assert_eq!(now.entry(&Kind::THUMB, &new), Some(&entry));
    assert_eq!(now.source_blake3, said.source_blake3);
    for variant in [kept, gone] {
        assert_eq!(
            bytes_of(&*vault, &thumb(1, variant)).await.unwrap(),
            b"bytes"
        );
    }
    assert!(!vault.amend(content(1), &amendment).await.unwrap());
    assert_eq!(manifest(&*vault, content(1)).await, now);
}

pub(super) async fn nothing_is_amended_where_nothing_is(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"bytes").await;
    let said = manifest(&*vault, content(1)).await;
    let amendment = Amendment {
        set: said.sidecars.clone(),
        ..Amendment::default()
    };
    assert!(!vault.amend(content(1), &amendment).await.unwrap());
    assert!(!vault.amend(content(2), &amendment).await.unwrap());
    assert_eq!(vault.scan(None, 10).await.unwrap().len(), 1);
}

pub(super) async fn sums_follow_the_manifest(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    let line = |bytes: &[u8], variant: &Variant| {
        let key = SidecarKey::new(content(1), Kind::THUMB, variant.clone());
        let path = layout::sidecar_path(&key, &Format::WEBP);
        format!("{}  {path}\n", Digest::of(bytes))
    };
    let (one, two) = (Variant::GRID_1X, Variant::GRID_2X);
    publish(&*vault, &thumb(1, one.clone()), b"one").await;
    assert_eq!(test.sums(content(1)), line(b"one", &one));
    publish(&*vault, &thumb(1, two.clone()), b"two").await;
    let both = line(b"one", &one) + &line(b"two", &two);
    assert_eq!(test.sums(content(1)), both);
    let mut newer = publication(&*vault, &thumb(1, one.clone()), b"newer").await;
    newer.replaces = Some(Digest::of(b"one"));
    publish_one(&*vault, &newer).await;
    let both = line(b"newer", &one) + &line(b"two", &two);
    assert_eq!(test.sums(content(1)), both);
    let key = thumb(1, one.clone());
    vault.quarantine(&key, &Format::WEBP).await.unwrap();
    assert_eq!(test.sums(content(1)), line(b"two", &two));
    let amendment = Amendment {
        gone: vec![(Kind::THUMB, two)],
        ..Amendment::default()
    };
    assert!(vault.amend(content(1), &amendment).await.unwrap());
    assert_eq!(test.sums(content(1)), "");
}

pub(super) async fn a_scan_tells_whether_sums_are_in_step(harness: &dyn VaultHarness) {
    let test = harness.fresh();
    let vault = test.vault();
    publish(&*vault, &thumb(1, Variant::GRID_1X), b"one").await;
    let sums = test.sums(content(1));
    assert!(scanned(&*vault, content(1)).await.sums);
    if !test.lose_sums(content(1)) {
        return;
    }
    assert!(!scanned(&*vault, content(1)).await.sums);
    assert!(
        vault
            .amend(content(1), &Amendment::default())
            .await
            .unwrap()
    );
    assert!(scanned(&*vault, content(1)).await.sums);
    assert_eq!(test.sums(content(1)), sums);
}
