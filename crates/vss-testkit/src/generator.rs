//! A generator that writes small files in no time and does what a test tells it to.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use vss_core::plan::{Ability, GeneratorDescriptor, Recipe, StillRecipe};
use vss_core::{Digest, FailureClass, Format, GeneratorRef, Kind};
use vss_ports::{GenerateFailure, GenerateJob, Generator, JobOutput, Produced};

/// Makes files that look like their format and follow from source, format and recipe.
///
/// A source that begins with `!` and a failure class (`!too_large`) fails as that class, as a
/// damaged original would; one that begins with `!degraded` is produced as degraded. Everything
/// else that is not empty is a good original.
#[derive(Debug)]
pub struct FakeGenerator {
    descriptor: GeneratorDescriptor,
    state: Mutex<State>,
    changed: Condvar,
}

/// A job that a [`FakeGenerator`] was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// What the source was said to be.
    pub media_type: String,
    /// What was in it.
    pub source: Digest,
    /// What was wanted.
    pub outputs: Vec<(Format, Recipe)>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    job_failures: VecDeque<FailureClass>,
    output_failures: Vec<(StillRecipe, FailureClass)>,
    holds: usize,
}

/// Jobs wait while one of these lives.
#[derive(Debug)]
pub struct Gate(Arc<FakeGenerator>);

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.state().holds -= 1;
        self.0.changed.notify_all();
    }
}

impl Default for FakeGenerator {
    /// `fake` 1.0.0: thumbnails of JPEG, PNG and plain text.
    fn default() -> Self {
        Self::new("fake", "1.0.0", &["image/jpeg", "image/png", "text/plain"])
    }
}

impl FakeGenerator {
    /// A generator of thumbnails with a name, a version and the media types it reads.
    pub fn new(id: &str, version: &str, inputs: &[&str]) -> Self {
        Self {
            descriptor: GeneratorDescriptor {
                generator: GeneratorRef {
                    id: id.parse().unwrap(),
                    version: version.parse().unwrap(),
                },
                abilities: vec![Ability {
                    inputs: inputs.iter().map(|input| input.parse().unwrap()).collect(),
                    kinds: vec![Kind::THUMB],
                }],
            },
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Lets the next job fail as a whole; further calls line up behind it.
    pub fn fail_next(&self, class: FailureClass) {
        self.state().job_failures.push_back(class);
    }

    /// Lets every output of this recipe fail from now on, and no other.
    pub fn fail_output(&self, recipe: StillRecipe, class: FailureClass) {
        self.state().output_failures.push((recipe, class));
    }

    /// Stops every job at its beginning until the gate is dropped; a cancelled job goes on, and
    /// fails as `timeout`.
    pub fn hold(self: &Arc<Self>) -> Gate {
        self.state().holds += 1;
        Gate(Arc::clone(self))
    }

    /// Blocks until this many jobs have begun since the generator was made.
    pub fn wait_for_calls(&self, count: usize) {
        let state = self.state();
        drop(
            self.changed
                .wait_while(state, |state| state.calls.len() < count)
                .unwrap(),
        );
    }

    /// The jobs that have begun so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Notes the job, waits at the gate, and gives the failure that a test has lined up.
    fn enter(&self, job: &GenerateJob<'_>, source: &[u8]) -> Result<(), GenerateFailure> {
        let mut state = self.state();
        let output = |output: &JobOutput<'_>| (output.format.clone(), output.recipe.clone());
        state.calls.push(Call {
            media_type: job.media_type.as_str().to_owned(),
            source: Digest::of(source),
            outputs: job.outputs.iter().map(output).collect(),
        });
        self.changed.notify_all();
        // A token cannot wake anybody, so it is looked at every now and then.
        while state.holds > 0 && !job.cancel.is_cancelled() {
            let tick = Duration::from_millis(2);
            (state, _) = self.changed.wait_timeout(state, tick).unwrap();
        }
        if job.cancel.is_cancelled() {
            return Err(failure(FailureClass::Timeout));
        }
        state
            .job_failures
            .pop_front()
            .map_or(Ok(()), |class| Err(failure(class)))
    }

    fn output(&self, output: &JobOutput<'_>, source: &[u8]) -> Result<Produced, GenerateFailure> {
        let still = match output.recipe {
            Recipe::Still(still) if still.max_side > 0 => *still,
            _ => return Err(failure(FailureClass::Unsupported)),
        };
        let state = self.state();
        let mut lined_up = state.output_failures.iter();
        if let Some((_, class)) = lined_up.find(|(recipe, _)| *recipe == still) {
            return Err(failure(*class));
        }
        let mut file = output.file;
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&fake_file(output.format, &still, source))
            .unwrap();
        Ok(Produced {
            width: still.max_side,
            height: still.max_side,
            degraded: source
                .starts_with(b"!degraded")
                .then(|| "a part of the source is missing".to_owned()),
        })
    }
}

impl Generator for FakeGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        let source = read(job.source);
        self.enter(job, &source)?;
        if !self.descriptor.reads(job.media_type) {
            return Err(failure(FailureClass::Unsupported));
        }
        if source.is_empty() {
            return Err(failure(FailureClass::CorruptSource));
        }
        let says = |class: &FailureClass| {
            source
                .strip_prefix(b"!")
                .is_some_and(|rest| rest.starts_with(class.as_str().as_bytes()))
        };
        if let Some(class) = FailureClass::ALL.into_iter().find(says) {
            return Err(failure(class));
        }
        job.host.reserve(source.len() as u64)?;
        let make = |output| {
            let answer = self.output(output, &source);
            job.host.progressed();
            answer
        };
        Ok(job.outputs.iter().map(make).collect())
    }
}

