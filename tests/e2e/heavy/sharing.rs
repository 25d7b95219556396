//! Several processes on one PostgreSQL queue and one vault: nothing is made twice, also by those
//! that are stopped in the middle and wake up when their work was given to others.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::rounds;
use crate::program::{Library, said, write_jpeg};

const PICTURES: u32 = 60;
/// Processes that are stopped at once.
const ZOMBIES: u32 = 10;

fn pictures(library: &Library) -> u64 {
    for seed in 0..PICTURES {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    let index = library.json([Path::new("index"), &library.originals()]);
    index["enqueued"].as_u64().unwrap()
}

/// A process that works; killed when it is dropped.
struct Run(Option<Child>);

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(library: &Library) -> Run {
    let mut command = library.command(["run", "--json", "--workers", "1"]);
    // Dead and stopped processes are found out soon.
    command.env("VSS_LEASE", "1");
    command.env("VSS_LOG", "vss_engine=debug");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Run(Some(command.spawn().unwrap()))
}

/// A process that has opened everything and is at work: one that is stopped while it opens a SQLite
/// file keeps everybody from opening it.
fn start_working(library: &Library) -> Run {
    let mut run = start(library);
    let log = run.0.as_mut().unwrap().stderr.take().unwrap();
    let mut lines = BufReader::new(log).lines();
    let begins = |line: std::io::Result<String>| line.unwrap().contains("begins to claim");
    assert!(lines.any(begins), "it never began");
    // Whatever it says later is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    run
}

/// What a process says it made.
fn made(mut run: Run) -> u64 {
    let said = said(run.0.take().unwrap().wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    said.json()["ready"].as_u64().unwrap()
}

fn signal(run: &Run, signal: i32) {
    let pid = i32::try_from(run.0.as_ref().unwrap().id()).unwrap();
    // SAFETY: a signal to a child that was not waited for yet.
    #[expect(unsafe_code, reason = "the standard library has no kill with a signal")]
    let sent = unsafe { libc::kill(pid, signal) };
    assert_eq!(sent, 0);
}

#[test]
fn three_runs_share_one_queue_and_one_vault_without_double_work() {
    let Some(library) = Library::on_server("sharing") else {
        return;
    };
    let wanted = pictures(&library);
    let runs: Vec<Run> = (0..3).map(|_| start(&library)).collect();
    let shares: Vec<u64> = runs.into_iter().map(made).collect();
    assert_eq!(shares.iter().sum::<u64>(), wanted, "{shares:?}");
    let ready = library.assert_every_ready_row_has_its_whole_file();
    assert_eq!(ready as u64, wanted);
    let attempts = library.query("SELECT 1 FROM sidecars_view WHERE fence <> 1");
    assert_eq!(attempts.len(), 0, "every row was claimed once");
}

#[test]
fn processes_that_are_stopped_past_their_lease_commit_nothing_twice() {
    let Some(library) = Library::on_server("zombies") else {
        return;
    };
    let wanted = pictures(&library);
    for round in 0..rounds(5) {
        let zombies: Vec<Run> = (0..ZOMBIES).map(|_| start_working(&library)).collect();
        for zombie in &zombies {
            std::thread::sleep(Duration::from_millis(u64::from(20 + round * 13 % 40)));
            signal(zombie, libc::SIGSTOP);
        }
        // Their leases run out, and others take their work, but for what is locked in the middle of
        // a commit.
        let rescuers: Vec<Run> = (0..2).map(|_| start(&library)).collect();
        let mut total = rescuers.into_iter().map(made).sum::<u64>();
        for zombie in &zombies {
            signal(zombie, libc::SIGCONT);
        }
        total += zombies.into_iter().map(made).sum::<u64>();
        total += made(start(&library));
        assert_eq!(
            total, wanted,
            "round {round}: each sidecar is committed once"
        );
        let ready = library.assert_every_ready_row_has_its_whole_file();
        assert_eq!(ready as u64, wanted);
        library.json(["regen", "--all"]);
    }
}
