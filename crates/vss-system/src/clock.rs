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
        // The timer may be a fraction of a millisecond ahead of the wall clock.
        let until = self.now().plus(duration);
        while self.now() < until {
            tokio::time::sleep(until.since(self.now())).await;
        }
    }
}
