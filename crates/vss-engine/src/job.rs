//! One job: all claimed outputs of one content by one generator, from one pass over the original.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use vss_core::plan::{DecodeLimits, Recipe, maker};
use vss_core::{Digest, FailureClass, Format, GeneratorId, GeneratorRef, Priority, RetryRule};
use vss_ports::{
    AttemptUsage, Claim, ClaimedOutput, GenerateFailure, GenerateJob, Generator, JobOutput,
    OpenOriginal, PortError, PortErrorKind, Produced, Sealed, Staged,
};

use crate::Engine;
use crate::breaker::Health;
use crate::hosting::Hosting;
use crate::returned::Tried;
use crate::source_digest::digest_of;

/// What became of one claim: every claimed output is in one of the two lists, unless the job was
/// called off. Then they stay claimed until whoever called it off gives them back.
pub(crate) struct Made {
    pub(crate) finished: Vec<Finished>,
    pub(crate) failed: Vec<(ClaimedOutput, GenerateFailure)>,
    pub(crate) usage: AttemptUsage,
    /// Whether somebody waits for any of it.
    pub(crate) urgent: bool,
    /// The original that was read.
    pub(crate) tried: Option<Tried>,
}

/// One output that is made, sealed and not yet published.
pub(crate) struct Finished {
    pub(crate) output: ClaimedOutput,
    pub(crate) sealed: Sealed,
    pub(crate) generator: GeneratorRef,
    /// Size and digest of the original.
    pub(crate) original: (u64, Digest),
}

/// How a job ended, for whoever hands out work.
pub(crate) struct Ended {
    pub(crate) claim: Claim,
    /// `None` when the generator was not asked, or was called off.
    pub(crate) health: Option<Health>,
    /// Whether everything that was claimed could be made.
    pub(crate) well: bool,
    pub(crate) took: Duration,
    /// Whether it was only to see whether the generator lives.
    pub(crate) canary: bool,
}

/// An output with all that its making takes.
struct Ordered {
    output: ClaimedOutput,
    recipe: Recipe,
    staged: Staged,
}

/// What an original is before anything is made of it.
struct Read {
    original: OpenOriginal,
    stamp: (u64, SystemTime),
    size: u64,
    digest: Digest,
}

type Answers = Vec<Result<Produced, GenerateFailure>>;

impl Engine {
    /// Makes what was claimed. Never fails as a whole: each output is finished or has a class.
    pub(crate) async fn make(&self, claim: Claim) -> (Made, Ended) {
        let started_at = self.ports.clock.now();
        let entered = self.shared.active.enter(&claim, &self.ports.clock);
        let (cancel, pulse) = (entered.cancel.clone(), Arc::clone(&entered.pulse));
        let hosting = Hosting::new(Arc::clone(&self.shared.memory), cancel, pulse);
        let hosting = Arc::new(hosting);
        let mut made = Made {
            finished: Vec::new(),
            failed: Vec::new(),
            usage: AttemptUsage::between(started_at, started_at),
            urgent: claim
                .outputs
                .iter()
                .any(|output| output.priority == Priority::Interactive),
            tried: None,
        };
        let health = match self.work(&claim, &hosting, &mut made).await {
            Ok(health) => health,
            Err(why) => {
                made.fail(claim.outputs.iter().cloned(), &why);
                None
            }
        };
        let told = hosting.usage();
        made.usage = AttemptUsage {
            cpu: told.map(|told| told.cpu),
            peak_memory: told.and_then(|told| told.peak_memory),
            ..AttemptUsage::between(started_at, self.ports.clock.now())
        };
        let mut ended = Ended {
            claim,
            health,
            well: made.failed.is_empty(),
            took: made.usage.duration,
            canary: false,
        };
        if entered.cancel.is_cancelled() {
            ended.health = None;
            ended.well = false;
            made.finished.clear();
            made.failed.clear();
        }
        (made, ended)
    }

