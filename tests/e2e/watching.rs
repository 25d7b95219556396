//! Programs that watch: what a person does to files, in the folders of originals and in the vault,
//! is noticed without a command.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::program::{Library, write_jpeg};

/// What never comes is waited for this long.
const DEADLINE: Duration = Duration::from_secs(30);
/// What the vault's watch promises.
const TWO_SECONDS: Duration = Duration::from_secs(2);

/// A program that stays; killed when it is dropped.
pub(crate) struct Staying {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Staying {
    /// Starts a daemon that watches the vault and these folders, and waits until it does and has
    /// looked at them once.
    pub(crate) fn daemon(library: &Library, folders: &[&Path], arguments: &[&str]) -> Self {
        Self::telling("info", library, folders, arguments)
    }

    /// The same, with a filter of what it logs.
    pub(crate) fn telling(
        log: &str,
        library: &Library,
        folders: &[&Path],
        arguments: &[&str],
    ) -> Self {
        let mut command = library.command(["daemon"]);
        command.args(arguments).args(folders).env("VSS_LOG", log);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let staying = Self::listen(child, log);
        staying.says("watching the vault", 1);
        if !folders.is_empty() {
            staying.says("indexed", 1);
        }
        staying
    }

    /// Starts a daemon that watches nothing, and waits until it works and has looked at these
    /// folders once.
    pub(crate) fn unwatching(library: &Library, folders: &[&Path]) -> Self {
        let mut command = library.command(["daemon", "--no-watch"]);
        command.args(folders).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let staying = Self::listen(child, log);
        staying.says("the daemon works", 1);
        if !folders.is_empty() {
            staying.says("indexed", 1);
        }
        staying
    }

    /// Starts `vss index --watch` of the originals, and waits until it watches.
    fn index(library: &Library, arguments: &[&str]) -> Self {
        let mut command = library.command(["index", "--watch"]);
        command
            .arg(library.originals())
            .args(arguments)
            .stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        Self::listen(child, out)
    }

    fn listen(child: Child, from: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, said }
    }

    /// Waits until so many lines hold some words.
    pub(crate) fn says(&self, words: &str, lines: usize) {
        wait_for(words, || self.count(words) >= lines);
    }

    pub(crate) fn count(&self, words: &str) -> usize {
        let said = self.said.lock().unwrap();
        said.iter().filter(|line| line.contains(words)).count()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("it said: {:#?}", self.log());
        }
    }
}

/// Waits until something is so, and says how long that took.
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    started.elapsed()
}

