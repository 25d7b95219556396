//! Group commit: finished files of several jobs share one sync and one transaction. The order is
//! the one that survives a crash: bytes durable, fences checked, files in place, rows ready.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc};
use vss_core::{ContentUuid, Disposition, FailureClass, ManifestEntry, SidecarKey, SidecarSource};
use vss_ports::{
    AttemptUsage, CancelToken, ClaimedOutput, Commit, CommitOutcome, Entropy, Event, Failure,
    GenerateFailure, PortResult, Publication, Publisher,
};

use crate::Engine;
use crate::job::{Finished, Made, failed_port};
use crate::outage::{Outage, PAUSE};
use crate::returned::Tried;
use crate::run::{RunOptions, RunReport};

/// Takes what jobs made and commits it in groups.
pub(crate) struct Committer {
    engine: Arc<Engine>,
    stop: CancelToken,
    halted: Arc<Mutex<Option<String>>>,
    report: RunReport,
    outage: Outage,
}

/// An output that could not be made.
struct Lost {
    output: ClaimedOutput,
    why: GenerateFailure,
    usage: AttemptUsage,
    /// The original that was read for it.
    tried: Option<Tried>,
}

impl Committer {
    pub(crate) fn new(engine: Arc<Engine>, options: &RunOptions) -> Self {
        Self {
            stop: options.stop.clone(),
            halted: Arc::default(),
            report: RunReport::default(),
            outage: engine.outage(options.until),
            engine,
        }
    }

