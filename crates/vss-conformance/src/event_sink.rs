//! The contract of EventSink as checks.

use std::sync::Arc;

use libtest_mimic::Trial;
use vss_ports::{Event, EventSink};

use crate::{Check, check, trials_of};

/// Gives what a listener has heard so far.
pub type Heard = Box<dyn Fn() -> Vec<Event> + Send>;

/// Makes event sinks.
pub trait EventSinkHarness: Send + Sync {
    /// A sink and its listener, who keeps at least 100 events.
    fn fresh(&self) -> (Arc<dyn EventSink>, Heard);

    /// A sink that nobody listens to.
    fn unheard(&self) -> Arc<dyn EventSink>;
}

const CHECKS: &[Check<dyn EventSinkHarness>] = &[
    check!(emitting_does_not_wait_for_listeners),
    check!(emitting_to_nobody_is_no_error),
    check!(events_are_heard_in_order),
];

/// The checks for one adapter.
pub fn trials(adapter: &str, harness: Arc<dyn EventSinkHarness>) -> Vec<Trial> {
    trials_of("event_sink", adapter, &harness, CHECKS)
}

fn event(number: u64) -> Event {
    Event::IndexProgress {
        files: number,
        hashed: 0,
    }
}

async fn emitting_does_not_wait_for_listeners(harness: &dyn EventSinkHarness) {
    // The listener takes nothing before all are emitted; a sink that waits would hang here.
    let (sink, heard) = harness.fresh();
    (0..100_000).for_each(|n| sink.emit(event(n)));
    assert!(heard().len() <= 100_000);
}

async fn emitting_to_nobody_is_no_error(harness: &dyn EventSinkHarness) {
    harness.unheard().emit(event(1));
}

async fn events_are_heard_in_order(harness: &dyn EventSinkHarness) {
    let (sink, heard) = harness.fresh();
    (0..100).for_each(|n| sink.emit(event(n)));
    assert_eq!(heard(), (0..100).map(event).collect::<Vec<_>>());
}
