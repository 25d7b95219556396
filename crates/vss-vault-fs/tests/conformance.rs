//! FsVault keeps the contract of Vault in each of the ways it can be opened.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; the panic is the report"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever else can write to the vault's folder"
)]

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use vss_conformance::mover::{MoverHarness, MoverUnderTest};
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

/// Originals on the volume of the vault, or on another one.
struct Outside {
    options: FsVaultOptions,
    folder: PathBuf,
}

impl MoverHarness for Outside {
    fn fresh(&self) -> MoverUnderTest {
        let library = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir_in(&self.folder).unwrap();
        let vault = FsVault::create(&library.path().join("sidecars"), self.options).unwrap();
        let vault = Arc::new(vault);
        MoverUnderTest {
            mover: Arc::clone(&vault) as _,
            vault,
            folder: outside.path().canonicalize().unwrap(),
            keep: Box::new((library, outside)),
        }
    }
}

/// A folder on another volume than that of temporary files.
fn another_volume() -> Option<PathBuf> {
    let device = |path: &std::path::Path| path.metadata().map(|stat| stat.dev()).ok();
    let temporary = device(&std::env::temp_dir());
    let candidates = ["/dev/shm", "/run", "/var/tmp"].map(PathBuf::from);
    let other = |path: &PathBuf| device(path) != temporary && tempfile::tempdir_in(path).is_ok();
    candidates.into_iter().find(other)
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
    let mut trials = Vec::new();
    let other = another_volume();
    if other.is_none() {
        println!("skipped: moves between volumes, because there is only one here");
    }
    for (name, options) in ways {
        trials.extend(vss_conformance::vault::trials(
            name,
            Arc::new(Folders(options)),
        ));
        let mover = |name: &str, folder| {
            vss_conformance::mover::trials(name, Arc::new(Outside { options, folder }))
        };
        trials.extend(mover(name, std::env::temp_dir()));
        if let Some(other) = &other {
            trials.extend(mover(&format!("{name}-across"), other.clone()));
        }
    }
    vss_conformance::run(trials);
}