    /// Set as soon as going on makes no sense: the disk is full.
    pub(crate) fn halt_reason(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.halted)
    }

    /// Commits until every sender is gone.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Made>) -> PortResult<RunReport> {
        while let Some(first) = inbox.recv().await {
            let group = self.gather(first, &mut inbox).await;
            self.commit(group).await?;
        }
        self.report.halted = self.halted.lock().await.clone();
        Ok(self.report)
    }

    /// Waits a moment for company, unless the group is full, somebody waits for it, or the run is
    /// ending.
    async fn gather(&self, first: Made, inbox: &mut mpsc::Receiver<Made>) -> Vec<Made> {
        let settings = &self.engine.settings;
        let window = self.engine.ports.clock.sleep(settings.group_wait);
        tokio::pin!(window);
        let mut files = first.finished.len();
        let mut urgent = first.urgent;
        let mut group = vec![first];
        while files < settings.group_files && !urgent && !self.stop.is_cancelled() {
            let more = tokio::select! {
                more = inbox.recv() => more,
                () = &mut window => None,
            };
            let Some(more) = more else { break };
            files += more.finished.len();
            urgent |= more.urgent;
            group.push(more);
        }
        group
    }

    async fn commit(&mut self, group: Vec<Made>) -> PortResult<()> {
        let (mut finished, mut failed) = (Vec::new(), Vec::new());
        for made in group {
            let usage = made.usage;
            self.report.cpu += usage.cpu.unwrap_or_default();
            finished.extend(made.finished.into_iter().map(|one| (one, usage)));
            failed.extend(made.failed.into_iter().map(|(output, why)| Lost {
                output,
                why,
                usage,
                tried: made.tried.clone(),
            }));
        }
        let settled = {
            let sealed: Vec<_> = finished.iter().map(|(one, _)| &one.sealed).collect();
            self.engine.ports.vault.settle(&sealed).await
        };
        match settled {
            Ok(()) => failed.extend(self.publish(finished).await?),
            Err(error) => {
                let why = failed_port(&error);
                failed.extend(finished.into_iter().map(|(one, usage)| Lost {
                    output: one.output,
                    why: why.clone(),
                    usage,
                    tried: None,
                }));
            }
        }
        self.fail(failed).await
    }

    /// Publishes and records; answers what may or may not have been recorded because the store
    /// went away in the middle. Its fences tell, once the store is back.
    async fn publish(&mut self, finished: Vec<(Finished, AttemptUsage)>) -> PortResult<Vec<Lost>> {
        if finished.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.engine.ports.clock.now();
        let mut commits = Vec::with_capacity(finished.len());
        let mut outputs = Vec::with_capacity(finished.len());
        let mut publications = Vec::with_capacity(finished.len());
        for (one, usage) in finished {
            let Finished {
                output,
                sealed,
                generator,
                original,
            } = one;
            commits.push(Commit {
                key: output.key.clone(),
                fence: output.fence,
                format: output.format.clone(),
                size: sealed.size,
                digest: sealed.digest,
                generator: generator.clone(),
                original,
                usage,
            });
            let entry = ManifestEntry {
                kind: output.key.kind.clone(),
                variant: output.key.variant.clone(),
                format: output.format.clone(),
                size: sealed.size,
                blake3: sealed.digest,
                source: SidecarSource::Generator(generator.id),
                generator_version: Some(generator.version),
                created_at: now,
            };
            publications.push(Publication {
                content: output.key.content,
                entry,
                source: Some(original),
                sealed,
                replaces: output.replaces,
            });
            outputs.push(output);
        }
        let publisher = ToVault {
            engine: Arc::clone(&self.engine),
            publications,
            began: AtomicBool::new(false),
        };
        let outcomes = loop {
            let queue = &self.engine.ports.queue;
            // Whoever compares files with rows sees all of it or nothing.
            let together = self.engine.shared.commits.read().await;
            let committed = queue.commit(&commits, &publisher, now).await;
            drop(together);
            let error = match committed {
                Ok(outcomes) => break outcomes,
                Err(error) => error,
            };
            let at = self.engine.ports.clock.now();
            // Told to end: leases run out, and what was published is adopted.
            if self.stop.is_cancelled() || !self.outage.bears(&error, at) {
                return Err(error);
            }
            if publisher.began.load(Ordering::Acquire) {
                let why = failed_port(&error);
                let lost = commits.iter().zip(outputs).map(|(commit, output)| Lost {
                    output,
                    why: why.clone(),
                    usage: commit.usage,
                    tried: None,
                });
                return Ok(lost.collect());
            }
            self.engine.ports.clock.sleep(PAUSE).await;
        };
        self.outage.over();
        let is_there = |outcome: &CommitOutcome| matches!(outcome, CommitOutcome::Committed);
        if outcomes.iter().any(is_there) {
            self.engine.note_a_vault_that_fills().await;
        }
        for ((commit, output), outcome) in commits.iter().zip(outputs).zip(outcomes) {
            self.account(commit, &output, outcome).await;
        }
        Ok(Vec::new())
    }

    async fn account(&mut self, commit: &Commit, output: &ClaimedOutput, outcome: CommitOutcome) {
        match outcome {
            CommitOutcome::Committed => {
                self.report.ready += 1;
                self.report.bytes += commit.size;
                let ready = Event::SidecarReady {
                    key: commit.key.clone(),
                    size: commit.size,
                };
                self.engine.ports.events.emit(ready);
            }
            CommitOutcome::Fenced => {
                self.report.fenced += 1;
                tracing::warn!(sidecar = %commit.key, "finished too late, somebody took over");
            }
            CommitOutcome::SourceConflict => {
                self.report.failed += 1;
                let detail = "another file has the same identity but other bytes";
                self.emit_failure(output, FailureClass::Policy, detail, false);
            }
            CommitOutcome::Unpublished(error) => {
                self.report.retried += 1;
                let why = failed_port(&error);
                self.halt_for(&why).await;
                self.emit_failure(output, why.class, &why.detail, true);
            }
        }
    }

    async fn fail(&mut self, failed: Vec<Lost>) -> PortResult<()> {
        if failed.is_empty() {
            return Ok(());
        }
        let ports = &self.engine.ports;
        let failures = failures(&failed, &*ports.entropy);
        let recorded = loop {
            let now = ports.clock.now();
            match ports.queue.fail(&failures, now).await {
                Ok(recorded) => break recorded,
                // A second telling of what was recorded is fenced off.
                Err(error) if !self.stop.is_cancelled() && self.outage.bears(&error, now) => {
                    ports.clock.sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        self.outage.over();
        let back = self.bring_back(&failed, &recorded).await;
        for (lost, disposition) in failed.into_iter().zip(recorded) {
            let Lost { output, why, .. } = lost;
            let is_back = back.contains(&output.key.content);
            match disposition {
                Some(Disposition::Failed) if is_back => self.report.retried += 1,
                Some(Disposition::Failed) => {
                    self.report.failed += 1;
                    self.report.unsupported += u64::from(why.class == FailureClass::Unsupported);
                }
                Some(Disposition::Quarantined) => self.report.quarantined += 1,
                Some(Disposition::RetryAfter(_)) => self.report.retried += 1,
                None => {
                    self.report.fenced += 1;
                    continue;
                }
            }
            self.halt_for(&why).await;
            let will_retry = is_back || matches!(disposition, Some(Disposition::RetryAfter(_)));
            self.emit_failure(&output, why.class, &why.detail, will_retry);
        }
        Ok(())
    }

    /// The contents of which an original is back for those outputs that failed for want of one.
    async fn bring_back(
        &self,
        failed: &[Lost],
        recorded: &[Option<Disposition>],
    ) -> BTreeSet<ContentUuid> {
        let with_end = failed.iter().zip(recorded);
        let missing = with_end.filter(|(lost, disposition)| {
            lost.why.class == FailureClass::MissingSource
                && **disposition == Some(Disposition::Failed)
        });
        let missing = missing.map(|(lost, _)| (lost.output.key.content, lost.tried.as_ref()));
        let back = self.engine.bring_back(missing.collect()).await;
        back.unwrap_or_else(|error| {
            let error = error.in_full();
            tracing::warn!(
                error,
                "could not look whether an original is back: index again"
            );
            BTreeSet::new()
        })
    }

    /// Where nothing can be written every further job would only be work thrown away.
    async fn halt_for(&self, why: &GenerateFailure) {
        let what = match why.class {
            FailureClass::DiskFull => "no space is left where the library is",
            FailureClass::ReadOnly => "the library is on a read-only file system",
            _ => return,
        };
        let mut halted = self.halted.lock().await;
        halted.get_or_insert_with(|| format!("{what} ({})", why.detail));
    }

    fn emit_failure(
        &self,
        output: &ClaimedOutput,
        class: FailureClass,
        detail: &str,
        will_retry: bool,
    ) {
        self.engine.ports.events.emit(Event::SidecarFailed {
            key: output.key.clone(),
            class,
            detail: detail.to_owned(),
            will_retry,
        });
    }
}

/// What failed together is tried again together: outputs of one content have one jitter, or each of
/// them would kill a worker by itself.
fn failures(failed: &[Lost], entropy: &dyn Entropy) -> Vec<Failure> {
    let mut jitters = HashMap::new();
    let failure = |lost: &Lost| Failure {
        key: lost.output.key.clone(),
        fence: lost.output.fence,
        class: lost.why.class,
        detail: lost.why.detail.clone(),
        jitter: *jitters
            .entry(lost.output.key.content)
            .or_insert_with(|| entropy.next_u64()),
        usage: lost.usage,
    };
    failed.iter().map(failure).collect()
}

/// Publishes into the vault what the queue says still holds.
struct ToVault {
    engine: Arc<Engine>,
    publications: Vec<Publication>,
    /// Whether anything may have been published.
    began: AtomicBool,
}

#[async_trait]
impl Publisher for ToVault {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        self.began.store(true, Ordering::Release);
        let batch: Vec<_> = positions
            .iter()
            .filter_map(|at| self.publications.get(*at))
            .collect();
        let vault = &self.engine.ports.vault;
        let results = vault.publish(&batch).await;
        let Some(published) = self.engine.shared.published.get() else {
            return results;
        };
        for (publication, _) in batch.iter().zip(&results).filter(|(_, done)| done.is_ok()) {
            let Publication { content, entry, .. } = publication;
            let key = SidecarKey::new(*content, entry.kind.clone(), entry.variant.clone());
            if let Ok(Some(file)) = vault.locate(&key, &entry.format) {
                published.remember(&key, file.stamp);
            }
        }
        results
    }
}
