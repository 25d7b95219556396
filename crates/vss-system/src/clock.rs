//! The machine's wall clock, and tokio's timer for waiting.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use vss_core::Timestamp;
use vss_ports::Clock;

/// The machine's clock. Sleeping needs a tokio runtime with its timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A machine whose clock stands before 1970 is at the epoch.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        wait(|| self.now(), duration).await;
    }
}

/// How many milliseconds the wall clock may lag behind the timer and still be waited for.
const LAG: u32 = 5;

/// Waits by the timer, which nobody sets. It may be a fraction of a millisecond ahead of the wall
/// clock, so that a moment is waited for as well; the time by which that was set back is not.
async fn wait(now: impl Fn() -> Timestamp + Send, duration: Duration) {
    if duration.is_zero() {
        return;
    }
    let until = now().plus(duration);
    tokio::time::sleep(duration).await;
    for _ in 0..LAG {
        if now() >= until {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let was_asked = AtomicBool::new(false);
        let an_hour_earlier_from_then_on = || {
            let is_first = !was_asked.swap(true, Ordering::Relaxed);
            Timestamp::from_millis(if is_first { 3_600_000 } else { 0 })
        };
        let wait = wait(an_hour_earlier_from_then_on, Duration::from_millis(20));
        let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
        assert!(waited.is_ok(), "it waits until it is as late as it was");
    }
}
