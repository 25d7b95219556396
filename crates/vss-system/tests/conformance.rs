//! The machine's own adapters keep their contracts.

use std::sync::{Arc, Mutex};

use vss_conformance::clock::ClockHarness;
use vss_conformance::entropy::EntropyHarness;
use vss_conformance::event_sink::{EventSinkHarness, Heard};
use vss_ports::{Clock, Entropy, EventSink};
use vss_system::{BroadcastSink, OsEntropy, SystemClock};

struct Machine;

impl ClockHarness for Machine {
    fn fresh(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

impl EntropyHarness for Machine {
    fn fresh(&self) -> Arc<dyn Entropy> {
        Arc::new(OsEntropy)
    }
}

impl EventSinkHarness for Machine {
    fn fresh(&self) -> (Arc<dyn EventSink>, Heard) {
        let sink = BroadcastSink::new(256);
        let listener = Mutex::new(sink.listen());
        let heard = move || {
            let Ok(mut listener) = listener.lock() else {
                return Vec::new();
            };
            std::iter::from_fn(|| listener.try_recv().ok()).collect()
        };
        (Arc::new(sink), Box::new(heard))
    }

    fn unheard(&self) -> Arc<dyn EventSink> {
        Arc::new(BroadcastSink::new(1))
    }
}

fn main() {
    let mut trials = vss_conformance::clock::trials("system", Arc::new(Machine));
    trials.extend(vss_conformance::entropy::trials("os", Arc::new(Machine)));
    trials.extend(vss_conformance::event_sink::trials(
        "broadcast",
        Arc::new(Machine),
    ));
    vss_conformance::run(trials);
}
