//! A move that fails says where the file is: it stays only where the move began.
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays the user whose files are moved"
)]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tempfile::TempDir;
use vss_core::{ContentUuid, Digest, Format, Kind, SidecarKey, Timestamp, Variant, layout};
use vss_ports::{FileIdentity, Move, MoveError, Mover, OriginalPlace, PortErrorKind, Vault};

use crate::sync_failure_tests::opened;
use crate::{Durability, FsVault};

const BYTES: &[u8] = b"\0\0\0\x14ftypqt  a short video";

/// A vault, and an original on the same volume.
struct Scene {
    folder: TempDir,
    vault: FsVault,
    file: Move,
}

impl Scene {
    fn new() -> Self {
        let (folder, vault) = opened(Durability::Strict, false);
        let root = folder.path().canonicalize().unwrap();
        let path = root.join("a.mov");
        std::fs::write(&path, BYTES).unwrap();
        let content = ContentUuid::from_bytes([0x5a; 16]);
        let file = Move {
            key: SidecarKey::new(content, Kind::LIVE, Variant::ORIGINAL),
            format: Format::MOV,
            place: OriginalPlace::new(&root, &path).unwrap(),
            identity: identity(&path),
            digest: Digest::of(BYTES),
            created_at: Timestamp::from_millis(0),
        };
        Self {
            folder,
            vault,
            file,
        }
    }

    fn original(&self) -> PathBuf {
        self.file.place.path()
    }

    fn managed(&self) -> PathBuf {
        let path = layout::sidecar_path(&self.file.key, &self.file.format);
        self.folder.path().join("sidecars").join(path.as_str())
    }

    /// Where the bytes are: outside, inside.
    fn whereabouts(&self) -> (bool, bool) {
        let is_there = |path: &Path| std::fs::read(path).is_ok_and(|bytes| bytes == BYTES);
        (is_there(&self.original()), is_there(&self.managed()))
    }

    /// As an earlier process left it that was killed once the file had its place.
    fn leave_in_its_place(&self) {
        std::fs::create_dir_all(self.managed().parent().unwrap()).unwrap();
        std::fs::rename(self.original(), self.managed()).unwrap();
    }

    /// While the disk keeps nothing.
    fn fail(&self, failing: bool) {
        let syncer = &self.vault.folders().syncer;
        syncer.failing.store(failing, Ordering::Relaxed);
    }

    async fn lines(&self) -> usize {
        let scanned = self.vault.scan(None, 9).await.unwrap();
        let manifests = scanned.into_iter().filter_map(|content| content.manifest);
        manifests.map(|manifest| manifest.sidecars.len()).sum()
    }
}

fn identity(path: &Path) -> FileIdentity {
    let stat = path.symlink_metadata().unwrap();
    FileIdentity {
        device: stat.dev(),
        inode: stat.ino(),
        size: stat.len(),
        modified_ns: stat.mtime() * 1_000_000_000 + stat.mtime_nsec(),
    }
}

fn stays(moved: Result<(), MoveError>) -> bool {
    moved.expect_err("the disk keeps nothing").stays
}

#[tokio::test]
async fn a_take_that_did_not_begin_leaves_the_original() {
    let scene = Scene::new();
    scene.fail(true);
    assert!(stays(scene.vault.take(&scene.file).await));
    assert_eq!(scene.whereabouts(), (true, false));
    scene.fail(false);
    scene.vault.take(&scene.file).await.unwrap();
    assert_eq!(
        (scene.whereabouts(), scene.lines().await),
        ((false, true), 1)
    );
}

#[tokio::test]
async fn a_take_that_fails_once_the_file_is_in_the_vault_is_unfinished() {
    let scene = Scene::new();
    scene.leave_in_its_place();
    scene.fail(true);
    assert!(!stays(scene.vault.take(&scene.file).await));
    scene.fail(false);
    scene.vault.take(&scene.file).await.unwrap();
    assert_eq!(
        (scene.whereabouts(), scene.lines().await),
        ((false, true), 1)
    );
}

#[tokio::test]
async fn a_give_back_that_fails_once_the_file_is_back_is_unfinished() {
    let scene = Scene::new();
    scene.vault.take(&scene.file).await.unwrap();
    scene.fail(true);
    for _ in 0..2 {
        assert!(!stays(scene.vault.give_back(&scene.file).await));
        assert_eq!(scene.whereabouts(), (true, false));
    }
    scene.fail(false);
    scene.vault.give_back(&scene.file).await.unwrap();
    assert_eq!(
        (scene.whereabouts(), scene.lines().await),
        ((true, false), 0)
    );
}

#[tokio::test]
async fn what_has_the_place_of_a_file_that_is_nowhere_else_may_be_that_file() {
    let scene = Scene::new();
    let aside = scene.folder.path().join("aside");
    std::fs::create_dir_all(scene.managed()).unwrap();
    std::fs::rename(scene.original(), &aside).unwrap();
    let refused = scene.vault.take(&scene.file).await.unwrap_err();
    assert_eq!(
        (refused.source.kind, refused.stays),
        (PortErrorKind::Rejected, false)
    );
    std::fs::rename(&aside, scene.original()).unwrap();
    let refused = scene.vault.take(&scene.file).await.unwrap_err();
    assert!(refused.stays, "the original is there");
}
