//! What a running job may ask of whoever runs it.

use std::fmt;
use std::time::Duration;

use crate::GenerateFailure;

/// Whoever runs a job: hands out memory, and is told how the work goes.
///
/// A [`Generator`](crate::Generator) calls it from the thread that runs the job; its contract says
/// when. One host serves one job.
///
/// # Contract
/// - A reservation of one byte is granted, if need be after a while.
/// - It may be told anything, from any thread, whether or not memory was reserved.
pub trait JobHost: Send + Sync {
    /// Asks for memory for decoded pixels, in bytes. May block until there is room; the bytes are
    /// the job's until it ends.
    ///
    /// # Errors
    /// Whatever the host decides; it ends the job and is its failure.
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure>;

    /// Says that the work goes on: whoever waits for a sign of life starts waiting anew.
    fn progressed(&self);

    /// Says how long the original plays, as far as is known by now: some hosts grant time by it.
    /// Whoever finds out that it goes on may say so later; less than was said before says nothing.
    fn plays(&self, _length: Duration) {}

    /// Says what the job cost, also when it failed. Generators that cannot measure themselves say
    /// nothing.
    fn used(&self, usage: JobUsage);
}

impl fmt::Debug for dyn JobHost + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobHost")
    }
}

/// What a job cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JobUsage {
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// The most memory that its process held, in bytes, where that can be told.
    pub peak_memory: Option<u64>,
}

/// A host that grants everything and listens to nothing, for who runs a job alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unlimited;

impl JobHost for Unlimited {
    fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}
