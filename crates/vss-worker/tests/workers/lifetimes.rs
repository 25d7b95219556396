//! How long a worker lives, and what ends it early.

use std::thread;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, test_kill_process, waitid,
};
use vss_core::FailureClass;
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobUsage};
use vss_sandbox::{SandboxedGenerator, WorkerLimits, WorkerSettings};

use crate::bench::{LIMITS, POISON, Watch, generator, good, run_for, settings, swallow};

fn pid(number: u64) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

#[test]
fn a_worker_serves_its_jobs_and_is_replaced() {
    let generator = SandboxedGenerator::new(WorkerSettings {
        limits: WorkerLimits { jobs: 3, ..LIMITS },
        ..settings()
    });
    let workers: Vec<_> = (0..7).map(|_| good(&generator)).collect();
    assert_eq!(workers[0], workers[2]);
    assert_ne!(workers[2], workers[3]);
    assert_eq!(workers[3], workers[5]);
    assert_ne!(workers[5], workers[6]);
    assert!(test_kill_process(pid(workers[0])).is_err(), "it was reaped");
}

#[test]
fn a_worker_that_is_killed_in_its_job_costs_that_job_only() {
    let generator = generator();
    let watch = Watch::default();
    let answer = thread::scope(|scope| {
        let job =
            scope.spawn(|| run_for(&generator, POISON, b"sleep", &watch, &CancelToken::new()));
        kill_process(pid(watch.wait_until_it_runs().reserved), Signal::KILL).unwrap();
        job.join().unwrap()
    });
    let failure = answer.unwrap_err();
    assert_eq!(failure.class, FailureClass::OutOfMemory);
    assert!(failure.detail.contains("killed from outside"), "{failure}");
    good(&generator);
}

#[test]
fn a_worker_that_is_killed_while_it_waits_costs_nothing() {
    let generator = generator();
    let first = good(&generator);
    kill_process(pid(first), Signal::KILL).unwrap();
    // Until it is dead, and without reaping it.
    let dead = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid(first)), dead).unwrap();
    assert_ne!(good(&generator), first);
}

#[test]
fn a_job_that_is_cancelled_ends_with_its_worker() {
    let generator = generator();
    let (watch, cancel) = (Watch::default(), CancelToken::new());
    let answer = thread::scope(|scope| {
        let job = scope.spawn(|| run_for(&generator, POISON, b"sleep", &watch, &cancel));
        watch.wait_until_it_runs();
        cancel.cancel();
        job.join().unwrap()
    });
    let failure = answer.unwrap_err();
    assert_eq!(failure.class, FailureClass::Timeout);
    assert_eq!(failure.detail, "stopped before it was done");
    assert!(test_kill_process(pid(watch.seen().reserved)).is_err());
    good(&generator);
}

#[test]
fn workers_end_with_their_generator() {
    let generator = generator();
    let worker = pid(good(&generator));
    assert!(test_kill_process(worker).is_ok());
    drop(generator);
    assert!(test_kill_process(worker).is_err());
}

#[test]
fn a_worker_outlives_the_thread_that_wanted_it() {
    let generator = generator();
    let first = thread::scope(|scope| scope.spawn(|| good(&generator)).join().unwrap());
    let second = thread::scope(|scope| scope.spawn(|| good(&generator)).join().unwrap());
    assert_eq!(first, second);
}

/// Lets a job wait for its memory longer than it may go without progress.
struct Slow(WorkerLimits);

impl JobHost for Slow {
    fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
        // Nothing to synchronise: the time that passes is what is tested.
        thread::park_timeout(self.0.wall * 2);
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

#[test]
fn waiting_for_memory_is_no_timeout() {
    let short = std::time::Duration::from_millis(400);
    let limits = WorkerLimits {
        wall: short,
        no_progress: short,
        ..LIMITS
    };
    let generator = SandboxedGenerator::new(WorkerSettings {
        limits,
        ..settings()
    });
    let cancel = CancelToken::new();
    run_for(&generator, POISON, b"good", &Slow(limits), &cancel).unwrap();
}

#[test]
fn jobs_side_by_side_have_a_worker_each() {
    let generator = generator();
    let (watch, cancel) = (Watch::default(), CancelToken::new());
    thread::scope(|scope| {
        let held = scope.spawn(|| run_for(&generator, POISON, b"sleep", &watch, &cancel));
        let other = watch.wait_until_it_runs().reserved;
        assert_ne!(swallow(&generator, "good").1.reserved, other);
        cancel.cancel();
        assert!(held.join().unwrap().is_err());
    });
}
