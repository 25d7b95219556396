//! What the checks of Vault publish, and how they look at it.

use std::io::{Read, Write};

use uuid::Uuid;
use vss_core::{
    ContentUuid, Digest, Format, Kind, Manifest, ManifestEntry, SidecarKey, SidecarSource,
    Timestamp, Variant,
};
use vss_ports::{Publication, ScannedContent, Sealed, Vault};

/// The n-th content; their order is that of the numbers, every one in a shard of its own.
pub(super) fn content(n: u8) -> ContentUuid {
    let mut bytes = [0xab; 16];
    bytes[0] = n;
    ContentUuid::new(Uuid::from_bytes(bytes))
}

pub(super) fn thumb(n: u8, variant: Variant) -> SidecarKey {
    SidecarKey::new(content(n), Kind::THUMB, variant)
}

pub(super) async fn sealed(vault: &dyn Vault, bytes: &[u8]) -> Sealed {
    let mut staged = vault.stage().await.unwrap();
    staged.file.write_all(bytes).unwrap();
    vault.seal(staged).await.unwrap()
}

/// A publication of a WebP file, settled.
pub(super) async fn publication(vault: &dyn Vault, key: &SidecarKey, bytes: &[u8]) -> Publication {
    let sealed = sealed(vault, bytes).await;
    vault.settle(&[&sealed]).await.unwrap();
    Publication {
        content: key.content,
        entry: ManifestEntry {
            kind: key.kind.clone(),
            variant: key.variant.clone(),
            format: Format::WEBP,
            size: sealed.size,
            blake3: sealed.digest,
            source: SidecarSource::Adopted,
            generator_version: None,
            created_at: Timestamp::from_millis(1_767_225_600_000),
        },
        source: Some((77, Digest::of(b"the original"))),
        sealed,
        replaces: None,
    }
}

pub(super) async fn publish(vault: &dyn Vault, key: &SidecarKey, bytes: &[u8]) {
    let publication = publication(vault, key, bytes).await;
    publish_one(vault, &publication).await;
}

pub(super) async fn publish_one(vault: &dyn Vault, publication: &Publication) {
    let results = vault.publish(&[publication]).await;
    assert_eq!(results.len(), 1);
    results.into_iter().for_each(|result| result.unwrap());
}

pub(super) async fn bytes_of(vault: &dyn Vault, key: &SidecarKey) -> Option<Vec<u8>> {
    let mut file = vault.open(key, &Format::WEBP).await.unwrap()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

pub(super) async fn scanned(vault: &dyn Vault, content: ContentUuid) -> ScannedContent {
    let all = vault.scan(None, 1_000).await.unwrap();
    let mut these = all.into_iter().filter(|found| found.content == content);
    let one = these.next().expect("the content has a folder");
    assert!(these.next().is_none(), "{content} was scanned twice");
    one
}

pub(super) async fn manifest(vault: &dyn Vault, content: ContentUuid) -> Manifest {
    scanned(vault, content).await.manifest.expect("a manifest")
}
