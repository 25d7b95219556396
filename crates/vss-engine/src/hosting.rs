//! What one running job may ask of the engine: memory for its pixels, and an ear for its costs.

use std::sync::{Arc, Mutex, PoisonError};

use vss_core::FailureClass;
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobUsage};

use crate::admission::{Grant, MemoryBudget};
use crate::pulse::Pulse;

/// The host of one job; its memory is free again when it is dropped.
pub(crate) struct Hosting {
    memory: Arc<MemoryBudget>,
    cancel: CancelToken,
    pulse: Arc<Pulse>,
    granted: Mutex<Option<Grant>>,
    usage: Mutex<Option<JobUsage>>,
}

impl Hosting {
    pub(crate) fn new(memory: Arc<MemoryBudget>, cancel: CancelToken, pulse: Arc<Pulse>) -> Self {
        Self {
            memory,
            cancel,
            pulse,
            granted: Mutex::default(),
            usage: Mutex::default(),
        }
    }

    /// Ends the job early.
    pub(crate) fn cancel(&self) -> &CancelToken {
        &self.cancel
    }

    /// Where the job shows that it lives.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What the job said it cost.
    pub(crate) fn usage(&self) -> Option<JobUsage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobHost for Hosting {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        let granted = || self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if granted().is_some() {
            // It would wait for itself.
            let why = "the generator asked for memory twice";
            return Err(GenerateFailure::new(FailureClass::Crash, why));
        }
        self.pulse.rest();
        let grant = self.memory.take(bytes, &self.cancel);
        self.pulse.beat();
        let Some(grant) = grant else {
            let why = "stopped while it waited for memory";
            return Err(GenerateFailure::new(FailureClass::Timeout, why));
        };
        *granted() = Some(grant);
        Ok(())
    }

    /// Whoever runs the generator ends it when it is late; here it only keeps its place.
    fn progressed(&self) {
        self.pulse.beat();
    }

    fn used(&self, usage: JobUsage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
    }
}
