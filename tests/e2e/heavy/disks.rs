//! Disks that are not mounted, or go while they are watched, and a vault that somebody emptied: what
//! cannot be looked at is not taken for gone, and lasting trouble is said once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Mounted;
use crate::integrity::made_of;
use crate::program::{Library, picture, write_jpeg};
use crate::watching::{Staying, wait_for};

/// The usual log, and each time that lasting trouble goes on.
const AND_WHAT_GOES_ON: &str = "info,vss::lasting=debug";

fn write_small(place: PathBuf, seed: u32) {
    let picture = picture(seed, 64, 48);
    picture
        .save_with_format(place, image::ImageFormat::Jpeg)
        .unwrap();
}

/// How many rows are in each state.
fn states(library: &Library) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for row in library.query("SELECT status FROM sidecars_view") {
        let status: String = row.try_get("", "status").unwrap();
        *states.entry(status).or_default() += 1;
    }
    states
}

#[test]
fn disks_that_are_unmounted_while_they_are_watched_take_nothing_with_them() {
    for settings in ["", "[watch]\npoll = \"always\"\npoll_every = 1\n"] {
        let library = Library::new();
        fs::write(library.root().join("vss.toml"), settings).unwrap();
        let (base, disk) = (library.originals(), library.root().with_file_name("disk"));
        let inner = base.join("inner");
        fs::create_dir(&disk).unwrap();
        fs::create_dir(&inner).unwrap();
        let (Some(whole), Some(inside)) =
            (Mounted::tmpfs(&disk, "1m"), Mounted::tmpfs(&inner, "1m"))
        else {
            return;
        };
        for (seed, folder) in [(1, &disk), (2, &inner), (3, &base)] {
            write_small(folder.join(format!("{seed}.jpg")), seed);
        }
        let daemon = Staying::daemon(&library, &[&disk, &base], &["--index-every", "0"]);
        wait_for("all is made", || library.ready_rows().len() == 9);
        let known = library.catalog();
        let said = daemon.log().len();
        drop((whole, inside));
        // Somebody touches the bare mount point, so that it is a place to look at as any other.
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).unwrap();
        for place in [&disk, &inner] {
            let words = place.to_str().unwrap();
            wait_for(words, || {
                daemon.log()[said..].iter().any(|line| line.contains(words))
            });
        }
        write_small(base.join("4.jpg"), 4);
        wait_for("the others go on", || library.ready_rows().len() == 12);
        let mut left = library.catalog();
        left.retain(|(path, _, _)| !path.ends_with("/4.jpg"));
        assert_eq!(left, known, "{:#?}", daemon.log());
        assert_eq!(
            library.json(["gc", "--grace", "0", "--despite-missing"])["contents"],
            0
        );
        let log = daemon.log().join("\n");
        let mut vanished = log.split("vanished=").skip(1);
        assert!(vanished.all(|rest| rest.starts_with("0 ")), "{log}");
    }
}

