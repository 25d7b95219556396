//! Runs jobs at a worker and watches them from the host's side.

use std::fs::File;
use std::io::Write;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use vss_core::plan::{Ability, DecodeLimits, GeneratorDescriptor, Recipe, StillRecipe};
use vss_core::{FailureClass, Format, GeneratorRef, Kind};
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, JobUsage, Produced,
};
use vss_sandbox::{SandboxLevel, SandboxedGenerator, WorkerLimits, WorkerSettings};

pub(crate) const PROBE: &str = env!("CARGO_BIN_EXE_vss-worker-probe");
pub(crate) const POISON: &str = "application/x-vss-poison";
pub(crate) const ESCAPE: &str = "application/x-vss-escape";

/// Hurried limits, so that what hangs is found out soon.
pub(crate) const LIMITS: WorkerLimits = WorkerLimits {
    wall: Duration::from_secs(60),
    cpu: Duration::from_secs(2),
    no_progress: Duration::from_secs(30),
    address_space: 256 << 20,
    file_size: 4 << 20,
    jobs: 100,
};

pub(crate) fn settings() -> WorkerSettings {
    let descriptor = GeneratorDescriptor {
        generator: GeneratorRef {
            id: "probe".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        },
        abilities: vec![Ability {
            inputs: vec![POISON.parse().unwrap(), ESCAPE.parse().unwrap()],
            kinds: vec![Kind::THUMB],
        }],
    };
    WorkerSettings {
        limits: LIMITS,
        ..WorkerSettings::image(descriptor, PROBE.into())
    }
}

pub(crate) fn generator() -> SandboxedGenerator {
    let settings = settings();
    assert_eq!(settings.require, SandboxLevel::L3);
    SandboxedGenerator::new(settings)
}

/// What a host saw of a job.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// The process id of a poisoned worker, which it reserves as bytes.
    pub(crate) reserved: u64,
    pub(crate) progress: u32,
    pub(crate) usage: Option<JobUsage>,
}

impl Watch {
    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap()
    }

    /// Blocks until the job has told progress.
    pub(crate) fn wait_until_it_runs(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        *self
            .changed
            .wait_while(seen, |seen| seen.progress == 0)
            .unwrap()
    }
}

impl JobHost for Watch {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.seen.lock().unwrap().reserved = bytes;
        Ok(())
    }

    fn progressed(&self) {
        self.seen.lock().unwrap().progress += 1;
        self.changed.notify_all();
    }

    fn used(&self, usage: JobUsage) {
        self.seen.lock().unwrap().usage = Some(usage);
    }
}

/// One output of one job.
pub(crate) fn run_for(
    generator: &dyn Generator,
    media_type: &str,
    source: &[u8],
    host: &dyn JobHost,
    cancel: &CancelToken,
) -> Result<Produced, GenerateFailure> {
    let mut original = tempfile::tempfile().unwrap();
    original.write_all(source).unwrap();
    let file = tempfile::tempfile().unwrap();
    run_files(generator, media_type, &original, &file, host, cancel)
}

pub(crate) fn run_files(
    generator: &dyn Generator,
    media_type: &str,
    original: &File,
    file: &File,
    host: &dyn JobHost,
    cancel: &CancelToken,
) -> Result<Produced, GenerateFailure> {
    let format = if media_type == ESCAPE {
        Format::JSON
    } else {
        Format::WEBP
    };
    let recipe = Recipe::Still(StillRecipe {
        max_side: 256,
        quality: 80,
    });
    let answers = generator.generate(&GenerateJob {
        source: original,
        source_size: original.metadata().unwrap().len(),
        media_type: &media_type.parse().unwrap(),
        limits: DecodeLimits::default(),
        outputs: &[JobOutput {
            format: &format,
            recipe: &recipe,
            file,
        }],
        host,
        cancel: cancel.clone(),
    });
    let mut answers = answers?;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// A job of poison, and what its host saw.
pub(crate) fn swallow(
    generator: &dyn Generator,
    word: &str,
) -> (Result<Produced, GenerateFailure>, Seen) {
    let watch = Watch::default();
    let answer = run_for(
        generator,
        POISON,
        word.as_bytes(),
        &watch,
        &CancelToken::new(),
    );
    (answer, watch.seen())
}

/// The worker's process id of a job that must go well.
pub(crate) fn good(generator: &dyn Generator) -> u64 {
    let (answer, seen) = swallow(generator, "good");
    answer.unwrap();
    seen.reserved
}

pub(crate) fn failure(generator: &dyn Generator, word: &str) -> (FailureClass, String) {
    let failure = swallow(generator, word).0.unwrap_err();
    (failure.class, failure.detail)
}
