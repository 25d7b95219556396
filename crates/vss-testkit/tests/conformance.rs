//! The in-memory adapters keep the contracts of the ports they stand in for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vss_conformance::clock::ClockHarness;
use vss_conformance::entropy::EntropyHarness;
use vss_conformance::event_sink::EventSinkHarness;
use vss_ports::{Clock, Entropy, Event, EventSink};
use vss_testkit::clock::ManualClock;
use vss_testkit::entropy::SeededEntropy;
use vss_testkit::event_sink::RecordingSink;

struct Clocks;

impl ClockHarness for Clocks {
    fn fresh(&self) -> Arc<dyn Clock> {
        let clock = Arc::new(ManualClock::default());
        let pushed = Arc::downgrade(&clock);
        std::thread::spawn(move || {
            while let Some(clock) = pushed.upgrade() {
                clock.advance(Duration::from_millis(7));
                std::thread::yield_now();
            }
        });
        clock
    }
}

struct Seeds(AtomicU64);

impl EntropyHarness for Seeds {
    fn fresh(&self) -> Arc<dyn Entropy> {
        Arc::new(SeededEntropy::new(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

struct Sinks;

impl EventSinkHarness for Sinks {
    fn fresh(&self) -> (Arc<dyn EventSink>, Box<dyn Fn() -> Vec<Event> + Send>) {
        let sink = Arc::new(RecordingSink::default());
        let heard = Arc::clone(&sink);
        (sink, Box::new(move || heard.events()))
    }

    fn unheard(&self) -> Arc<dyn EventSink> {
        Arc::new(RecordingSink::default())
    }
}

fn main() {
    let mut trials = vss_conformance::clock::trials("manual", Arc::new(Clocks));
    trials.extend(vss_conformance::entropy::trials(
        "seeded",
        Arc::new(Seeds(AtomicU64::new(0))),
    ));
    trials.extend(vss_conformance::event_sink::trials(
        "recording",
        Arc::new(Sinks),
    ));
    vss_conformance::run(trials);
}
