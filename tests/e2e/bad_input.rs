//! Bad input: each gives an error that names the file and the remedy, and costs nothing else.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;

use crate::program::{Library, Said, said, write_jpeg};

fn error_of(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "stdout {} stderr {}", said.out, said.err);
    for part in parts {
        assert!(
            said.err.contains(part),
            "{part:?} is missing in {:?}",
            said.err
        );
    }
}

fn remove_database(library: &Library, name: &str) {
    for tail in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(library.root().join(format!("{name}{tail}")));
    }
}

#[test]
fn a_folder_that_is_not_a_library() {
    let library = Library::unmade();
    error_of(&library.vss(["status"]), 5, &["test.sdlibrary", "mounted?"]);
    fs::create_dir(library.root()).unwrap();
    error_of(&library.vss(["run"]), 5, &["no library.json", "vss init"]);
    assert_eq!(
        fs::read_dir(library.root()).unwrap().count(),
        0,
        "nothing is made in it"
    );
    let mut command = library.command(["status"]);
    error_of(
        &said(command.env_remove("VSS_LIBRARY").output().unwrap()),
        2,
        &["--library"],
    );
}

#[test]
fn a_library_is_never_made_over_another_one_or_over_files() {
    let library = Library::new();
    error_of(&library.vss(["init"]), 5, &["is a library already"]);
    let full = Library::unmade();
    fs::create_dir(full.root()).unwrap();
    fs::write(full.root().join("taxes.pdf"), "x").unwrap();
    error_of(&full.vss(["init"]), 5, &["not empty"]);
    assert_eq!(fs::read(full.root().join("taxes.pdf")).unwrap(), b"x");
}

#[test]
fn a_library_from_a_newer_version() {
    let library = Library::new();
    let marker = library.root().join("library.json");
    let newer = fs::read_to_string(&marker)
        .unwrap()
        .replace("\"version\": 1", "\"version\": 99");
    fs::write(&marker, newer).unwrap();
    error_of(&library.vss(["status"]), 5, &["newer", "update vss"]);
    fs::write(&marker, "{ not json").unwrap();
    error_of(
        &library.vss(["status"]),
        5,
        &["library.json is damaged", "backup"],
    );
}

#[test]
fn a_database_from_a_newer_version() {
    let library = Library::new();
    library.query(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_future', 0)",
    );
    error_of(&library.vss(["status"]), 5, &["sidecars.db", "update vss"]);
}

#[test]
fn a_damaged_database_is_named_with_its_remedy_and_the_remedy_works() {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    library.index_and_run();
    remove_database(&library, "sidecars.db");
    fs::write(library.root().join("sidecars.db"), vec![b'x'; 9_000]).unwrap();
    error_of(
        &library.vss(["status"]),
        1,
        &["sidecars.db", "vss reconcile"],
    );
    remove_database(&library, "sidecars.db");
    assert_eq!(library.json(["reconcile"])["adopted"], 3);

    remove_database(&library, "catalog.db");
    fs::write(library.root().join("catalog.db"), vec![b'x'; 9_000]).unwrap();
    error_of(&library.vss(["status"]), 1, &["catalog.db", "vss index"]);
    remove_database(&library, "catalog.db");
    let (index, run) = library.index_and_run();
    assert_eq!((&index["hashed"], &run["ready"]), (&1.into(), &0.into()));
}

#[test]
fn a_library_that_somebody_else_works_in() {
    let library = Library::new();
    let held = fs::File::options()
        .write(true)
        .open(library.root().join("run.lock"));
    let held = held
        .or_else(|_| fs::File::create(library.root().join("run.lock")))
        .unwrap();
    held.lock().unwrap();
    error_of(&library.vss(["run"]), 5, &["locked", "another vss", "wait"]);
    error_of(&library.vss(["reconcile"]), 5, &["locked"]);
    assert_eq!(library.vss(["status"]).code, 0, "looking needs no lock");
    held.unlock().unwrap();
    assert_eq!(library.vss(["run"]).code, 0);
}

