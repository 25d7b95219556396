//! From the way a worker ended to a failure class.

use std::os::unix::process::ExitStatusExt;

use vss_core::FailureClass;
use vss_ports::GenerateFailure;

use crate::WorkerLimits;
use crate::exchange::Stop;
use crate::process::End;
use crate::wire::one_line;

/// What Rust's allocator says before it ends the process.
const NO_MEMORY: &str = "memory allocation of";

/// Why a worker was stopped.
pub(crate) fn of_stop(stop: &Stop, limits: &WorkerLimits) -> GenerateFailure {
    let timeout = |why: String| GenerateFailure::new(FailureClass::Timeout, why);
    match stop {
        Stop::Cancelled => timeout("stopped before it was done".into()),
        Stop::Wall(wall) => timeout(format!(
            "took longer than {} s for each output",
            wall.as_secs_f32()
        )),
        Stop::NoProgress => timeout(format!(
            "made no progress for {} s",
            limits.no_progress.as_secs_f32()
        )),
        Stop::Lied(lie) => {
            let why = format!("the worker is not to be trusted with it: {}", one_line(lie));
            GenerateFailure::new(FailureClass::Crash, why)
        }
    }
}

/// Why a worker died that nobody here stopped. `said` is the end of its standard error, `tail` the
/// same for a person.
pub(crate) fn of_end(
    end: Option<End>,
    said: &str,
    tail: &str,
    limits: &WorkerLimits,
) -> GenerateFailure {
    let failure = |class, why: &str| GenerateFailure::new(class, format!("{why}{tail}"));
    let Some(end) = end else {
        return failure(FailureClass::Crash, "the worker vanished");
    };
    let signal = end.status.signal();
    if signal == Some(libc::SIGXCPU) {
        let seconds = limits.cpu.as_secs();
        let why = format!("took more than {seconds} s of processor time for each output");
        return failure(FailureClass::Timeout, &why);
    }
    if said.contains(NO_MEMORY) || is_near(end.peak_memory, limits.address_space) {
        let most = limits.address_space >> 20;
        let why = format!("the worker needed more than its {most} MiB");
        return failure(FailureClass::OutOfMemory, &why);
    }
    if signal == Some(libc::SIGKILL) {
        let why = "the worker was killed from outside, probably because memory ran out";
        return failure(FailureClass::OutOfMemory, why);
    }
    if signal == Some(libc::SIGXFSZ) {
        let most = limits.file_size;
        let why = format!("an output grew beyond {most} bytes, the most a worker may write");
        return failure(FailureClass::TooLarge, &why);
    }
    // The system's own words: "signal: 11 (SIGSEGV)", "exit status: 101".
    failure(
        FailureClass::Crash,
        &format!("the worker died ({})", end.status),
    )
}

/// Whether so much memory is more than nine tenths of the limit.
pub(crate) fn is_near(bytes: u64, limit: u64) -> bool {
    bytes > limit / 10 * 9
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn class(status: i32, peak_memory: u64, said: &str) -> FailureClass {
        let end = End {
            status: ExitStatus::from_raw(status),
            peak_memory,
            cpu: Duration::ZERO,
        };
        of_end(Some(end), said, "", &WorkerLimits::IMAGE).class
    }

    #[test]
    fn each_way_to_die_has_its_class() {
        assert_eq!(class(libc::SIGSEGV, 0, ""), FailureClass::Crash);
        assert_eq!(class(libc::SIGABRT, 0, "assertion"), FailureClass::Crash);
        assert_eq!(class(101 << 8, 0, "panicked"), FailureClass::Crash);
        assert_eq!(class(0, 0, ""), FailureClass::Crash);
        assert_eq!(class(libc::SIGXCPU, 0, ""), FailureClass::Timeout);
        assert_eq!(class(libc::SIGKILL, 0, ""), FailureClass::OutOfMemory);
        assert_eq!(class(libc::SIGXFSZ, 0, ""), FailureClass::TooLarge);
        let said = "memory allocation of 99 bytes failed";
        assert_eq!(class(libc::SIGABRT, 0, said), FailureClass::OutOfMemory);
        assert_eq!(class(libc::SIGSEGV, 1 << 30, ""), FailureClass::OutOfMemory);
        let vanished = of_end(None, "", ": last words", &WorkerLimits::IMAGE);
        assert_eq!(vanished.class, FailureClass::Crash);
        assert!(vanished.detail.ends_with(": last words"));
    }

    #[test]
    fn each_stop_has_its_class() {
        let class = |stop| of_stop(&stop, &WorkerLimits::IMAGE).class;
        assert_eq!(class(Stop::Cancelled), FailureClass::Timeout);
        assert_eq!(class(Stop::Wall(Duration::ZERO)), FailureClass::Timeout);
        assert_eq!(class(Stop::NoProgress), FailureClass::Timeout);
        assert_eq!(class(Stop::Lied("x\ny".into())), FailureClass::Crash);
    }
}
