//! The contract of Generator as checks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use libtest_mimic::Trial;
use vss_core::plan::{DecodeLimits, Recipe};
use vss_core::{FailureClass, Format, MediaType};
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, Produced, Unlimited,
};

use crate::{Check, check, trials_of};

mod hosting;

use hosting::{
    a_refused_reservation_fails_the_job_and_produces_nothing,
    memory_is_reserved_once_before_anything_is_made, progress_is_told_for_each_output,
    what_the_job_cost_is_told_last_and_once,
};

/// The bytes of an original and what they are handed in as.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it is said to be.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An output that may be asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its file format.
    pub format: Format,
    /// How it is to be made.
    pub recipe: Recipe,
}

/// Makes generators, and originals for them.
pub trait GeneratorHarness: Send + Sync {
    /// A generator that has done nothing yet.
    fn fresh(&self) -> Arc<dyn Generator>;

    /// An original that it can use, of a media type that it lists.
    fn good(&self) -> Sample;

    /// One that is not what its media type says, though it lists that type.
    fn mistaken(&self) -> Sample;

    /// One whose header claims more than the default limits allow, with nothing behind it that
    /// could be decoded. `None` when its sort of original makes no claims.
    fn boastful(&self) -> Option<Sample>;

    /// Two or more outputs that it makes of the good original, each different.
    fn known(&self) -> Vec<Wanted>;

    /// An output that it does not know how to make.
    fn unknown(&self) -> Wanted;
}

const CHECKS: &[Check<dyn GeneratorHarness>] = &[
    check!(every_output_is_answered_in_the_order_of_the_job),
    check!(a_produced_output_is_a_whole_file_of_its_format),
    check!(the_source_is_not_changed),
    check!(a_media_type_that_is_not_listed_is_unsupported),
    check!(a_source_that_is_not_what_it_says_is_refused),
    check!(an_empty_source_is_corrupt),
    check!(a_source_beyond_the_limits_is_too_large_before_it_is_decoded),
    check!(memory_is_reserved_once_before_anything_is_made),
    check!(a_refused_reservation_fails_the_job_and_produces_nothing),
    check!(progress_is_told_for_each_output),
    check!(what_the_job_cost_is_told_last_and_once),
    check!(an_unknown_recipe_fails_its_own_output_alone),
    check!(the_same_job_gives_the_same_bytes),
    check!(a_job_that_was_cancelled_before_it_starts_times_out),
    check!(jobs_run_side_by_side),
    check!(a_failed_job_leaves_the_generator_usable),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn GeneratorHarness>) -> Vec<Trial> {
    trials_of("generator", adapter, &harness, CHECKS)
}

type Answer = Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure>;

/// A job with its files.
struct Job {
    media_type: MediaType,
    source: File,
    size: u64,
    wanted: Vec<Wanted>,
    files: Vec<File>,
    cancel: CancelToken,
}

impl Job {
    fn new(sample: &Sample, wanted: Vec<Wanted>) -> Self {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&sample.bytes).unwrap();
        let file = |_: &Wanted| tempfile::tempfile().unwrap();
        Self {
            media_type: sample.media_type.clone(),
            source,
            size: sample.bytes.len() as u64,
            files: wanted.iter().map(file).collect(),
            wanted,
            cancel: CancelToken::new(),
        }
    }

    fn run(&self, generator: &dyn Generator) -> Answer {
        self.run_for(generator, &Unlimited)
    }

    fn run_for(&self, generator: &dyn Generator, host: &dyn JobHost) -> Answer {
        let output = |(wanted, file)| {
            let wanted: &Wanted = wanted;
            JobOutput {
                format: &wanted.format,
                recipe: &wanted.recipe,
                file,
            }
        };
        let outputs: Vec<_> = self.wanted.iter().zip(&self.files).map(output).collect();
        generator.generate(&GenerateJob {
            source: &self.source,
            source_size: self.size,
            media_type: &self.media_type,
            limits: DecodeLimits::default(),
            outputs: &outputs,
            host,
            cancel: self.cancel.clone(),
        })
    }

    fn written(&self) -> Vec<Vec<u8>> {
        self.files.iter().map(content).collect()
    }
}

