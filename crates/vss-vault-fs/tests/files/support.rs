//! A vault in a temporary folder, and publications for it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use uuid::Uuid;
use vss_core::{
    ContentUuid, Format, Kind, ManifestEntry, SidecarKey, SidecarSource, Timestamp, Variant, layout,
};
use vss_ports::{PortResult, Publication, Vault};
use vss_vault_fs::{Durability, FsVault, FsVaultOptions};

pub(crate) const FAST: FsVaultOptions = FsVaultOptions {
    durability: Durability::Fast,
    sweep: false,
    portable: false,
};

pub(crate) const PORTABLE: FsVaultOptions = FsVaultOptions {
    portable: true,
    ..FAST
};

pub(crate) struct Library {
    pub(crate) folder: TempDir,
    pub(crate) vault: FsVault,
}

impl Library {
    pub(crate) fn new(options: FsVaultOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = FsVault::create(&folder.path().join("sidecars"), options).unwrap();
        Self { folder, vault }
    }

    pub(crate) fn sidecars(&self) -> PathBuf {
        self.folder.path().join("sidecars")
    }

    pub(crate) fn place(&self, key: &SidecarKey) -> PathBuf {
        place(&self.sidecars(), key)
    }

    /// The names in a folder of the vault.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        names(&self.sidecars().join(folder))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test looks at the folder by itself"
)]
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}

pub(crate) fn place(sidecars: &Path, key: &SidecarKey) -> PathBuf {
    sidecars.join(layout::sidecar_path(key, &Format::WEBP).as_str())
}

/// The n-th content, spread over the shards.
pub(crate) fn content(n: u64) -> ContentUuid {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    ContentUuid::new(Uuid::from_bytes(bytes))
}

pub(crate) fn thumb(n: u64) -> SidecarKey {
    SidecarKey::new(content(n), Kind::THUMB, Variant::GRID_1X)
}

pub(crate) async fn prepared(
    vault: &dyn Vault,
    key: &SidecarKey,
    bytes: &[u8],
) -> PortResult<Publication> {
    let mut staged = vault.stage().await?;
    if let Err(error) = staged.file.write_all(bytes) {
        let kind = vss_ports::PortErrorKind::Full;
        return Err(vss_ports::PortError::new(
            kind,
            "write a staged file",
            error,
        ));
    }
    let sealed = vault.seal(staged).await?;
    vault.settle(&[&sealed]).await?;
    Ok(Publication {
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
        source: None,
        sealed,
        replaces: None,
    })
}

pub(crate) async fn publish(vault: &dyn Vault, key: &SidecarKey, bytes: &[u8]) -> PortResult<()> {
    let publication = prepared(vault, key, bytes).await?;
    let mut results = vault.publish(&[&publication]).await;
    results.pop().unwrap()
}

pub(crate) async fn bytes_of(vault: &dyn Vault, key: &SidecarKey) -> Option<Vec<u8>> {
    let mut file = vault.open(key, &Format::WEBP).await.unwrap()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}
