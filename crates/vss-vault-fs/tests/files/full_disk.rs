//! A full or a read-only disk is a clean error, leaves nothing half done, and is got over.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tempfile::TempDir;
use vss_core::Format;
use vss_ports::{PortErrorKind, Vault};
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::support::{FAST, PORTABLE, bytes_of, prepared, publish, thumb};

/// A tmpfs of 256 KiB and 64 inodes; unmounted when dropped.
struct TinyDisk(TempDir);

impl TinyDisk {
    fn mounted() -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let limits = c"size=256k,nr_inodes=64";
        match mount("vss-test", at.path(), "tmpfs", MountFlags::empty(), limits) {
            Ok(()) => Some(Self(at)),
            Err(errno) => {
                println!("skipped: no tmpfs can be mounted here ({errno}); it needs root");
                None
            }
        }
    }

    fn sidecars(&self) -> PathBuf {
        self.0.path().join("sidecars")
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Fills every block.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        while file.write_all(&[7]).is_ok() {}
    }

    /// Uses up every inode.
    fn use_up_inodes(&self) -> PathBuf {
        let folder = self.0.path().join("inodes");
        std::fs::create_dir(&folder).unwrap();
        for n in 0_u32.. {
            if File::create(folder.join(n.to_string())).is_err() {
                return folder;
            }
        }
        folder
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

const WAYS: [FsVaultOptions; 2] = [FAST, PORTABLE];

#[tokio::test]
async fn a_full_disk_is_told_and_got_over() {
    for options in WAYS {
        let Some(disk) = TinyDisk::mounted() else {
            return;
        };
        let vault = FsVault::create(&disk.sidecars(), options).unwrap();
        publish(&vault, &thumb(1), &[1; 5_000]).await.unwrap();
        let sealed = prepared(&vault, &thumb(2), &[2; 5_000]).await.unwrap();
        let mut replacing = prepared(&vault, &thumb(1), &[3; 5_000]).await.unwrap();
        replacing.replaces = Some(vss_core::Digest::of(&[1; 5_000]));
        disk.fill();

        for failing in [&sealed, &replacing] {
            let refused = vault.publish(&[failing]).await.pop().unwrap();
            assert_eq!(refused.unwrap_err().kind, PortErrorKind::Full);
        }
        assert_eq!(vault.locate(&thumb(2), &Format::WEBP).unwrap(), None);
        assert_eq!(bytes_of(&vault, &thumb(1)).await.unwrap(), [1; 5_000]);
        drop((sealed, replacing));
        if !options.portable {
            assert!(is_empty(&disk.sidecars().join(".staging")));
        }
        for scanned in vault.scan(None, 10).await.unwrap() {
            let files = scanned.files.len();
            assert_eq!(scanned.manifest.map_or(0, |m| m.sidecars.len()), files);
            assert_eq!(scanned.strangers, []);
        }

        std::fs::remove_file(disk.filler()).unwrap();
        publish(&vault, &thumb(2), &[2; 5_000]).await.unwrap();
        assert_eq!(bytes_of(&vault, &thumb(2)).await.unwrap(), [2; 5_000]);
    }
}

#[tokio::test]
async fn one_full_disk_fails_each_of_a_batch_by_itself() {
    let Some(disk) = TinyDisk::mounted() else {
        return;
    };
    let vault = FsVault::create(&disk.sidecars(), FAST).unwrap();
    let mut batch = Vec::new();
    for n in 0..12 {
        let bytes = [u8::try_from(n).unwrap(); 3_000];
        batch.push(prepared(&vault, &thumb(n), &bytes).await.unwrap());
    }
    let folder = disk.use_up_inodes();
    // Room for the folders of a few.
    for n in 0..14 {
        std::fs::remove_file(folder.join(n.to_string())).unwrap();
    }
    let results = vault.publish(&batch.iter().collect::<Vec<_>>()).await;
    let published = results.iter().filter(|result| result.is_ok()).count();
    assert!((1..12).contains(&published), "{published} of 12");
    for (n, result) in (0..).zip(results) {
        let there = bytes_of(&vault, &thumb(n)).await;
        match result {
            Ok(()) => assert_eq!(there.unwrap(), [u8::try_from(n).unwrap(); 3_000]),
            Err(refused) => {
                assert_eq!(refused.kind, PortErrorKind::Full);
                assert_eq!(there, None);
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
    publish(&vault, &thumb(50), b"again").await.unwrap();
}

#[tokio::test]
async fn a_read_only_disk_is_told_and_still_read() {
    let Some(disk) = TinyDisk::mounted() else {
        return;
    };
    let vault = FsVault::create(&disk.sidecars(), FAST).unwrap();
    publish(&vault, &thumb(1), b"there").await.unwrap();
    let sealed = prepared(&vault, &thumb(2), b"late").await.unwrap();
    // A writable descriptor would keep the disk from becoming read-only.
    let mut sealed = sealed;
    let readable = File::open(disk.sidecars().join(".nomedia")).unwrap();
    let written = std::mem::replace(&mut sealed.sealed.staged.file, readable);
    drop(written);
    mount_remount(disk.0.path(), MountFlags::RDONLY, c"").unwrap();

    let refused = vault.publish(&[&sealed]).await.pop().unwrap();
    assert_eq!(refused.unwrap_err().kind, PortErrorKind::ReadOnly);
    let refused = vault.stage().await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::ReadOnly);
    assert_eq!(bytes_of(&vault, &thumb(1)).await.unwrap(), b"there");
    let reopened = FsVault::open(&disk.sidecars(), FAST).unwrap();
    assert_eq!(bytes_of(&reopened, &thumb(1)).await.unwrap(), b"there");
}
