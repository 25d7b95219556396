//! A vault that fails when it is told to, for tests of what a crash or a sick disk leaves behind.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use vss_core::{ContentUuid, Format, SidecarKey};
use vss_ports::{
    Amendment, FileStamp, LocalFile, PortError, PortErrorKind, PortResult, Publication,
    ScannedContent, ScannedStranger, Sealed, Staged, Vault,
};

/// A step that can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultStep {
    /// `stage`.
    Stage,
    /// `seal`.
    Seal,
    /// `settle`, counted by call.
    Settle,
    /// `publish`, counted by publication, over all batches.
    Publish,
    /// `quarantine`.
    Quarantine,
    /// `amend`.
    Amend,
    /// `remove`.
    Remove,
}

impl VaultStep {
    /// Every step.
    pub const ALL: [Self; 7] = [
        Self::Stage,
        Self::Seal,
        Self::Settle,
        Self::Publish,
        Self::Quarantine,
        Self::Amend,
        Self::Remove,
    ];
}

/// How a step fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultFault {
    /// It does nothing and answers an error of this kind.
    Refuse(PortErrorKind),
    /// It is done, and answers an error of this kind nonetheless: the answer got lost.
    DoneAndRefuse(PortErrorKind),
    /// Its thread dies before it does anything. What came before it in a batch is done.
    Panic,
    /// It is done, and its thread dies before anybody hears of it.
    DoneAndPanic,
}

struct Armed {
    step: VaultStep,
    /// How many of the step go well before.
    left: usize,
    fault: VaultFault,
}

/// Decorates a vault. Without an armed fault it is that vault; a fault happens once.
pub struct FaultyVault {
    inner: Arc<dyn Vault>,
    armed: Mutex<Vec<Armed>>,
}

impl FaultyVault {
    /// Decorates a vault; nothing is armed.
    pub fn new(inner: Arc<dyn Vault>) -> Self {
        Self {
            inner,
            armed: Mutex::default(),
        }
    }

    /// Lets the `nth` execution of a step from now on fail, counted from 0.
    pub fn arm(&self, step: VaultStep, nth: usize, fault: VaultFault) {
        self.armed.lock().unwrap().push(Armed {
            step,
            left: nth,
            fault,
        });
    }

    /// Whether a fault is still to come.
    pub fn is_armed(&self) -> bool {
        !self.armed.lock().unwrap().is_empty()
    }

    /// Counts a step; the fault that is due.
    fn due(&self, step: VaultStep) -> Option<VaultFault> {
        let mut armed = self.armed.lock().unwrap();
        let mut due = None;
        armed.retain_mut(|one| {
            if one.step != step {
                return true;
            }
            if one.left == 0 && due.is_none() {
                due = Some(one.fault);
                return false;
            }
            one.left = one.left.saturating_sub(1);
            true
        });
        due
    }

    /// Runs one step, or what is armed for it.
    async fn step<T>(
        &self,
        step: VaultStep,
        run: impl Future<Output = PortResult<T>>,
    ) -> PortResult<T> {
        match self.due(step) {
            None => run.await,
            Some(VaultFault::Refuse(kind)) => Err(injected(kind)),
            Some(VaultFault::DoneAndRefuse(kind)) => run.await.and(Err(injected(kind))),
            Some(VaultFault::Panic) => die(step),
            Some(VaultFault::DoneAndPanic) => {
                run.await?;
                die(step)
            }
        }
    }
}

fn injected(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "use the vault", "injected by a test")
}

#[expect(clippy::panic, reason = "to die is what the test asked for")]
fn die(step: VaultStep) -> ! {
    panic!("injected by a test: {step:?}")
}

#[async_trait]
impl Vault for FaultyVault {
    fn locate(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<LocalFile>> {
        self.inner.locate(key, format)
    }

    async fn open(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<File>> {
        self.inner.open(key, format).await
    }

    async fn stage(&self) -> PortResult<Staged> {
        self.step(VaultStep::Stage, self.inner.stage()).await
    }

    async fn seal(&self, staged: Staged) -> PortResult<Sealed> {
        self.step(VaultStep::Seal, self.inner.seal(staged)).await
    }

    async fn settle(&self, sealed: &[&Sealed]) -> PortResult<()> {
        self.step(VaultStep::Settle, self.inner.settle(sealed))
            .await
    }

    async fn publish(&self, batch: &[&Publication]) -> Vec<PortResult<()>> {
        // A batch without a fault goes on as the batch it is, so that nothing else changes.
        let due: Vec<_> = batch.iter().map(|_| self.due(VaultStep::Publish)).collect();
        let mut results = Vec::with_capacity(batch.len());
        let mut done = 0;
        for (at, fault) in due.into_iter().enumerate() {
            let Some(fault) = fault else { continue };
            results.extend(self.inner.publish(&batch[done..at]).await);
            if let VaultFault::DoneAndRefuse(_) | VaultFault::DoneAndPanic = fault {
                self.inner.publish(&batch[at..=at]).await;
            }
            match fault {
                VaultFault::Refuse(kind) | VaultFault::DoneAndRefuse(kind) => {
                    results.push(Err(injected(kind)));
                }
                VaultFault::Panic | VaultFault::DoneAndPanic => die(VaultStep::Publish),
            }
            done = at + 1;
        }
        results.extend(self.inner.publish(&batch[done..]).await);
        results
    }

    async fn scan(
        &self,
        after: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ScannedContent>> {
        self.inner.scan(after, limit).await
    }

    async fn inspect(&self, contents: &[ContentUuid]) -> PortResult<Vec<ScannedContent>> {
        self.inner.inspect(contents).await
    }

    async fn strays(&self, limit: usize) -> PortResult<Vec<ScannedStranger>> {
        self.inner.strays(limit).await
    }

    async fn quarantine(&self, key: &SidecarKey, format: &Format) -> PortResult<Option<PathBuf>> {
        let run = self.inner.quarantine(key, format);
        self.step(VaultStep::Quarantine, run).await
    }

    async fn remove(
        &self,
        key: &SidecarKey,
        format: &Format,
        only: Option<FileStamp>,
    ) -> PortResult<bool> {
        let run = self.inner.remove(key, format, only);
        self.step(VaultStep::Remove, run).await
    }

    async fn amend(&self, content: ContentUuid, amendment: &Amendment) -> PortResult<bool> {
        let run = self.inner.amend(content, amendment);
        self.step(VaultStep::Amend, run).await
    }
}
