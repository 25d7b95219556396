//! Daemons that are killed for real, again and again, and one bad file among very many good ones.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{rounds, say_pairs};
use crate::daemon::Daemon;
use crate::program::{Library, picture, write_jpeg};

const KILLS: u32 = 50;
const PICTURES: u32 = 40;

#[test]
fn killed_fifty_times_under_load_a_daemon_loses_nothing_and_serves_again_at_once() {
    let library = Library::new();
    for seed in 0..PICTURES {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    let mut waits = Vec::new();
    for round in 0..rounds(KILLS) {
        let started = Instant::now();
        let daemon = Daemon::start(&library, &["--workers", "2"]);
        // It answers, and its first act was to free what the dead one held.
        waits.push(started.elapsed());
        let moment = Duration::from_millis(u64::from(round * 37 % 97) * 6);
        std::thread::sleep(moment);
        daemon.signal(libc::SIGKILL);
        daemon.ended();
        library.assert_every_ready_row_has_its_whole_file();
        if library.json(["status"])["sidecars"]["thumb"]["pending"] == 0 {
            library.json(["regen", "--all"]);
        }
    }
    waits.sort();
    eprintln!(
        "serving again after a kill: {:?} in the middle, {:?} at most",
        waits[waits.len() / 2],
        waits.last().unwrap()
    );
    let run = library.json(["run"]);
    assert_eq!(
        (&run["failed"], &run["quarantined"]),
        (&0.into(), &0.into())
    );
    let all = usize::try_from(PICTURES).unwrap() * 3;
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), all);
    let reconciled = library.json(["reconcile", "--verify"]);
    for what in ["adopted", "missing", "repaired", "unknown"] {
        assert_eq!(reconciled[what], 0, "{reconciled}");
    }
}

#[test]
fn a_daemon_under_full_load_answers_whoever_asks() {
    let library = Library::new();
    for seed in 0..150 {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
    let daemon = Daemon::start(&library, &["--workers", "2"]);
    let mut waits = Vec::new();
    while library.json(["status"])["sidecars"]["thumb"]["pending"] != 0 {
        // Over its socket: somebody wants one of the sidecars, and how the queue is.
        let started = Instant::now();
        let listed = library.json(["queue", "ls"]);
        waits.push(started.elapsed());
        assert!(listed.is_object() || listed.is_array(), "{listed}");
    }
    assert!(waits.len() > 2, "it was done before anybody asked");
    waits.sort();
    eprintln!(
        "`vss queue ls` of a daemon at work, with the start of its process, {} times: {:?} in the \
         middle, {:?} at most",
        waits.len(),
        waits[waits.len() / 2],
        waits.last().unwrap()
    );
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
    library.assert_every_ready_row_has_its_whole_file();
}

/// A library of 1,000 small pictures; the last of them may be cut off.
fn thousand(one_is_bad: bool) -> (Library, PathBuf) {
    let library = Library::new();
    for seed in 0..1_000 {
        let place = library.originals().join(format!("{seed}.jpg"));
        picture(seed, 24, 16).save(place).unwrap();
    }
    let last = library.originals().join("999.jpg");
    if one_is_bad {
        let whole = std::fs::read(&last).unwrap();
        std::fs::write(&last, &whole[..60]).unwrap();
    }
    library.json([Path::new("index"), &library.originals()]);
    (library, last)
}

#[test]
fn one_bad_file_among_a_thousand_keeps_nobody_from_being_made() {
    let timed = |one_is_bad| {
        let (library, last) = thousand(one_is_bad);
        let started = Instant::now();
        let run = library.json(["run"]);
        let took = started.elapsed();
        let (ready, failed) = if one_is_bad { (2_997, 3) } else { (3_000, 0) };
        assert_eq!(
            (&run["ready"], &run["failed"]),
            (&ready.into(), &failed.into())
        );
        (library, last, took)
    };
    let mut pairs = Vec::new();
    for round in 1..rounds(1) {
        // In turns, so that neither always has the quieter half of the time.
        let first = timed(round % 2 == 0).2;
        let second = timed(round % 2 == 1).2;
        pairs.push(if round % 2 == 0 {
            (second, first)
        } else {
            (first, second)
        });
    }
    if !pairs.is_empty() {
        say_pairs("1,000 pictures: all good, one of them bad", &pairs);
    }
    let (library, bad, _) = timed(true);
    // It is not tried again by itself, but on request.
    assert_eq!(library.json(["run"])["failed"], 0);
    let history = |library: &Library| {
        let explained = library.json([Path::new("explain"), &bad]);
        let history = explained["sidecars"][0]["history"].as_array().unwrap();
        for attempt in history {
            assert_eq!(attempt["outcome"], "corrupt_source", "{attempt}");
            assert!(attempt["cpu_seconds"].is_f64(), "{attempt}");
            assert!(attempt["peak_memory"].as_u64() > Some(0), "{attempt}");
        }
        history.len()
    };
    assert_eq!(history(&library), 1);
    assert_eq!(library.json(["retry"])["queued"], 3);
    assert_eq!(library.json(["run"])["failed"], 3);
    assert_eq!(history(&library), 2);
}

#[test]
fn a_daemon_that_is_stopped_keeps_nobody_waiting_for_ever() {
    let library = Library::new();
    write_jpeg(&library.originals().join("a.jpg"), 1);
    let daemon = Daemon::start::<&str>(&library, &[]);
    daemon.signal(libc::SIGSTOP);
    let told = library.vss(["status"]);
    assert_eq!(told.code, 1, "{}", told.out);
    assert!(told.err.contains("does not answer"), "{}", told.err);
    assert!(told.err.contains("nothing within 10 s"), "{}", told.err);
    // What does not need it goes on without it.
    let indexed = library.json([Path::new("index"), &library.originals()]);
    assert_eq!(indexed["enqueued"], 3);
    daemon.signal(libc::SIGCONT);
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 3);
}
