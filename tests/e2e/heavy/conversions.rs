//! Converting, killed before each of its system calls; a full disk, a folder that may not be
//! written. Killing and refusing is strace's work: the program itself knows nothing of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Mounted, rounds};
use crate::program::{Library, Said, program, said, snapshot, write_jpeg};

/// Calls that change something, and before which the program is killed; each thread counts its own.
const CALLS: &[&str] = &[
    "renameat2",
    "linkat",
    "unlinkat",
    "mkdirat",
    "fsync",
    "fdatasync",
    "fchmod",
    "utimensat",
    "write",
    "flock",
    "openat2",
    "pwrite64",
];

/// Whether a program can be looked at and stopped at a system call here.
fn traced(test: &str) -> bool {
    let works = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: {test} needs strace, and the right to trace a program");
    }
    works
}

/// A library, and originals on its volume or on another one.
struct Scene {
    library: Library,
    outside: TempDir,
    bytes: Vec<u8>,
}

impl Scene {
    fn new(volume: Option<&Path>) -> Self {
        let library = Library::new();
        let outside = match volume {
            Some(folder) => tempfile::tempdir_in(folder).unwrap(),
            None => tempfile::tempdir_in(library.originals()).unwrap(),
        };
        let bytes: Vec<u8> = (0..1_300_000_u32)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        write_jpeg(&outside.path().join("a.jpg"), 1);
        fs::write(outside.path().join("a.xmp"), &bytes).unwrap();
        let scene = Self {
            library,
            outside,
            bytes,
        };
        scene.index();
        scene
    }

    fn index(&self) {
        self.library.json([Path::new("index"), self.outside.path()]);
    }

    fn photo(&self) -> PathBuf {
        self.outside.path().join("a.jpg")
    }

    fn arguments(&self, back: bool) -> Vec<std::ffi::OsString> {
        let mut arguments = vec!["convert".into()];
        if back {
            arguments.push("--revert".into());
        }
        arguments.extend([self.photo().into_os_string(), "--json".into()]);
        arguments
    }

    /// Runs a conversion under strace with an injection.
    fn injected(&self, call: &str, injection: &str, back: bool) -> Said {
        let plain = self.library.command(self.arguments(back));
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={call}:{injection}")])
            .arg(program())
            .args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(plain.get_current_dir().unwrap());
        said(command.output().unwrap())
    }

    /// The restart after whatever happened, and then: the file is whole at exactly one place, and
    /// the row says where. Answers whether that is in the vault.
    fn settled(&self, what: &str) -> bool {
        self.index();
        let outside = fs::read(self.outside.path().join("a.xmp"));
        let is_outside = outside.is_ok_and(|bytes| bytes == self.bytes);
        let row = self.library.listed(&self.photo(), "xmp");
        assert_eq!(row["status"], "ready", "{what}: {row}");
        let is_managed = row["managed"] == true;
        assert_eq!(is_outside, !is_managed, "{what}: {row}");
        let path = PathBuf::from(row["path"].as_str().unwrap());
        assert!(
            fs::read(&path).unwrap() == self.bytes,
            "{what}: {path:?} is not whole"
        );
        let managed = self.library.sidecar_files();
        let managed = managed
            .iter()
            .filter(|path| path.ends_with("xmp/original.xmp"));
        assert_eq!(managed.count(), usize::from(is_managed), "{what}");
        for folder in [".moving", ".quarantine"] {
            let left = fs::read_dir(self.library.sidecars().join(folder));
            let left: Vec<_> = left.into_iter().flatten().collect();
            assert!(left.is_empty(), "{what}: {folder} holds {left:?}");
        }
        let strangers = snapshot(self.outside.path()).into_keys();
        let strangers: Vec<_> = strangers
            .filter(|name| !["a.jpg", "a.xmp"].contains(&name.to_str().unwrap()))
            .collect();
        assert!(
            strangers.is_empty(),
            "{what}: {strangers:?} is left beside the originals"
        );
        is_managed
    }

    /// Puts the file where the next round begins.
    fn bring(&self, managed: bool, is_managed: bool) {
        if managed != is_managed {
            self.library
                .json(
                    self.arguments(is_managed)
                        .iter()
                        .take(if is_managed { 3 } else { 2 }),
                );
            assert_eq!(self.settled("between rounds"), managed);
        }
    }
}

/// A folder on another volume than that of temporary files.
fn another_volume() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.metadata().map(|stat| stat.dev()).ok();
    let here = device(&std::env::temp_dir());
    let mut candidates = ["/dev/shm", "/run", "/var/tmp"]
        .map(PathBuf::from)
        .into_iter();
    candidates.find(|path| device(path) != here && tempfile::tempdir_in(path).is_ok())
}

