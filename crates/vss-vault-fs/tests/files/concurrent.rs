//! Two vaults on one folder, as two processes would have it.

use std::sync::Arc;

use tokio::sync::Barrier;
use vss_core::{Digest, Format, Kind, SidecarKey, Variant, layout};
use vss_ports::Vault;
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::support::{FAST, Library, PORTABLE, bytes_of, content, prepared, publish, thumb};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_manifest_entry_is_lost_between_two_vaults() {
    const EACH: u64 = 60;
    const CONTENTS: u64 = 30;
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let start = Arc::new(Barrier::new(4));
        let tasks = ["a", "b", "c", "d"].map(|name| {
            // Each with descriptors and locks of its own.
            let vault = FsVault::open(&library.sidecars(), options).unwrap();
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                for i in 0..EACH {
                    let variant: Variant = format!("{name}{i}").parse().unwrap();
                    let kind: Kind = name.parse().unwrap();
                    let key = SidecarKey::new(content(i / 2), kind, variant);
                    start.wait().await;
                    publish(&vault, &key, format!("{name}{i}").as_bytes())
                        .await
                        .unwrap();
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        // All of them made the same folders at about the same time.
        let page = library.vault.scan(None, 100).await.unwrap();
        assert_eq!(page.len(), usize::try_from(CONTENTS).unwrap());
        for scanned in page {
            assert_eq!(scanned.files.len(), 8);
            assert_eq!(scanned.manifest.unwrap().sidecars.len(), 8);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_over_the_same_contents_do_not_wait_for_each_other_forever() {
    let library = Library::new(FsVaultOptions::default());
    // The default syncs a batch at once, and so holds all its locks together.
    let start = Arc::new(Barrier::new(2));
    let tasks = [false, true].map(|reversed| {
        let vault = FsVault::open(&library.sidecars(), FsVaultOptions::default()).unwrap();
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            for round in 0..10 {
                let mut batch = Vec::new();
                for n in 0..30 {
                    let mut key = thumb(n);
                    key.variant = format!("{reversed}{round}").parse().unwrap();
                    batch.push(prepared(&vault, &key, b"x").await.unwrap());
                }
                if reversed {
                    batch.reverse();
                }
                start.wait().await;
                let results = vault.publish(&batch.iter().collect::<Vec<_>>()).await;
                assert!(results.iter().all(Result::is_ok), "{results:?}");
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    for scanned in library.vault.scan(None, 100).await.unwrap() {
        assert_eq!(scanned.manifest.unwrap().sidecars.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_finds_a_gap_while_a_file_is_replaced() {
    const ROUNDS: u64 = 300;
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let round_bytes = |round: u64| vec![u8::try_from(round % 251).unwrap(); 600];
        publish(&library.vault, &thumb(1), &round_bytes(0))
            .await
            .unwrap();
        let (done, stopped) = tokio::sync::watch::channel(false);
        let reader = {
            let vault = library.vault.clone();
            tokio::spawn(async move {
                let mut reads = 0_u64;
                while !*stopped.borrow() {
                    let bytes = bytes_of(&vault, &thumb(1)).await.expect("never a gap");
                    assert_eq!(bytes.len(), 600);
                    assert!(bytes.iter().all(|b| *b == bytes[0]), "torn");
                    reads += 1;
                }
                reads
            })
        };
        for round in 1..ROUNDS {
            let bytes = round_bytes(round);
            let mut new = prepared(&library.vault, &thumb(1), &bytes).await.unwrap();
            // Every third one is a stranger's, which is set aside.
            if round % 3 != 0 {
                new.replaces = Some(Digest::of(&round_bytes(round - 1)));
            }
            library.vault.publish(&[&new]).await.pop().unwrap().unwrap();
        }
        done.send(true).unwrap();
        assert!(reader.await.unwrap() > 0);
        assert_eq!(library.names(".staging"), [""; 0]);
        assert_eq!(library.names(".quarantine").len(), 99);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_folder_that_is_removed_under_a_publication_loses_nothing() {
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let start = Arc::new(Barrier::new(2));
        let key = thumb(1);
        let (vault, key_too, start_too) = (library.vault.clone(), key.clone(), Arc::clone(&start));
        let removing = tokio::spawn(async move {
            for _ in 0..300 {
                start_too.wait().await;
                vault.remove(&key_too, &Format::WEBP, None).await.unwrap();
                start_too.wait().await;
            }
        });
        let vault = FsVault::open(&library.sidecars(), options).unwrap();
        let mut other = key.clone();
        other.variant = Variant::GRID_2X;
        for _ in 0..300 {
            publish(&vault, &key, b"goes").await.unwrap();
            start.wait().await;
            publish(&vault, &other, b"stays").await.unwrap();
            start.wait().await;
            let found = vault.scan(None, 2).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].files.len(), 1, "{found:?}");
            let manifest = found[0].manifest.as_ref().unwrap();
            assert_eq!(manifest.sidecars.len(), 1);
            assert!(found[0].sums && found[0].strangers.is_empty());
            vault.remove(&other, &Format::WEBP, None).await.unwrap();
        }
        removing.await.unwrap();
        assert_eq!(library.vault.scan(None, 1).await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn folders_that_vanish_while_they_are_scanned_are_not_taken_for_the_end() {
    let library = Library::new(FAST);
    for number in 0..40 {
        publish(&library.vault, &thumb(number), b"stays")
            .await
            .unwrap();
    }
    let passing: Vec<_> = (1_000..1_040)
        .map(|number| {
            library
                .sidecars()
                .join(layout::content_folder(content(number)).as_str())
        })
        .collect();
    let (done, stopped) = tokio::sync::watch::channel(false);
    let flickering = tokio::task::spawn_blocking(move || {
        while !*stopped.borrow() {
            for folder in &passing {
                std::fs::create_dir_all(folder).unwrap();
            }
            for folder in &passing {
                std::fs::remove_dir(folder).unwrap();
            }
        }
    });
    for _ in 0..400 {
        let page = library.vault.scan(None, 30).await.unwrap();
        assert_eq!(page.len(), 30);
    }
    done.send(true).unwrap();
    flickering.await.unwrap();
}
