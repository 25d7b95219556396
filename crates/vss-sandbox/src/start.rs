//! From a program on the disk to a worker that said who it is and how it is confined.
#![expect(
    unsafe_code,
    reason = "a child gets its socket as descriptor 3 between fork and exec"
)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Pid;
use vss_core::{FailureClass, GeneratorRef};
use vss_ports::GenerateFailure;

use crate::channel::Channel;
use crate::deadline;
use crate::process::{WorkerProcess, millis};
use crate::tail::Tail;
use crate::wire::{FromWorker, PROTOCOL, Ready, Start, ToWorker, decode, encode, one_line};
use crate::{Layers, SandboxLevel, WorkerSettings};

/// The descriptor of the worker's end of the socket.
pub(crate) const SOCKET: RawFd = 3;
/// What to do about a worker that does not fit.
const REINSTALL: &str = "install the worker of the same release as vss";
/// How long a worker may take until it is ready: models are loaded from slow disks.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// The worker's whole environment: one thread, one arena, the same bytes every time.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("OMP_THREAD_LIMIT", "1"),
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_PERTURB_", "85"),
    ("TZ", "UTC0"),
];

/// What a worker said when it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerReport {
    /// Which generator it serves.
    pub generator: GeneratorRef,
    /// What holds it.
    pub layers: Layers,
    /// What that adds up to.
    pub level: SandboxLevel,
}

/// Starts a worker only to ask who it is and what confines it on this machine. What the settings
/// require does not matter here.
///
/// # Errors
/// `tool_missing` with what to do about it.
pub fn probe(settings: &WorkerSettings) -> Result<WorkerReport, GenerateFailure> {
    let (_worker, ready) = greet(settings)?;
    Ok(WorkerReport {
        level: ready.layers.level(),
        generator: ready.generator,
        layers: ready.layers,
    })
}

/// Starts a worker that is what the settings ask for.
///
/// The kernel ends it when the calling thread ends.
///
/// # Errors
/// `tool_missing` with what to do about it.
pub(crate) fn start(settings: &WorkerSettings) -> Result<WorkerProcess, GenerateFailure> {
    let (worker, ready) = greet(settings)?;
    confined_enough(&ready.layers, settings.require).map_err(|why| missing(settings, &why))?;
    Ok(worker)
}

/// Whether a worker that says so may get jobs; otherwise why not.
fn confined_enough(layers: &Layers, require: SandboxLevel) -> Result<(), String> {
    let level = layers.level();
    if level >= require {
        return Ok(());
    }
    let missing = one_line(&layers.to_string());
    Err(format!(
        "is confined at {level} on this machine ({missing}): sandbox.require asks for {require}"
    ))
}

fn greet(settings: &WorkerSettings) -> Result<(WorkerProcess, Ready), GenerateFailure> {
    let mut worker = spawn(settings)?;
    let start = ToWorker::Start(Start {
        parent: std::process::id(),
        address_space: settings.limits.address_space,
        file_size: settings.limits.file_size,
    });
    let sent = encode(&start).and_then(|frame| worker.channel.send(&frame, &[]));
    // One that is gone already is found out below, with what it had to say.
    drop(sent);
    let frame = first_frame(&mut worker);
    let Some(frame) = frame else {
        let end = worker.reap();
        let code = end.map_or(String::new(), |end| format!(" ({})", end.status));
        let tail = worker.tail.detail();
        let why = format!("ended before it was ready{code}; {REINSTALL}{tail}");
        return Err(missing(settings, &why));
    };
    let ready = understood(&frame, settings).map_err(|why| missing(settings, &why))?;
    Ok((worker, ready))
}

/// The handshake of a worker of this release; otherwise why not.
fn understood(frame: &[u8], settings: &WorkerSettings) -> Result<Ready, String> {
    // The shape of the rest belongs to the version that comes first.
    match frame {
        [0, protocol, ..] if u32::from(*protocol) == PROTOCOL => {}
        _ => return Err(format!("does not speak protocol {PROTOCOL}: {REINSTALL}")),
    }
    let Some(FromWorker::Ready(ready)) = decode(frame) else {
        return Err(format!("does not speak protocol {PROTOCOL}: {REINSTALL}"));
    };
    let wanted = &settings.descriptor.generator;
    if ready.generator != *wanted {
        return Err(format!(
            "is {} {}, not {} {}: {REINSTALL}",
            ready.generator.id, ready.generator.version, wanted.id, wanted.version
        ));
    }
    Ok(ready)
}

/// What the worker says first; `None` when it ends or says nothing in time.
fn first_frame(worker: &mut WorkerProcess) -> Option<Vec<u8>> {
    let end = deadline::now() + HANDSHAKE;
    while !deadline::until(end).is_zero() {
        let mut events = [
            PollFd::new(&worker.channel, PollFlags::IN),
            PollFd::new(&worker.tail.pipe, PollFlags::IN),
        ];
        let _interrupted = poll(&mut events, Some(&millis(100)));
        let [said, told] = events.map(|event| event.revents());
        // A closed pipe is reported all the time; its news is that the worker is gone.
        if !told.is_empty() && !worker.tail.drain() && said.is_empty() {
            return None;
        }
        if !said.is_empty() {
            return worker.channel.receive_alone().ok().flatten();
        }
    }
    None
}

