//! Checks of what a job asks of its host and tells it.

use std::fs::File;
use std::sync::Mutex;

use vss_core::FailureClass;
use vss_ports::{GenerateFailure, JobHost, JobUsage};

use super::{Answer, GeneratorHarness, Job};

/// What a host was asked and told, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    /// Bytes asked for, and whether every output was still empty.
    Reserve(u64, bool),
    Progress,
    Used,
}

/// A host that writes down what it hears and looks at the outputs when it is asked.
#[derive(Default)]
struct Listener<'a> {
    outputs: &'a [File],
    refusal: Option<GenerateFailure>,
    heard: Mutex<Vec<Heard>>,
}

impl Listener<'_> {
    fn note(&self, heard: Heard) {
        self.heard.lock().unwrap().push(heard);
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

impl JobHost for Listener<'_> {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        let empty = |file: &File| file.metadata().unwrap().len() == 0;
        self.note(Heard::Reserve(bytes, self.outputs.iter().all(empty)));
        self.refusal.clone().map_or(Ok(()), Err)
    }

    fn progressed(&self) {
        self.note(Heard::Progress);
    }

    fn used(&self, _: JobUsage) {
        self.note(Heard::Used);
    }
}

pub(super) async fn memory_is_reserved_once_before_anything_is_made(
    harness: &dyn GeneratorHarness,
) {
    let job = Job::new(&harness.good(), harness.known());
    let listener = Listener {
        outputs: &job.files,
        ..Listener::default()
    };
    let answer = job.run_for(&*harness.fresh(), &listener).unwrap();
    assert!(answer.iter().all(Result::is_ok), "{answer:?}");
    let heard = listener.heard();
    let first = heard.first();
    assert!(
        matches!(first, Some(Heard::Reserve(bytes, true)) if *bytes > 0),
        "nothing was reserved first, or something was made before: {heard:?}"
    );
    let asked = heard.iter().filter(|h| matches!(h, Heard::Reserve(..)));
    assert_eq!(asked.count(), 1, "{heard:?}");
}

pub(super) async fn a_refused_reservation_fails_the_job_and_produces_nothing(
    harness: &dyn GeneratorHarness,
) {
    let generator = harness.fresh();
    for class in [FailureClass::OutOfMemory, FailureClass::Timeout] {
        let refusal = GenerateFailure::new(class, "the host has no room");
        let job = Job::new(&harness.good(), harness.known());
        let listener = Listener {
            refusal: Some(refusal.clone()),
            ..Listener::default()
        };
        let answer = job.run_for(&*generator, &listener);
        assert_eq!(answer, Err(refusal));
        assert!(job.written().iter().all(Vec::is_empty));
        assert!(!listener.heard().contains(&Heard::Progress));
    }
}

pub(super) async fn progress_is_told_for_each_output(harness: &dyn GeneratorHarness) {
    let job = Job::new(&harness.good(), harness.known());
    let listener = Listener::default();
    job.run_for(&*harness.fresh(), &listener).unwrap();
    let heard = listener.heard();
    let told = heard.iter().filter(|h| **h == Heard::Progress).count();
    assert!(told >= job.wanted.len(), "{heard:?}");
}

pub(super) async fn what_the_job_cost_is_told_last_and_once(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    for sample in [harness.good(), harness.mistaken()] {
        let job = Job::new(&sample, harness.known());
        let listener = Listener::default();
        let _: Answer = job.run_for(&*generator, &listener);
        let heard = listener.heard();
        if let Some(first) = heard.iter().position(|h| *h == Heard::Used) {
            assert_eq!(first + 1, heard.len(), "{heard:?}");
        }
    }
}
