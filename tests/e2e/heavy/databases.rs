//! Databases that somebody else holds, that are damaged, that were lost, and that cannot be written:
//! each is named with what to do, nothing is lost, and work goes on when the trouble is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

use crate::integrity::made_of;
use crate::program::{Library, Said, files_below, picture, said, snapshot};
use crate::watching::{Staying, wait_for};

const ROWS: &str = "sidecars.db";
const CATALOG: &str = "catalog.db";
/// What `vss` waits for a lock of either database, and a bit.
const LONGER_THAN_ANYBODY_WAITS: Duration = Duration::from_secs(12);

/// Another program that has a database, until it is dropped.
struct Holder {
    runtime: tokio::runtime::Runtime,
    database: DatabaseConnection,
}

impl Holder {
    /// One that writes and does not come to an end: others can still read.
    fn writes(library: &Library, name: &str) -> Self {
        Self::doing(library, name, &["BEGIN IMMEDIATE"])
    }

    /// One that wants the file to itself.
    fn keeps(library: &Library, name: &str) -> Self {
        let alone = "PRAGMA locking_mode = EXCLUSIVE";
        Self::doing(library, name, &[alone, "BEGIN EXCLUSIVE"])
    }

    fn doing(library: &Library, name: &str, statements: &[&str]) -> Self {
        let file = library.root().join(name);
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", file.display()));
        options.max_connections(1);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let database = runtime.block_on(async {
            let database = Database::connect(options).await.unwrap();
            for statement in statements {
                database.execute_unprepared(statement).await.unwrap();
            }
            database
        });
        Self { runtime, database }
    }

    fn lets_go(self) {
        let database = self.database;
        self.runtime.block_on(async {
            database.execute_unprepared("ROLLBACK").await.unwrap();
            database.close().await.unwrap();
        });
    }
}

fn small_picture(library: &Library, seed: u32) -> PathBuf {
    let place = library.originals().join(format!("{seed}.jpg"));
    let picture = picture(seed, 64, 48);
    picture
        .save_with_format(&place, image::ImageFormat::Jpeg)
        .unwrap();
    place
}

fn index(library: &Library) -> Said {
    library.vss([Path::new("index"), &library.originals()])
}

/// Every row in words, with references.
fn rows(library: &Library) -> Vec<Vec<Option<String>>> {
    let columns = [
        "content_uuid",
        "kind",
        "variant",
        "rel_path",
        "status",
        "checksum",
        "source",
        "version",
    ];
    let sql = format!("SELECT {} FROM sidecars_view", columns.join(", "));
    let mut rows: Vec<Vec<Option<String>>> = library
        .query(&sql)
        .iter()
        .map(|row| columns.map(|name| row.try_get("", name).unwrap()).into())
        .collect();
    rows.sort();
    rows
}

/// A command failed, and said all of this.
fn assert_told(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{} {}", said.out, said.err);
    for word in words {
        assert!(said.err.contains(word), "no {word:?} in {}", said.err);
    }
}

/// What a damaged database must never lead to a word of.
fn assert_nothing_is_to_be_moved(said: &Said) {
    for word in [" move ", "set aside", "vss reconcile", "vss index"] {
        assert!(!said.err.contains(word), "{word:?} in {}", said.err);
    }
}

/// Commands that only ask, about a file and its content.
fn questions(original: &Path, content: &str) -> Vec<Vec<String>> {
    let original = original.to_str().unwrap();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let about = |line: &str, tail: &[&str]| {
        let mut words = words(line);
        words.push(original.to_owned());
        words.extend(tail.iter().map(|&word| word.to_owned()));
        words
    };
    vec![
        words("status"),
        about("path", &["thumb", "grid@1x"]),
        words(&format!(
            "presence --kind thumb --variant grid@1x {content}"
        )),
        about("ls", &[]),
        about("explain", &[]),
        words("explain --problems"),
        words("du"),
        words("queue ls"),
    ]
}

fn a_content(library: &Library) -> String {
    let row = library.query("SELECT content_uuid FROM sidecars_view ORDER BY content_uuid LIMIT 1");
    row[0].try_get("", "content_uuid").unwrap()
}

#[test]
fn who_only_asks_is_answered_at_once_while_another_program_writes() {
    let library = made_of(2);
    let questions = questions(&library.originals().join("0.jpg"), &a_content(&library));
    let holders = [ROWS, CATALOG].map(|name| Holder::writes(&library, name));
    for question in questions {
        let began = Instant::now();
        let answer = library.vss(&question);
        assert_eq!(answer.code, 0, "{question:?}: {}", answer.err);
        // Whoever waits for a lock waits five seconds.
        let took = began.elapsed();
        assert!(took < Duration::from_secs(4), "{question:?} took {took:?}");
    }
    holders.into_iter().for_each(Holder::lets_go);
}

