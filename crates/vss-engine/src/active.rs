//! The jobs under way: for whoever looks at them, and for whoever calls one off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vss_core::{ContentUuid, GeneratorId, SidecarKey, Timestamp};
use vss_ports::{CancelToken, Claim, Clock};

use crate::pulse::Pulse;

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
    active: BTreeMap<u64, Active>,
}

#[derive(Debug)]
struct Active {
    job: ActiveJob,
    cancel: CancelToken,
    pulse: Arc<Pulse>,
}

/// A job's place among the active ones, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    jobs: &'a ActiveJobs,
    number: u64,
    pub(crate) cancel: CancelToken,
    pub(crate) pulse: Arc<Pulse>,
}

impl ActiveJobs {
    pub(crate) fn enter(&self, claim: &Claim, clock: &Arc<dyn Clock>) -> Entered<'_> {
        let job = ActiveJob {
            content: claim.content,
            generator: claim.generator.clone(),
            outputs: claim.outputs.iter().map(|o| o.key.clone()).collect(),
            started_at: clock.now(),
        };
        let cancel = CancelToken::new();
        let pulse = Arc::new(Pulse::new(Arc::clone(clock)));
        let active = Active {
            job,
            cancel: cancel.clone(),
            pulse: Arc::clone(&pulse),
        };
        let mut jobs = self.lock();
        let number = jobs.next;
        jobs.next += 1;
        jobs.active.insert(number, active);
        Entered {
            jobs: self,
            number,
            cancel,
            pulse,
        }
    }

    /// The jobs, the oldest first.
    pub(crate) fn list(&self) -> Vec<ActiveJob> {
        let jobs = self.lock();
        jobs.active
            .values()
            .map(|active| active.job.clone())
            .collect()
    }

    /// How many have a generator at work that showed no sign of life for so long.
    pub(crate) fn silent(&self, patience: Duration) -> usize {
        let jobs = self.lock();
        let active = jobs.active.values();
        active.filter(|a| a.pulse.is_silent_for(patience)).count()
    }

    /// Calls off every job for which the answer is yes; how many.
    pub(crate) fn cancel(&self, which: impl Fn(&ActiveJob) -> bool) -> u64 {
        let jobs = self.lock();
        let chosen = jobs.active.values().filter(|active| which(&active.job));
        chosen.map(|active| active.cancel.cancel()).count() as u64
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
