//! The machine's steady clock, for deadlines of processes. It is no Clock port: nothing here ends
//! up in a row, and a test's clock could not stop a process.

use std::time::{Duration, Instant};

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "a process that hangs does so in the machine's time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long until then; nothing when it has passed.
pub(crate) fn until(then: Instant) -> Duration {
    then.saturating_duration_since(now())
}