#[test]
fn a_database_that_another_program_keeps_is_named_with_what_to_do() {
    let library = made_of(2);
    let original = library.originals().join("0.jpg");
    let content = a_content(&library);
    let (before, files) = (rows(&library), snapshot(&library.sidecars()));
    for name in [ROWS, CATALOG] {
        let holder = Holder::keeps(&library, name);
        for line in [
            vec!["run".to_owned()],
            vec!["index".to_owned(), original.display().to_string()],
            questions(&original, &content)[1].clone(),
            questions(&original, &content)[2].clone(),
            vec!["daemon".to_owned()],
        ] {
            let refused = library.vss(&line);
            let place = library.root().canonicalize().unwrap().join(name);
            let words = [
                place.to_str().unwrap(),
                "another program holds it",
                "fuser",
                "nothing is lost",
            ];
            assert_told(&refused, 5, &words);
            assert_nothing_is_to_be_moved(&refused);
        }
        let doctor = library.vss(["doctor"]);
        assert_eq!(doctor.code, 1);
        assert!(doctor.out.contains(name) && doctor.out.contains("another program holds it"));
        holder.lets_go();
    }
    assert_eq!(snapshot(&library.sidecars()), files);
    assert_eq!(rows(&library), before);
    assert_eq!(library.json(["run"])["ready"], 0);
}

#[test]
fn who_would_write_waits_a_while_then_says_who_is_in_the_way_and_loses_nothing() {
    let library = made_of(2);
    library.json(["regen", "--all", "--kind", "thumb"]);
    small_picture(&library, 7);
    let holder = Holder::writes(&library, ROWS);
    for refused in [index(&library), library.vss(["run"])] {
        assert_told(&refused, 5, &[ROWS, "another program holds it", "fuser"]);
    }
    holder.lets_go();
    let holder = Holder::writes(&library, CATALOG);
    assert_told(
        &index(&library),
        5,
        &[CATALOG, "another program holds it", "fuser"],
    );
    // Making sidecars writes nothing to the catalog.
    assert_eq!(library.json(["run"])["ready"], 6);
    holder.lets_go();
    assert_eq!(index(&library).code, 0);
    assert_eq!(library.json(["run"])["ready"], 3);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
}

