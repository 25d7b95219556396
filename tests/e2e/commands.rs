//! What people type, and what they are told: names of libraries, files that are there already, output
//! that goes nowhere, kinds that are held.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::{Library, said, write_jpeg};

fn library() -> (Library, PathBuf) {
    let library = Library::new();
    let picture = library.originals().join("a.jpg");
    write_jpeg(&picture, 1);
    library.index_and_run();
    (library, picture)
}

#[test]
fn a_slash_behind_the_name_of_a_library_means_nothing_and_a_folder_of_its_name_is_not_it() {
    let home = Library::unmade();
    let photos = home.root().with_file_name("Photos");
    fs::create_dir(&photos).unwrap();
    let vss = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        said(command.env_remove("VSS_LIBRARY").output().unwrap())
    };
    let made = vss(&["init", "Photos/"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(
        photos
            .with_extension("sdlibrary")
            .join("library.json")
            .exists()
    );
    assert_eq!(fs::read_dir(&photos).unwrap().count(), 0);
    for named in ["Photos", "Photos/", "Photos.sdlibrary", "Photos.sdlibrary/"] {
        let status = vss(&["-L", named, "status"]);
        assert_eq!(status.code, 0, "{named}: {}", status.err);
    }
    for nameless in [".", "..", "/"] {
        let refused = vss(&["init", nameless]);
        assert_eq!(refused.code, 2, "{nameless}: {}", refused.err);
    }
}

#[test]
fn a_contact_sheet_replaces_nothing() {
    let (library, picture) = library();
    let before = fs::read(&picture).unwrap();
    for place in [picture.clone(), library.originals().join("a.png")] {
        fs::write(&place, &before).unwrap();
        let refused = library.vss([
            OsStr::new("contact-sheet"),
            OsStr::new("--out"),
            place.as_os_str(),
        ]);
        assert_eq!(refused.code, 1);
        assert!(
            refused.err.contains("nothing is overwritten"),
            "{}",
            refused.err
        );
        assert_eq!(fs::read(&place).unwrap(), before);
    }
    // Whatever its name ends in, it is a PNG.
    let sheet = library.originals().join("sheet");
    let drawn = library.json([Path::new("contact-sheet"), Path::new("--out"), &sheet]);
    assert_eq!(drawn["pictures"], 1);
    assert!(fs::read(&sheet).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_a_reader_that_went_away_is_none() {
    let (library, picture) = library();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = library.command([Path::new("explain"), &picture]);
    let told = command.stdout(full).output().unwrap();
    assert_eq!(told.status.code(), Some(1));
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(words.contains("could not be written"), "{words}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = library.command([Path::new("explain"), &picture]);
    let ended = command.stdout(writer).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn a_path_is_printed_byte_by_byte() {
    let library = Library::new();
    let named = |ending: &[u8]| {
        let name = [b"K\xf6ln", ending].concat();
        library.originals().join(OsStr::from_bytes(&name))
    };
    write_jpeg(&named(b".jpg"), 1);
    fs::write(named(b".xmp"), "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>").unwrap();
    library.index_and_run();
    let picture = named(b".jpg");
    let asked = [
        OsStr::new("path"),
        picture.as_os_str(),
        OsStr::new("xmp"),
        OsStr::new("original"),
    ];
    let mut printed = library.command(asked).output().unwrap().stdout;
    assert_eq!(printed.pop(), Some(b'\n'));
    let printed = PathBuf::from(std::ffi::OsString::from_vec(printed));
    assert_eq!(printed, named(b".xmp").canonicalize().unwrap());
}

#[test]
fn a_kind_that_is_held_is_named_by_whoever_is_asked() {
    let library = Library::new();
    let picture = library.originals().join("a.jpg");
    write_jpeg(&picture, 1);
    library.json(["queue", "pause", "thumb"]);
    let (_, run) = library.index_and_run();
    assert_eq!(
        (&run["ready"], &run["held"]["thumb"]),
        (&0.into(), &3.into()),
        "{run}"
    );
    assert_eq!(library.json(["status"])["paused"][0], "thumb");
    let resume = "vss queue resume thumb";
    let picture = picture.to_str().unwrap();
    for asked in [
        &["run"][..],
        &["status"],
        &["explain", picture],
        &["path", picture, "thumb", "grid@1x"],
    ] {
        let told = library.vss(asked);
        let words = told.out + &told.err;
        assert!(words.contains(resume), "{asked:?}: {words}");
    }
    library.json(["queue", "resume", "thumb"]);
    assert_eq!(library.json(["run"])["ready"], 3);
    for asked in [&["run"][..], &["status"], &["explain", picture]] {
        assert!(!library.vss(asked).out.contains("held"), "{asked:?}");
    }
}

#[test]
fn what_has_nothing_to_be_made_of_is_told_apart_and_without_problems_that_is_said() {
    let (library, _) = library();
    let none = library.vss(["explain", "--problems"]);
    assert_eq!(none.out, "no problems\n");
    assert_eq!(
        library
            .json(["explain", "--problems"])
            .as_array()
            .unwrap()
            .len(),
        0
    );
    fs::write(
        library.originals().join("cut.jpg"),
        [0xff, 0xd8, 0xff, 0xe0],
    )
    .unwrap();
    library.json([Path::new("index"), &library.originals()]);
    let run = library.vss(["run"]);
    assert!(
        run.out.contains("3 failed; see: vss explain --problems"),
        "{}",
        run.out
    );
    let problems = library.json(["explain", "--problems"]);
    assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
    assert_eq!(problems[0]["class"], "corrupt_source");
}

#[test]
fn a_kind_that_does_not_exist_is_refused_in_the_configuration() {
    let library = Library::new();
    let config = library.root().join("vss.toml");
    for table in ["at_once.thumbnail = 2", "quota.kinds.thumbnail = 5"] {
        fs::write(&config, format!("{table}\n")).unwrap();
        let refused = library.vss(["status"]);
        assert_eq!(refused.code, 2, "{table}: {}", refused.err);
        assert!(
            refused.err.contains("thumbnail, which is no kind"),
            "{}",
            refused.err
        );
    }
    fs::write(&config, "at_once.thumb = 2\nquota.kinds.live = 5\n").unwrap();
    assert_eq!(library.vss(["status"]).code, 0);
    fs::write(&config, "readers = 0\n").unwrap();
    let refused = library.vss(["status"]);
    assert!(!refused.err.contains("queue pause"), "{}", refused.err);
}

#[test]
fn a_first_look_of_a_watch_waits_for_who_is_at_it_and_ends_when_it_is_told_to() {
    let (library, _) = library();
    let alone = fs::File::options()
        .write(true)
        .open(library.root().join("index.lock"));
    let alone = alone.unwrap();
    alone.lock().unwrap();
    let mut command = library.command([
        OsStr::new("index"),
        OsStr::new("--watch"),
        library.originals().as_os_str(),
    ]);
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(watch.stdout.take().unwrap());
    let first = std::io::BufRead::lines(said).next().unwrap().unwrap();
    assert_eq!(first, "waiting for another vss that is indexing");
    let told = Command::new("kill").arg(watch.id().to_string()).status();
    assert!(told.unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn what_a_generator_makes_is_said_once() {
    let doctor = Library::new().json(["doctor"]);
    let checks = doctor["checks"].as_array().unwrap().iter();
    let generators = checks.filter(|check| check["name"] == "generator");
    let mut looked_at = 0;
    for generator in generators {
        let detail = generator["detail"].as_str().unwrap();
        let (_, kinds) = detail.split_once(" makes ").unwrap();
        let (kinds, _) = kinds.split_once(" from ").unwrap();
        let mut kinds: Vec<_> = kinds.split(", ").collect();
        let all = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), all, "{detail}");
        looked_at += 1;
    }
    assert!(looked_at > 0, "{doctor}");
}
