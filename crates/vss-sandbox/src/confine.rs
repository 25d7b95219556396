//! The lock that a worker puts on itself, in the order in which the steps allow each other.
#![expect(
    unsafe_code,
    reason = "signal dispositions, time zones and stray descriptors have no safe calls"
)]

use std::fmt::Display;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use rustix::process::{Resource, Rlimit, Signal, getppid, setrlimit};
use seccompiler::{BpfProgram, apply_filter};

use crate::profile::Profile;
use crate::start::SOCKET;
use crate::syscalls;
use crate::wire::Start;
use crate::{Layer, Layers};

/// Descriptors that a worker may have open. The parent raises it for jobs of many outputs.
pub(crate) const DESCRIPTORS: u64 = 16;

unsafe extern "C" {
    /// POSIX: reads the time zone, which the C library else does when it first needs it.
    fn tzset();
}

/// Locks this process in for good, and says what holds.
pub(crate) fn lock(profile: Profile, start: &Start) -> Layers {
    // SAFETY: there is one thread.
    unsafe { tzset() };
    if profile == Profile::Av {
        // What the first thread loads cannot be loaded later.
        let _loaded = std::thread::spawn(|| {}).join();
    }
    close_strays();
    let filters = syscalls::filters(profile);
    Layers {
        process: layer(&process(start)),
        limits: layer(&limits(start)),
        landlock: landlock(),
        seccomp: layer(&filters.and_then(|filters| seccomp(&filters))),
    }
}

fn layer<E: Display>(outcome: &Result<(), E>) -> Layer {
    match outcome {
        Ok(()) => Layer::Enforced,
        Err(error) => Layer::Missing(error.to_string()),
    }
}

/// Closes what the parent left open by mistake.
fn close_strays() {
    let first = u32::try_from(SOCKET).map_or(u32::MAX, |socket| socket + 1);
    // SAFETY: this process has opened nothing yet that it goes on to use. An old kernel does not
    // know the call; the parent opens everything close-on-exec anyway.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

fn process(start: &Start) -> std::io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(start.parent) {
        return Err(std::io::Error::other("the parent is another process"));
    }
    // A file that grows too long is an error of the write, not a death.
    // SAFETY: there is one thread, and ignoring or defaulting a signal runs no code of ours.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        // Rust's handlers end by asking for the default again, which the list then denies.
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
    }
    Ok(())
}

fn limits(start: &Start) -> std::io::Result<()> {
    let set = |resource, limit: u64| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            },
        )
    };
    set(Resource::As, start.address_space)?;
    set(Resource::Fsize, start.file_size)?;
    set(Resource::Core, 0)?;
    // Processor time and descriptors of a job are the parent's to set: only the soft limits hold.
    let open = rustix::process::getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(DESCRIPTORS),
            maximum: open.maximum,
        },
    )?;
    Ok(())
}

/// All that this kernel's Landlock can deny, without an exception. What an older one does not
/// know (ports, signals to others) the list of system calls denies as well.
fn landlock() -> Layer {
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match restricted {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Layer::Enforced,
        Ok(_) => Layer::Missing("this kernel has no Landlock, or it is switched off".into()),
        Err(error) => Layer::Missing(error.to_string()),
    }
}

fn seccomp(filters: &[BpfProgram]) -> Result<(), String> {
    let applied = filters.iter().try_for_each(|filter| apply_filter(filter));
    applied.map_err(|error| error.to_string())
}