fn content(file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = file;
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The class of the whole job's failure, or of all its outputs when that is where it shows.
fn class_of(answer: &Answer) -> FailureClass {
    match answer {
        Err(failure) => failure.class,
        Ok(outputs) => {
            let mut classes = outputs.iter().map(|o| o.as_ref().unwrap_err().class);
            let class = classes.next().expect("a job has outputs");
            assert!(classes.all(|other| other == class), "{answer:?}");
            class
        }
    }
}

async fn every_output_is_answered_in_the_order_of_the_job(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    let known = harness.known();
    assert!(known.len() >= 2, "two outputs are needed to see an order");
    let made_alone = |wanted: &Wanted| {
        let job = Job::new(&harness.good(), vec![wanted.clone()]);
        let answer = job.run(&*generator).unwrap();
        assert_eq!(answer.len(), 1);
        (answer[0].clone().unwrap(), job.written().remove(0))
    };
    let alone: Vec<_> = known.iter().map(made_alone).collect();
    for reversed in [false, true] {
        let mut wanted: Vec<_> = known.iter().cloned().zip(&alone).collect();
        if reversed {
            wanted.reverse();
        }
        let (wanted, alone): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let job = Job::new(&harness.good(), wanted);
        let answer = job.run(&*generator).unwrap();
        assert_eq!(answer.len(), alone.len());
        for (answer, (produced, _)) in answer.iter().zip(alone) {
            assert_eq!(answer.as_ref().unwrap(), produced, "reversed: {reversed}");
        }
    }
}

async fn a_produced_output_is_a_whole_file_of_its_format(harness: &dyn GeneratorHarness) {
    let job = Job::new(&harness.good(), harness.known());
    let answer = job.run(&*harness.fresh()).unwrap();
    for ((answer, wanted), bytes) in answer.iter().zip(&job.wanted).zip(job.written()) {
        answer.as_ref().unwrap();
        assert!(!bytes.is_empty(), "{wanted:?}");
        assert!(wanted.format.accepts_head(&bytes), "{wanted:?}");
        if wanted.format == Format::WEBP {
            // The container says how long it is (RFC 9649, 2.4).
            let said = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(u64::from(said) + 8, bytes.len() as u64, "{wanted:?}");
        }
    }
}

async fn the_source_is_not_changed(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    for sample in [harness.good(), harness.mistaken()] {
        let job = Job::new(&sample, harness.known());
        let _: Answer = job.run(&*generator);
        assert!(content(&job.source) == sample.bytes, "the source changed");
    }
}

async fn a_media_type_that_is_not_listed_is_unsupported(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    let media_type: MediaType = "application/x-vss-nothing".parse().unwrap();
    assert!(!generator.descriptor().reads(&media_type));
    let sample = Sample {
        media_type,
        ..harness.good()
    };
    let answer = Job::new(&sample, harness.known()).run(&*generator);
    assert_eq!(class_of(&answer), FailureClass::Unsupported, "{answer:?}");
}

async fn a_source_that_is_not_what_it_says_is_refused(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    let sample = harness.mistaken();
    assert!(generator.descriptor().reads(&sample.media_type));
    let answer = Job::new(&sample, harness.known()).run(&*generator);
    let class = class_of(&answer);
    let expected = [FailureClass::CorruptSource, FailureClass::Unsupported];
    assert!(expected.contains(&class), "{answer:?}");
}

async fn an_empty_source_is_corrupt(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    for media_type in generator.descriptor().inputs().cloned() {
        let sample = Sample {
            media_type,
            bytes: Vec::new(),
        };
        let answer = Job::new(&sample, harness.known()).run(&*generator);
        assert_eq!(class_of(&answer), FailureClass::CorruptSource, "{answer:?}");
    }
}

async fn a_source_beyond_the_limits_is_too_large_before_it_is_decoded(
    harness: &dyn GeneratorHarness,
) {
    // There is nothing in it to decode: who tried would say that it is damaged.
    if let Some(sample) = harness.boastful() {
        let answer = Job::new(&sample, harness.known()).run(&*harness.fresh());
        assert_eq!(class_of(&answer), FailureClass::TooLarge, "{answer:?}");
    }
}

async fn an_unknown_recipe_fails_its_own_output_alone(harness: &dyn GeneratorHarness) {
    let mut wanted = harness.known();
    wanted.insert(1, harness.unknown());
    let answer = Job::new(&harness.good(), wanted).run(&*harness.fresh());
    for (index, output) in answer.unwrap().into_iter().enumerate() {
        if index == 1 {
            assert_eq!(output.unwrap_err().class, FailureClass::Unsupported);
        } else {
            output.unwrap();
        }
    }
}

async fn the_same_job_gives_the_same_bytes(harness: &dyn GeneratorHarness) {
    let made = |generator: &dyn Generator| {
        let job = Job::new(&harness.good(), harness.known());
        (job.run(generator).unwrap(), job.written())
    };
    let generator = harness.fresh();
    let first = made(&*generator);
    assert!(made(&*generator) == first, "the same generator");
    assert!(made(&*harness.fresh()) == first, "another generator");
}

async fn a_job_that_was_cancelled_before_it_starts_times_out(harness: &dyn GeneratorHarness) {
    let job = Job::new(&harness.good(), harness.known());
    job.cancel.cancel();
    let failure = job.run(&*harness.fresh()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Timeout);
    assert!(job.written().iter().all(Vec::is_empty));
}

async fn jobs_run_side_by_side(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    let expected = Job::new(&harness.good(), harness.known());
    expected.run(&*generator).unwrap();
    let expected = expected.written();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for sample in [harness.good(), harness.mistaken(), harness.good()] {
                    let job = Job::new(&sample, harness.known());
                    if job
                        .run(&*generator)
                        .is_ok_and(|all| all.iter().all(Result::is_ok))
                    {
                        assert!(job.written() == expected, "another job showed through");
                    }
                }
            });
        }
    });
}

async fn a_failed_job_leaves_the_generator_usable(harness: &dyn GeneratorHarness) {
    let generator = harness.fresh();
    let good = || {
        let job = Job::new(&harness.good(), harness.known());
        let answer = job.run(&*generator).unwrap();
        assert!(answer.iter().all(Result::is_ok), "{answer:?}");
        job.written()
    };
    let before = good();
    for sample in [Some(harness.mistaken()), harness.boastful()] {
        let job = sample.map(|sample| Job::new(&sample, harness.known()));
        assert!(job.is_none_or(|job| class_of(&job.run(&*generator)) != FailureClass::Timeout));
        assert!(good() == before);
    }
}
