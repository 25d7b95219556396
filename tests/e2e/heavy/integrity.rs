//! Rot in a large library, disks that are not there, and a machine whose calls fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Mounted;
use crate::integrity::{check_sums, made_of, rot};
use crate::program::{Library, said, write_jpeg};

/// Pictures with three sidecars each, and each how many-th of these rots; in `cargo xtask chaos` a
/// hundred times as many, of which ten times as many rot.
fn pictures() -> (u32, usize) {
    match std::env::var_os("VSS_CHAOS") {
        Some(_) => (33_334, 100),
        None => (334, 10),
    }
}

#[test]
fn one_bit_in_a_tenth_of_a_thousand_sidecars_is_found_and_mended_each_time() {
    let (pictures, each) = pictures();
    let library = made_of(pictures);
    let files = library.sidecar_files();
    let rotten: BTreeSet<&PathBuf> = files
        .iter()
        .step_by(each)
        .take(files.len() / each)
        .collect();
    rotten.iter().for_each(|file| rot(file));
    let scrubbed = library.json(["scrub", "--all"]);
    let count = rotten.len() as u64;
    assert_eq!(scrubbed["checked"], files.len());
    assert_eq!(
        (&scrubbed["corrupt"], &scrubbed["repaired"]),
        (&count.into(), &count.into())
    );
    assert_eq!(scrubbed["unrepaired"].as_array().unwrap().len(), 0);
    let findings = scrubbed["findings"].as_array().unwrap();
    let named = findings.iter().map(|found| {
        let text = |field: &str| found[field].as_str().unwrap();
        assert_eq!(text("damage"), "bit_rot");
        format!("{}/thumbs/{}.webp", text("content"), text("variant"))
    });
    let named: BTreeSet<_> = named.collect();
    assert_eq!(named.len(), rotten.len());
    for file in &rotten {
        assert!(
            named.iter().any(|name| file.ends_with(name)),
            "{file:?} is not named"
        );
    }
    assert_eq!(
        library.assert_every_ready_row_has_its_whole_file(),
        files.len()
    );
    assert_eq!(check_sums(&library), Ok(files.len()));
    eprintln!(
        "scrubbed {} sidecars, {count} of them rotten: {scrubbed}",
        files.len()
    );

    // Whoever asks before any scrub is given none of them either.
    let rotten: Vec<_> = rotten.into_iter().take(100).collect();
    rotten.iter().for_each(|file| rot(file));
    for file in &rotten {
        let parts: Vec<_> = file
            .iter()
            .rev()
            .map(|part| part.to_str().unwrap())
            .collect();
        let variant = parts[0].strip_suffix(".webp").unwrap();
        let asked = library.vss(["path", parts[2], "thumb", variant]);
        assert_eq!((asked.code, &*asked.out), (3, ""), "{file:?} was served");
    }
    assert_eq!(library.json(["run"])["ready"], rotten.len());
    assert_eq!(
        library.assert_every_ready_row_has_its_whole_file(),
        files.len()
    );
}

#[test]
fn a_vault_whose_disk_is_not_mounted_is_not_an_empty_one() {
    let library = made_of(3);
    let vault = library.sidecars();
    let rows = library.ready_rows().len();
    let Some(mounted) = Mounted::tmpfs(&vault, "1m") else {
        return;
    };
    for command in [["reconcile", "--verify"], ["scrub", "--all"]] {
        let refused = library.vss(command);
        assert_eq!(refused.code, 5, "{} {}", refused.out, refused.err);
        assert!(refused.err.contains("vault is empty"), "{}", refused.err);
        assert!(refused.err.contains("mount"), "{}", refused.err);
    }
    assert_eq!(library.ready_rows().len(), rows);
    drop(mounted);
    let scrubbed = library.json(["scrub", "--all"]);
    assert_eq!(
        (&scrubbed["checked"], &scrubbed["corrupt"]),
        (&rows.into(), &0.into())
    );
}

