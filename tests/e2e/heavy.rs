//! What takes the machine for itself: processes killed for real, disks that are full.

mod adversity;
mod conversions;
mod daemons;
mod databases;
mod disks;
mod integrity;
mod interactive;
mod poison;
#[cfg(target_os = "linux")]
mod power;
mod sharing;
mod watching;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::program::{Library, files_below, said, write_jpeg};

/// So many rounds of something, or ten times as many in `cargo xtask chaos`.
fn rounds(usual: u32) -> u32 {
    match std::env::var_os("VSS_CHAOS") {
        Some(_) => 10 * usual,
        None => usual,
    }
}

/// Prints how long the same took in two ways, pair by pair, with the ratio in the middle: of the
/// throughput of the first, so much is left in the second.
fn say_pairs(label: &str, pairs: &[(Duration, Duration)]) {
    let mut ratios: Vec<f64> = pairs
        .iter()
        .map(|(alone, among)| alone.as_secs_f64() / among.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    eprintln!(
        "{label}: {pairs:.2?}; of the throughput {ratios:.2?} is left, {middle:.2} in the middle"
    );
}

/// Kills in one test run.
const KILLS: u32 = 20;
const PICTURES: u32 = 60;

#[test]
fn killed_twenty_times_it_loses_nothing_and_never_says_ready_without_a_whole_file() {
    let library = Library::new();
    for seed in 0..PICTURES {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    let mut killed_at_work = 0;
    let mut round = 0;
    let kills = rounds(KILLS);
    while killed_at_work < kills {
        round += 1;
        assert!(
            round < 40 * kills,
            "only {killed_at_work} kills hit a run at work"
        );
        let mut run = library.command(["run", "--workers", "2"]).spawn().unwrap();
        // Spread over the whole run, from its first system calls to its last commits.
        let moment = Duration::from_millis(3 + u64::from(round * 37 % 97) * 5);
        std::thread::sleep(moment);
        let was_at_work = run.try_wait().unwrap().is_none();
        run.kill().unwrap();
        run.wait().unwrap();
        library.assert_every_ready_row_has_its_whole_file();
        if was_at_work {
            killed_at_work += 1;
        } else {
            // Everything is made: make it anew, over files that are served meanwhile.
            library.json(["regen", "--all"]);
        }
    }
    let run = library.json(["run"]);
    assert_eq!(
        (&run["failed"], &run["quarantined"]),
        (&0.into(), &0.into()),
        "{run}"
    );
    let expected = usize::try_from(PICTURES).unwrap() * 3;
    assert_eq!(
        library.assert_every_ready_row_has_its_whole_file(),
        expected
    );
    let counts = &library.json(["status"])["sidecars"]["thumb"];
    assert_eq!(
        (&counts["pending"], &counts["running"], &counts["failed"]),
        (&0.into(), &0.into(), &0.into())
    );
    let reconciled = library.json(["reconcile", "--verify"]);
    assert_eq!(
        (
            &reconciled["adopted"],
            &reconciled["missing"],
            &reconciled["repaired"],
            &reconciled["unknown"]
        ),
        (&0.into(), &0.into(), &0.into(), &0.into()),
        "{reconciled}"
    );
    assert_eq!(
        files_below(&library.sidecars().join(".staging")),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn a_polite_stop_finishes_what_is_under_way_and_the_next_run_goes_on() {
    let library = Library::new();
    for seed in 0..PICTURES {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    let run = library
        .command(["run", "--json", "--workers", "1"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Once something is ready, the run is in the middle of its work.
    while library.ready_rows().is_empty() {}
    let stopped = std::process::Command::new("kill")
        .arg("-TERM")
        .arg(run.id().to_string())
        .status();
    assert!(stopped.unwrap().success());
    let first = said(run.wait_with_output().unwrap());
    let first = first.json();
    assert!(first["halted"].is_string(), "{first}");
    let running = library.json(["status"])["sidecars"]["thumb"]["running"].clone();
    assert_eq!(running, 0, "a stop gives back what it claimed");
    let second = library.json(["run"]);
    let made = |run: &serde_json::Value| run["ready"].as_u64().unwrap();
    assert_eq!(made(&first) + made(&second), u64::from(PICTURES) * 3);
    library.assert_every_ready_row_has_its_whole_file();
}

#[test]
fn a_disk_that_fills_up_stops_the_run_with_a_remedy_and_loses_nothing() {
    let library = Library::new();
    let vault = library.sidecars();
    for seed in 0..40 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    // The vault moves to a tiny file system of its own.
    for entry in fs::read_dir(&vault).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    let Some(_mounted) = Mounted::tmpfs(&vault, "300k") else {
        return;
    };
    for folder in [".staging", ".quarantine"] {
        fs::create_dir(vault.join(folder)).unwrap();
    }
    let full = library.command(["run"]).output().map(said).unwrap();
    assert_eq!(full.code, 1, "{} {}", full.out, full.err);
    assert!(
        full.out.contains("stopped before everything was done"),
        "{}",
        full.out
    );
    assert!(full.out.to_lowercase().contains("space"), "{}", full.out);
    let ready = library.assert_every_ready_row_has_its_whole_file();
    assert!(ready < 120, "the disk never filled up");
    let failed = library
        .query("SELECT failure_class, failure_detail FROM sidecars_view WHERE status = 'failed'");
    let why = |row: &sea_orm::QueryResult| {
        ["failure_class", "failure_detail"].map(|column| row.try_get::<String>("", column).unwrap())
    };
    assert_eq!(
        failed.iter().map(why).collect::<Vec<_>>(),
        Vec::<[String; 2]>::new()
    );

    let grown = std::process::Command::new("mount")
        .args(["-o", "remount,size=50m"])
        .arg(&vault)
        .status();
    assert!(grown.unwrap().success());
    // Their back-off is seconds long; asking for them does not wait for it.
    library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 120);
}

/// A file system that is gone with the test.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(place: &'a Path, size: &str) -> Option<Self> {
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(place)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(place));
        }
        eprintln!("skipped: a full disk needs the right to mount a tmpfs (root)");
        None
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
    }
}
