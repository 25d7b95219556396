//! A daemon and the commands that find it: who makes what, who is refused, what a killed daemon
//! leaves behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::program::{Library, write_jpeg};

/// A running daemon; killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts one and waits until it answers.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(library: &Library, arguments: &[S]) -> Self {
        let mut command = library.command(["daemon"]);
        command.args(arguments).stderr(Stdio::piped());
        let mut daemon = Self {
            child: command.spawn().unwrap(),
        };
        let log = BufReader::new(daemon.child.stderr.take().unwrap());
        let mut seen = Vec::new();
        let mut lines = log.lines();
        for line in &mut lines {
            seen.push(line.unwrap());
            if seen
                .last()
                .is_some_and(|line| line.contains("the daemon works"))
            {
                // Whatever it says later is read, so that it never waits for a reader.
                std::thread::spawn(move || lines.for_each(drop));
                return daemon;
            }
        }
        panic!("it never began: {seen:#?}");
    }

    pub(crate) fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child that was not waited for yet.
        #[expect(unsafe_code, reason = "the standard library has no kill with a signal")]
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0);
    }

    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pictures(library: &Library, names: &str, count: u32) {
    for number in 0..count {
        let name = format!("{names}-{number}.jpg");
        let seed = number + 1_000 * u32::from(names.as_bytes()[0]);
        write_jpeg(&library.originals().join(name), seed);
    }
}

fn socket(library: &Library) -> PathBuf {
    sockets(library).remove(0)
}

fn sockets(library: &Library) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(socket_folder(library)).unwrap();
    let places = entries.map(|entry| entry.unwrap().path());
    let is_socket = |place: &PathBuf| place.extension().is_some_and(|ending| ending == "sock");
    places.filter(is_socket).collect()
}

#[test]
fn what_is_indexed_is_made_and_run_waits_for_it() {
    let library = Library::new();
    let daemon = Daemon::start::<&str>(&library, &[]);
    pictures(&library, "a", 6);
    let index = library.json([Path::new("index"), &library.originals()]);
    assert_eq!(index["enqueued"], 18);
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 18);
    let status = library.json(["status"]);
    assert_eq!(status["daemon"]["pid"], daemon.child.id());
    assert_eq!(status["daemon"]["ready"], 18);

    // What nobody made yet is made for whoever waits for it.
    let original = library.originals().join("a-0.jpg");
    let wanted = [
        Path::new("path"),
        &original,
        Path::new("thumb"),
        Path::new("detail@2x"),
    ];
    let mut command = library.command(wanted);
    let waited = crate::program::said(command.args(["--wait", "--json"]).output().unwrap());
    assert_eq!(waited.json()["state"], "ready", "{}", waited.err);
}

