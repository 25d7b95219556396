//! Each poison gets its class, and the next job is none the worse for it.

use std::time::Duration;

use vss_core::FailureClass;
use vss_sandbox::{Pace, SandboxedGenerator, WorkerLimits, WorkerSettings};

use crate::bench::{LIMITS, failure, generator, good, settings, swallow};

#[track_caller]
fn fails(word: &str, class: FailureClass, says: &str) {
    fails_within(LIMITS, word, class, says);
}

#[track_caller]
fn fails_within(limits: WorkerLimits, word: &str, class: FailureClass, says: &str) {
    let generator = SandboxedGenerator::new(WorkerSettings {
        limits,
        ..settings()
    });
    let before = good(&generator);
    let (seen, detail) = failure(&generator, word);
    assert_eq!(seen, class, "{detail}");
    assert!(detail.contains(says), "{detail}");
    assert!(detail.len() < 500 && !detail.contains('\n'), "{detail}");
    assert_ne!(good(&generator), before, "the worker was replaced");
}

#[test]
fn an_abort_is_a_crash() {
    fails("abort", FailureClass::Crash, "SIGABRT");
}

#[test]
fn reading_where_nothing_is_is_a_crash() {
    fails("segfault", FailureClass::Crash, "SIGSEGV");
}

#[test]
fn an_overflowing_stack_is_a_crash() {
    fails("overflow_stack", FailureClass::Crash, "SIGSEGV");
}

#[test]
fn a_panic_is_a_crash_that_says_what_it_said() {
    fails("panic", FailureClass::Crash, "poisoned");
}

#[test]
fn starting_a_program_is_denied() {
    fails("fork", FailureClass::Crash, "not permitted");
}

#[test]
fn endless_work_ends_with_its_processor_time() {
    fails("loop", FailureClass::Timeout, "processor time");
}

#[test]
fn endless_work_ends_with_the_time_that_passes() {
    let wall = Duration::from_millis(300);
    let limits = WorkerLimits { wall, ..LIMITS };
    fails_within(limits, "loop", FailureClass::Timeout, "longer than");
}

/// A worker that has a fifth of a second and twice what its original plays, at most `wall`.
#[track_caller]
fn fails_by_pace(word: &str, wall: Duration, says: &str) {
    let limits = WorkerLimits { wall, ..LIMITS };
    let least = Duration::from_millis(200);
    let generator = SandboxedGenerator::new(WorkerSettings {
        limits,
        pace: Some(Pace { least, factor: 2 }),
        ..settings()
    });
    let (seen, detail) = failure(&generator, word);
    assert_eq!(seen, FailureClass::Timeout, "{detail}");
    assert!(detail.contains(says), "{detail}");
    good(&generator);
}

#[test]
fn a_short_original_gets_little_time_however_lively_its_worker_is() {
    fails_by_pace("dawdle", LIMITS.wall, "longer than 0.6 s for each output");
}

#[test]
fn an_original_that_claims_centuries_gets_the_time_of_all() {
    let wall = Duration::from_millis(700);
    fails_by_pace("boast", wall, "longer than 0.7 s for each output");
}

#[test]
fn sleeping_without_progress_times_out() {
    let no_progress = Duration::from_millis(300);
    let limits = WorkerLimits {
        no_progress,
        ..LIMITS
    };
    fails_within(limits, "sleep", FailureClass::Timeout, "no progress");
}

#[test]
fn hoarding_memory_is_out_of_memory() {
    fails("allocate", FailureClass::OutOfMemory, "256 MiB");
}

#[test]
fn asking_for_more_memory_than_a_worker_has_is_too_large_and_no_lie() {
    let says = "needs 1048576 MiB to be decoded: a worker may have 256";
    fails("demand", FailureClass::TooLarge, says);
}

#[test]
fn asking_for_memory_twice_is_a_crash() {
    fails("ask_twice", FailureClass::Crash, "memory twice");
}

#[test]
fn a_file_without_end_is_too_large() {
    let says = "grew beyond 4194304 bytes";
    fails("write_forever", FailureClass::TooLarge, says);
}

#[test]
fn a_lie_about_the_size_is_a_crash() {
    let says = "has 1 x 1 pixels and was said to have 4 x 4";
    fails("lie", FailureClass::Crash, says);
}

#[test]
fn a_file_of_another_format_is_a_crash() {
    fails("babble", FailureClass::Crash, "is not webp");
}

#[test]
fn a_clean_refusal_stays_what_it_is() {
    fails(
        "arsenic",
        FailureClass::CorruptSource,
        "arsenic is no poison",
    );
}

#[test]
fn what_a_job_cost_is_told_whether_it_went_well_or_not() {
    let generator = generator();
    let usage = swallow(&generator, "good").1.usage.unwrap();
    assert!(usage.cpu < Duration::from_secs(1) && usage.peak_memory.unwrap() > 1 << 20);
    let usage = swallow(&generator, "loop").1.usage.unwrap();
    assert!(usage.cpu >= Duration::from_secs(1), "{usage:?}");
    assert!(usage.cpu < Duration::from_secs(4), "{usage:?}");
}
