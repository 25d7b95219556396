//! An armed fault happens at its step, once, and leaves what it says it leaves.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic is the report"
)]

use std::io::Write;
use std::sync::Arc;

use uuid::Uuid;
use vss_core::{
    ContentUuid, Format, Kind, ManifestEntry, SidecarKey, SidecarSource, Timestamp, Variant,
};
use vss_ports::{PortErrorKind, Publication, Vault};
use vss_testkit::faulty_vault::{FaultyVault, VaultFault, VaultStep};
use vss_testkit::vault::MemoryVault;

fn key(n: u8) -> SidecarKey {
    let content = ContentUuid::new(Uuid::from_bytes([n; 16]));
    SidecarKey::new(content, Kind::THUMB, Variant::GRID_1X)
}

async fn publication(vault: &dyn Vault, n: u8) -> PortResult {
    let mut staged = vault.stage().await?;
    staged.file.write_all(&[n; 5]).unwrap();
    let sealed = vault.seal(staged).await?;
    vault.settle(&[&sealed]).await?;
    Ok(Publication {
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
    })
}

type PortResult = vss_ports::PortResult<Publication>;

async fn batch(vault: &dyn Vault) -> Vec<Publication> {
    let mut batch = Vec::new();
    for n in 0..3 {
        batch.push(publication(vault, n).await.unwrap());
    }
    batch
}

fn there(vault: &dyn Vault) -> Vec<u8> {
    let here = |n: &u8| vault.locate(&key(*n), &Format::WEBP).unwrap().is_some();
    (0..3).filter(here).collect()
}

#[tokio::test]
async fn one_refused_publication_leaves_its_neighbours() {
    for (fault, left) in [
        (VaultFault::Refuse(PortErrorKind::Full), vec![0, 2]),
        (
            VaultFault::DoneAndRefuse(PortErrorKind::Full),
            vec![0, 1, 2],
        ),
    ] {
        let vault = FaultyVault::new(Arc::new(MemoryVault::new()));
        let batch = batch(&vault).await;
        vault.arm(VaultStep::Publish, 1, fault);
        let results = vault.publish(&batch.iter().collect::<Vec<_>>()).await;
        let failed: Vec<bool> = results.iter().map(Result::is_err).collect();
        assert_eq!(failed, [false, true, false], "{fault:?}");
        assert_eq!(there(&vault), left, "{fault:?}");
        assert!(!vault.is_armed());
    }
}

#[tokio::test]
async fn a_panic_leaves_what_came_before_it() {
    for (fault, left) in [
        (VaultFault::Panic, vec![0]),
        (VaultFault::DoneAndPanic, vec![0, 1]),
    ] {
        let vault = Arc::new(FaultyVault::new(Arc::new(MemoryVault::new())));
        let batch = batch(&*vault).await;
        vault.arm(VaultStep::Publish, 1, fault);
        let dying = Arc::clone(&vault);
        let died = tokio::spawn(async move {
            dying.publish(&batch.iter().collect::<Vec<_>>()).await;
        });
        assert!(died.await.unwrap_err().is_panic());
        assert_eq!(there(&*vault), left, "{fault:?}");
    }
}

#[tokio::test]
async fn each_step_fails_when_it_is_its_turn_and_only_then() {
    for step in [VaultStep::Stage, VaultStep::Seal, VaultStep::Settle] {
        let vault = FaultyVault::new(Arc::new(MemoryVault::new()));
        vault.arm(step, 1, VaultFault::Refuse(PortErrorKind::Unavailable));
        let failed = [
            publication(&vault, 0).await.is_err(),
            publication(&vault, 1).await.is_err(),
            publication(&vault, 2).await.is_err(),
        ];
        assert_eq!(failed, [false, true, false], "{step:?}");
    }
}