#[test]
fn a_daemon_whose_vault_is_not_mounted_takes_nothing_for_gone_and_says_so_once() {
    let library = made_of(3);
    let vault = library.sidecars();
    let Some(mounted) = Mounted::tmpfs(&vault, "1m") else {
        return;
    };
    let daemon = Staying::telling(AND_WHAT_GOES_ON, &library, &[&library.originals()], &[]);
    // Somebody touches it all the same.
    fs::create_dir_all(vault.join("content/ab")).unwrap();
    daemon.says("the vault could not be looked after, still", 2);
    assert_eq!(daemon.count("could not be looked after; tried again"), 1);
    assert_eq!(states(&library), [("ready".to_owned(), 9)].into());
    let trouble = &library.json(["status"])["trouble"];
    for (part, words) in [("error", "vault is empty"), ("remedy", "mount the disk")] {
        assert!(trouble[part].as_str().unwrap().contains(words), "{trouble}");
    }
    let doctor = library.vss(["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(
        doctor.out.contains("BAD vault: the vault is empty"),
        "{}",
        doctor.out
    );
    drop(daemon);
    drop(mounted);
    assert_eq!(library.json(["run"])["ready"], 0);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
    assert!(library.json(["status"]).get("trouble").is_none());
}

#[test]
fn a_vault_that_was_emptied_on_purpose_is_said_once_when_it_begins_and_once_when_it_ends() {
    let library = made_of(3);
    let daemon = Staying::telling(AND_WHAT_GOES_ON, &library, &[&library.originals()], &[]);
    let away = library.root().with_file_name("away");
    fs::rename(library.sidecars().join("content"), &away).unwrap();
    let begins = "the vault could not be looked after; tried again";
    daemon.says("the vault could not be looked after, still", 2);
    assert_eq!(daemon.count(begins), 1);
    let begun = daemon.log().into_iter().find(|line| line.contains(begins));
    let begun = begun.unwrap();
    assert!(
        begun.contains("vault is empty") && begun.contains("vss regen --all"),
        "{begun}"
    );
    let trouble = &library.json(["status"])["trouble"]["error"];
    assert!(trouble.as_str().unwrap().contains("vault is empty"));
    // As the remedy says.
    library.json(["regen", "--all"]);
    daemon.says("over: the vault could not be looked after", 1);
    wait_for("all is made again", || {
        states(&library) == [("ready".to_owned(), 9)].into()
    });
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
    assert_eq!(daemon.count(begins), 1);
    assert!(library.json(["status"]).get("trouble").is_none());
}

#[test]
fn a_daemon_on_a_full_disk_says_so_once_and_goes_on_by_itself_when_there_is_room() {
    let library = Library::new();
    let vault = library.sidecars();
    let Some(_mounted) = Mounted::tmpfs(&vault, "300k") else {
        return;
    };
    for folder in [".staging", ".quarantine"] {
        fs::create_dir(vault.join(folder)).unwrap();
    }
    for seed in 0..40 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    let daemon = Staying::telling(AND_WHAT_GOES_ON, &library, &[&library.originals()], &[]);
    let begins = "nothing is made for a while; tried again";
    daemon.says(begins, 1);
    // It rests for half a minute, which is as long as anything is waited for here.
    let still = || daemon.count("nothing is made for a while, still");
    while still() == 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(daemon.count(begins), 1);
    assert_eq!(daemon.count("over: nothing is made"), 0);
    let ready = library.assert_every_ready_row_has_its_whole_file();
    assert!(ready < 120, "the disk never filled up");
    let grown = Command::new("mount")
        .args(["-o", "remount,size=50m"])
        .arg(&vault)
        .status();
    assert!(grown.unwrap().success());
    library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    while library.ready_rows().len() < 120 {
        std::thread::sleep(Duration::from_millis(100));
    }
    daemon.says("over: nothing is made for a while", 1);
    assert_eq!(daemon.count(begins), 1);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 120);
}

#[test]
fn what_is_made_after_the_whole_library_had_no_space_is_made_for_everybody() {
    let library = Library::unmade();
    let root = library.root();
    fs::create_dir(&root).unwrap();
    let Some(_mounted) = Mounted::tmpfs(&root, "32m") else {
        return;
    };
    assert_eq!(library.vss(["init"]).code, 0);
    for seed in 0..40 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    library.json(["queue", "pause", "thumb"]);
    let daemon = Staying::unwatching(&library, &[]);
    library.json(["queue", "resume", "thumb"]);
    let filler = root.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    daemon.says("the store does not answer; waiting for it", 1);
    fs::remove_file(&filler).unwrap();
    drop(file);
    // Where also a file found no space it rests for half a minute first. A connection of the test's
    // own: what the daemon alone can see is nothing, and its lock would let nobody write. As often as
    // that, its writes come between those of the daemon.
    while library.ready_rows().len() < 120 {
        library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    }
    drop(daemon);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 120);
    assert_eq!(states(&library), [("ready".to_owned(), 120)].into());
}
