//! A sink that keeps what it hears.

use std::sync::Mutex;

use vss_ports::{Event, EventSink};

/// Keeps every event in order.
#[derive(Default)]
pub struct RecordingSink(Mutex<Vec<Event>>);

impl RecordingSink {
    /// What was emitted so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl EventSink for RecordingSink {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}
