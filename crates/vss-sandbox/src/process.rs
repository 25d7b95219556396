//! One worker as the parent sees it: its descriptors, what it has used, and its end.
#![expect(
    unsafe_code,
    reason = "no safe wrapper reaps a child together with what it used"
)]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::channel::Channel;
use crate::tail::Tail;

/// A worker that was started and not yet reaped. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    pid: Pid,
    pub(crate) channel: Channel,
    pub(crate) tail: Tail,
    /// Jobs that it was given.
    pub(crate) jobs: u32,
    /// Whether it gives way to everything else, which cannot be taken back.
    pub(crate) gives_way: bool,
    end: Option<End>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// The most memory it held, in bytes.
    pub(crate) peak_memory: u64,
    /// Processor time in its whole life.
    pub(crate) cpu: Duration,
}

/// The most memory a worker has held so far, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Peaks {
    pub(crate) address_space: u64,
    pub(crate) resident: u64,
}

impl WorkerProcess {
    pub(crate) fn new(pid: Pid, channel: Channel, tail: Tail) -> Self {
        Self {
            pid,
            channel,
            tail,
            jobs: 0,
            gives_way: false,
            end: None,
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.wait(libc::WNOHANG);
        self.end.is_none()
    }

    /// Ends it with everything it may have started.
    pub(crate) fn kill(&mut self) {
        if self.end.is_none() {
            // It may have died by itself; whoever waits for it finds out.
            let _gone = kill_process_group(self.pid, Signal::KILL);
            let _gone = kill_process(self.pid, Signal::KILL);
        }
    }

    /// Waits for its end, which is near: it was killed, or closed its socket. One that closed its
    /// socket and lives on is killed.
    pub(crate) fn reap(&mut self) -> Option<End> {
        for _ in 0..50 {
            if !self.is_alive() {
                break;
            }
            // Its standard error is closed when it ends; until then this waits a little.
            let mut events = [rustix::event::PollFd::new(
                &self.tail.pipe,
                rustix::event::PollFlags::IN,
            )];
            let _ready = rustix::event::poll(&mut events, Some(&millis(10)));
            self.tail.drain();
        }
        if self.end.is_none() {
            self.kill();
            self.wait(0);
        }
        self.tail.drain();
        self.end
    }

    fn wait(&mut self, flags: i32) {
        if self.end.is_some() {
            return;
        }
        let mut status = 0;
        // SAFETY: plain old data, for which all zeros is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        let pid = self.pid.as_raw_nonzero().get();
        let waited = loop {
            // SAFETY: both pointers are to locals; the pid is our child's and was not reaped yet,
            // or `end` would be set.
            let waited = unsafe { libc::wait4(pid, &raw mut status, flags, &raw mut usage) };
            let interrupted = std::io::Error::last_os_error().kind();
            if waited != -1 || interrupted != std::io::ErrorKind::Interrupted {
                break waited;
            }
        };
        // An error means that somebody else has reaped it: there is nothing to be known.
        if waited != 0 {
            let spent = |time: libc::timeval| {
                Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
                    + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
            };
            let unit = if cfg!(target_os = "linux") { 1_024 } else { 1 };
            self.end = Some(End {
                status: ExitStatus::from_raw(status),
                peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit,
                cpu: spent(usage.ru_utime) + spent(usage.ru_stime),
            });
        }
    }
}

#[cfg(target_os = "linux")]
impl WorkerProcess {
    /// Processor time that it has used so far, by the kernel's account, not its own.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let mut clock: libc::clockid_t = 0;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let pid = self.pid.as_raw_nonzero().get();
        // SAFETY: the pointer is to a local.
        if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
            return None;
        }
        // SAFETY: the pointer is to a local; an id of a process that is gone is an error.
        if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
            return None;
        }
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec).ok()?);
        Some(seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).ok()?))
    }

    /// The most memory that it has held so far.
    #[expect(clippy::disallowed_methods, reason = "procfs is not the disk")]
    pub(crate) fn peaks(&self) -> Peaks {
        let path = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
        };
        Peaks {
            address_space: kibibytes("VmPeak:") * 1_024,
            resident: kibibytes("VmHWM:") * 1_024,
        }
    }

    /// How long it stood in line for a processor so far, where the system counts that (Linux,
    /// `Documentation/scheduler/sched-stats.rst`, "/proc/<pid>/schedstat").
    #[expect(clippy::disallowed_methods, reason = "procfs is not the disk")]
    pub(crate) fn stood_in_line(&self) -> Duration {
        let path = format!("/proc/{}/schedstat", self.pid.as_raw_nonzero());
        in_line(&std::fs::read_to_string(path).unwrap_or_default())
    }

    /// Lets it go on with what nobody else wants of the processors: it shows no sign of life.
    pub(crate) fn give_way(&mut self) {
        if !self.gives_way {
            self.gives_way = true;
            // One that is gone needs nothing.
            let _gone = rustix::process::setpriority_process(Some(self.pid), 19);
        }
    }

    /// Gives it processor time until `cpu` of its life, in whole seconds, and room for so many
    /// descriptors. It cannot do so itself: the call is not on its list.
    pub(crate) fn allow(&self, cpu: Duration, descriptors: u64) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        let until = Rlimit {
            current: Some(cpu.as_secs() + u64::from(cpu.subsec_nanos() > 0)),
            maximum: None,
        };
        // Without the right to do so the time that passes is the only limit.
        let _denied = prlimit(Some(self.pid), Resource::Cpu, until);
        if descriptors > crate::confine::DESCRIPTORS {
            let maximum = getrlimit(Resource::Nofile).maximum;
            let room = Rlimit {
                current: Some(descriptors),
                maximum,
            };
            let _denied = prlimit(Some(self.pid), Resource::Nofile, room);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl WorkerProcess {
    pub(crate) fn cpu(&self) -> Option<Duration> {
        None
    }

    pub(crate) fn peaks(&self) -> Peaks {
        Peaks::default()
    }

    pub(crate) fn allow(&self, _: Duration, _: u64) {}

    pub(crate) fn give_way(&mut self) {
        self.gives_way = true;
    }

    pub(crate) fn stood_in_line(&self) -> Duration {
        Duration::ZERO
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill();
        self.wait(0);
    }
}

/// A time as the poll call wants it.
pub(crate) fn millis(count: i64) -> rustix::event::Timespec {
    rustix::event::Timespec {
        tv_sec: count / 1_000,
        tv_nsec: count % 1_000 * 1_000_000,
    }
}

/// The time in line of what the system counts of a process: nanoseconds at work, in line, and how
/// often it was given a processor.
#[cfg(any(target_os = "linux", test))]
fn in_line(counted: &str) -> Duration {
    let nanoseconds = counted.split_whitespace().nth(1);
    Duration::from_nanos(nanoseconds.and_then(|n| n.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_line_is_the_second_number_and_nothing_where_nobody_counts() {
        assert_eq!(
            in_line("582621 18301224 8\n"),
            Duration::from_nanos(18_301_224)
        );
        assert_eq!(in_line(""), Duration::ZERO);
    }
}
