//! Originals that somebody else swaps for another file, a link or a folder in the very moment in
//! which they are moved.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use vss_core::{Digest, Format, Kind, SidecarKey, Timestamp, Variant, layout};
use vss_ports::{FileIdentity, Move, Mover, OriginalPlace};

use crate::support::{FAST, Library, PORTABLE, content};

const ROUNDS: u64 = 1_000;

/// What somebody else does to the original, and undoes, as fast as they can.
#[derive(Clone, Copy, Debug)]
enum Swap {
    /// Another file of the same size and time has its name.
    File,
    /// A link to somebody's secret has its name.
    Link,
    /// Its folder is a link to a folder with a file of that name.
    Folder,
}

const SWAPS: [Swap; 3] = [Swap::File, Swap::Link, Swap::Folder];

struct Scene {
    root: PathBuf,
    original: Vec<u8>,
    other: Vec<u8>,
    secret: Vec<u8>,
}

impl Scene {
    fn new(root: &Path, round: u64) -> Self {
        let scene = Self {
            root: root.to_path_buf(),
            original: format!("the original of round {round:04}").into_bytes(),
            other: format!("ANOTHER file in round {round:04}").into_bytes(),
            secret: format!("somebody's secret in {round}").into_bytes(),
        };
        for folder in ["in", "else"] {
            std::fs::create_dir(scene.path(folder)).unwrap();
        }
        std::fs::write(scene.path("in/a.mov"), &scene.original).unwrap();
        std::fs::write(scene.path("in/b.mov"), &scene.other).unwrap();
        std::fs::write(scene.path("secret"), &scene.secret).unwrap();
        std::fs::write(scene.path("else/a.mov"), &scene.secret).unwrap();
        std::os::unix::fs::symlink(scene.path("secret"), scene.path("in/link")).unwrap();
        std::os::unix::fs::symlink(scene.path("else"), scene.path("way")).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn seen(&self, round: u64) -> Move {
        let path = self.path("in/a.mov");
        let stat = path.symlink_metadata().unwrap();
        Move {
            key: SidecarKey::new(content(round), Kind::LIVE, Variant::ORIGINAL),
            format: Format::MOV,
            place: OriginalPlace::new(&self.root, &path).unwrap(),
            identity: FileIdentity {
                device: stat.dev(),
                inode: stat.ino(),
                size: stat.len(),
                modified_ns: stat.mtime() * 1_000_000_000 + stat.mtime_nsec(),
            },
            digest: Digest::of(&self.original),
            created_at: Timestamp::from_millis(0),
        }
    }

    /// The two names that change places.
    fn pair(&self, swap: Swap) -> (PathBuf, PathBuf) {
        match swap {
            Swap::File => (self.path("in/a.mov"), self.path("in/b.mov")),
            Swap::Link => (self.path("in/a.mov"), self.path("in/link")),
            Swap::Folder => (self.path("in"), self.path("way")),
        }
    }
}

/// The bytes of every regular file below a folder.
fn all_bytes(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stat = path.symlink_metadata().unwrap();
        if stat.is_dir() {
            all_bytes(&path, all);
        } else if stat.is_file() {
            all.push(std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn a_file_that_is_swapped_while_it_is_moved_is_neither_followed_nor_lost() {
    let library = Library::new(FAST);
    let volume = tempfile::tempdir().unwrap();
    let shared = Path::new("/dev/shm");
    let elsewhere = match shared.is_dir() {
        true => tempfile::tempdir_in(shared).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let (mut moved, mut refused, mut kept) = (0, 0, 0_u64);
    let swaps = Arc::new(AtomicU64::new(0));
    let mut outcomes = BTreeSet::new();
    for round in 0..ROUNDS {
        let on = if round % 2 == 0 { &volume } else { &elsewhere };
        let root = on.path().canonicalize().unwrap().join(round.to_string());
        std::fs::create_dir(&root).unwrap();
        let scene = Scene::new(&root, round);
        let swap = SWAPS[usize::try_from(round / 2).unwrap() % SWAPS.len()];
        let file = scene.seen(round);
        let stop = Arc::new(AtomicBool::new(false));
        let (one, two) = scene.pair(swap);
        let (told, count) = (Arc::clone(&stop), Arc::clone(&swaps));
        let attacker = std::thread::spawn(move || {
            let mut pause = round % 61;
            while !told.load(Ordering::Relaxed) {
                // Fails while the mover has one of the names.
                if renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                for _ in 0..pause * 20 {
                    std::hint::spin_loop();
                }
                pause = (pause * 7 + 3) % 61;
            }
        });
        let taken = library.vault.take(&file).await;
        stop.store(true, Ordering::Relaxed);
        attacker.join().unwrap();
        let place = library
            .sidecars()
            .join(layout::sidecar_path(&file.key, &file.format).as_str());
        let managed = std::fs::read(&place).ok();
        let what = format!("round {round}, {swap:?}: {taken:?}");
        match &taken {
            Ok(()) => {
                moved += 1;
                assert_eq!(
                    managed.as_deref(),
                    Some(scene.original.as_slice()),
                    "{what}"
                );
            }
            Err(error) => {
                refused += 1;
                assert!(error.stays, "{what}");
                assert_eq!(managed, None, "{what}");
            }
        }
        outcomes.insert((format!("{swap:?}"), taken.is_ok()));
        // Whatever was swapped: every file is there, wherever, and no secret was moved. An original
        // that had another name in the moment in which it was to go, after its copy was whole, is
        // somebody's own by now and stays.
        let mut all = Vec::new();
        all_bytes(&root, &mut all);
        all_bytes(&library.sidecars(), &mut all);
        let times = |bytes: &[u8]| all.iter().filter(|found| *found == bytes).count();
        let copied = taken.is_ok() && round % 2 == 1 && times(&scene.original) == 2;
        kept += u64::from(copied);
        assert_eq!(times(&scene.original), 1 + usize::from(copied), "{what}");
        assert_eq!(times(&scene.other), 1, "{what}");
        assert_eq!(times(&scene.secret), 2, "{what}");
        assert_eq!(std::fs::read(root.join("secret")).unwrap(), scene.secret);
        assert_eq!(
            std::fs::read(root.join("else/a.mov")).unwrap(),
            scene.secret
        );
        std::fs::remove_dir_all(&root).unwrap();
        std::fs::remove_dir_all(library.sidecars().join("content")).unwrap();
    }
    let left = library.names(".moving");
    assert_eq!(left, [""; 0]);
    println!(
        "{ROUNDS} moves among {} swaps: {moved} moved, of which {kept} were swapped away \
         before they could go; {refused} refused; {} files kept in quarantine",
        swaps.load(Ordering::Relaxed),
        library.names(".quarantine").len()
    );
    assert!(moved > 0 && refused > 0, "the race is one: {outcomes:?}");
}

#[tokio::test]
async fn a_restart_that_numbers_devices_anew_does_not_keep_a_move_from_its_end() {
    let library = Library::new(FAST);
    for (round, is_same) in [(0, true), (1, false)] {
        let outside = tempfile::tempdir().unwrap();
        let scene = Scene::new(&outside.path().canonicalize().unwrap(), round);
        let mut file = scene.seen(round);
        file.identity.device += 1;
        // The copy was made, and the machine died before the original went.
        let copy = layout::sidecar_path(&file.key, &file.format);
        let copy = library.sidecars().join(copy.as_str());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(&copy, &scene.original).unwrap();
        let place = scene.path("in/a.mov");
        if !is_same {
            // A file of another disk, with the same number, size and time.
            let time = place.metadata().unwrap().modified().unwrap();
            let other = std::fs::File::options().write(true).open(&place).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&other, &scene.other, 0).unwrap();
            other.set_modified(time).unwrap();
        }
        library.vault.take(&file).await.unwrap();
        assert_eq!(std::fs::read(&copy).unwrap(), scene.original);
        let left = std::fs::read(&place).ok();
        assert_eq!(left, (!is_same).then_some(scene.other));
    }
}

/// A folder on another disk than temporary files usually are, if there is one.
fn elsewhere() -> Option<tempfile::TempDir> {
    let shared = tempfile::tempdir_in("/dev/shm").ok()?;
    let device = |path: &Path| path.metadata().unwrap().dev();
    (device(shared.path()) != device(&std::env::temp_dir())).then_some(shared)
}

#[tokio::test]
async fn what_is_saved_in_the_moment_of_a_move_is_not_lost() {
    let library = Library::new(PORTABLE);
    let volume = tempfile::tempdir().unwrap();
    for (n, on) in [Some(volume), elsewhere()].iter().flatten().enumerate() {
        for round in 0..200 {
            let root = on.path().canonicalize().unwrap().join(round.to_string());
            std::fs::create_dir(&root).unwrap();
            let scene = Scene::new(&root, round);
            let file = scene.seen(round);
            let own = file.key.row_uuid();
            let aside = match n {
                0 => library.sidecars().join(format!(".moving/{own}")),
                _ => scene.path(&format!("in/.vss-moved-{own}")),
            };
            let is_over = Arc::new(AtomicBool::new(false));
            let (saved, name) = (scene.path("in/b.mov"), scene.path("in/a.mov"));
            // Somebody's program saves as soon as the original has its other name.
            let (told, place) = (Arc::clone(&is_over), name.clone());
            let program = std::thread::spawn(move || {
                while !aside.exists() && !told.load(Ordering::Relaxed) {}
                std::fs::rename(saved, place).unwrap();
            });
            library.vault.take(&file).await.unwrap();
            is_over.store(true, Ordering::Relaxed);
            program.join().unwrap();
            assert_eq!(std::fs::read(name).unwrap(), scene.other, "round {round}");
            let managed = layout::sidecar_path(&file.key, &file.format);
            let managed = std::fs::read(library.sidecars().join(managed.as_str()));
            assert_eq!(managed.unwrap(), scene.original, "round {round}");
        }
        std::fs::remove_dir_all(library.sidecars().join("content")).unwrap();
    }
}

#[tokio::test]
async fn a_move_that_was_interrupted_while_it_was_put_back_leaves_one_name() {
    for options in [FAST, PORTABLE] {
        let library = Library::new(options);
        let outside = tempfile::tempdir().unwrap();
        let scene = Scene::new(&outside.path().canonicalize().unwrap(), 0);
        let file = scene.seen(0);
        let (name, moving) = (scene.path("in/a.mov"), library.sidecars().join(".moving"));
        std::fs::create_dir_all(&moving).unwrap();
        let held = moving.join(file.key.row_uuid().to_string());
        std::fs::hard_link(&name, &held).unwrap();
        library.vault.take(&file).await.unwrap();
        assert!(!held.exists() && !name.exists());
        let managed = layout::sidecar_path(&file.key, &file.format);
        let managed = std::fs::read(library.sidecars().join(managed.as_str()));
        assert_eq!(managed.unwrap(), scene.original);
    }
}

#[tokio::test]
async fn a_copy_back_overwrites_nobodys_file() {
    let Some(outside) = elsewhere() else {
        eprintln!("skipped: a copy needs another disk at /dev/shm");
        return;
    };
    let library = Library::new(PORTABLE);
    let scene = Scene::new(&outside.path().canonicalize().unwrap(), 0);
    let file = scene.seen(0);
    library.vault.take(&file).await.unwrap();
    let own = file.key.row_uuid();
    let left = scene.path(&format!("in/.vss-moved-{own}"));
    let interrupted = scene.path(&format!("in/.vss-copy-{own}"));
    std::fs::write(&left, &scene.other).unwrap();
    std::fs::write(&interrupted, b"half of it").unwrap();
    library.vault.give_back(&file).await.unwrap();
    assert_eq!(
        std::fs::read(scene.path("in/a.mov")).unwrap(),
        scene.original
    );
    assert_eq!(std::fs::read(left).unwrap(), scene.other);
    assert!(!interrupted.exists());
}
