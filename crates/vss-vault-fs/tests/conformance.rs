//! FsVault keeps the contract of Vault in each of the ways it can be opened.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; the panic is the report"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever else can write to the vault's folder"
)]

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use vss_conformance::vault::{VaultHarness, VaultUnderTest};
use vss_core::{ContentUuid, layout};
use vss_ports::Vault;
use vss_vault_fs::{Durability, FsVault, FsVaultOptions};

struct Folders(FsVaultOptions);

struct InFolder {
    vault: Arc<FsVault>,
    sidecars: PathBuf,
    _library: TempDir,
}

impl InFolder {
    fn sums_of(&self, content: ContentUuid) -> PathBuf {
        let folder = layout::content_folder(content);
        self.sidecars.join(folder.as_str()).join(layout::SUMS_NAME)
    }
}

impl VaultHarness for Folders {
    fn fresh(&self) -> Box<dyn VaultUnderTest> {
        let library = tempfile::tempdir().unwrap();
        let sidecars = library.path().join("sidecars");
        let vault = FsVault::create(&sidecars, self.0).unwrap();
        Box::new(InFolder {
            vault: Arc::new(vault),
            sidecars,
            _library: library,
        })
    }
}

impl VaultUnderTest for InFolder {
    fn vault(&self) -> Arc<dyn Vault> {
        Arc::clone(&self.vault) as _
    }

    fn set_aside(&self) -> Vec<Vec<u8>> {
        let aside = std::fs::read_dir(self.sidecars.join(".quarantine")).unwrap();
        aside
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }

    fn plant(&self, path: &str, bytes: &[u8]) {
        let path = self.sidecars.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn block(&self, content: ContentUuid) {
        self.plant(layout::content_folder(content).as_str(), b"in the way");
    }

    fn sums(&self, content: ContentUuid) -> String {
        std::fs::read_to_string(self.sums_of(content)).unwrap_or_default()
    }

    fn lose_sums(&self, content: ContentUuid) -> bool {
        std::fs::remove_file(self.sums_of(content)).unwrap();
        true
    }

    fn root(&self) -> Option<PathBuf> {
        Some(self.sidecars.clone())
    }
}

fn main() {
    let with = |durability, portable| FsVaultOptions {
        durability,
        portable,
        ..FsVaultOptions::default()
    };
    let ways = [
        ("fs-group", with(Durability::Group, false)),
        ("fs-strict", with(Durability::Strict, false)),
        ("fs-fast", with(Durability::Fast, false)),
        ("fs-portable", with(Durability::Group, true)),
    ];
    let trials = ways.into_iter().flat_map(|(name, options)| {
        vss_conformance::vault::trials(name, Arc::new(Folders(options)))
    });
    vss_conformance::run(trials.collect());
}
