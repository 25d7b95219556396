//! The sign of life of a job, and the look at whether it should stop.

use vss_ports::{CancelToken, JobHost};
use vss_raster::Outcome;
use vss_raster::failure::cancelled;

/// Steps between two signs: a packet is one, a decoded frame several.
const STEPS: u32 = 64;

/// Counts the steps of a job.
#[derive(Debug)]
pub(crate) struct Beat<'a> {
    host: &'a dyn JobHost,
    cancel: &'a CancelToken,
    steps: u32,
}

impl<'a> Beat<'a> {
    /// For a job with this host and token.
    pub(crate) fn new(host: &'a dyn JobHost, cancel: &'a CancelToken) -> Self {
        Self {
            host,
            cancel,
            steps: 0,
        }
    }

    /// A packet was read.
    ///
    /// # Errors
    /// `timeout` once cancelled.
    pub(crate) fn packet(&mut self) -> Outcome<()> {
        self.step(1)
    }

    /// A frame was decoded, and whatever came of it was made.
    ///
    /// # Errors
    /// `timeout` once cancelled.
    pub(crate) fn frame(&mut self) -> Outcome<()> {
        self.step(8)
    }

    fn step(&mut self, by: u32) -> Outcome<()> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        self.steps += by;
        if self.steps >= STEPS {
            self.steps = 0;
            self.host.progressed();
        }
        Ok(())
    }
}