#[test]
fn a_configuration_that_is_wrong_is_named_and_not_ignored() {
    let library = Library::new();
    for (text, part) in [
        ("wrokers = 3", "wrokers"),
        ("[kinds.thumb.\"grid@1x\"]\nsize = 0", "grid@1x"),
        ("[kinds.thumb.\"../x\"]\nsize = 10", "variant"),
        ("workers = ", "vss.toml"),
    ] {
        fs::write(library.root().join("vss.toml"), text).unwrap();
        error_of(
            &library.vss(["status"]),
            2,
            &["configuration is wrong", part],
        );
    }
    fs::write(
        library.root().join("vss.toml"),
        "[kinds.thumb.\"tiny@1x\"]\nsize = 40\ndefault = true\n",
    )
    .unwrap();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    assert_eq!(library.index_and_run().1["ready"], 4);
}

#[test]
fn the_environment_wins_over_the_file_and_is_checked_as_well() {
    let library = Library::new();
    fs::write(library.root().join("vss.toml"), "[limits]\nmax_side = 10\n").unwrap();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let (_, run) = library.index_and_run();
    assert_eq!(
        run["failed"], 3,
        "the file says that nothing may be wider than 10 pixels"
    );
    library.json(["retry"]);
    let mut command = library.command(["run", "--json"]);
    let run = said(command.env("VSS_LIMITS_MAX_SIDE", "5000").output().unwrap());
    assert_eq!(run.json()["ready"], 3, "{}", run.err);
    let mut command = library.command(["status"]);
    let wrong = said(command.env("VSS_WORKERS", "many").output().unwrap());
    error_of(&wrong, 2, &["configuration is wrong", "WORKERS"]);
}

#[test]
fn a_library_inside_an_indexed_folder_is_left_out() {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let everything = library.originals().parent().unwrap().to_owned();
    let index = library.json([Path::new("index"), &everything]);
    assert_eq!(
        (&index["contents"], &index["enqueued"]),
        (&1.into(), &3.into()),
        "{index}"
    );
    library.json(["run"]);
    let again = library.json([Path::new("index"), &everything]);
    assert_eq!(
        (&again["hashed"], &again["enqueued"]),
        (&0.into(), &0.into()),
        "{again}"
    );
}

