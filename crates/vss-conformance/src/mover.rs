//! The contract of Mover as checks. They move real files of a folder of their own.
#![expect(
    clippy::disallowed_methods,
    reason = "the checks are the user whose files are moved"
)]

use std::any::Any;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use libtest_mimic::Trial;
use vss_core::{
    ContentUuid, Digest, Format, Kind, Manifest, SidecarKey, SidecarSource, Timestamp, Variant,
};
use vss_ports::{FileIdentity, Move, MoveError, Mover, OriginalPlace, PortErrorKind, Vault};

use crate::{Check, check, trials_of};

/// A mover and its vault, both without anything.
pub struct MoverUnderTest {
    /// The mover.
    pub mover: Arc<dyn Mover>,
    /// Where it moves files to.
    pub vault: Arc<dyn Vault>,
    /// An empty folder for originals, reached without a link.
    pub folder: PathBuf,
    /// What it all lives on; dropped last.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Makes movers.
pub trait MoverHarness: Send + Sync {
    /// A mover of its own.
    fn fresh(&self) -> MoverUnderTest;
}

const CHECKS: &[Check<dyn MoverHarness>] = &[
    check!(after_take_the_file_is_managed_and_gone_from_its_place),
    check!(after_give_back_it_is_as_it_was),
    check!(what_was_moved_is_moved_again_without_effect),
    check!(a_file_that_is_another_one_is_a_conflict),
    check!(other_bytes_in_the_vault_stay),
    check!(other_bytes_outside_stay_and_the_sidecar_too),
    check!(links_folders_and_fifos_are_neither_followed_nor_moved),
    check!(a_copy_in_the_vault_is_kept_and_the_original_goes),
    check!(a_move_that_fails_says_that_the_file_stays),
    check!(nothing_passes_through_a_link),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn MoverHarness>) -> Vec<Trial> {
    trials_of("mover", adapter, &harness, CHECKS)
}

const BYTES: &[u8] = b"\0\0\0\x14ftypqt  a short video";

struct Scene {
    under: MoverUnderTest,
}

impl Scene {
    fn new(harness: &dyn MoverHarness) -> Self {
        Self {
            under: harness.fresh(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.under.folder.join(name)
    }

    /// An original that was seen as it is.
    fn original(&self, name: &str) -> Move {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, BYTES).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_millis(1_481_111_098_765);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        self.seen(name)
    }

    fn seen(&self, name: &str) -> Move {
        let path = self.path(name);
        let stat = path.symlink_metadata().unwrap();
        let content = ContentUuid::from_bytes([0x5a; 16]);
        Move {
            key: SidecarKey::new(content, Kind::LIVE, Variant::ORIGINAL),
            format: Format::MOV,
            place: OriginalPlace::new(&self.under.folder, &path).unwrap(),
            identity: FileIdentity {
                device: stat.dev(),
                inode: stat.ino(),
                size: stat.len(),
                modified_ns: stat.mtime() * 1_000_000_000 + stat.mtime_nsec(),
            },
            digest: Digest::of(BYTES),
            created_at: Timestamp::from_millis(1_767_225_600_000),
        }
    }

    async fn take(&self, file: &Move) -> Result<(), MoveError> {
        self.under.mover.take(file).await
    }

    async fn give_back(&self, file: &Move) -> Result<(), MoveError> {
        self.under.mover.give_back(file).await
    }

    fn is_managed(&self, file: &Move) -> bool {
        let located = self.under.vault.locate(&file.key, &file.format);
        located.unwrap().is_some()
    }

    async fn manifest(&self) -> Option<Manifest> {
        let scanned = self.under.vault.scan(None, 9).await.unwrap();
        scanned.into_iter().find_map(|content| content.manifest)
    }

    /// Everything that is in the folder, with what it holds.
    fn outside(&self) -> Vec<(String, Option<Vec<u8>>)> {
        fn list(folder: &Path, root: &Path, all: &mut Vec<(String, Option<Vec<u8>>)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let stat = path.symlink_metadata().unwrap();
                if stat.is_dir() {
                    list(&path, root, all);
                }
                let bytes = stat.is_file().then(|| std::fs::read(&path).unwrap());
                all.push((name, bytes));
            }
        }
        let mut all = Vec::new();
        list(&self.under.folder, &self.under.folder, &mut all);
        all.sort();
        all
    }
}

fn refused(moved: Result<(), MoveError>, kind: PortErrorKind) {
    let error = moved.expect_err("it is refused");
    assert_eq!(error.source.kind, kind, "{error:?}");
    assert!(error.stays, "{error:?}");
}

async fn after_take_the_file_is_managed_and_gone_from_its_place(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("in/a.mov");
    scene.take(&file).await.unwrap();
    let located = scene.under.vault.locate(&file.key, &file.format).unwrap();
    assert_eq!(located.unwrap().size, BYTES.len() as u64);
    let opened = scene.under.vault.open(&file.key, &file.format).await;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut opened.unwrap().unwrap(), &mut bytes).unwrap();
    assert_eq!(bytes, BYTES);
    let manifest = scene.manifest().await.unwrap();
    let entry = manifest.entry(&Kind::LIVE, &Variant::ORIGINAL).unwrap();
    assert_eq!(
        (entry.size, entry.blake3),
        (BYTES.len() as u64, file.digest)
    );
    assert_eq!(entry.source, SidecarSource::Converted);
    assert_eq!(scene.outside(), [("in".to_owned(), None)]);
}