    /// How the generator took it; `None` when it was not asked.
    async fn work(
        &self,
        claim: &Claim,
        hosting: &Arc<Hosting>,
        made: &mut Made,
    ) -> Result<Option<Health>, GenerateFailure> {
        let generator = self.generator(&claim.generator)?;
        let original = match self.ports.catalog.open(claim.content).await {
            Ok(Some(original)) => original,
            Ok(None) => {
                let why = "no original is there as it was when it was indexed";
                return Err(failure(FailureClass::MissingSource, why));
            }
            Err(error) => return Err(failed_port(&error)),
        };
        made.tried = Tried::of(&original);
        let place = original.path.display().to_string();
        let ordered = self.order(&claim.outputs, made).await;
        let mut health = None;
        if !ordered.is_empty() {
            match self.read(original).await {
                Ok(read) => {
                    let job = Job {
                        read,
                        ordered,
                        limits: self.settings.policy.limits,
                        hosting: Arc::clone(hosting),
                    };
                    health = Some(self.generate(&generator, job, &place, made).await);
                }
                Err(why) => made.fail(ordered.into_iter().map(|o| o.output), &why),
            }
        }
        for (output, why) in &made.failed {
            tracing::debug!(path = place, sidecar = %output.key, %why, "not made");
        }
        Ok(health)
    }

    fn generator(&self, id: &GeneratorId) -> Result<Arc<dyn Generator>, GenerateFailure> {
        let generators = &self.ports.generators;
        let found = generators
            .iter()
            .find(|g| g.descriptor().generator.id == *id);
        found.map(Arc::clone).ok_or_else(|| {
            let why = format!("the generator {id} is not here");
            failure(FailureClass::ToolMissing, why)
        })
    }

    /// Reads the whole original once, in a lane of its volume.
    async fn read(&self, original: OpenOriginal) -> Result<Read, GenerateFailure> {
        let lane = self.shared.lanes.enter(&original.file).await;
        let read = tokio::task::spawn_blocking(move || {
            let _lane = lane;
            let stamp = stamp(&original.file)?;
            let (size, digest, _) = digest_of(&original.file)?;
            Ok(Read {
                original,
                stamp,
                size,
                digest,
            })
        });
        match read.await {
            Ok(read) => read.map_err(unreadable),
            Err(death) => Err(failure(FailureClass::TransientIo, death.to_string())),
        }
    }

    /// Gives each output its recipe and a file to go to.
    async fn order(&self, outputs: &[ClaimedOutput], made: &mut Made) -> Vec<Ordered> {
        let mut ordered = Vec::with_capacity(outputs.len());
        for output in outputs.iter().cloned() {
            let presets = self.settings.policy.kinds.get(&output.key.kind);
            let Some(preset) = presets.and_then(|presets| presets.get(&output.key.variant)) else {
                let why = "vss.toml has no such kind and variant any more";
                let why = failure(FailureClass::Policy, why);
                made.failed.push((output, why));
                continue;
            };
            match self.ports.vault.stage().await {
                Ok(staged) => {
                    ordered.push(Ordered {
                        output,
                        recipe: preset.recipe.clone(),
                        staged,
                    });
                }
                Err(error) => made.failed.push((output, failed_port(&error))),
            }
        }
        ordered
    }

    async fn generate(
        &self,
        generator: &Arc<dyn Generator>,
        job: Job,
        place: &str,
        made: &mut Made,
    ) -> Health {
        let engine = Arc::clone(generator);
        let claimed: Vec<_> = job.ordered.iter().map(|o| o.output.clone()).collect();
        let done = tokio::task::spawn_blocking(move || (job.generate(&*engine), job)).await;
        let (answers, job) = match done {
            Ok((Ok(answers), job)) => (answers, job),
            Ok((Err(why), _)) => {
                made.fail(claimed, &why);
                return health_of(&why);
            }
            // The thread panicked: the engine died on this file.
            Err(death) => {
                let why = failure(FailureClass::Crash, format!("the generator died: {death}"));
                made.fail(claimed, &why);
                return Health::Died;
            }
        };
        let original = (job.read.size, job.read.digest);
        let generator = &generator.descriptor().generator;
        for (order, answer) in job.ordered.into_iter().zip(answers) {
            let Ordered {
                output,
                recipe,
                staged,
            } = order;
            let format = output.format.clone();
            match self.seal_checked(staged, &format, place, answer).await {
                Ok(sealed) => made.finished.push(Finished {
                    output,
                    sealed,
                    generator: maker(generator, &format, &recipe),
                    original,
                }),
                Err(why) => made.failed.push((output, why)),
            }
        }
        Health::Alive
    }

