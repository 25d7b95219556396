//! The jobs under way: for whoever looks at them, and for whoever calls one off.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vss_core::{ContentUuid, GeneratorId, SidecarKey, Timestamp};
use vss_ports::{CancelToken, Claim};

/// A job under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveJob {
    /// The content it works on.
    pub content: ContentUuid,
    /// Who works.
    pub generator: GeneratorId,
    /// What is to come of it.
    pub outputs: Vec<SidecarKey>,
    /// Since when.
    pub started_at: Timestamp,
}

/// All jobs of one engine.
#[derive(Debug, Default)]
pub(crate) struct ActiveJobs(Mutex<Jobs>);

#[derive(Debug, Default)]
struct Jobs {
    next: u64,
    active: BTreeMap<u64, (ActiveJob, CancelToken)>,
}

/// A job's place among the active ones, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    jobs: &'a ActiveJobs,
    number: u64,
    pub(crate) cancel: CancelToken,
}

impl ActiveJobs {
    pub(crate) fn enter(&self, claim: &Claim, now: Timestamp) -> Entered<'_> {
        let job = ActiveJob {
            content: claim.content,
            generator: claim.generator.clone(),
            outputs: claim.outputs.iter().map(|o| o.key.clone()).collect(),
            started_at: now,
        };
        let cancel = CancelToken::new();
        let mut jobs = self.lock();
        let number = jobs.next;
        jobs.next += 1;
        jobs.active.insert(number, (job, cancel.clone()));
        Entered {
            jobs: self,
            number,
            cancel,
        }
    }

    /// The jobs, the oldest first.
    pub(crate) fn list(&self) -> Vec<ActiveJob> {
        let jobs = self.lock();
        jobs.active.values().map(|(job, _)| job.clone()).collect()
    }

    /// Calls off every job for which the answer is yes; how many.
    pub(crate) fn cancel(&self, which: impl Fn(&ActiveJob) -> bool) -> u64 {
        let jobs = self.lock();
        let chosen = jobs.active.values().filter(|(job, _)| which(job));
        chosen.map(|(_, token)| token.cancel()).count() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.jobs.lock().active.remove(&self.number);
    }
}
