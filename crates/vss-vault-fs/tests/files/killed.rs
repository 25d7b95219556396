//! A process killed in the middle of publishing leaves only whole files behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use vss_core::{Digest, DigestHasher, Format, Kind, SidecarKey, Variant, layout};
use vss_ports::Vault;
use vss_vault_fs::{Durability, FsVault, FsVaultOptions};

use crate::support::{Library, content, names, prepared};

const FOLDER: &str = "VSS_TEST_KILLED_FOLDER";
const SEED: &str = "VSS_TEST_KILLED_SEED";
const CONTENTS: u64 = 24;
const VARIANTS: [Variant; 3] = [Variant::GRID_1X, Variant::GRID_2X, Variant::DETAIL_1X];

fn options(seed: u64) -> FsVaultOptions {
    FsVaultOptions {
        // Syncs make a kill between two steps likely; half of the runs go without them.
        durability: [Durability::Group, Durability::Fast][usize::from(seed.is_multiple_of(2))],
        sweep: true,
        portable: seed % 4 >= 2,
    }
}

/// Bytes that say of which file and round they are, and are torn when cut.
fn bytes(n: u64, variant: &Variant, round: u64) -> Vec<u8> {
    let mut bytes = format!("{n} {variant} {round} ").into_bytes();
    bytes.resize(20_000, b'.');
    let mut hasher = DigestHasher::new();
    hasher.update(&bytes);
    bytes.extend(hasher.finish().as_bytes());
    bytes
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some((body, digest)) = bytes.split_last_chunk::<32>() else {
        return false;
    };
    Digest::of(body).as_bytes() == digest
}

/// The child: publishes and replaces until it is killed, and says so after each batch. As a test
/// of its own it does nothing.
#[tokio::test]
async fn the_child_publishes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let vault = FsVault::open(Path::new(&folder), options(seed)).unwrap();
    for round in seed * 1_000.. {
        for batch_of in [1, 3, 8] {
            let first = round * 7 + batch_of;
            let mut batch = Vec::new();
            for n in (first..first + batch_of).map(|n| n % CONTENTS) {
                for variant in VARIANTS {
                    let key = SidecarKey::new(content(n), Kind::THUMB, variant);
                    let bytes = bytes(n, &key.variant, round);
                    let mut one = prepared(&vault, &key, &bytes).await.unwrap();
                    if let Some(mut old) = vault.open(&key, &Format::WEBP).await.unwrap() {
                        let mut bytes = Vec::new();
                        std::io::Read::read_to_end(&mut old, &mut bytes).unwrap();
                        one.replaces = Some(Digest::of(&bytes));
                    }
                    batch.push(one);
                }
            }
            for result in vault.publish(&batch.iter().collect::<Vec<_>>()).await {
                result.unwrap();
            }
            println!("published");
        }
    }
}

#[tokio::test]
async fn a_killed_process_leaves_only_whole_files() {
    let library = Library::new(options(0));
    let mut seen = 0;
    for seed in 0..20_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "killed::the_child_publishes_until_it_is_killed",
                "--nocapture",
            ])
            .env(FOLDER, library.sidecars())
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The pipe stays open, so that nothing but the kill ends the child.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut batches = 1 + seed % 5;
        while batches > 0 {
            let line = lines.next().expect("the child goes on").unwrap();
            batches -= u64::from(line.contains("published"));
        }
        // Not to wait for anything: to die somewhere else each time.
        std::thread::sleep(Duration::from_micros(seed * 7_919 % 6_000));
        child.kill().unwrap();
        child.wait().unwrap();

        let vault = FsVault::open(&library.sidecars(), options(seed)).unwrap();
        assert_eq!(library.names(".staging"), [""; 0], "swept at open");
        seen += every_file_is_whole(&vault).await;
        assert_eq!(vault.strays(10).await.unwrap(), []);
    }
    assert!(seen > 200, "{seen} files are too few to tell anything");
    // What a kill left in quarantine is a copy too many, never a part of one.
    for name in library.names(".quarantine") {
        let kept = std::fs::read(library.sidecars().join(".quarantine").join(&name)).unwrap();
        assert!(is_whole(&kept), "{name}");
    }
    assert!(names(&library.sidecars()).contains(&"content".to_owned()));
}

async fn every_file_is_whole(vault: &FsVault) -> usize {
    let mut seen = 0;
    for scanned in vault.scan(None, 1_000).await.unwrap() {
        assert_eq!(scanned.strangers, [], "{}", scanned.content);
        for file in &scanned.files {
            let key = SidecarKey::new(scanned.content, file.kind.clone(), file.variant.clone());
            let local = vault.locate(&key, &file.format).unwrap().unwrap();
            let bytes = std::fs::read(&local.path).unwrap();
            let path = layout::sidecar_path(&key, &file.format);
            assert!(is_whole(&bytes), "{path} is torn");
            seen += 1;
        }
        // The manifest is read, never torn, and names no file that is not there.
        if let Some(manifest) = &scanned.manifest {
            for entry in &manifest.sidecars {
                let there = |file: &&vss_core::reconcile::FoundFile| {
                    file.variant == entry.variant && file.size == entry.size
                };
                assert!(scanned.files.iter().any(|f| there(&f)), "{entry:?}");
            }
        }
    }
    seen
}
