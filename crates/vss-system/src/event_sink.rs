//! Events to any number of listeners in this process.

use tokio::sync::broadcast;
use vss_ports::{Event, EventSink};

/// A broadcast channel. A listener that falls behind loses the oldest events and is told how many;
/// nobody ever waits for it.
#[derive(Clone, Debug)]
pub struct BroadcastSink(broadcast::Sender<Event>);

impl BroadcastSink {
    /// A sink that keeps this many events for listeners that are behind, at least one.
    pub fn new(kept: usize) -> Self {
        Self(broadcast::Sender::new(kept.max(1)))
    }

    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

impl EventSink for BroadcastSink {
    fn emit(&self, event: Event) {
        // An error only says that nobody listens.
        let _ = self.0.send(event);
    }
}
