//! Group commit: finished files of several jobs share one sync and one transaction. The order is
//! the one that survives a crash: bytes durable, fences checked, files in place, rows ready.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, mpsc};
use vss_core::{Disposition, FailureClass, ManifestEntry, SidecarSource};
use vss_ports::{
    AttemptUsage, CancelToken, ClaimedOutput, Commit, CommitOutcome, Event, Failure,
    GenerateFailure, PortResult, Publication, Publisher, Vault,
};

use crate::Engine;
use crate::job::{Finished, Made, failed_port};
use crate::run::RunReport;

/// Takes what jobs made and commits it in groups.
pub(crate) struct Committer {
    engine: Arc<Engine>,
    stop: CancelToken,
    halted: Arc<Mutex<Option<String>>>,
    report: RunReport,
}

impl Committer {
    pub(crate) fn new(engine: Arc<Engine>, stop: CancelToken) -> Self {
        Self {
            engine,
            stop,
            halted: Arc::default(),
            report: RunReport::default(),
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

    /// Waits a moment for company, unless the group is full or the run is ending.
    async fn gather(&self, first: Made, inbox: &mut mpsc::Receiver<Made>) -> Made {
        let settings = &self.engine.settings;
        let mut group = first;
        let window = self.engine.ports.clock.sleep(settings.group_wait);
        tokio::pin!(window);
        while group.finished.len() < settings.group_files && !self.stop.is_cancelled() {
            let more = tokio::select! {
                more = inbox.recv() => more,
                () = &mut window => None,
            };
            let Some(more) = more else { break };
            group.finished.extend(more.finished);
            group.failed.extend(more.failed);
        }
        group
    }

    async fn commit(&mut self, group: Made) -> PortResult<()> {
        let Made {
            finished,
            mut failed,
        } = group;
        let settled = {
            let sealed: Vec<_> = finished.iter().map(|f| &f.sealed).collect();
            self.engine.ports.vault.settle(&sealed).await
        };
        match settled {
            Ok(()) => self.publish(finished).await?,
            Err(error) => {
                let why = failed_port(&error);
                failed.extend(finished.into_iter().map(|f| (f.output, why.clone())));
            }
        }
        self.fail(failed).await
    }

    async fn publish(&mut self, finished: Vec<Finished>) -> PortResult<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let now = self.engine.ports.clock.now();
        let mut commits = Vec::with_capacity(finished.len());
        let mut outputs = Vec::with_capacity(finished.len());
        let mut publications = Vec::with_capacity(finished.len());
        for Finished {
            output,
            sealed,
            generator,
            original,
        } in finished
        {
            commits.push(Commit {
                key: output.key.clone(),
                fence: output.fence,
                format: output.format.clone(),
                size: sealed.size,
                digest: sealed.digest,
                generator: generator.clone(),
                original,
                // The job does not tell yet when it began.
                usage: AttemptUsage::between(now, now),
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
            vault: Arc::clone(&self.engine.ports.vault),
            publications,
        };
        let outcomes = self
            .engine
            .ports
            .queue
            .commit(&commits, &publisher, now)
            .await?;
        for ((commit, output), outcome) in commits.iter().zip(outputs).zip(outcomes) {
            self.account(commit, &output, outcome).await;
        }
        Ok(())
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
                if why.class == FailureClass::DiskFull {
                    self.halt(&why.detail).await;
                }
                self.emit_failure(output, why.class, &why.detail, true);
            }
        }
    }

    async fn fail(&mut self, failed: Vec<(ClaimedOutput, GenerateFailure)>) -> PortResult<()> {
        if failed.is_empty() {
            return Ok(());
        }
        let ports = &self.engine.ports;
        let now = ports.clock.now();
        let failures: Vec<_> = failed
            .iter()
            .map(|(output, why)| Failure {
                key: output.key.clone(),
                fence: output.fence,
                class: why.class,
                detail: why.detail.clone(),
                jitter: ports.entropy.next_u64(),
                usage: AttemptUsage::between(now, now),
            })
            .collect();
        let recorded = ports.queue.fail(&failures, now).await?;
        for ((output, why), recorded) in failed.into_iter().zip(recorded) {
            let Some(disposition) = recorded else {
                self.report.fenced += 1;
                continue;
            };
            match disposition {
                Disposition::Failed => self.report.failed += 1,
                Disposition::Quarantined => self.report.quarantined += 1,
                Disposition::RetryAfter(_) => self.report.retried += 1,
            }
            if why.class == FailureClass::DiskFull {
                self.halt(&why.detail).await;
            }
            let will_retry = matches!(disposition, Disposition::RetryAfter(_));
            self.emit_failure(&output, why.class, &why.detail, will_retry);
        }
        Ok(())
    }

    /// On a full disk every further job would only be work thrown away.
    async fn halt(&self, why: &str) {
        let mut halted = self.halted.lock().await;
        halted.get_or_insert_with(|| format!("no space is left where the library is ({why})"));
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

/// Publishes into the vault what the queue says still holds.
struct ToVault {
    vault: Arc<dyn Vault>,
    publications: Vec<Publication>,
}

#[async_trait]
impl Publisher for ToVault {
    async fn publish(&self, positions: &[usize]) -> Vec<PortResult<()>> {
        let batch: Vec<_> = positions
            .iter()
            .filter_map(|at| self.publications.get(*at))
            .collect();
        self.vault.publish(&batch).await
    }
}