async fn after_give_back_it_is_as_it_was(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("in/a.mov");
    let before = scene.outside();
    scene.take(&file).await.unwrap();
    scene.give_back(&file).await.unwrap();
    assert_eq!(scene.outside(), before);
    let back = scene.seen("in/a.mov").identity;
    assert_eq!(back.modified_ns, file.identity.modified_ns);
    assert!(!scene.is_managed(&file));
    let said = scene.manifest().await;
    assert!(said.is_none_or(|manifest| manifest.sidecars.is_empty()));
}

async fn what_was_moved_is_moved_again_without_effect(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("a.mov");
    scene.take(&file).await.unwrap();
    scene.take(&file).await.unwrap();
    assert!(scene.is_managed(&file));
    scene.give_back(&file).await.unwrap();
    scene.give_back(&file).await.unwrap();
    assert_eq!(scene.outside().len(), 1);
    assert!(!scene.is_managed(&file));
}

async fn a_file_that_is_another_one_is_a_conflict(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("a.mov");
    let other = FileIdentity {
        modified_ns: file.identity.modified_ns + 1,
        ..file.identity
    };
    let edited = Move {
        identity: other,
        ..file.clone()
    };
    refused(scene.take(&edited).await, PortErrorKind::Conflict);
    let lied = Move {
        digest: Digest::of(b"other bytes"),
        ..file.clone()
    };
    refused(scene.take(&lied).await, PortErrorKind::Conflict);
    assert_eq!(
        scene.outside(),
        [("a.mov".to_owned(), Some(BYTES.to_vec()))]
    );
    assert_eq!(
        scene.seen("a.mov").identity,
        file.identity,
        "not even its time"
    );
    std::fs::remove_file(scene.path("a.mov")).unwrap();
    refused(scene.take(&file).await, PortErrorKind::Conflict);
    assert!(!scene.is_managed(&file));
}

async fn other_bytes_in_the_vault_stay(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let first = scene.original("a.mov");
    scene.take(&first).await.unwrap();
    let bytes = b"\0\0\0\x14ftypqt  another video";
    std::fs::write(scene.path("b.mov"), bytes).unwrap();
    let second = Move {
        digest: Digest::of(bytes),
        ..scene.seen("b.mov")
    };
    refused(scene.take(&second).await, PortErrorKind::Rejected);
    assert_eq!(
        scene.outside(),
        [("b.mov".to_owned(), Some(bytes.to_vec()))]
    );
    let manifest = scene.manifest().await.unwrap();
    let entry = manifest.entry(&Kind::LIVE, &Variant::ORIGINAL).unwrap();
    assert_eq!(entry.blake3, first.digest);
}

async fn other_bytes_outside_stay_and_the_sidecar_too(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("a.mov");
    scene.take(&file).await.unwrap();
    std::fs::write(scene.path("a.mov"), b"somebody else").unwrap();
    refused(scene.give_back(&file).await, PortErrorKind::Rejected);
    let outside = [("a.mov".to_owned(), Some(b"somebody else".to_vec()))];
    assert_eq!(scene.outside(), outside);
    assert!(scene.is_managed(&file));
}

async fn links_folders_and_fifos_are_neither_followed_nor_moved(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("a.mov");
    let path = scene.path("a.mov");
    let aside = scene.path("kept");
    std::fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
    refused(scene.take(&file).await, PortErrorKind::Conflict);
    assert!(path.is_symlink());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused(scene.take(&file).await, PortErrorKind::Conflict);
    std::fs::remove_dir(&path).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    refused(scene.take(&file).await, PortErrorKind::Conflict);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(scene.outside(), [("kept".to_owned(), Some(BYTES.to_vec()))]);
    assert!(!scene.is_managed(&file));
}

async fn a_copy_in_the_vault_is_kept_and_the_original_goes(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let first = scene.original("a.mov");
    scene.take(&first).await.unwrap();
    let again = scene.original("b.mov");
    scene.take(&again).await.unwrap();
    assert_eq!(scene.outside(), []);
    assert!(scene.is_managed(&first));
    // Another file at the place of one that is managed is nobody's business.
    std::fs::write(scene.path("b.mov"), b"new").unwrap();
    scene.take(&again).await.unwrap();
    assert_eq!(
        scene.outside(),
        [("b.mov".to_owned(), Some(b"new".to_vec()))]
    );
}

async fn a_move_that_fails_says_that_the_file_stays(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("in/a.mov");
    scene.take(&file).await.unwrap();
    std::fs::remove_dir(scene.path("in")).unwrap();
    refused(scene.give_back(&file).await, PortErrorKind::Rejected);
    assert!(scene.is_managed(&file));
    std::fs::create_dir(scene.path("in")).unwrap();
    scene.give_back(&file).await.unwrap();
    assert!(!scene.is_managed(&file));
}

async fn nothing_passes_through_a_link(harness: &dyn MoverHarness) {
    let scene = Scene::new(harness);
    let file = scene.original("in/a.mov");
    std::fs::rename(scene.path("in"), scene.path("real")).unwrap();
    std::os::unix::fs::symlink(scene.path("real"), scene.path("in")).unwrap();
    refused(scene.take(&file).await, PortErrorKind::Conflict);
    assert_eq!(scene.under.mover.identity(&file.place).await.unwrap(), None);
    std::fs::remove_file(scene.path("in")).unwrap();
    std::fs::rename(scene.path("real"), scene.path("in")).unwrap();
    let seen = scene.under.mover.identity(&file.place).await.unwrap();
    assert_eq!(seen, Some(file.identity));
    scene.take(&file).await.unwrap();
    std::fs::rename(scene.path("in"), scene.path("real")).unwrap();
    std::os::unix::fs::symlink(scene.path("real"), scene.path("in")).unwrap();
    refused(scene.give_back(&file).await, PortErrorKind::Rejected);
    assert!(scene.is_managed(&file));
    let names: Vec<_> = scene.outside().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["in", "real"]);
}