#[test]
fn names_of_every_sort_and_things_that_are_no_files() {
    let library = Library::new();
    let folder = library.originals();
    let hostile = [
        b"non-utf8-\xff\xfe.jpg".as_slice(),
        b"new\nline.jpg",
        &[b'n'; 255],
        b"quote'\".jpg",
    ];
    for (seed, name) in (0..).zip(hostile) {
        write_jpeg(&folder.join(format!("{seed}.tmp.jpg")), seed);
        let name = folder.join(std::ffi::OsStr::from_bytes(name));
        fs::rename(folder.join(format!("{seed}.tmp.jpg")), name).unwrap();
    }
    symlink(&folder, folder.join("loop")).unwrap();
    symlink("/etc/passwd", folder.join("passwd.jpg")).unwrap();
    symlink("nowhere", folder.join("dangling.jpg")).unwrap();
    let fifo = folder.join("pipe.jpg");
    let name = std::ffi::CString::new(fifo.as_os_str().as_bytes()).unwrap();
    make_fifo(&name);
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.jpg")).unwrap();

    // A FIFO that is opened for reading would hang here for ever.
    let (index, run) = library.index_and_run();
    assert_eq!(
        (&index["files"], &index["contents"]),
        (&4.into(), &4.into()),
        "{index}"
    );
    assert_eq!((&run["ready"], &run["failed"]), (&12.into(), &0.into()));
    let listed = library.json([
        Path::new("ls"),
        &folder.join(std::ffi::OsStr::from_bytes(hostile[0])),
    ]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
}

#[expect(unsafe_code, reason = "the standard library makes no FIFOs")]
fn make_fifo(name: &std::ffi::CStr) {
    // SAFETY: `name` is a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

#[test]
fn files_that_change_or_vanish_between_index_and_run() {
    let library = Library::new();
    let file = |name: &str| library.originals().join(name);
    for (seed, name) in [(1, "stays.jpg"), (2, "changes.jpg"), (3, "vanishes.jpg")] {
        write_jpeg(&file(name), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    write_jpeg(&file("changes.jpg"), 77);
    fs::remove_file(file("vanishes.jpg")).unwrap();
    let run = library.json(["run"]);
    assert_eq!((&run["ready"], &run["failed"]), (&3.into(), &6.into()));
    let (_, run) = library.index_and_run();
    assert_eq!((&run["ready"], &run["failed"]), (&3.into(), &0.into()));
    // What vanished comes back, and with it its sidecars.
    write_jpeg(&file("vanishes.jpg"), 3);
    let (_, run) = library.index_and_run();
    assert_eq!((&run["ready"], &run["failed"]), (&3.into(), &0.into()));
}

#[test]
fn empty_truncated_and_wrongly_named_pictures() {
    let library = Library::new();
    let file = |name: &str| library.originals().join(name);
    write_jpeg(&file("good.jpg"), 1);
    let good = fs::read(file("good.jpg")).unwrap();
    fs::write(file("empty.jpg"), b"").unwrap();
    fs::write(file("header-only.jpg"), &good[..60]).unwrap();
    fs::write(file("words.webp"), "these are words").unwrap();
    crate::program::picture(5, 50, 40)
        .save_with_format(file("webp-in-truth.jpg"), image::ImageFormat::WebP)
        .unwrap();
    let (index, run) = library.index_and_run();
    assert_eq!(index["errors"][0]["class"], "empty", "{index}");
    assert!(
        index["errors"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("empty.jpg")
    );
    assert_eq!((&run["ready"], &run["failed"]), (&6.into(), &6.into()));
    let class = |name: &str| library.json([Path::new("explain"), &file(name)])["class"].clone();
    assert_eq!(class("header-only.jpg"), "corrupt_source");
    assert_eq!(class("words.webp"), "corrupt_source");
    error_of(
        &library.vss([Path::new("ls"), &file("empty.jpg")]),
        2,
        &["empty.jpg", "no content"],
    );
}

#[test]
fn a_picture_that_claims_to_be_enormous() {
    let library = Library::new();
    let gif = [
        b"GIF89a".as_slice(),
        &[255, 255, 255, 255, 0, 0, 0],
        b",",
        &[0, 0, 0, 0, 255, 255, 255, 255, 0, 2, 2, 76, 1, 0, 59],
    ]
    .concat();
    fs::write(library.originals().join("bomb.gif"), gif).unwrap();
    let (_, run) = library.index_and_run();
    assert_eq!(run["failed"], 3);
    let explained = library.json([Path::new("explain"), &library.originals().join("bomb.gif")]);
    assert_eq!(explained["class"], "too_large", "{explained}");
    assert!(
        explained["sidecars"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("[limits]"),
        "{explained}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_not_taken_for_an_empty_one() {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    library.index_and_run();
    let away = library.originals().with_file_name("away");
    fs::rename(library.originals(), &away).unwrap();
    error_of(
        &library.vss([Path::new("index"), &library.originals()]),
        2,
        &["originals", "mounted"],
    );
    fs::rename(&away, library.originals()).unwrap();
    assert_eq!(library.json(["status"])["originals"], 1);
}

#[test]
fn a_folder_without_permission_is_reported_and_the_rest_is_indexed() {
    use std::os::unix::fs::PermissionsExt;
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let closed = library.originals().join("closed");
    fs::create_dir(&closed).unwrap();
    write_jpeg(&closed.join("b.jpg"), 2);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let index = if fs::read_dir(&closed).is_ok() {
        // Nothing is closed to root: be nobody, who may use this library.
        as_nobody(&library)
    } else {
        Some(library.json([Path::new("index"), &library.originals()]))
    };
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    let Some(index) = index else { return };
    assert_eq!(index["contents"], 1, "{index}");
    assert_eq!(index["errors"][0]["class"], "permission", "{index}");
    assert!(
        index["errors"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("closed"),
        "{index}"
    );
}

/// Indexes as the user nobody; `None` when that cannot be done here.
fn as_nobody(library: &Library) -> Option<serde_json::Value> {
    let all = library.root().parent().unwrap().to_owned();
    // A copy that nobody can reach, for a target folder may lie below a closed home.
    let program = all.join("vss");
    fs::copy(crate::program::program(), &program).unwrap();
    let opened = std::process::Command::new("chown")
        .arg("-R")
        .arg("65534:65534")
        .arg(&all)
        .status();
    if !opened.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a closed folder cannot be shown as this user");
        return None;
    }
    let index = [
        "index".into(),
        library.originals().into_os_string(),
        "--json".into(),
    ];
    let said = said(
        std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(index)
            .env("VSS_LIBRARY", library.root())
            .env("XDG_STATE_HOME", all.join(".state"))
            .env("XDG_CONFIG_HOME", all.join(".config"))
            .current_dir(&all)
            .output()
            .unwrap(),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    Some(said.json())
}

#[test]
fn a_worker_that_is_not_there_is_named_with_what_to_do_and_its_work_waits() {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    library.json([Path::new("index"), &library.originals()]);
    let mut command = library.command(["run", "--json"]);
    let nowhere = command.env("VSS_WORKER_DIR", "/nowhere").output().unwrap();
    let run = said(nowhere).json();
    assert_eq!((&run["failed"], &run["retried"]), (&0.into(), &3.into()));
    let original = library.originals().join("a.jpg");
    let explained = library.json([Path::new("explain"), &original]);
    let sidecar = &explained["sidecars"][0];
    assert_eq!(sidecar["class"], "tool_missing");
    let reason = sidecar["reason"].as_str().unwrap();
    assert!(reason.contains("/nowhere/vss-worker-image"), "{reason}");
    assert!(sidecar["remedy"].as_str().unwrap().contains("vss doctor"));
    let doctor = library
        .command(["doctor"])
        .env("VSS_WORKER_DIR", "/nowhere")
        .output();
    let doctor = said(doctor.unwrap());
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("BAD worker"), "{}", doctor.out);
    // It comes back by itself when the worker is there again; a second is the shortest wait.
    while library.json(["run"])["ready"] != 3 {}
}

#[test]
fn without_the_worker_of_video_all_else_works_and_films_say_what_to_install() {
    let library = Library::new();
    let workers = library.root().with_extension("workers");
    fs::create_dir(&workers).unwrap();
    let image = crate::program::program().with_file_name("vss-worker-image");
    symlink(image, workers.join("vss-worker-image")).unwrap();
    let with_those = |arguments: &[&str]| {
        let mut command = library.command(arguments);
        said(command.env("VSS_WORKER_DIR", &workers).output().unwrap())
    };
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let film = library.originals().join("b.mp4");
    fs::write(&film, b"\0\0\0\x14ftypisom\0\0\0\0isom\0\0\0\x08free").unwrap();
    library.json([Path::new("index"), &library.originals()]);
    let run = with_those(&["run", "--json"]).json();
    assert_eq!(
        (&run["ready"], &run["failed"]),
        (&3.into(), &0.into()),
        "{run}"
    );
    let explained = library.json([Path::new("explain"), &film]);
    let sidecar = &explained["sidecars"][0];
    assert_eq!(sidecar["class"], "tool_missing", "{explained}");
    let reason = sidecar["reason"].as_str().unwrap();
    let doctor = with_those(&["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    for said in [reason, &doctor.out] {
        for package in [
            "apt install ffmpeg",
            "dnf install ffmpeg-free",
            "brew install ffmpeg",
        ] {
            assert!(said.contains(package), "{said}");
        }
    }
}
