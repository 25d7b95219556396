//! From originals to sidecars and back: made once, found again, repaired.

use std::fs;
use std::path::Path;

use crate::program::{Library, write_jpeg};

fn library_with(pictures: u32) -> Library {
    let library = Library::new();
    for seed in 0..pictures {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library
}

#[test]
fn a_folder_of_pictures_gets_three_thumbnails_each_and_a_second_time_nothing_is_done() {
    let library = library_with(5);
    let (index, run) = library.index_and_run();
    assert_eq!(
        (&index["files"], &index["hashed"], &index["enqueued"]),
        (&5.into(), &5.into(), &15.into())
    );
    assert_eq!((&run["ready"], &run["failed"]), (&15.into(), &0.into()));
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 15);

    let before: Vec<_> = library.sidecar_files();
    let (index, run) = library.index_and_run();
    assert_eq!(
        (&index["hashed"], &index["unchanged"], &index["enqueued"]),
        (&0.into(), &5.into(), &0.into())
    );
    assert_eq!(
        (&run["ready"], &run["failed"], &run["retried"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert_eq!(library.sidecar_files(), before);
}

#[test]
fn originals_are_not_touched() {
    let library = library_with(3);
    let state = || {
        let read = |n: u32| {
            let path = library.originals().join(format!("{n}.jpg"));
            let meta = fs::metadata(&path).unwrap();
            (
                fs::read(&path).unwrap(),
                meta.modified().unwrap(),
                meta.permissions(),
            )
        };
        (0..3).map(read).collect::<Vec<_>>()
    };
    let before = state();
    library.index_and_run();
    assert_eq!(state(), before);
    assert_eq!(fs::read_dir(library.originals()).unwrap().count(), 3);
}

#[test]
fn copies_of_one_picture_share_one_set() {
    let library = library_with(1);
    let original = library.originals().join("0.jpg");
    for name in [
        "copy.jpg",
        "-dash.jpg",
        "space in name.jpg",
        "näme-日本語.jpg",
        "no_extension",
    ] {
        fs::copy(&original, library.originals().join(name)).unwrap();
    }
    let (index, run) = library.index_and_run();
    assert_eq!(
        (&index["files"], &index["contents"]),
        (&6.into(), &1.into())
    );
    assert_eq!(run["ready"], 3);
    assert_eq!(library.sidecar_files().len(), 3);
    let listed = |name: &str| library.json([Path::new("ls"), &library.originals().join(name)]);
    assert_eq!(listed("0.jpg"), listed("näme-日本語.jpg"));
}

#[test]
fn a_lost_database_is_made_again_from_the_files_and_nothing_is_generated_again() {
    let library = library_with(4);
    library.index_and_run();
    let status = library.json(["status"]);
    let rows = || {
        let mut rows: Vec<_> = library
            .query("SELECT rel_path, status, checksum, source, version FROM sidecars_view")
            .iter()
            .map(|row| {
                let text = |column: &str| row.try_get::<String>("", column).unwrap();
                ["rel_path", "status", "checksum", "source", "version"].map(text)
            })
            .collect();
        rows.sort();
        rows
    };
    let before = rows();
    for file in ["sidecars.db", "sidecars.db-wal", "sidecars.db-shm"] {
        let _ = fs::remove_file(library.root().join(file));
    }
    let reconciled = library.json(["reconcile"]);
    assert_eq!(
        (&reconciled["adopted"], &reconciled["unknown"]),
        (&12.into(), &0.into())
    );
    assert_eq!(rows(), before);
    assert_eq!(library.json(["run"])["ready"], 0);
    assert_eq!(library.json(["status"]), status);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 12);
}

#[test]
fn deleted_thumbnails_come_back_and_only_they() {
    let library = library_with(4);
    library.index_and_run();
    let files = library.sidecar_files();
    let stamp = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let kept: Vec<_> = files.iter().skip(3).map(|file| stamp(file)).collect();
    for file in files.iter().take(3) {
        fs::remove_file(file).unwrap();
    }
    let reconciled = library.json(["reconcile"]);
    assert_eq!(
        (&reconciled["missing"], &reconciled["adopted"]),
        (&3.into(), &0.into())
    );
    assert_eq!(library.json(["run"])["ready"], 3);
    assert_eq!(library.sidecar_files(), files);
    assert_eq!(
        files
            .iter()
            .skip(3)
            .map(|file| stamp(file))
            .collect::<Vec<_>>(),
        kept
    );
    library.assert_every_ready_row_has_its_whole_file();
}

#[test]
fn a_ready_row_without_a_file_is_repaired_and_not_answered() {
    let library = library_with(1);
    library.index_and_run();
    let original = library.originals().join("0.jpg");
    let ask = || {
        let mut command = library.command(["path", "--json"]);
        command.arg(&original).args(["thumb", "grid@1x"]);
        crate::program::said(command.output().unwrap())
    };
    let there = ask();
    assert_eq!(
        (there.code, there.json()["state"].as_str()),
        (0, Some("ready"))
    );
    fs::remove_file(there.json()["path"].as_str().unwrap()).unwrap();
    let gone = ask();
    assert_eq!(
        (gone.code, gone.json()["state"].as_str()),
        (3, Some("pending"))
    );
    assert_eq!(library.json(["run"])["ready"], 1);
    let back = ask();
    assert_eq!(
        (back.code, &back.json()["path"]),
        (0, &there.json()["path"])
    );
    library.assert_every_ready_row_has_its_whole_file();
}

#[test]
fn path_with_wait_makes_the_sidecar_now() {
    let library = library_with(3);
    library.json([Path::new("index"), &library.originals()]);
    let mut command = library.command(["path", "--json", "--wait=60"]);
    command
        .arg(library.originals().join("2.jpg"))
        .args(["thumb", "detail@2x"]);
    let said = crate::program::said(command.output().unwrap());
    assert_eq!(
        (said.code, said.json()["state"].as_str()),
        (0, Some("ready")),
        "{}",
        said.err
    );
}

#[test]
fn a_flipped_bit_is_found_set_aside_and_mended() {
    let library = library_with(2);
    library.index_and_run();
    let victim = library.sidecar_files().remove(0);
    let whole = fs::read(&victim).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&victim, &flipped).unwrap();
    assert_eq!(
        library.json(["reconcile"])["repaired"],
        0,
        "the size is right"
    );
    assert_eq!(library.json(["regen", "--corrupt"])["queued"], 1);
    assert_eq!(
        fs::read_dir(library.sidecars().join(".quarantine"))
            .unwrap()
            .count(),
        1
    );
    assert_eq!(library.json(["run"])["ready"], 1);
    assert_eq!(fs::read(&victim).unwrap(), whole);
}

#[test]
fn while_a_sidecar_is_made_anew_the_old_file_is_served() {
    let library = library_with(1);
    library.index_and_run();
    let files = library.sidecar_files();
    assert_eq!(library.json(["regen", "--all"])["queued"], 3);
    assert_eq!(library.sidecar_files(), files);
    let mut command = library.command(["path"]);
    command
        .arg(library.originals().join("0.jpg"))
        .args(["thumb", "grid@1x"]);
    assert_eq!(crate::program::said(command.output().unwrap()).code, 0);
    assert_eq!(
        library.json(["reconcile"])["adopted"],
        0,
        "what is to be made anew is not adopted"
    );
    assert_eq!(library.json(["run"])["ready"], 3);
    library.assert_every_ready_row_has_its_whole_file();
}

#[test]
fn an_edited_picture_gets_sidecars_of_its_own() {
    let library = library_with(1);
    library.index_and_run();
    let path = library.originals().join("0.jpg");
    let before = library.json([Path::new("explain"), &path])["content"].clone();
    write_jpeg(&path, 99);
    let (index, run) = library.index_and_run();
    assert_eq!((&index["hashed"], &run["ready"]), (&1.into(), &3.into()));
    assert_ne!(
        library.json([Path::new("explain"), &path])["content"],
        before
    );
}

#[test]
fn a_renamed_picture_keeps_its_sidecars_and_is_not_hashed_again() {
    let library = library_with(2);
    library.index_and_run();
    fs::create_dir(library.originals().join("sub")).unwrap();
    fs::rename(
        library.originals().join("0.jpg"),
        library.originals().join("sub/new.jpg"),
    )
    .unwrap();
    let (index, run) = library.index_and_run();
    assert_eq!(
        (&index["moved"], &index["hashed"], &run["ready"]),
        (&1.into(), &0.into(), &0.into())
    );
}

#[test]
fn what_failed_is_not_tried_again_until_somebody_asks() {
    let library = library_with(1);
    let bad = library.originals().join("bad.jpg");
    fs::write(&bad, b"\xff\xd8\xff\xe0 this is no picture").unwrap();
    let (_, run) = library.index_and_run();
    assert_eq!((&run["ready"], &run["failed"]), (&3.into(), &3.into()));
    assert_eq!(library.json(["run"])["failed"], 0);
    let explained = library.json([Path::new("explain"), &bad]);
    assert_eq!(explained["class"], "corrupt_source", "{explained}");
    assert_eq!(library.json(["retry"])["queued"], 3);
    assert_eq!(library.json(["run"])["failed"], 3);
}

#[test]
fn plan_says_what_would_be_made_and_records_nothing() {
    let library = library_with(3);
    fs::write(library.originals().join("notes.txt"), "words").unwrap();
    let plan = library.json([Path::new("plan"), &library.originals()]);
    assert_eq!(
        (&plan["files"], &plan["sidecars"]),
        (&4.into(), &9.into()),
        "{plan}"
    );
    assert_eq!(library.json(["status"])["contents"], 0);
    library.index_and_run();
    assert_eq!(
        library.json([Path::new("plan"), &library.originals()])["sidecars"],
        0
    );
}

#[test]
fn a_moved_library_serves_on() {
    let library = library_with(2);
    library.index_and_run();
    let elsewhere = library.root().with_file_name("moved.sdlibrary");
    fs::rename(library.root(), &elsewhere).unwrap();
    let mut command = library.command(["run", "--json", "--library"]);
    let said = crate::program::said(command.arg(&elsewhere).output().unwrap());
    assert_eq!(
        (said.code, &said.json()["ready"]),
        (0, &0.into()),
        "{}",
        said.err
    );
    let mut command = library.command(["path", "--library"]);
    command
        .arg(&elsewhere)
        .arg(library.originals().join("0.jpg"))
        .args(["thumb", "grid@1x"]);
    let said = crate::program::said(command.output().unwrap());
    assert!(
        said.out.contains("moved.sdlibrary"),
        "{} {}",
        said.out,
        said.err
    );
}

#[test]
fn a_run_sweeps_what_the_dead_staged_and_nothing_while_originals_are_moved() {
    let library = library_with(1);
    library.index_and_run();
    let staged = library.sidecars().join(".staging/1-0");
    fs::write(&staged, b"a draft").unwrap();
    let moving = fs::File::create(library.root().join("move.lock")).unwrap();
    moving.lock().unwrap();
    library.json(["run"]);
    assert!(staged.exists(), "somebody moves originals");
    drop(moving);
    library.json(["run"]);
    assert!(!staged.exists(), "nobody does any more");
}
