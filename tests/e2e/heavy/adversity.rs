//! What a machine does to the program: a kernel without Landlock, a vault that turns read-only, a
//! database server that goes away in the middle.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Mounted;
use crate::program::{Library, said, write_jpeg};

fn pictures(library: &Library, count: u32) {
    for seed in 0..count {
        write_jpeg(&library.originals().join(format!("{seed}.jpg")), seed);
    }
    library.json([Path::new("index"), &library.originals()]);
}

/// A command, and all that it starts, on a kernel that knows no Landlock.
#[expect(
    unsafe_code,
    reason = "what a kernel lacks can only be taken away between fork and exec"
)]
fn without_landlock(command: &mut Command) -> &mut Command {
    // In the child, between fork and exec: no memory is taken, nothing is locked.
    let install = || {
        const LOAD: u16 = 0x20;
        const JUMP_IF_EQUAL: u16 = 0x15;
        const ANSWER: u16 = 0x06;
        const ENOSYS: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();
        const ALLOW: u32 = 0x7fff_0000;
        let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
        // landlock_create_ruleset has the same number everywhere.
        let mut filter = [
            line(LOAD, 0, 0, 0),
            line(JUMP_IF_EQUAL, 0, 1, 444),
            line(ANSWER, 0, 0, ENOSYS),
            line(ANSWER, 0, 0, ALLOW),
        ];
        let program = libc::sock_fprog {
            len: 4,
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: the program is whole and lives until the kernel copied it.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program) != 0
        };
        match refused {
            true => Err(io::Error::last_os_error()),
            false => Ok(()),
        }
    };
    // SAFETY: `install` makes two system calls and nothing else.
    unsafe { command.pre_exec(install) }
}

#[test]
fn where_less_confinement_is_to_be_had_than_required_nothing_is_made_and_nothing_lost() {
    let library = Library::new();
    pictures(&library, 3);
    let vss = |arguments: &[&str], require: &str| {
        let mut command = library.command(arguments);
        command.arg("--json").env("VSS_SANDBOX_REQUIRE", require);
        said(without_landlock(&mut command).output().unwrap())
    };
    let doctor = vss(&["doctor"], "L2");
    assert!(doctor.out.contains("L2"), "{}", doctor.out);
    let refused = vss(&["run"], "L3");
    assert_eq!(library.ready_rows().len(), 0, "{}", refused.out);
    let why = library.query("SELECT DISTINCT failure_class, failure_detail FROM sidecars_view");
    let why: Vec<[String; 2]> = why
        .iter()
        .map(|row| ["failure_class", "failure_detail"].map(|of| row.try_get("", of).unwrap()))
        .collect();
    let [[class, detail]] = &why[..] else {
        panic!("{why:?}");
    };
    assert_eq!(class, "tool_missing");
    assert!(detail.contains("L2") && detail.contains("L3"), "{detail}");
    // What waits for a better machine is made on one that is good enough.
    library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    let run = vss(&["run"], "L2");
    assert_eq!(run.json()["ready"], 9, "{} {}", run.out, run.err);
}

#[test]
fn a_vault_that_turned_read_only_stops_the_run_with_a_reason_and_loses_nothing() {
    let library = Library::new();
    pictures(&library, 20);
    let vault = library.sidecars();
    let Some(_mounted) = Mounted::tmpfs(&vault, "50m") else {
        return;
    };
    for folder in [".staging", ".quarantine"] {
        std::fs::create_dir(vault.join(folder)).unwrap();
    }
    let remount = |how: &str| {
        let mount = || {
            let mut mount = Command::new("mount");
            mount.args(["-o", &format!("remount,{how}")]).arg(&vault);
            mount.output().unwrap().status.success()
        };
        // Workers end a moment after who started them, and hold their files until then.
        assert!((0..1_000).any(|_| mount()), "it stays busy");
    };
    let mut first = library.command(["run", "--workers", "1"]).spawn().unwrap();
    while library.ready_rows().is_empty() {}
    // Nothing may be open for writing: the kernel refuses that when it is asked, not when it does
    // it by itself after an error of the disk.
    first.kill().unwrap();
    first.wait().unwrap();
    remount("ro");
    let stopped = library.vss(["run"]);
    assert_ne!(stopped.code, 0, "{} {}", stopped.out, stopped.err);
    let words = format!("{} {}", stopped.out, stopped.err).to_lowercase();
    assert!(words.contains("read-only"), "{words}");
    let ready = library.assert_every_ready_row_has_its_whole_file();
    assert!(ready < 60, "it never turned read-only");
    remount("rw");
    library.query("UPDATE sidecars SET not_before = 0 WHERE not_before IS NOT NULL");
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 60);
}

/// Stands between a program and the server's socket, and can be gone for a while.
struct Line {
    folder: tempfile::TempDir,
    away: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Line {
    fn to(server: PathBuf) -> Self {
        let line = Self {
            folder: tempfile::tempdir().unwrap(),
            away: Arc::default(),
            open: Arc::default(),
        };
        let listener = UnixListener::bind(line.folder.path().join(".s.PGSQL.5432")).unwrap();
        let (away, open) = (Arc::clone(&line.away), Arc::clone(&line.open));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if away.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(behind) = UnixStream::connect(&server) else {
                    continue;
                };
                open.lock()
                    .unwrap()
                    .extend([client.try_clone().unwrap(), behind.try_clone().unwrap()]);
                let (mut from, mut to) = (client.try_clone().unwrap(), behind.try_clone().unwrap());
                std::thread::spawn(move || io::copy(&mut from, &mut to));
                let (mut from, mut to) = (behind, client);
                std::thread::spawn(move || io::copy(&mut from, &mut to));
            }
        });
        line
    }

    /// Cuts every connection and lets none in.
    fn cut(&self) {
        self.away.store(true, Ordering::SeqCst);
        for end in self.open.lock().unwrap().drain(..) {
            let _closed = end.shutdown(std::net::Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.away.store(false, Ordering::SeqCst);
    }
}

#[test]
fn a_server_that_goes_away_in_the_middle_of_a_run_is_waited_for() {
    let Some(library) = Library::on_server("goes_away") else {
        return;
    };
    let Some((url, socket)) = library.server_socket() else {
        eprintln!("skipped: a server that goes away is tested over a unix socket");
        return;
    };
    pictures(&library, 60);
    let line = Line::to(socket);
    let folder = line.folder.path().display().to_string();
    let through = url.replace("HOST", &folder);
    let mut command = library.command(["run", "--json", "--workers", "1"]);
    command.env("VSS_DATABASE", through).env("VSS_LEASE", "2");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    for _ in 0..3 {
        let before = library.ready_rows().len();
        while library.ready_rows().len() <= before && library.ready_rows().len() < 180 {}
        line.cut();
        // As long as a server takes to start again.
        std::thread::sleep(Duration::from_millis(700));
        line.mend();
    }
    let run = said(run.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    // Whatever an answer was lost of is claimed again, by whoever works next.
    std::thread::sleep(Duration::from_secs(2));
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 180);
    library.json(["reconcile", "--verify"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 180);
}
