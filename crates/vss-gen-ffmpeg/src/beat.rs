//! The sign of life of a job, and the look at whether it should stop.

use std::time::Duration;

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
    /// How long the original plays by what the host was told, in microseconds.
    told: Option<i64>,
}

impl<'a> Beat<'a> {
    /// For a job with this host and token.
    pub(crate) fn new(host: &'a dyn JobHost, cancel: &'a CancelToken) -> Self {
        Self {
            host,
            cancel,
            steps: 0,
            told: None,
        }
    }

    /// The original claims to play so many microseconds.
    pub(crate) fn plays(&mut self, micros: i64) {
        self.told = Some(micros);
        let length = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        self.host.plays(length);
    }

    /// A packet is of this time, in microseconds: an original that goes on after the end it
    /// claimed is taken to have come halfway.
    pub(crate) fn reached(&mut self, micros: i64) {
        if self.told.is_some_and(|told| micros > told) {
            self.plays(micros.saturating_mul(2));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use vss_ports::{GenerateFailure, JobUsage};

    #[derive(Default)]
    struct Told(Mutex<Vec<u64>>);

    impl JobHost for Told {
        fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
            Ok(())
        }

        fn progressed(&self) {}

        fn plays(&self, length: Duration) {
            self.0.lock().unwrap().push(length.as_secs());
        }

        fn used(&self, _: JobUsage) {}
    }

    #[test]
    fn an_original_that_goes_on_is_told_of_now_and_then() {
        let (host, cancel) = (Told::default(), CancelToken::new());
        let mut beat = Beat::new(&host, &cancel);
        // Nothing is known: the host has its own limit.
        beat.reached(99_000_000);
        beat.plays(10_000_000);
        (0..100).for_each(|second| beat.reached(second * 1_000_000));
        assert_eq!(*host.0.lock().unwrap(), [10, 22, 46, 94, 190]);
    }
}