fn folder(library: &Library, name: &str) -> PathBuf {
    let folder = library.originals().join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Where the catalog says that originals are, below the folder of originals.
fn known(library: &Library) -> Vec<String> {
    let root = library.originals().canonicalize().unwrap();
    let known = library.catalog().into_iter();
    let mut known: Vec<_> = known
        .map(|(path, _, _)| {
            let below = Path::new(&path).strip_prefix(&root).unwrap();
            below.to_str().unwrap().to_owned()
        })
        .collect();
    known.sort();
    known
}

fn becomes(library: &Library, what: &str, names: &[&str]) -> Duration {
    let took = wait_for(what, || known(library) == names);
    eprintln!("{what}: {took:.2?}");
    took
}

#[test]
fn what_a_person_does_to_originals_is_indexed_without_a_command() {
    let library = Library::new();
    let (root, outside) = (
        library.originals(),
        tempfile::tempdir_in(library.root()).unwrap(),
    );
    write_jpeg(&root.join("a.jpg"), 1);
    let daemon = Staying::daemon(&library, &[&root], &[]);
    becomes(&library, "there before", &["a.jpg"]);

    write_jpeg(&root.join("b.jpg"), 2);
    becomes(&library, "made", &["a.jpg", "b.jpg"]);
    let before = library.catalog();
    // As editors do it: written beside it, then renamed over it.
    write_jpeg(&root.join(".b.jpg.new"), 3);
    fs::rename(root.join(".b.jpg.new"), root.join("b.jpg")).unwrap();
    wait_for("edited", || library.catalog()[1].2 != before[1].2);
    let hashed = library.catalog();
    fs::rename(root.join("b.jpg"), root.join("c.jpg")).unwrap();
    becomes(&library, "renamed", &["a.jpg", "c.jpg"]);
    assert_eq!(library.catalog()[1].2, hashed[1].2, "the same content");
    // A folder that is made, filled and moved into place at once, and the other way round.
    let album = outside.path().join("album/deep");
    fs::create_dir_all(&album).unwrap();
    for seed in 0..40 {
        write_jpeg(&album.join(format!("{seed:02}.jpg")), 100 + seed);
    }
    fs::rename(outside.path().join("album"), root.join("album")).unwrap();
    wait_for("moved in", || known(&library).len() == 42);
    fs::rename(root.join("album"), root.join("holiday")).unwrap();
    wait_for("moved", || {
        let known = known(&library);
        known.len() == 42 && !known.iter().any(|name| name.starts_with("album"))
    });
    write_jpeg(&root.join("holiday/deep/new.jpg"), 200);
    wait_for("made in a moved folder", || known(&library).len() == 43);
    fs::rename(root.join("holiday"), outside.path().join("album")).unwrap();
    becomes(&library, "moved out", &["a.jpg", "c.jpg"]);
    // Rules that come and go.
    fs::write(root.join(".vssignore"), "c.*\n").unwrap();
    becomes(&library, "left out by a new rule", &["a.jpg"]);
    fs::remove_file(root.join(".vssignore")).unwrap();
    becomes(&library, "let in again", &["a.jpg", "c.jpg"]);
    fs::remove_file(root.join("a.jpg")).unwrap();
    becomes(&library, "removed", &["c.jpg"]);

    wait_for("all is made", || {
        let thumbs = &library.json(["status"])["sidecars"]["thumb"];
        thumbs["pending"] == 0 && thumbs["running"] == 0
    });
    library.assert_every_ready_row_has_its_whole_file();
    assert_eq!(
        daemon.count("the vault was touched"),
        0,
        "our own writes are no news"
    );
}

#[test]
fn a_file_that_is_still_being_copied_is_indexed_when_it_is_whole() {
    let library = Library::new();
    let _daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    let source = library.root().join("source.jpg");
    crate::program::picture(5, 900, 700).save(&source).unwrap();
    let bytes = fs::read(&source).unwrap();
    let place = folder(&library, "new/deep").join("copy.jpg");
    let mut copy = fs::File::create(&place).unwrap();
    let started = Instant::now();
    for piece in bytes.chunks(bytes.len() / 12 + 1) {
        copy.write_all(piece).unwrap();
        copy.sync_data().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let known = library.catalog();
        assert!(known.is_empty(), "half of it was indexed: {known:?}");
    }
    drop(copy);
    assert!(
        started.elapsed() > Duration::from_secs(3),
        "longer than it has to stand still"
    );
    wait_for("indexed", || !library.catalog().is_empty());
    let (_, size, content) = library.catalog().remove(0);
    assert_eq!(size, bytes.len() as u64);
    assert_eq!(content, crate::program::content_of(&bytes));
}

#[test]
fn index_stays_and_says_what_it_does() {
    let library = Library::new();
    let root = library.originals();
    write_jpeg(&root.join("a.jpg"), 1);
    let index = Staying::index(&library, &["--json"]);
    index.says("\"files\":1", 1);
    write_jpeg(&root.join("b.jpg"), 2);
    index.says(r#"{"hashed":1,"moved":0,"vanished":0,"enqueued":3}"#, 1);
    fs::rename(root.join("b.jpg"), root.join("c.jpg")).unwrap();
    index.says(r#"{"hashed":0,"moved":1,"vanished":0,"enqueued":0}"#, 1);
    // Others may index meanwhile.
    assert_eq!(library.json([Path::new("index"), &root])["unchanged"], 2);
    let pid = i32::try_from(index.pid()).unwrap();
    // SAFETY: a signal to a child that was not waited for yet.
    #[expect(unsafe_code, reason = "the standard library has no kill with a signal")]
    let sent = unsafe { libc::kill(pid, libc::SIGINT) };
    assert_eq!(sent, 0);
    let mut index = index;
    assert_eq!(index.child.wait().unwrap().code(), Some(0));
    let refused = library.vss([
        Path::new("index"),
        Path::new("--watch"),
        &root.join("a.jpg"),
    ]);
    assert_eq!(refused.code, 2, "{}", refused.err);
}

/// Rows of a variant that are ready, with what vouches for them.
fn ready(library: &Library, variant: &str) -> Vec<(String, String)> {
    let sql = format!(
        "SELECT rel_path, source FROM sidecars_view WHERE status = 'ready' AND variant = '{variant}'"
    );
    let rows = library.query(&sql);
    let text =
        |row: &sea_orm::QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
    rows.iter()
        .map(|row| (text(row, "rel_path"), text(row, "source")))
        .collect()
}

#[test]
fn what_is_done_to_the_vault_is_noticed_within_two_seconds() {
    let library = Library::new();
    for seed in 0..6 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    let daemon = Staying::daemon(&library, &[], &[]);
    library.json([Path::new("index"), &library.originals()]);
    library.json(["run"]);
    let files = library.sidecar_files();
    assert_eq!(files.len(), 18);
    // Longer than it takes to notice: making eighteen files was no news.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(
        daemon.count("the vault was touched"),
        0,
        "{:#?}",
        daemon.log()
    );

    // Its row is ready and says of it what it is. Made alone it need not be what it was.
    let is_vouched = |file: &Path| {
        let digest = fs::read(file).map(|bytes| blake3::hash(&bytes).to_hex().to_string());
        let below = file.strip_prefix(library.sidecars()).unwrap();
        let mut rows = library.ready_rows().into_iter();
        let row = rows.find(|row| Path::new(&row.rel_path) == below);
        row.is_some_and(|row| digest.is_ok_and(|digest| digest == row.checksum))
    };
    let quarantined = || {
        fs::read_dir(library.sidecars().join(".quarantine"))
            .unwrap()
            .count()
    };
    let noticed = |what: &str, took: Duration| {
        eprintln!("{what}: {took:.2?}");
        assert!(took < TWO_SECONDS, "{what} took {took:.2?}");
    };
    let (removed, replaced, truncated, edited) = (&files[0], &files[4], &files[8], &files[12]);

    fs::remove_file(removed).unwrap();
    noticed("removed", wait_for("made again", || is_vouched(removed)));

    let other = library.root().join("other");
    let mut wrong = fs::read(replaced).unwrap();
    *wrong.last_mut().unwrap() ^= 1;
    fs::write(&other, &wrong).unwrap();
    fs::rename(&other, replaced).unwrap();
    let made = || quarantined() == 1 && is_vouched(replaced);
    noticed("replaced by as many bytes", wait_for("made again", made));

    let file = fs::File::options().write(true).open(truncated).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let made = || quarantined() == 2 && is_vouched(truncated);
    noticed("truncated", wait_for("made again", made));

    // One byte in place, with its time set back.
    let before = fs::metadata(edited).unwrap().modified().unwrap();
    let mut file = fs::File::options().write(true).open(edited).unwrap();
    file.write_all(b"X").unwrap();
    file.set_modified(before).unwrap();
    drop(file);
    let made = || quarantined() == 3 && is_vouched(edited);
    noticed("edited in place", wait_for("made again", made));

    let grid = files
        .iter()
        .find(|file| file.ends_with("grid@1x.webp"))
        .unwrap();
    fs::copy(grid, grid.with_file_name("icon@1x.webp")).unwrap();
    let adopted = || {
        ready(&library, "icon@1x")
            .iter()
            .any(|(_, source)| source == "adopted")
    };
    noticed("added by hand", wait_for("adopted", adopted));

    // A whole content, and a whole shard, moved away and back.
    let content = grid.parent().and_then(Path::parent).unwrap();
    let (shard, aside) = (content.parent().unwrap(), library.root().join("aside"));
    fs::remove_dir_all(content).unwrap();
    let made = || {
        ["grid@1x", "grid@2x", "detail@1x"]
            .iter()
            .all(|variant| content.join(format!("thumbs/{variant}.webp")).exists())
    };
    noticed("a content removed", wait_for("made again", made));
    assert!(
        !content.join("thumbs/icon@1x.webp").exists(),
        "nobody asked for that one"
    );
    wait_for("the rows agree", || library.ready_rows().len() == 18);
    fs::rename(shard, &aside).unwrap();
    noticed("a shard moved away", wait_for("made again", made));
    wait_for("the rows agree", || library.ready_rows().len() == 18);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 18);
    let reconciled = library.json(["reconcile", "--verify"]);
    for what in ["adopted", "missing", "repaired", "unknown"] {
        assert_eq!(reconciled[what], 0, "{reconciled}");
    }
}

#[test]
fn beyond_the_limit_folders_are_looked_at_every_so_often() {
    let library = Library::new();
    let limits = "[watch]\nmost = 3\nsweep_every = 1\n";
    fs::write(library.root().join("vss.toml"), limits).unwrap();
    for seed in 0..8 {
        write_jpeg(&folder(&library, &format!("f{seed}")).join("a.jpg"), seed);
    }
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    assert_eq!(
        daemon.count("more looked at every 1 s"),
        1,
        "{:#?}",
        daemon.log()
    );
    for seed in 0..8 {
        write_jpeg(
            &library.originals().join(format!("f{seed}/b.jpg")),
            50 + seed,
        );
    }
    wait_for("all are found", || library.catalog().len() == 16);
    let victims = library.originals();
    fs::remove_dir_all(victims.join("f3")).unwrap();
    wait_for("what is gone is gone", || library.catalog().len() == 14);
    wait_for("all is made", || {
        let thumbs = &library.json(["status"])["sidecars"]["thumb"];
        thumbs["pending"] == 0 && thumbs["running"] == 0
    });
    let victim = library.sidecar_files().remove(7);
    fs::remove_file(&victim).unwrap();
    wait_for("it is made again", || victim.exists());
}

#[test]
fn where_it_is_configured_folders_are_polled() {
    let library = Library::new();
    let polling = "[watch]\npoll = \"always\"\npoll_every = 1\n";
    fs::write(library.root().join("vss.toml"), polling).unwrap();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    assert_eq!(
        daemon.count("all looked at every 1 s"),
        1,
        "{:#?}",
        daemon.log()
    );
    write_jpeg(&folder(&library, "in").join("b.jpg"), 2);
    becomes(&library, "made", &["a.jpg", "in/b.jpg"]);
    fs::remove_file(library.originals().join("a.jpg")).unwrap();
    becomes(&library, "removed", &["in/b.jpg"]);
}

#[test]
fn a_folder_that_comes_later_is_waited_for_and_one_that_goes_is_kept() {
    let library = Library::new();
    let disk = library.originals().join("disk");
    let daemon = Staying::daemon(
        &library,
        &[],
        &["--index-every", "0", disk.to_str().unwrap()],
    );
    daemon.says("waiting for", 1);
    write_jpeg(&folder(&library, "disk").join("a.jpg"), 1);
    becomes(&library, "found", &["disk/a.jpg"]);
    fs::rename(&disk, library.originals().join("away")).unwrap();
    daemon.says("what is known of it is kept", 2);
    assert_eq!(known(&library), ["disk/a.jpg"]);
    write_jpeg(&library.originals().join("away/b.jpg"), 2);
    fs::rename(library.originals().join("away"), &disk).unwrap();
    becomes(&library, "there again", &["disk/a.jpg", "disk/b.jpg"]);
}

/// The references of a photo, while rows may change: name and size of the file, and the digest that
/// the row has.
fn references(library: &Library, photo: &Path) -> Vec<(String, u64, String)> {
    let listed = library.vss([Path::new("ls"), photo, Path::new("--json")]);
    // Not indexed yet, or just read.
    if listed.code != 0 {
        return Vec::new();
    }
    let listed = listed.json();
    let rows = listed.as_array().unwrap().iter();
    rows.filter(|row| row["managed"] == false && row["status"] == "ready")
        .filter_map(|row| {
            // None while the file is where nobody looked yet.
            let path = Path::new(row["path"].as_str()?);
            let name = path.file_name()?.to_str()?.to_owned();
            let checksum = row["checksum"].as_str()?.to_owned();
            Some((name, row["size"].as_u64()?, checksum))
        })
        .collect()
}

#[test]
fn the_video_of_a_live_photo_is_followed_wherever_it_goes_while_the_folder_is_watched() {
    let Some(corpus) = crate::program::corpus("the_video_of_a_live_photo_is_followed") else {
        return;
    };
    let library = Library::new();
    let root = library.originals();
    let (photo, video) = (root.join("IMG_0101.JPG"), root.join("IMG_0101.MOV"));
    let bytes = fs::read(corpus.join("livephoto/IMG_0101.MOV")).unwrap();
    fs::copy(corpus.join("livephoto/IMG_0101.JPG"), &photo).unwrap();
    fs::write(&video, &bytes).unwrap();
    let watching = Staying::index(&library, &[]);
    watching.says("Ctrl-C ends it", 1);
    let is = |what: &str, expected: &[(&str, &[u8])]| {
        let said = |(name, bytes): &(&str, &[u8])| {
            let digest = blake3::hash(bytes).to_hex().to_string();
            ((*name).to_owned(), bytes.len() as u64, digest)
        };
        let expected: Vec<_> = expected.iter().map(said).collect();
        wait_for(what, || references(&library, &photo) == expected);
    };
    is("found", &[("IMG_0101.MOV", &bytes)]);
    let renamed = root.join("holiday.MOV");
    fs::rename(&video, &renamed).unwrap();
    is("renamed", &[("holiday.MOV", &bytes)]);
    // An atom that means nothing, as a tool leaves when it writes fewer tags than there were.
    let edited = [&bytes[..], b"\0\0\0\x10free01234567"].concat();
    fs::write(&renamed, &edited).unwrap();
    is("edited", &[("holiday.MOV", &edited)]);
    fs::remove_file(&renamed).unwrap();
    is("removed", &[]);
    fs::write(&video, &bytes).unwrap();
    is("put back", &[("IMG_0101.MOV", &bytes)]);
    assert!(photo.exists());
}

#[test]
fn without_watching_nothing_is_noticed_until_somebody_looks() {
    let library = Library::new();
    let daemon = Staying::unwatching(&library, &[&library.originals()]);
    write_jpeg(&library.originals().join("a.jpg"), 1);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(daemon.count("watching"), 0);
    assert!(library.catalog().is_empty());
}

#[test]
fn the_doctor_tells_what_can_be_watched() {
    let library = Library::new();
    write_jpeg(&folder(&library, "in").join("a.jpg"), 1);
    library.index_and_run();
    let doctor = library.json(["doctor"]);
    let checks = doctor["checks"].as_array().unwrap();
    let watch = checks
        .iter()
        .find(|check| check["name"] == "watch")
        .unwrap();
    let detail = watch["detail"].as_str().unwrap();
    // sidecars, content, two shards, the content's own and that of its thumbnails.
    for words in [
        "6 folders in the vault",
        "1 with originals",
        "max_user_watches",
        "max_queued_events",
    ] {
        assert!(detail.contains(words), "{detail}");
    }
}
