//! Where a scrub is in its cycle, and how that is kept from one process to the next.

use std::time::Duration;

use vss_core::{ContentUuid, Timestamp};
use vss_ports::{EnqueueBatch, PortError, PortErrorKind, PortResult, Watermark};

use crate::Engine;

/// Whose watermark the place is.
const WATERMARK: &str = "scrub";

/// Where a cycle is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScrubCycle {
    /// When it began, or is to begin.
    pub began: Timestamp,
    /// The last content that was looked at.
    pub after: Option<ContentUuid>,
    /// Bytes that were hashed in it.
    pub bytes: u64,
}

impl ScrubCycle {
    pub(super) fn beginning(began: Timestamp) -> Self {
        Self {
            began,
            after: None,
            bytes: 0,
        }
    }

    /// When so much of `total` bytes is to have been looked at.
    pub(super) fn due(&self, period: Duration, total: u64) -> Timestamp {
        let done = u128::from(self.bytes.min(total));
        let millis = period.as_millis() * done / u128::from(total.max(1));
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        self.began.plus(Duration::from_millis(millis))
    }

    fn written(&self) -> Watermark {
        let after = self.after.map(|after| after.to_string());
        let (began, bytes) = (self.began.as_millis(), self.bytes);
        Watermark {
            name: WATERMARK.to_owned(),
            value: format!("{began} {bytes} {}", after.as_deref().unwrap_or("-")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (began, bytes, after) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            began: Timestamp::from_millis(began.parse().ok()?),
            bytes: bytes.parse().ok()?,
            after: match after {
                "-" => None,
                after => Some(after.parse().ok()?),
            },
        })
    }
}

impl Engine {
    /// Where the cycle is that was left; `None` when there never was one.
    ///
    /// # Errors
    /// `Corrupt` when it cannot be read, otherwise when the store fails.
    pub async fn scrub_cycle(&self) -> PortResult<Option<ScrubCycle>> {
        let Some(text) = self.ports.queue.watermark(WATERMARK).await? else {
            return Ok(None);
        };
        let corrupt = || {
            let what = format!("{text:?} is no place in a scrub");
            PortError::new(PortErrorKind::Corrupt, "read where the scrub is", what)
        };
        ScrubCycle::read(&text).map(Some).ok_or_else(corrupt)
    }

    pub(super) async fn keep_place(&self, cycle: &ScrubCycle) -> PortResult<()> {
        let batch = EnqueueBatch {
            items: Vec::new(),
            watermark: Some(cycle.written()),
        };
        let now = self.ports.clock.now();
        self.ports.queue.enqueue(&batch, now).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for after in [None, Some(ContentUuid::from_bytes([7; 16]))] {
            let cycle = ScrubCycle {
                began: Timestamp::from_millis(1_767_225_600_000),
                after,
                bytes: 42,
            };
            assert_eq!(ScrubCycle::read(&cycle.written().value), Some(cycle));
        }
        for text in ["", "1 2", "x 2 -", "1 2 not-a-uuid"] {
            assert_eq!(ScrubCycle::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_cycle_is_spread_over_its_period_by_bytes() {
        let mut cycle = ScrubCycle::beginning(Timestamp::from_millis(1_000));
        let due = |cycle: &ScrubCycle, total| {
            let due = cycle.due(Duration::from_secs(100), total);
            due.as_millis()
        };
        assert_eq!(due(&cycle, 50), 1_000);
        cycle.bytes = 25;
        assert_eq!(due(&cycle, 50), 51_000);
        // A library that shrank is not behind for ever, and an empty one has its time too.
        assert_eq!(due(&cycle, 20), 101_000);
        assert_eq!(due(&cycle, 0), 1_000);
    }
}
