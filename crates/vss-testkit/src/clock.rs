//! A clock that goes only when a test moves it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use vss_core::Timestamp;
use vss_ports::Clock;

/// Time that stands still until [`ManualClock::advance`].
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock that stands at a point in time.
    pub fn at(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves time on and wakes whoever waited for it.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.plus(by));
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().plus(duration);
        self.0
            .subscribe()
            .wait_for(|now| *now >= until)
            .await
            .expect("the clock is still here");
    }
}