/// The niceness of every process that a process started.
#[cfg(target_os = "linux")]
fn niceness_of_children(parent: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap() {
        let stat = process.unwrap().path().join("stat");
        let Ok(text) = std::fs::read_to_string(stat) else {
            continue;
        };
        // After the name, which may hold anything: state, parent, .. and niceness as the 17th.
        let fields: Vec<&str> = text
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        if fields.get(1).and_then(|field| field.parse().ok()) == Some(parent) {
            found.push(fields[16].parse().unwrap());
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn its_workers_give_way_to_everything_else() {
    let library = Library::new();
    pictures(&library, "n", 3);
    let daemon = Daemon::start::<&str>(&library, &[]);
    library.json([Path::new("index"), &library.originals()]);
    library.json(["run"]);
    let niceness = niceness_of_children(daemon.child.id());
    assert!(!niceness.is_empty(), "workers are kept for the next job");
    assert!(niceness.iter().all(|nice| *nice == 19), "{niceness:?}");
}

#[test]
fn folders_that_it_was_given_are_looked_at_again() {
    let library = Library::new();
    let originals = library.originals().into_os_string().into_string().unwrap();
    let _daemon = Daemon::start(&library, &[originals.as_str(), "--index-every", "1"]);
    pictures(&library, "l", 2);
    // It finds them by itself; status is asked until it has.
    while library.json(["status"])["sidecars"]["thumb"]["ready"] != 6 {}
}

#[test]
fn a_second_daemon_is_told_of_the_first() {
    let library = Library::new();
    let first = Daemon::start::<&str>(&library, &[]);
    let second = library.vss(["daemon"]);
    assert_eq!(second.code, 5);
    let pid = first.child.id().to_string();
    assert!(second.err.contains(&pid), "{}", second.err);
    assert!(second.err.contains("what to do"), "{}", second.err);
}

#[test]
fn a_socket_that_a_killed_daemon_left_is_nobody() {
    let library = Library::new();
    pictures(&library, "k", 2);
    let first = Daemon::start::<&str>(&library, &[]);
    first.signal(libc::SIGKILL);
    first.ended();
    assert!(socket(&library).exists());
    let status = library.json(["status"]);
    assert!(status.get("daemon").is_none());
    let (_, run) = library.index_and_run();
    assert_eq!(run["ready"], 6, "the command did it itself");
    let second = Daemon::start::<&str>(&library, &[]);
    assert_eq!(library.json(["status"])["daemon"]["pid"], second.child.id());
}

#[test]
fn told_to_end_it_finishes_and_leaves_nothing_running() {
    let library = Library::new();
    pictures(&library, "e", 30);
    let daemon = Daemon::start::<&str>(&library, &[]);
    library.json([Path::new("index"), &library.originals()]);
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(sockets(&library), [] as [PathBuf; 0]);
    let thumbs = &library.json(["status"])["sidecars"]["thumb"];
    assert_eq!(thumbs["running"], 0);
    let made = thumbs["ready"].as_u64().unwrap();
    assert_eq!(made + thumbs["pending"].as_u64().unwrap(), 90);
    assert_eq!(library.json(["run"])["ready"].as_u64(), Some(90 - made));
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 90);
}

fn socket_folder(library: &Library) -> PathBuf {
    library.root().parent().unwrap().join(".runtime/vss")
}

#[test]
fn stop_asks_it_to_end_and_waits() {
    let library = Library::new();
    let daemon = Daemon::start::<&str>(&library, &[]);
    assert_eq!(library.vss(["daemon", "--stop"]).code, 0);
    assert_eq!(daemon.ended(), Some(0));
    let again = library.vss(["daemon", "--stop"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("no daemon"), "{}", again.err);
}

#[test]
fn a_daemon_that_ends_while_it_is_asked_is_not_there_and_one_that_only_hangs_up_is_told_of() {
    let library = Library::new();
    let daemon = Daemon::start::<&str>(&library, &[]);
    let place = socket(&library);
    daemon.signal(libc::SIGKILL);
    daemon.ended();
    let hangs_up = |times: usize| {
        std::fs::remove_file(&place).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&place).unwrap();
        std::thread::spawn(move || {
            for _ in 0..times {
                drop(listener.accept().unwrap());
            }
        })
    };
    let ends = hangs_up(1);
    let status = library.json(["status"]);
    assert!(
        status.get("daemon").is_none_or(serde_json::Value::is_null),
        "{status}"
    );
    ends.join().unwrap();
    let hangs_up = hangs_up(3);
    let asked = library.vss(["status"]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("does not answer"), "{}", asked.err);
    hangs_up.join().unwrap();
}

#[test]
fn a_folder_that_is_not_there_keeps_the_others_from_nothing() {
    let library = Library::new();
    pictures(&library, "a", 2);
    let away = library.root().join("../away");
    let folders = [library.originals(), away];
    let daemon = Daemon::start(
        &library,
        &folders.each_ref().map(|folder| folder.to_str().unwrap()),
    );
    crate::watching::wait_for("what is there is made", || library.ready_rows().len() == 6);
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn a_held_kind_stays_held_over_a_restart_and_cancelled_work_comes_back_by_a_retry() {
    let library = Library::new();
    pictures(&library, "h", 4);
    let daemon = Daemon::start::<&str>(&library, &[]);
    assert_eq!(library.json(["queue", "pause", "thumb"])["changed"], 1);
    library.json([Path::new("index"), &library.originals()]);
    drop(daemon);

    let _daemon = Daemon::start::<&str>(&library, &[]);
    // Nothing is due but what is held, so there is nothing to wait for.
    assert_eq!(library.json(["run"])["ready"], 0);
    let queue = library.json(["queue", "ls"]);
    assert_eq!(queue["paused"][0]["kind"], "thumb");
    assert_eq!(queue["depths"][0]["due"], 12);
    let cancelled = library.json(["queue", "cancel", "--all"]);
    assert_eq!(cancelled["cancelled"], 12);
    library.json(["queue", "resume", "--all"]);
    assert_eq!(library.json(["run"])["ready"], 0);
    let queued = library.json(["queue", "retry", "--class", "cancelled"]);
    assert_eq!(queued["queued"], 12);
    library.json(["run"]);
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 12);
}

#[test]
fn it_reconciles_on_request_between_two_jobs() {
    let library = Library::new();
    pictures(&library, "r", 3);
    library.index_and_run();
    // One that watches, or scrubs, would not wait for the request.
    let settings = std::fs::read_to_string(library.root().join("vss.toml")).unwrap_or_default();
    let settings = format!("{settings}\n[verify]\nscrub_days = 0\n");
    std::fs::write(library.root().join("vss.toml"), settings).unwrap();
    let _daemon = Daemon::start(&library, &["--no-watch"]);
    let victim = library.sidecar_files().remove(0);
    std::fs::remove_file(&victim).unwrap();
    assert_eq!(library.json(["reconcile"])["missing"], 1);
    library.json(["run"]);
    assert!(victim.exists());
    assert_eq!(library.assert_every_ready_row_has_its_whole_file(), 9);
}

#[test]
fn nonsense_on_the_socket_is_answered_and_does_no_harm() {
    let library = Library::new();
    let daemon = Daemon::start::<&str>(&library, &[]);
    let say = |words: &[u8]| {
        let mut stream = UnixStream::connect(socket(&library)).unwrap();
        // It may hang up before it has read everything.
        let _ = stream.write_all(words);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(say(b"hello\n").contains("another version"));
    assert!(say(b"").contains("failed"));
    assert!(say(br#"{"do":"format_disk"}"#).contains("failed"));
    say(&vec![b'x'; 9 << 20]);
    say(&[0xff; 100]);
    assert_eq!(library.json(["status"])["daemon"]["pid"], daemon.child.id());
}

#[test]
fn systemd_is_told_when_it_works_and_when_it_ends() {
    let library = Library::new();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("notify");
    let ear = UnixDatagram::bind(&place).unwrap();
    let mut command = library.command(["daemon"]);
    let child = command.env("NOTIFY_SOCKET", &place).stderr(Stdio::null());
    let daemon = Daemon {
        child: child.spawn().unwrap(),
    };
    let heard = || {
        let mut words = [0; 256];
        let length = ear.recv(&mut words).unwrap();
        String::from_utf8_lossy(&words[..length]).into_owned()
    };
    assert!(heard().contains("READY=1"));
    daemon.signal(libc::SIGTERM);
    assert!(heard().contains("STOPPING=1"));
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn a_copy_of_a_library_is_not_the_one_that_a_daemon_works_on() {
    let library = Library::new();
    pictures(&library, "c", 1);
    library.index_and_run();
    let daemon = Daemon::start::<&str>(&library, &[]);
    let copy = library.root().with_file_name("copy.sdlibrary");
    let copied = std::process::Command::new("cp")
        .args([Path::new("-r"), &library.root(), &copy])
        .status();
    assert!(copied.unwrap().success());
    let of_copy = |arguments: &[&str]| {
        let mut command = library.command(arguments);
        crate::program::said(command.env("VSS_LIBRARY", &copy).output().unwrap())
    };
    // Both have one id.
    let status = of_copy(&["status", "--json"]).json();
    assert_eq!(status["library_id"], library.json(["status"])["library_id"]);
    assert_eq!(status["daemon"], serde_json::Value::Null);
    let sidecar = crate::program::files_below(&copy.join("sidecars/content"));
    let sidecar = sidecar.iter().find(|file| file.ends_with("grid@1x.webp"));
    std::fs::write(sidecar.unwrap(), "not a picture").unwrap();
    let reconciled = of_copy(&["reconcile", "--verify", "--json"]).json();
    assert_eq!(reconciled["repaired"], 1, "{reconciled}");
    assert_eq!(of_copy(&["daemon", "--stop"]).code, 1);
    assert_eq!(library.json(["status"])["daemon"]["pid"], daemon.child.id());
}

#[test]
fn only_one_of_two_listens_where_both_may_work() {
    // On a server no lock of the library keeps the second from working.
    let Some(library) = Library::on_server("listening") else {
        return;
    };
    let daemon = Daemon::start::<&str>(&library, &[]);
    // As if it had not begun to listen yet.
    std::fs::remove_file(socket(&library)).unwrap();
    let second = library.vss(["daemon"]);
    assert_eq!(second.code, 5, "{}", second.err);
    assert!(
        second.err.contains("works on this library already"),
        "{}",
        second.err
    );
    drop(daemon);
    Daemon::start::<&str>(&library, &[]);
}
