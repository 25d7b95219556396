//! One job: all claimed outputs of one content by one generator, from one pass over the original.

use std::fs::File;
use std::sync::Arc;

use vss_core::plan::Recipe;
use vss_core::{Digest, FailureClass, Format, GeneratorRef};
use vss_ports::{
    CancelToken, Claim, ClaimedOutput, GenerateFailure, GenerateJob, Generator, JobOutput,
    OpenOriginal, PortError, PortErrorKind, Produced, Sealed, Staged, Unlimited,
};

use crate::Engine;
use crate::source_digest::digest_of;

/// What became of one claim: every claimed output is in one of the two lists.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) finished: Vec<Finished>,
    pub(crate) failed: Vec<(ClaimedOutput, GenerateFailure)>,
}

/// One output that is made, sealed and not yet published.
pub(crate) struct Finished {
    pub(crate) output: ClaimedOutput,
    pub(crate) sealed: Sealed,
    pub(crate) generator: GeneratorRef,
    /// Size and digest of the original.
    pub(crate) original: (u64, Digest),
}

/// An output with all that its making takes.
struct Ordered {
    output: ClaimedOutput,
    recipe: Recipe,
    staged: Staged,
}

type Answers = Vec<Result<Produced, GenerateFailure>>;

impl Engine {
    /// Makes what was claimed. Never fails as a whole: each output is finished or has a class.
    pub(crate) async fn make(&self, claim: Claim) -> Made {
        let mut made = Made::default();
        let generator = self
            .ports
            .generators
            .iter()
            .find(|g| g.descriptor().generator.id == claim.generator);
        let Some(generator) = generator.map(Arc::clone) else {
            let why = format!("the generator {} is not here", claim.generator);
            return fail_all(
                made,
                claim.outputs,
                &failure(FailureClass::ToolMissing, why),
            );
        };
        let original = match self.ports.catalog.open(claim.content).await {
            Ok(Some(original)) => original,
            Ok(None) => {
                let why = "no original is there as it was when it was indexed";
                return fail_all(
                    made,
                    claim.outputs,
                    &failure(FailureClass::MissingSource, why),
                );
            }
            Err(error) => return fail_all(made, claim.outputs, &failed_port(&error)),
        };
        let place = original.path.display().to_string();
        let ordered = self.order(claim.outputs, &mut made).await;
        if !ordered.is_empty() {
            self.make_ordered(&generator, original, ordered, &mut made)
                .await;
        }
        for (output, why) in &made.failed {
            tracing::debug!(path = place, sidecar = %output.key, %why, "not made");
        }
        made
    }

    /// Gives each output its recipe and a file to go to.
    async fn order(&self, outputs: Vec<ClaimedOutput>, made: &mut Made) -> Vec<Ordered> {
        let mut ordered = Vec::with_capacity(outputs.len());
        for output in outputs {
            let presets = self.settings.policy.kinds.get(&output.key.kind);
            let Some(preset) = presets.and_then(|presets| presets.get(&output.key.variant)) else {
                let why = "vss.toml has no such kind and variant any more";
                made.failed
                    .push((output, failure(FailureClass::Policy, why)));
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

    async fn make_ordered(
        &self,
        generator: &Arc<dyn Generator>,
        original: OpenOriginal,
        ordered: Vec<Ordered>,
        made: &mut Made,
    ) {
        let place = original.path.display().to_string();
        let limits = self.settings.policy.limits;
        let engine = Arc::clone(generator);
        let claimed: Vec<_> = ordered.iter().map(|o| o.output.clone()).collect();
        let worked = tokio::task::spawn_blocking(move || {
            let outputs: Vec<_> = ordered
                .iter()
                .map(|o| JobOutput {
                    format: &o.output.format,
                    recipe: &o.recipe,
                    file: &o.staged.file,
                })
                .collect();
            let job = GenerateJob {
                source: &original.file,
                source_size: original.size,
                media_type: &original.media_type,
                limits,
                outputs: &outputs,
                host: &Unlimited,
                // A stop lets jobs finish; nothing ends one early yet.
                cancel: CancelToken::new(),
            };
            let answers = generate_checked(&*engine, &job);
            (answers, ordered)
        })
        .await;
        let (answers, ordered) = match worked {
            Ok((Ok(answers), ordered)) => (answers, ordered),
            Ok((Err(why), _)) => {
                made.failed
                    .extend(claimed.into_iter().map(|output| (output, why.clone())));
                return;
            }
            // The thread panicked: the engine died on this file.
            Err(death) => {
                let why = failure(FailureClass::Crash, format!("the generator died: {death}"));
                made.failed
                    .extend(claimed.into_iter().map(|output| (output, why.clone())));
                return;
            }
        };
        let (original, answers) = answers;
        let generator = generator.descriptor().generator.clone();
        for (order, answer) in ordered.into_iter().zip(answers) {
            let Ordered { output, staged, .. } = order;
            match self
                .seal_checked(staged, &output.format, &place, answer)
                .await
            {
                Ok(sealed) => {
                    let generator = generator.clone();
                    made.finished.push(Finished {
                        output,
                        sealed,
                        generator,
                        original,
                    });
                }
                Err(why) => made.failed.push((output, why)),
            }
        }
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

/// Generates, with the digest of the original and proof that it did not change meanwhile.
fn generate_checked(
    generator: &dyn Generator,
    job: &GenerateJob<'_>,
) -> Result<((u64, Digest), Answers), GenerateFailure> {
    let unreadable = |error: std::io::Error| failure(FailureClass::TransientIo, error.to_string());
    let stamp = |file: &File| file.metadata().and_then(|m| Ok((m.len(), m.modified()?)));
    let before = stamp(job.source).map_err(unreadable)?;
    let (size, digest, _) = digest_of(job.source).map_err(unreadable)?;
    let answers = generator.generate(job)?;
    if answers.len() != job.outputs.len() {
        return Err(failure(
            FailureClass::Crash,
            "the generator did not answer every output",
        ));
    }
    if stamp(job.source).map_err(unreadable)? != before || size != job.source_size {
        let why = "the original changed while it was read: index it again";
        return Err(failure(FailureClass::MissingSource, why));
    }
    Ok(((size, digest), answers))
}

fn head_of(mut file: &File) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(16);
    file.take(16).read_to_end(&mut head)?;
    Ok(head)
}

fn fail_all(mut made: Made, outputs: Vec<ClaimedOutput>, why: &GenerateFailure) -> Made {
    made.failed
        .extend(outputs.into_iter().map(|output| (output, why.clone())));
    made
}

fn failure(class: FailureClass, detail: impl Into<String>) -> GenerateFailure {
    GenerateFailure::new(class, detail)
}

/// The class of a port that failed while a sidecar was made.
pub(crate) fn failed_port(error: &PortError) -> GenerateFailure {
    let class = match error.kind {
        PortErrorKind::Full => FailureClass::DiskFull,
        _ => FailureClass::TransientIo,
    };
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        detail.push_str(": ");
        detail.push_str(&source.to_string());
        cause = source.source();
    }
    failure(class, detail)
}
