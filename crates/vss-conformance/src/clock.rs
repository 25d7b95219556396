//! The contract of Clock as checks.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use vss_ports::Clock;

use crate::{Check, check, trials_of};

/// Makes clocks.
pub trait ClockHarness: Send + Sync {
    /// A clock that goes on by itself, or is pushed on by a thread of the harness's.
    fn fresh(&self) -> Arc<dyn Clock>;
}

const CHECKS: &[Check<dyn ClockHarness>] = &[
    check!(time_does_not_go_back),
    check!(sleep_returns_once_the_time_has_passed),
    check!(sleeping_for_no_time_returns_at_once),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn ClockHarness>) -> Vec<Trial> {
    trials_of("clock", adapter, &harness, CHECKS)
}

async fn time_does_not_go_back(harness: &dyn ClockHarness) {
    let clock = harness.fresh();
    let mut before = clock.now();
    for _ in 0..1_000 {
        let now = clock.now();
        assert!(now >= before, "{now:?} came after {before:?}");
        before = now;
    }
}

async fn sleep_returns_once_the_time_has_passed(harness: &dyn ClockHarness) {
    let clock = harness.fresh();
    let before = clock.now();
    clock.sleep(Duration::from_millis(30)).await;
    assert!(clock.now() >= before.plus(Duration::from_millis(30)));
}

async fn sleeping_for_no_time_returns_at_once(harness: &dyn ClockHarness) {
    // A clock that hangs is stopped by the test runner's time limit.
    harness.fresh().sleep(Duration::ZERO).await;
}
