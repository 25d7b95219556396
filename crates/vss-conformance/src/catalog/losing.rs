//! Checks of ContentCatalog: what is known of contents and roots that are gone.

use vss_core::Timestamp;

use super::CatalogHarness;
use super::scene::Scene;

const AT: fn(i64) -> Timestamp = Timestamp::from_millis;

pub(super) async fn find_says_when_the_last_original_was_lost(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("a", b"one"), ("b", b"one"), ("c", b"two")]).await;
    let root = [scene.root()];
    let lost_at = async |bytes: &[u8]| scene.find(bytes).await.unwrap().lost_at;
    assert_eq!(lost_at(b"one").await, None);
    scene.remove("a");
    scene.look_at(&root, AT(10)).await;
    assert_eq!(lost_at(b"one").await, None, "one is left");
    scene.remove("b");
    scene.look_at(&root, AT(20)).await;
    scene.look_at(&root, AT(30)).await;
    assert_eq!(lost_at(b"one").await, Some(AT(20)));
    // An edit takes a content its original as well.
    scene.write("c", b"three, not two");
    scene.look_at(&root, AT(40)).await;
    assert_eq!(lost_at(b"two").await, Some(AT(40)));
    scene.write("d", b"one");
    scene.look_at(&root, AT(50)).await;
    assert_eq!(lost_at(b"one").await, None);
    scene.remove("d");
    scene.look_at(&root, AT(60)).await;
    assert_eq!(lost_at(b"one").await, Some(AT(60)));
}

pub(super) async fn locations_are_every_root_and_say_what_is_missing(harness: &dyn CatalogHarness) {
    let scene = Scene::with(harness, &[("here/a", b"one"), ("gone/b", b"two")]).await;
    let roots = [scene.path("here"), scene.path("gone")];
    scene.look(&roots).await;
    let locations = scene.catalog.locations().await.unwrap();
    let paths: Vec<_> = locations.iter().map(|found| &*found.path).collect();
    let root = scene.root();
    assert_eq!(paths, [&*root, &*scene.path("gone"), &*scene.path("here")]);
    assert!(locations.iter().all(|found| found.missing.is_none()));

    scene.rename("gone", "elsewhere");
    let locations = scene.catalog.locations().await.unwrap();
    let missing = locations.iter().filter(|found| found.missing.is_some());
    let missing: Vec<_> = missing.map(|found| &*found.path).collect();
    assert_eq!(missing, [&*scene.path("gone")]);
    // What was in it is known as before.
    assert_eq!(scene.find(b"two").await.unwrap().originals, 1);
}