#[test]
fn killed_before_any_system_call_a_move_is_finished_by_the_next_start() {
    if !traced("killing before each system call") {
        return;
    }
    let mut scenes = vec![("one volume", Scene::new(None))];
    match another_volume() {
        Some(other) => scenes.push(("two volumes", Scene::new(Some(&other)))),
        None => eprintln!("skipped: moves between volumes, because there is only one here"),
    }
    let (wanted, mut kills, mut nth) = (rounds(50), 0, 1);
    let (mut taken, mut kept) = (0, 0);
    'all: while kills < wanted {
        let before = kills;
        for call in CALLS {
            for (label, scene) in &scenes {
                for back in [false, true] {
                    scene.bring(back, scene.settled("before"));
                    let injection = format!("signal=SIGKILL:when={nth}");
                    let ended = scene.injected(call, &injection, back);
                    let what = format!("{label}, back {back}, before {call} {nth}");
                    let was_killed = ended.out.is_empty();
                    let is_managed = scene.settled(&what);
                    if was_killed {
                        kills += 1;
                        match is_managed == back {
                            true => kept += 1,
                            false => taken += 1,
                        }
                    }
                    if kills == wanted {
                        break 'all;
                    }
                }
            }
        }
        // Past the last call of every sort there is nothing left to kill before: again from the
        // first, with other interleavings of its threads.
        nth = if kills == before { 1 } else { nth + 1 };
    }
    eprintln!(
        "killed {kills} times, up to the {nth}th call of a sort: the next start finished {taken} \
         moves and found {kept} not begun or taken back; the file was whole at one place each time"
    );
}

/// Calls that are refused, with what, which of them, and what is said of it then. Each thread counts
/// its own.
const REFUSALS: &[(&str, &str, &[&str], &str)] = &[
    ("renameat2", "EACCES", &["1+"], "ermission denied"),
    ("renameat2", "EIO", &["1+", "2"], "nput/output error"),
    // The manifest and its sums, once the file has its place.
    ("renameat", "EIO", &["1", "2"], "nput/output error"),
    // The database uses it too: only the vault's are meant, whose calls come later.
    ("fdatasync", "EIO", &["2+"], "nput/output error"),
    // Folders before and after the rename.
    (
        "fsync",
        "EIO",
        &["1+", "2", "3", "4", "5", "6", "7", "8"],
        "nput/output error",
    ),
    ("linkat", "ENOSPC", &["1+"], "o space left"),
    ("linkat", "EACCES", &["1+"], "ermission denied"),
];

#[test]
fn a_move_that_is_refused_says_where_the_file_is_and_why() {
    if !traced("refusing system calls") {
        return;
    }
    let mut scenes = vec![Scene::new(None)];
    scenes.extend(another_volume().map(|other| Scene::new(Some(&other))));
    let (mut refusals, mut unfinished) = (0, 0);
    for scene in &scenes {
        for back in [false, true] {
            scene.bring(back, scene.settled("before"));
            for (call, error, whens, said) in REFUSALS {
                for when in *whens {
                    let what = format!("{call} {error} {when}, back {back}");
                    let injection = format!("error={error}:when={when}");
                    let refused = scene.injected(call, &injection, back);
                    let has_moved = scene.settled(&what) != back;
                    scene.bring(back, has_moved != back);
                    if refused.code == 0 {
                        // That call is none of this sort of move's.
                        assert!(has_moved, "{what}: {}", refused.out);
                        continue;
                    }
                    let text = format!("{}{}", refused.out, refused.err);
                    // Where it was the database's, that says so in its own words.
                    let is_said = text.contains(said) || text.contains("disk I/O error");
                    assert!(is_said, "{what}: {text}");
                    let told = refused.json();
                    if told["refused"] == serde_json::Value::Null {
                        // The database could not be asked, and nothing is said of the file.
                        continue;
                    }
                    let is_unfinished = &told["refused"][0]["unfinished"];
                    assert!(is_unfinished == true || !has_moved, "{what}: {told}");
                    refusals += 1;
                    unfinished += u32::from(is_unfinished == true);
                }
            }
        }
    }
    eprintln!("{refusals} moves were refused, {unfinished} of them after the file had moved");
    assert!(unfinished > 0, "none was refused after its rename");
}

#[test]
fn a_full_library_refuses_a_move_and_the_original_stays() {
    let library = Library::new();
    let vault = library.sidecars();
    let Some(_mounted) = Mounted::tmpfs(&vault, "600k") else {
        return;
    };
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let xmp = library.originals().join("a.xmp");
    fs::write(&xmp, vec![b' '; 2_000_000]).unwrap();
    library.json([Path::new("index"), &library.originals()]);
    let before = snapshot(&library.originals());
    let refused = library.vss(["convert", "--all", "--json"]);
    assert_eq!(refused.code, 1);
    let document = refused.json();
    let detail = document["refused"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("o space left"), "{detail}");
    assert_eq!(document["refused"][0]["unfinished"], false, "{document}");
    assert_eq!(snapshot(&library.originals()), before);
    let row = library.listed(&library.originals().join("a.jpg"), "xmp");
    assert_eq!(
        (&row["managed"], &row["status"]),
        (&false.into(), &"ready".into()),
        "{row}"
    );
}
