//! What time it is, and waiting for it.

use std::time::Duration;

use async_trait::async_trait;
use vss_core::Timestamp;

/// A source of time.
///
/// # Contract
/// - Between two calls of `now` without a jump of the machine's clock, time does not go back.
/// - `sleep` returns once `now` has moved on by at least the duration; a clock that is set back does not prolong it.
/// - `sleep` for no time returns at once.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall-clock time, to the millisecond.
    fn now(&self) -> Timestamp;

    /// Waits; dropping the future stops waiting.
    async fn sleep(&self, duration: Duration);
}
