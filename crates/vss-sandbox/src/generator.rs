//! The parent's half as a generator: a job from its first check to its answer.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use vss_core::FailureClass;
use vss_core::plan::GeneratorDescriptor;
use vss_ports::{GenerateFailure, GenerateJob, Generator, JobUsage, Produced};

use crate::WorkerSettings;
use crate::death::{is_near, of_end, of_stop};
use crate::exchange::{Outcome, Stop, attend};
use crate::limits::shares;
use crate::pool::Pool;
use crate::process::{Peaks, WorkerProcess};
use crate::verify::{Answers, verified};
use crate::wire::{MOST_OUTPUTS, Order, ToWorker, encode};

/// Makes sidecars in worker processes that are started when they are needed and kept for the next
/// job.
///
/// Jobs may run on any number of threads, each has a worker of its own. What a worker answers is
/// held against its files; one that lies, dies, hangs or fails a job is replaced.
#[derive(Debug)]
pub struct SandboxedGenerator {
    pool: Pool,
}

impl SandboxedGenerator {
    /// A generator over the worker that the settings name. Nothing is started yet.
    pub fn new(settings: WorkerSettings) -> Self {
        Self {
            pool: Pool::new(settings),
        }
    }

    fn run(&self, job: &GenerateJob<'_>) -> Result<(Answers, Option<JobUsage>), GenerateFailure> {
        let source = read_only(job.source).map_err(|error| {
            let why = format!("the original cannot be handed on: {error}");
            GenerateFailure::new(FailureClass::TransientIo, why)
        })?;
        let order = ToWorker::Job(Order {
            source_size: job.source_size,
            media_type: job.media_type.clone(),
            limits: job.limits,
            outputs: job
                .outputs
                .iter()
                .map(|output| (output.format.clone(), output.recipe.clone()))
                .collect(),
        });
        let frame = encode(&order)
            .map_err(|error| GenerateFailure::new(FailureClass::Unsupported, error.to_string()))?;
        let mut descriptors = vec![source.as_ref().map_or(job.source.as_fd(), AsFd::as_fd)];
        descriptors.extend(job.outputs.iter().map(|output| output.file.as_fd()));
        let mut worker = self.pool.take()?;
        let run = Run::begin(&mut worker, &frame, &descriptors, job, self.pool.settings());
        let (answers, usage, usable) = run;
        if usable && !worker.gives_way {
            self.pool.give_back(worker);
        } else {
            self.pool.retire(worker);
        }
        Ok((answers, usage))
    }
}

impl Generator for SandboxedGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.pool.settings().descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        if job.cancel.is_cancelled() {
            return Err(of_stop(&Stop::Cancelled, &self.pool.settings().limits));
        }
        let refused = |why: String| GenerateFailure::new(FailureClass::Unsupported, why);
        if !self.descriptor().reads(job.media_type) {
            return Err(refused(format!("{} is not read", job.media_type)));
        }
        if job.outputs.len() > MOST_OUTPUTS {
            let why = format!("more than {MOST_OUTPUTS} outputs of one original");
            return Err(refused(why));
        }
        let (answers, usage) = self.run(job)?;
        if let Some(usage) = usage {
            job.host.used(usage);
        }
        answers
    }
}

/// One job at one worker.
struct Run {
    cpu: Option<Duration>,
    peaks: Peaks,
}

