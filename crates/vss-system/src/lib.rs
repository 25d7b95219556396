//! The three small ports on the machine itself: what time it is, random bytes, and telling
//! whoever listens in this process.
#![expect(
    clippy::disallowed_methods,
    reason = "this adapter owns the machine's clock"
)]

mod clock;
mod entropy;
mod event_sink;

pub use clock::SystemClock;
pub use entropy::OsEntropy;
pub use event_sink::BroadcastSink;