fn spawn(settings: &WorkerSettings) -> Result<WorkerProcess, GenerateFailure> {
    let unstarted = |error: io::Error| missing(settings, &reason(&error));
    let (ours, theirs) = Channel::pair().map_err(unstarted)?;
    let (reader, writer) = io::pipe().map_err(unstarted)?;
    let tail = Tail::new(reader).map_err(unstarted)?;
    let mut command = Command::new(&settings.program);
    command
        .args(&settings.arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .process_group(0);
    hand_over(&mut command, theirs, settings.background);
    let child = command.spawn().map_err(unstarted)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else {
        return Err(missing(settings, "has no process id"));
    };
    Ok(WorkerProcess::new(pid, ours, tail))
}

/// Makes the worker's end of the socket its descriptor 3, and ties its life to ours.
fn hand_over(command: &mut Command, theirs: OwnedFd, background: bool) {
    let before_exec = move || {
        let end = theirs.as_raw_fd();
        // SAFETY: both numbers are descriptors of the child alone. Descriptor 3 is not the one
        // through which a failed exec is reported: the socket pair took the lowest free numbers
        // before that was made.
        let outcome = unsafe {
            if end == SOCKET {
                libc::fcntl(end, libc::F_SETFD, 0)
            } else {
                libc::dup2(end, SOCKET)
            }
        };
        if outcome == -1 {
            return Err(io::Error::last_os_error());
        }
        die_with_the_parent();
        if background {
            give_way();
        }
        Ok(())
    };
    // SAFETY: after the fork only system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(before_exec) };
}

#[cfg(target_os = "linux")]
fn die_with_the_parent() {
    // SAFETY: takes two numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_the_parent() {}

/// The lowest share of processors and disks. What does not work is no reason not to start.
fn give_way() {
    // SAFETY: takes three numbers; 0 is the calling process.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    #[cfg(target_os = "linux")]
    {
        // ioprio_set(2): IOPRIO_WHO_PROCESS, the calling process, IOPRIO_CLASS_IDLE << 13.
        // SAFETY: takes three numbers.
        unsafe { libc::syscall(libc::SYS_ioprio_set, 1, 0, 3 << 13) };
    }
}

/// Why a program does not start, with what to do.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "is not there: install it beside vss, or set VSS_WORKER_DIR to its folder".into()
        }
        io::ErrorKind::PermissionDenied => {
            "may not be started: make it executable (chmod +x), on a file system without noexec"
                .into()
        }
        _ => format!("does not start: {error}"),
    }
}

fn missing(settings: &WorkerSettings, why: &str) -> GenerateFailure {
    let program = settings.program.display();
    let needs = settings.needs.map(|needs| format!("; it needs {needs}"));
    GenerateFailure::new(
        FailureClass::ToolMissing,
        format!("the worker {program} {why}{}", needs.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;
    use vss_core::plan::{Ability, GeneratorDescriptor};

    fn settings() -> WorkerSettings {
        let descriptor = GeneratorDescriptor {
            generator: generator("1.2.0"),
            abilities: vec![Ability {
                inputs: Vec::new(),
                kinds: Vec::new(),
            }],
        };
        WorkerSettings::image(descriptor, "/opt/worker".into())
    }

    fn generator(version: &str) -> GeneratorRef {
        GeneratorRef {
            id: "image".parse().unwrap(),
            version: version.parse().unwrap(),
        }
    }

    fn said(protocol: u32, version: &str) -> Result<Ready, String> {
        let ready = FromWorker::Ready(Ready {
            protocol,
            generator: generator(version),
            layers: Layers {
                process: Layer::Enforced,
                ..Layers::none("a test")
            },
        });
        understood(&encode(&ready).unwrap(), &settings())
    }

    #[test]
    fn a_worker_confined_less_than_required_is_refused() {
        let layers = Layers {
            process: Layer::Enforced,
            limits: Layer::Enforced,
            seccomp: Layer::Enforced,
            ..Layers::none("the kernel is old")
        };
        assert_eq!(confined_enough(&layers, SandboxLevel::L1), Ok(()));
        assert_eq!(confined_enough(&layers, SandboxLevel::L2), Ok(()));
        let why = confined_enough(&layers, SandboxLevel::L3).unwrap_err();
        assert!(
            why.contains("L2 on this machine (landlock: the kernel is old)"),
            "{why}"
        );
        assert!(why.contains("sandbox.require asks for L3"), "{why}");
    }

    #[test]
    fn a_worker_of_another_protocol_or_version_is_refused_with_a_remedy() {
        assert_eq!(said(PROTOCOL, "1.2.0").unwrap().protocol, PROTOCOL);
        let old = said(PROTOCOL, "1.1.9").unwrap_err();
        assert!(
            old.contains("is image 1.1.9, not image 1.2.0: install"),
            "{old}"
        );
        for protocol in [0, PROTOCOL + 1, 300] {
            let why = said(protocol, "1.2.0").unwrap_err();
            assert!(why.contains("protocol 1: install"), "{why}");
        }
        assert!(understood(b"", &settings()).is_err());
        assert!(understood(&[0, 1, 99], &settings()).is_err());
    }
}