/// What a [`FakeGenerator`] writes: it begins as files of the format do, and is whole.
pub fn fake_file(format: &Format, still: &StillRecipe, source: &[u8]) -> Vec<u8> {
    let body = format!(
        "{} {} px q{} of {}",
        format,
        still.max_side,
        still.quality,
        Digest::of(source)
    );
    match format.as_str() {
        "webp" => {
            let mut body = body.into_bytes();
            // Chunks of a RIFF file have an even length.
            body.resize(body.len().next_multiple_of(2), b' ');
            let length = u32::try_from(body.len()).unwrap();
            let mut file = b"RIFF".to_vec();
            file.extend((length + 12).to_le_bytes());
            file.extend(b"WEBPXVSS");
            file.extend(length.to_le_bytes());
            file.extend(body);
            file
        }
        "mp4" | "mov" => [b"\0\0\0\x10ftypisom\0\0\0\0", body.as_bytes()].concat(),
        "json" => format!("{{\"fake\":\"{body}\"}}").into_bytes(),
        "vtt" => format!("WEBVTT\n\n{body}\n").into_bytes(),
        _ => body.into_bytes(),
    }
}

fn read(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn failure(class: FailureClass) -> GenerateFailure {
    GenerateFailure::new(class, "the test wanted it so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_core::plan::DecodeLimits;
    use vss_ports::{CancelToken, Unlimited};

    fn run(generator: &FakeGenerator, source: &[u8]) -> Result<Produced, GenerateFailure> {
        let mut original = tempfile::tempfile().unwrap();
        original.write_all(source).unwrap();
        let file = tempfile::tempfile().unwrap();
        let recipe = Recipe::Still(STILL);
        let outputs = [JobOutput {
            format: &Format::WEBP,
            recipe: &recipe,
            file: &file,
        }];
        let answer = generator.generate(&GenerateJob {
            source: &original,
            source_size: source.len() as u64,
            media_type: &"image/jpeg".parse().unwrap(),
            limits: DecodeLimits::default(),
            outputs: &outputs,
            host: &Unlimited,
            cancel: CancelToken::new(),
        });
        answer.and_then(|mut outputs| outputs.remove(0))
    }

    const STILL: StillRecipe = StillRecipe {
        max_side: 256,
        quality: 80,
    };

    #[test]
    fn failures_come_as_they_were_lined_up_and_no_others() {
        let generator = FakeGenerator::default();
        generator.fail_next(FailureClass::TransientIo);
        let class = |source: &[u8]| run(&generator, source).map_err(|failure| failure.class);
        assert_eq!(class(b"a"), Err(FailureClass::TransientIo));
        assert!(class(b"a").is_ok());
        assert_eq!(class(b"!crash"), Err(FailureClass::Crash));
        assert!(class(b"!degraded").is_ok_and(|made| made.degraded.is_some()));
        generator.fail_output(STILL, FailureClass::DiskFull);
        assert_eq!(class(b"a"), Err(FailureClass::DiskFull));
        assert_eq!(generator.calls().len(), 5);
    }

    #[test]
    fn jobs_wait_at_the_gate_until_it_is_opened() {
        let generator = Arc::new(FakeGenerator::default());
        let gate = generator.hold();
        let (sender, receiver) = std::sync::mpsc::channel();
        let worker = std::thread::spawn({
            let generator = Arc::clone(&generator);
            move || sender.send(run(&generator, b"a")).unwrap()
        });
        generator.wait_for_calls(1);
        assert!(receiver.try_recv().is_err());
        drop(gate);
        assert!(receiver.recv().unwrap().is_ok());
        worker.join().unwrap();
    }
}