    /// Takes nobody's word for it: a produced file must be of its format.
    async fn seal_checked(
        &self,
        staged: Staged,
        format: &Format,
        place: &str,
        answer: Result<Produced, GenerateFailure>,
    ) -> Result<Sealed, GenerateFailure> {
        let produced = answer?;
        let sealed = self
            .ports
            .vault
            .seal(staged)
            .await
            .map_err(|error| match error.kind {
                PortErrorKind::Rejected => {
                    failure(FailureClass::Crash, "the generator wrote nothing")
                }
                _ => failed_port(&error),
            })?;
        let head = head_of(&sealed.staged.file)
            .map_err(|error| failure(FailureClass::TransientIo, error.to_string()))?;
        if !format.accepts_head(&head) {
            let why = format!("the generator wrote something that is not {format}");
            return Err(failure(FailureClass::Crash, why));
        }
        if let Some(lost) = produced.degraded {
            tracing::warn!(
                path = place,
                lost,
                "a damaged original gave a partial picture"
            );
        }
        Ok(sealed)
    }
}

impl Made {
    fn fail(&mut self, outputs: impl IntoIterator<Item = ClaimedOutput>, why: &GenerateFailure) {
        let failed = outputs.into_iter().map(|output| (output, why.clone()));
        self.failed.extend(failed);
    }
}

/// A job with everything it takes, on its way to the thread that does it.
struct Job {
    read: Read,
    ordered: Vec<Ordered>,
    limits: DecodeLimits,
    hosting: Arc<Hosting>,
}

impl Job {
    /// Generates, with proof that the original did not change meanwhile.
    fn generate(&self, generator: &dyn Generator) -> Result<Answers, GenerateFailure> {
        let original = &self.read.original;
        let outputs: Vec<_> = self
            .ordered
            .iter()
            .map(|ordered| JobOutput {
                format: &ordered.output.format,
                recipe: &ordered.recipe,
                file: &ordered.staged.file,
            })
            .collect();
        self.hosting.pulse().beat();
        let answers = generator.generate(&GenerateJob {
            source: &original.file,
            source_size: original.size,
            media_type: &original.media_type,
            limits: self.limits,
            outputs: &outputs,
            host: &*self.hosting,
            cancel: self.hosting.cancel().clone(),
        });
        self.hosting.pulse().rest();
        // First of all: whatever the generator says of a file that changed, it says of no content.
        let changed = stamp(&original.file).map_err(unreadable)? != self.read.stamp;
        if changed || self.read.size != original.size {
            let why = "the original changed while it was read: index it again";
            return Err(failure(FailureClass::MissingSource, why));
        }
        let answers = answers?;
        if answers.len() != outputs.len() {
            let why = "the generator did not answer every output";
            return Err(failure(FailureClass::Crash, why));
        }
        Ok(answers)
    }
}

pub(crate) fn stamp(file: &File) -> std::io::Result<(u64, SystemTime)> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified()?))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where errors are mapped"
)]
fn unreadable(error: std::io::Error) -> GenerateFailure {
    failure(FailureClass::TransientIo, error.to_string())
}

/// What kills, starves or hangs an engine says something about the engine; all else about the
/// file.
fn health_of(why: &GenerateFailure) -> Health {
    match why.class.retry_rule() {
        RetryRule::BackoffThenQuarantine => Health::Died,
        _ => Health::Alive,
    }
}

fn head_of(mut file: &File) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(16);
    file.take(16).read_to_end(&mut head)?;
    Ok(head)
}

fn failure(class: FailureClass, detail: impl Into<String>) -> GenerateFailure {
    GenerateFailure::new(class, detail)
}

/// The class of a port that failed while a sidecar was made.
pub(crate) fn failed_port(error: &PortError) -> GenerateFailure {
    let class = match error.kind {
        PortErrorKind::Full => FailureClass::DiskFull,
        PortErrorKind::ReadOnly => FailureClass::ReadOnly,
        _ => FailureClass::TransientIo,
    };
    failure(class, error.in_full())
}
