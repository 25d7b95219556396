//! The contract of JobHost as checks.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use vss_ports::{JobHost, JobUsage};

use crate::{Check, check, trials_of};

/// Makes hosts.
pub trait JobHostHarness: Send + Sync {
    /// A host of a job that has not begun.
    fn fresh(&self) -> Arc<dyn JobHost>;
}

const CHECKS: &[Check<dyn JobHostHarness>] = &[
    check!(a_reservation_of_a_byte_is_granted),
    check!(it_may_be_told_anything_from_any_thread),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn JobHostHarness>) -> Vec<Trial> {
    trials_of("job_host", adapter, &harness, CHECKS)
}

async fn a_reservation_of_a_byte_is_granted(harness: &dyn JobHostHarness) {
    harness.fresh().reserve(1).unwrap();
}

async fn it_may_be_told_anything_from_any_thread(harness: &dyn JobHostHarness) {
    let host = harness.fresh();
    host.progressed();
    std::thread::scope(|scope| {
        scope.spawn(|| host.progressed());
        scope.spawn(|| host.plays(Duration::from_secs(90)));
        scope.spawn(|| host.reserve(1).unwrap());
    });
    host.progressed();
    host.used(JobUsage::default());
}