#[test]
fn a_run_in_the_middle_goes_on_by_itself_when_its_database_is_let_go() {
    let library = Library::new();
    for seed in 0..40 {
        small_picture(&library, seed);
    }
    assert_eq!(index(&library).code, 0);
    let mut command = library.command(["run", "--json", "--workers", "1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    wait_for("the first sidecar", || !library.ready_rows().is_empty());
    let holder = Holder::writes(&library, ROWS);
    // The other program takes that long.
    std::thread::sleep(LONGER_THAN_ANYBODY_WAITS);
    let ready = library.assert_every_ready_row_has_its_whole_file();
    assert!(ready < 120, "everything was made before it was held");
    holder.lets_go();
    let run = said(run.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    let waits = |line: &&str| line.contains("waiting for it") && line.contains(ROWS);
    assert!(run.err.lines().any(|line| waits(&line)), "{}", run.err);
    // What may have been recorded when the lock came in between is made once more, not lost.
    let report = run.json();
    assert_eq!(
        (&report["failed"], &report["quarantined"]),
        (&0.into(), &0.into())
    );
    library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 120);
}

#[test]
fn a_daemon_outlives_a_held_database_and_goes_on_by_itself() {
    let library = made_of(2);
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    for (name, seed) in [(ROWS, 100), (CATALOG, 200)] {
        let holder = Holder::writes(&library, name);
        small_picture(&library, seed);
        let held = |line: &String| line.contains(name) && line.contains("another program holds it");
        wait_for("a word of the lock", || daemon.log().iter().any(held));
        std::thread::sleep(LONGER_THAN_ANYBODY_WAITS);
        let told = daemon.log().iter().filter(|line| held(line)).count();
        holder.lets_go();
        let expected = library.ready_rows().len() + 3;
        wait_for("what came meanwhile", || {
            library.ready_rows().len() >= expected
        });
        eprintln!("{name}: told {told} times");
        assert!(told < 6, "{:#?}", daemon.log());
    }
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 12);
    assert_eq!(library.vss(["daemon", "--stop"]).code, 0);
}

/// What happens to the bytes of a file, in words and in deed.
type Damage = (&'static str, fn(&mut Vec<u8>));

/// What happens to a database file.
const DAMAGES: [Damage; 6] = [
    ("its header is overwritten", |bytes| bytes[..100].fill(0xa5)),
    ("its first page is", |bytes| noise(&mut bytes[100..4096])),
    ("a page in the middle is", |bytes| {
        let page = bytes.len() / 4096 / 2;
        noise(&mut bytes[page * 4096..(page + 1) * 4096]);
    }),
    ("it is cut off", |bytes| bytes.truncate(bytes.len() / 2)),
    ("it is empty", Vec::clear),
    ("it is a text", |bytes| {
        *bytes = b"This is a shopping list, not a database.\n".repeat(300);
    }),
];

fn noise(bytes: &mut [u8]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for byte in bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
}

fn damage(file: &Path, how: fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    how(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// Moves a database out of the library, with all that lies beside it.
fn set_aside(library: &Library, name: &str) {
    let aside = tempfile::tempdir_in(library.originals().parent().unwrap()).unwrap();
    for tail in ["", "-wal", "-shm"] {
        let file = format!("{name}{tail}");
        let _ = fs::rename(library.root().join(&file), aside.path().join(&file));
    }
}

/// A library with enough in it that each database has some pages, and with a reference.
fn used() -> Library {
    let library = made_of(40);
    fs::write(library.originals().join("0.xmp"), b"<x:xmpmeta/>").unwrap();
    assert_eq!(index(&library).code, 0);
    library
}

#[test]
fn a_damaged_database_is_named_with_a_remedy_that_restores_every_row_and_makes_nothing_again() {
    let library = used();
    let (original, content) = (library.originals().join("0.jpg"), a_content(&library));
    let (before, catalog) = (rows(&library), library.catalog());
    assert_eq!(before.len(), 121);
    let untouched = (
        snapshot(&library.sidecars()),
        snapshot(&library.originals()),
    );
    for name in [ROWS, CATALOG] {
        for (what, how) in DAMAGES {
            let what = format!("{name}: {what}");
            let file = library.root().join(name);
            damage(&file, how);
            let damaged = fs::read(&file).unwrap();
            let mut commands = questions(&original, &content);
            commands.push(vec!["gc".to_owned()]);
            commands.push(vec!["reconcile".to_owned(), "--dry-run".to_owned()]);
            let mut named = 0;
            for line in &commands {
                let answer = library.vss(line);
                if answer.code != 0 {
                    let words = [
                        name,
                        "it is damaged",
                        "vss index",
                        "no sidecar is made again",
                    ];
                    assert_told(&answer, 1, &words);
                    assert_eq!(answer.err.contains("vss reconcile"), name == ROWS, "{what}");
                    named += 1;
                }
            }
            // A page that nobody needs for an answer is found by whoever reads all of it.
            let doctor = library.vss(["doctor"]);
            assert_eq!(doctor.code, 1, "{what}: {}", doctor.out);
            for words in [name, "it is damaged", "vss index"] {
                assert!(doctor.out.contains(words), "{what}: {}", doctor.out);
            }
            let is_inside = what.contains("middle");
            assert!(is_inside || named == commands.len(), "{what}: {named}");
            if !is_inside {
                assert_eq!(fs::read(&file).unwrap(), damaged, "{what}");
            }
            assert_eq!(snapshot(&library.sidecars()), untouched.0, "{what}");

            set_aside(&library, name);
            if name == ROWS {
                assert_eq!(library.json(["reconcile"])["adopted"], 120, "{what}");
            }
            assert_eq!(index(&library).code, 0);
            let run = library.json(["run"]);
            assert_eq!((&run["ready"], &run["failed"]), (&0.into(), &0.into()));
            assert_eq!(rows(&library), before, "{what}");
            assert_eq!(library.catalog(), catalog, "{what}");
            assert_eq!(library.vss(["doctor"]).code, 0, "{what}");
            assert_eq!(
                (
                    snapshot(&library.sidecars()),
                    snapshot(&library.originals())
                ),
                untouched,
                "{what}"
            );
        }
    }
}

#[test]
fn lost_rows_are_made_again_of_the_files_before_anything_is_generated() {
    let library = used();
    let (before, files) = (rows(&library), snapshot(&library.sidecars()));
    set_aside(&library, ROWS);
    assert_eq!(index(&library).code, 0);
    let run = library.vss(["run", "--json"]);
    assert_eq!((run.code, &run.json()["ready"]), (0, &0.into()));
    assert!(run.err.contains("the rows are new"), "{}", run.err);
    assert_eq!(rows(&library), before);
    // Once, not each time.
    let run = library.vss(["run"]);
    assert!(!run.err.contains("the rows are new"), "{}", run.err);

    set_aside(&library, ROWS);
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    wait_for("every row", || rows(&library) == before);
    assert_eq!(library.json(["status"])["daemon"]["ready"], 0);
    drop(daemon);
    assert_eq!(snapshot(&library.sidecars()), files);
}

#[test]
fn a_damaged_log_loses_no_file_and_a_reconcile_gives_back_every_row() {
    let library = Library::new();
    for seed in 0..40 {
        small_picture(&library, seed);
    }
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    wait_for("all of it", || library.ready_rows().len() == 120);
    // Killed: whatever was not moved from the log into the database is in the log alone.
    drop(daemon);
    let kept = tempfile::tempdir().unwrap();
    let databases: Vec<_> = files_below(&library.root())
        .into_iter()
        .filter(|file| file.to_str().unwrap().contains(".db"))
        .collect();
    let aside = |file: &Path| kept.path().join(file.file_name().unwrap());
    for file in &databases {
        fs::copy(file, aside(file)).unwrap();
    }
    let before = rows(&library);
    let files = snapshot(&library.sidecars());
    let damages: [Damage; 4] = [
        ("its header is overwritten", |bytes| bytes[..32].fill(0xa5)),
        ("its middle is", |bytes| {
            let middle = bytes.len() / 2;
            noise(&mut bytes[middle..middle + 8192]);
        }),
        ("it is cut off", |bytes| bytes.truncate(bytes.len() / 3)),
        ("it is empty", Vec::clear),
    ];
    for (what, how) in damages {
        for file in &databases {
            fs::copy(aside(file), file).unwrap();
        }
        let log = library.root().join("sidecars.db-wal");
        assert!(log.metadata().unwrap().len() > 100_000, "nothing is in it");
        damage(&log, how);
        let _ = fs::remove_file(library.root().join("sidecars.db-shm"));
        let asked = library.vss(["status"]);
        // Killed while it moved the log into the database, which is only whole with its log then.
        if asked.err.contains("it is damaged") {
            assert_told(&asked, 1, &[ROWS, "vss reconcile"]);
            set_aside(&library, ROWS);
            eprintln!("the log of sidecars.db: {what}: the rows were set aside");
        } else {
            assert_eq!(asked.code, 0, "{what}: {}", asked.err);
            let left = rows(&library).len();
            eprintln!("the log of sidecars.db: {what}: {left} rows of 120 were left");
        }
        assert_eq!(library.vss(["reconcile"]).code, 0);
        let run = library.json(["run"]);
        assert_eq!(
            (&run["ready"], &run["failed"]),
            (&0.into(), &0.into()),
            "{what}"
        );
        assert_eq!(rows(&library), before, "{what}");
        assert_eq!(snapshot(&library.sidecars()), files, "{what}");
    }
}

#[test]
fn a_disk_that_cannot_be_read_is_not_taken_for_a_damaged_database() {
    if Command::new("fiu-run").output().is_err() {
        eprintln!("skipped: failing calls need fiu-run (package fiu-utils)");
        return;
    }
    let library = made_of(1);
    let before = snapshot(&library.root());
    let original = library.originals().join("0.jpg");
    for line in [
        vec!["status"],
        vec!["run"],
        vec!["index", original.to_str().unwrap()],
    ] {
        let command = library.command(&line);
        let mut fiu = Command::new("fiu-run");
        fiu.args(["-x", "-c", "enable name=posix/io/rw/pread,failinfo=5"]);
        fiu.arg(command.get_program()).args(&line);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => fiu.env(key, value),
                None => fiu.env_remove(key),
            };
        }
        let failed = said(fiu.output().unwrap());
        assert_told(&failed, 1, &[ROWS, "could not be read", "remove nothing"]);
        assert_nothing_is_to_be_moved(&failed);
    }
    assert_eq!(snapshot(&library.root()), before);
    assert_eq!(library.json(["run"])["ready"], 0);
}

/// A library that can be read and not written, until it is dropped.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn made_so(library: &Library) -> Option<Self> {
        let root = library.root();
        let mount = |arguments: &[&str]| {
            let mut mount = Command::new("mount");
            mount.args(arguments).arg(&root);
            mount.output().is_ok_and(|done| done.status.success())
        };
        if mount(&["--bind", root.to_str().unwrap()]) {
            let mounted = Self(root.clone());
            assert!(mount(&["-o", "remount,bind,ro"]));
            return Some(mounted);
        }
        eprintln!("skipped: a read-only file system needs the right to mount (root)");
        None
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn assert_answers_and_refuses(library: &Library, content: &str, ask: impl Fn(&[String]) -> Said) {
    let original = library.originals().join("0.jpg");
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut answered = questions(&original, content);
    answered.push(words("reconcile --dry-run"));
    answered.push(words("scrub --all --dry-run"));
    for question in answered {
        let answer = ask(&question);
        assert_eq!(
            answer.code, 0,
            "{question:?}: {} {}",
            answer.out, answer.err
        );
    }
    let folder = library.originals().display().to_string();
    let unmade = [
        words("path"),
        vec![original.display().to_string()],
        words("thumb detail@2x"),
    ];
    for refused in [
        unmade.concat(),
        words("run"),
        words("reconcile"),
        words("daemon"),
        vec!["index".to_owned(), folder],
        words("regen --all"),
    ] {
        let told = ask(&refused);
        assert!(
            [1, 5].contains(&told.code),
            "{refused:?}: {} {}",
            told.code,
            told.out
        );
        assert!(told.err.contains("writ"), "{refused:?}: {}", told.err);
        assert!(told.err.contains("what to do"), "{refused:?}: {}", told.err);
        assert_nothing_is_to_be_moved(&told);
    }
}

#[test]
fn a_library_on_a_read_only_file_system_answers_and_says_why_it_does_no_more() {
    let library = made_of(2);
    let (content, known) = (a_content(&library), rows(&library));
    // Asking here may have tidied a log away.
    let before = snapshot(&library.root());
    let Some(mounted) = ReadOnly::made_so(&library) else {
        return;
    };
    assert_answers_and_refuses(&library, &content, |line| library.vss(line));
    drop(mounted);
    assert_eq!(snapshot(&library.root()), before);
    assert_eq!(rows(&library), known);
    small_picture(&library, 9);
    assert_eq!(library.index_and_run().1["ready"], 3);
}

#[test]
fn a_library_whose_daemon_was_killed_answers_on_a_read_only_file_system() {
    let library = made_of(1);
    let daemon = Staying::daemon(&library, &[&library.originals()], &[]);
    small_picture(&library, 9);
    wait_for("the second picture", || library.ready_rows().len() == 6);
    let content = a_content(&library);
    drop(daemon);
    let root = library.root();
    assert!(root.join("sidecars.db-wal").metadata().unwrap().len() > 0);
    // Killed at once, and killed or gone in the middle of closing: the index of the log goes first.
    for gone in [
        &[][..],
        &["sidecars.db-shm"],
        &["sidecars.db-shm", "catalog.db-shm"],
    ] {
        for file in gone {
            let _ = fs::remove_file(root.join(file));
        }
        let Some(_mounted) = ReadOnly::made_so(&library) else {
            return;
        };
        let status = library.json(["status"]);
        // Also what is in the log alone.
        assert_eq!(status["sidecars"]["thumb"]["ready"], 6, "{gone:?}");
        assert_answers_and_refuses(&library, &content, |line| library.vss(line));
    }
}

#[test]
fn a_library_of_somebody_else_answers_whoever_may_read_it() {
    let library = made_of(2);
    let all = library.root().parent().unwrap().to_owned();
    // A copy that nobody can reach, for a target folder may lie below a closed home.
    let program = all.join("vss");
    fs::copy(crate::program::program(), &program).unwrap();
    let modes = |mode: &str| {
        let mut chmod = Command::new("chmod");
        chmod.args(["-R", mode]).arg(library.root());
        assert!(chmod.status().unwrap().success());
    };
    for (place, mode) in [(&all, "755"), (&library.originals(), "a+rX")] {
        let mut chmod = Command::new("chmod");
        assert!(chmod.arg(mode).arg(place).status().unwrap().success());
    }
    let content = a_content(&library);
    let state = tempfile::tempdir_in(&all).unwrap();
    let ask = |line: &[String]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(line)
            .env("VSS_LIBRARY", library.root())
            .env("XDG_STATE_HOME", state.path())
            .env("XDG_CONFIG_HOME", state.path())
            .env("XDG_RUNTIME_DIR", state.path().join("runtime"));
        said(command.output().unwrap())
    };
    let mut chown = Command::new("chown");
    let given = chown.arg("65534:65534").arg(state.path()).output();
    if !given.is_ok_and(|done| done.status.success())
        || Command::new("setpriv").arg("--version").output().is_err()
    {
        eprintln!("skipped: being somebody else needs root and setpriv");
        return;
    }
    modes("a-w,a+rX");
    assert_answers_and_refuses(&library, &content, ask);
    modes("u+w");
    assert_eq!(library.json(["run"])["ready"], 0);
}
