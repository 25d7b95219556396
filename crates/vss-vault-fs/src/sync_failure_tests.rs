//! A disk that loses a write says so once, when it is synced: nothing may stay published then, nor
//! when anything else of a publication fails.
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever else writes there"
)]

use std::io::{Read, Write};
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use uuid::Uuid;
use vss_core::{
    ContentUuid, Digest, Format, Kind, ManifestEntry, SidecarKey, SidecarSource, Timestamp, Variant,
};
use vss_ports::{PortErrorKind, Publication, Vault};

use crate::content_work::begin;
use crate::vault::job_of;
use crate::{Durability, FsVault, FsVaultOptions};

pub(crate) fn key(n: u8) -> SidecarKey {
    let content = ContentUuid::new(Uuid::from_bytes([n; 16]));
    SidecarKey::new(content, Kind::THUMB, Variant::GRID_1X)
}

pub(crate) async fn prepared(vault: &FsVault, n: u8, bytes: &[u8]) -> Publication {
    let mut staged = vault.stage().await.unwrap();
    staged.file.write_all(bytes).unwrap();
    let sealed = vault.seal(staged).await.unwrap();
    Publication {
        content: key(n).content,
        entry: ManifestEntry {
            kind: Kind::THUMB,
            variant: Variant::GRID_1X,
            format: Format::WEBP,
            size: sealed.size,
            blake3: sealed.digest,
            source: SidecarSource::Adopted,
            generator_version: None,
            created_at: Timestamp::from_millis(0),
        },
        source: None,
        sealed,
        replaces: None,
    }
}

async fn bytes_of(vault: &FsVault, n: u8) -> Option<Vec<u8>> {
    let mut file = vault.open(&key(n), &Format::WEBP).await.unwrap()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

pub(crate) fn opened(durability: Durability, portable: bool) -> (TempDir, FsVault) {
    let folder = tempfile::tempdir().unwrap();
    let options = FsVaultOptions {
        durability,
        portable,
        sweep: false,
    };
    let vault = FsVault::create(&folder.path().join("sidecars"), options).unwrap();
    (folder, vault)
}

#[tokio::test]
async fn what_cannot_be_made_durable_is_taken_back() {
    let ways = [
        (Durability::Strict, false, 1),
        (Durability::Group, false, 1),
        (Durability::Group, false, 9),
        (Durability::Group, true, 9),
    ];
    for (durability, portable, new) in ways {
        let (folder, vault) = opened(durability, portable);
        // 0 will be replaced, 1 is a stranger without a manifest, the others are new.
        let old = prepared(&vault, 0, b"old").await;
        vault.publish(&[&old]).await.pop().unwrap().unwrap();
        let stranger = vault.locate(&key(0), &Format::WEBP).unwrap().unwrap().path;
        let stranger = stranger.to_string_lossy().replace("00", "01");
        let stranger = std::path::PathBuf::from(stranger);
        std::fs::create_dir_all(stranger.parent().unwrap()).unwrap();
        std::fs::write(&stranger, b"stranger").unwrap();
        let before = vault.scan(None, 100).await.unwrap();

        let mut batch = Vec::new();
        for n in 0..2 + new {
            batch.push(prepared(&vault, n, b"new").await);
        }
        batch[0].replaces = Some(Digest::of(b"old"));
        let syncer = &vault.folders().syncer;
        syncer.failing.store(true, Ordering::Relaxed);
        let results = vault.publish(&batch.iter().collect::<Vec<_>>()).await;
        syncer.failing.store(false, Ordering::Relaxed);

        for result in results {
            assert_eq!(result.unwrap_err().kind, PortErrorKind::Unexpected);
        }
        assert_eq!(bytes_of(&vault, 0).await.unwrap(), b"old");
        assert_eq!(bytes_of(&vault, 1).await.unwrap(), b"stranger");
        for n in 2..2 + new {
            assert_eq!(bytes_of(&vault, n).await, None);
        }
        let after = vault.scan(None, 100).await.unwrap();
        let told = |found: &[vss_ports::ScannedContent]| -> Vec<_> {
            let some = found.iter().filter(|f| !f.files.is_empty());
            some.cloned().collect()
        };
        assert_eq!(told(&after), told(&before), "{durability:?} {portable}");
        assert!(after.iter().all(|f| f.strangers.is_empty()));
        let staging = folder.path().join("sidecars/.staging");
        assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_lost_write_fails_settling() {
    for durability in [Durability::Strict, Durability::Group] {
        let (_folder, vault) = opened(durability, false);
        let mut batch = Vec::new();
        for n in 0..6 {
            batch.push(prepared(&vault, n, b"new").await.sealed);
        }
        vault
            .folders()
            .syncer
            .failing
            .store(true, Ordering::Relaxed);
        for many in [1, 6] {
            let sealed: Vec<_> = batch.iter().take(many).collect();
            assert!(
                vault.settle(&sealed).await.is_err(),
                "{durability:?} {many}"
            );
        }
    }
}

#[tokio::test]
async fn a_publication_without_its_sums_is_taken_back_with_its_manifest() {
    for before in [Before::Nothing, Before::Manifest, Before::Stranger] {
        let (folder, vault) = opened(Durability::Strict, false);
        let sidecars = folder.path().join("sidecars");
        let of_content = sidecars.join(vss_core::layout::content_folder(key(1).content).as_str());
        let manifest = of_content.join("manifest.json");
        match before {
            Before::Nothing => {}
            Before::Manifest => {
                let old = prepared(&vault, 1, b"old").await;
                vault.publish(&[&old]).await.pop().unwrap().unwrap();
            }
            Before::Stranger => {
                std::fs::create_dir_all(&of_content).unwrap();
                std::fs::write(&manifest, b"somebody's notes").unwrap();
            }
        }
        let said = std::fs::read(&manifest).ok();
        let mut publication = prepared(&vault, 1, b"new").await;
        publication.replaces = Some(Digest::of(b"old"));
        let job = job_of(0, &publication).unwrap();
        let mut failures = Vec::new();
        let begun = begin(vault.folders(), key(1).content, vec![job], &mut failures);
        let mut work = begun.unwrap();
        // Somebody sweeps.
        let staging = std::fs::read_dir(sidecars.join(".staging")).unwrap();
        let staging = staging.map(|entry| entry.unwrap().path());
        let is_sums = |path: &std::path::PathBuf| {
            let text = std::fs::read_to_string(path).unwrap();
            text.contains("thumbs/") && !text.starts_with('{')
        };
        let sums: Vec<_> = staging.filter(is_sums).collect();
        std::fs::remove_file(&sums[0]).unwrap();

        let problem = work.install(vault.folders()).unwrap_err();
        work.take_back(vault.folders(), &problem, &mut failures);
        assert_eq!(failures.len(), 1);
        let old = matches!(before, Before::Manifest).then(|| b"old".to_vec());
        assert_eq!(bytes_of(&vault, 1).await, old);
        let now = std::fs::read(&manifest).ok();
        let aside: Vec<_> = std::fs::read_dir(sidecars.join(".quarantine"))
            .unwrap()
            .collect();
        match before {
            Before::Nothing | Before::Manifest => assert_eq!((now, aside.len()), (said, 0)),
            Before::Stranger => {
                let kept = std::fs::read(aside[0].as_ref().unwrap().path()).ok();
                assert_eq!((now, kept), (None, said));
            }
        }
    }
}

/// What a manifest's place has before a publication.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    Manifest,
    /// What no vault wrote.
    Stranger,
}
