//! Signs of life of a running generator: who shows none for long gives up its place among the
//! workers to others, so that a file that hangs delays nobody until its deadline.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vss_core::Timestamp;
use vss_ports::Clock;

/// When a job's generator last showed that it lives.
pub(crate) struct Pulse {
    clock: Arc<dyn Clock>,
    /// `None` while the generator is not at work, or waits for the engine.
    last: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl Pulse {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last: Mutex::default(),
        }
    }

    /// The generator began, went on, or told how far it is.
    pub(crate) fn beat(&self) {
        *self.lock() = Some(self.clock.now());
    }

    /// It is not the generator's turn.
    pub(crate) fn rest(&self) {
        *self.lock() = None;
    }

    /// Whether the generator is at work and showed nothing for so long.
    pub(crate) fn is_silent_for(&self, patience: Duration) -> bool {
        self.lock()
            .is_some_and(|last| self.clock.now().since(last) >= patience)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