#[test]
fn an_unmounted_location_is_named_and_nothing_of_it_is_deleted() {
    let library = Library::new();
    let (disk, base) = (library.originals(), library.root().with_file_name("base"));
    let inner = base.join("inner disk");
    fs::create_dir_all(&inner).unwrap();
    let (Some(mounted), Some(inside)) = (Mounted::tmpfs(&disk, "1m"), Mounted::tmpfs(&inner, "1m"))
    else {
        return;
    };
    for (seed, folder) in [(1, &disk), (2, &disk), (3, &inner), (4, &base)] {
        write_jpeg(&folder.join(format!("{seed}.jpg")), seed);
    }
    let index = |folder: &Path| library.vss([Path::new("index"), folder, Path::new("--json")]);
    assert_eq!(index(&disk).json()["contents"], 2);
    assert_eq!(index(&base).json()["contents"], 2);
    library.json(["run"]);
    let files = library.sidecar_files();
    assert_eq!((library.ready_rows().len(), files.len()), (12, 12));

    drop((mounted, inside));
    let refused = index(&disk);
    assert_ne!(refused.code, 0);
    assert!(
        refused.err.contains(disk.to_str().unwrap()),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("mount"), "{}", refused.err);
    let indexed = index(&base).json();
    assert_eq!(
        (&indexed["vanished"], &indexed["files"]),
        (&0.into(), &1.into())
    );
    let problem = &indexed["errors"][0];
    assert_eq!(problem["class"], "unmounted");
    assert_eq!(problem["path"], inner.to_str().unwrap());

    for arguments in [&["gc", "--grace", "0"][..], &["gc", "--apply"]] {
        let refused = library.vss(arguments);
        assert_eq!(refused.code, 1, "{}", refused.out);
        assert!(
            refused.err.contains(disk.to_str().unwrap()),
            "{}",
            refused.err
        );
        assert!(
            refused.err.contains("nothing was deleted"),
            "{}",
            refused.err
        );
    }
    let despite = library.json(["gc", "--grace", "0", "--despite-missing"]);
    assert_eq!(despite["contents"], 0);
    assert_eq!(despite["missing_locations"][0], disk.to_str().unwrap());
    let reconciled = library.json(["reconcile"]);
    for count in ["missing", "removed_rows", "orphaned", "repaired"] {
        assert_eq!(reconciled[count], 0, "{count}");
    }
    assert_eq!(reconciled["missing_locations"][0], disk.to_str().unwrap());
    assert_eq!(library.sidecar_files(), files);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 12);
    let explained = library.json(["status"]);
    assert_eq!(explained["originals"], 4);
}

/// Only of commands that start no worker: libfiu holds a lock of its own while a process forks, and
/// the child may wait for it for ever. Nor of `write`, by which the runtime wakes itself.
#[test]
fn calls_that_fail_with_an_io_error_are_told_and_lose_nothing() {
    if Command::new("fiu-run").output().is_err() {
        eprintln!("skipped: failing calls need fiu-run (package fiu-utils)");
        return;
    }
    let library = made_of(10);
    let failing = |call: &str, arguments: &[&str]| {
        let command = library.command(arguments);
        let what = format!("enable_random name=posix/io/{call},probability=0.03,failinfo=5");
        let mut fiu = Command::new("fiu-run");
        fiu.args(["-x", "-c", &what]).arg(command.get_program());
        fiu.args(arguments);
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => fiu.env(key, value),
                None => fiu.env_remove(key),
            };
        }
        fiu.current_dir(command.get_current_dir().unwrap());
        said(fiu.output().unwrap())
    };
    let (mut failed, mut tried) = (0, 0);
    for call in [
        "rw/read",
        "rw/pread",
        "rw/pwrite",
        "sync/fdatasync",
        "sync/fsync",
    ] {
        for command in [
            &["reconcile", "--verify"][..],
            &["scrub", "--all", "--dry-run"],
            &["gc", "--grace", "0"],
        ] {
            // Something to write for a reconcile.
            let _ = library.sidecar_files().first().map(fs::remove_file);
            let said = failing(call, command);
            assert_ne!(said.code, -1, "{call} {command:?} died: {}", said.err);
            tried += 1;
            if said.code != 0 {
                failed += 1;
                let told = format!("{}{}", said.out, said.err);
                assert!(!told.trim().is_empty(), "{call} {command:?} says nothing");
            }
        }
    }
    assert!(failed > 0, "no call ever failed");
    eprintln!("{failed} of {tried} commands failed");
    library.json(["reconcile", "--verify"]);
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 30);
    assert_eq!(check_sums(&library), Ok(30));
    assert_eq!(fs::read_dir(library.originals()).unwrap().count(), 10);
}
