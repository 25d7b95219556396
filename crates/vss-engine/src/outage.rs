//! Patience with a store that cannot be reached for a while.

use std::time::Duration;

use vss_core::Timestamp;
use vss_ports::PortError;

/// Between two tries.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// How long errors that may pass have been put up with.
#[derive(Debug)]
pub(crate) struct Outage {
    /// For how long they may; `None`: for ever.
    patience: Option<Duration>,
    since: Option<Timestamp>,
}

impl Outage {
    pub(crate) fn new(patience: Option<Duration>) -> Self {
        Self {
            patience,
            since: None,
        }
    }

    /// Whether to try again after an error.
    pub(crate) fn bears(&mut self, error: &PortError, now: Timestamp) -> bool {
        if !error.is_retryable() {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let bears = self
            .patience
            .is_none_or(|patience| now.since(since) < patience);
        if bears && since == now {
            let error = error.in_full();
            tracing::warn!(error, "the store does not answer; waiting for it");
        }
        bears
    }

    /// It works again.
    pub(crate) fn over(&mut self) {
        if self.since.take().is_some() {
            tracing::info!("the store answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use vss_ports::PortErrorKind;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000);

    fn error(kind: PortErrorKind) -> PortError {
        PortError::new(kind, "claim", "gone")
    }

    #[test]
    fn what_may_pass_is_borne_until_patience_ends() {
        let mut outage = Outage::new(Some(Duration::from_secs(3)));
        let away = error(PortErrorKind::Unavailable);
        assert!(outage.bears(&away, START));
        assert!(outage.bears(&away, START.plus(Duration::from_secs(2))));
        assert!(!outage.bears(&away, START.plus(Duration::from_secs(3))));
        outage.over();
        assert!(outage.bears(&away, START.plus(Duration::from_secs(9))));
    }

    #[test]
    fn what_does_not_pass_is_not_borne_and_some_wait_for_ever() {
        let mut outage = Outage::new(None);
        assert!(!outage.bears(&error(PortErrorKind::Corrupt), START));
        let late = START.plus(Duration::from_secs(1 << 30));
        assert!(outage.bears(&error(PortErrorKind::Unavailable), START));
        assert!(outage.bears(&error(PortErrorKind::Unavailable), late));
    }
}