impl Run {
    /// Sends the job and sees it through: the answers, the cost, and whether the worker may have
    /// another.
    fn begin(
        worker: &mut WorkerProcess,
        frame: &[u8],
        descriptors: &[BorrowedFd<'_>],
        job: &GenerateJob<'_>,
        settings: &WorkerSettings,
    ) -> (Answers, Option<JobUsage>, bool) {
        let limits = &settings.limits;
        let run = Self {
            cpu: worker.cpu(),
            peaks: worker.peaks(),
        };
        let cpu = limits.cpu.saturating_mul(shares(job));
        // Standard streams and socket, and one for each descriptor that is passed.
        let room = descriptors.len() as u64 + 4;
        worker.allow(run.cpu.unwrap_or_default().saturating_add(cpu), room);
        worker.tail.drain();
        worker.tail.forget();
        worker.jobs += 1;
        let outcome = match worker.channel.send(frame, descriptors) {
            Ok(()) => attend(worker, job, settings),
            Err(_) => Outcome::Died,
        };
        let stop = match outcome {
            Outcome::Answered(answer) => match verified(answer, job, limits) {
                Ok(answers) => {
                    let fine = answers
                        .as_ref()
                        .is_ok_and(|all| all.iter().all(Result::is_ok));
                    let usage = run.usage(worker);
                    return (run.weigh(answers, worker, settings), usage, fine);
                }
                Err(lie) => Stop::Lied(lie),
            },
            Outcome::Refused(refusal) => {
                let usage = run.usage(worker);
                return (Err(refusal), usage, false);
            }
            Outcome::Died => {
                let end = worker.reap();
                let said = worker.tail.text();
                let why = of_end(end, &said, &worker.tail.detail(), limits);
                let usage = end.map(|end| JobUsage {
                    cpu: end.cpu.saturating_sub(run.cpu.unwrap_or_default()),
                    peak_memory: Some(end.peak_memory),
                });
                tracing::debug!(%why, "a worker died");
                return (Err(why), usage, false);
            }
            Outcome::Stop(stop) => stop,
        };
        let usage = run.usage(worker);
        worker.kill();
        let mut why = of_stop(&stop, limits);
        worker.reap();
        if stop != Stop::Cancelled {
            why.detail.push_str(&worker.tail.detail());
            tracing::debug!(%why, "a worker was stopped");
        }
        (Err(why), usage, false)
    }

    fn usage(&self, worker: &WorkerProcess) -> Option<JobUsage> {
        let cpu = worker.cpu()?.saturating_sub(self.cpu?);
        let peak = worker.peaks().resident;
        Some(JobUsage {
            cpu,
            peak_memory: (peak > 0).then_some(peak),
        })
    }

    /// Engines take memory that is not to be had for a damaged file: who came close to the limit
    /// in this job and failed did so for want of memory.
    fn weigh(
        &self,
        answers: Answers,
        worker: &WorkerProcess,
        settings: &WorkerSettings,
    ) -> Answers {
        let limit = settings.limits.address_space;
        let failed = |answers: &Answers| match answers {
            Ok(all) => all.iter().any(Result::is_err),
            Err(_) => true,
        };
        if !failed(&answers) || is_near(self.peaks.address_space, limit) {
            return answers;
        }
        if !is_near(worker.peaks().address_space, limit) {
            return answers;
        }
        let starved = |why: GenerateFailure| match why.class {
            FailureClass::CorruptSource | FailureClass::Unsupported => GenerateFailure::new(
                FailureClass::OutOfMemory,
                format!(
                    "needs more than the {} MiB of a worker: {}",
                    limit >> 20,
                    why.detail
                ),
            ),
            _ => why,
        };
        answers
            .map(|all| all.into_iter().map(|one| one.map_err(starved)).collect())
            .map_err(starved)
    }
}

/// A descriptor that can only be read, when the given one can do more.
fn read_only(source: &std::fs::File) -> std::io::Result<Option<std::fs::File>> {
    use rustix::fs::{Mode, OFlags, fcntl_getfl, open};
    use std::os::fd::AsRawFd;
    if fcntl_getfl(source)? & OFlags::RWMODE == OFlags::RDONLY {
        return Ok(None);
    }
    let number = source.as_raw_fd();
    let path = if cfg!(target_os = "linux") {
        format!("/proc/self/fd/{number}")
    } else {
        format!("/dev/fd/{number}")
    };
    let again = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(Some(again.into()))
}
