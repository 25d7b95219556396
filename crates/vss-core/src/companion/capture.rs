//! When something was taken, as cameras tell it: often without a time zone.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// When something was taken, with what is known of the time zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureTime {
    /// What a clock on the wall showed, in milliseconds since 1970 as if it were in Greenwich.
    Wall(i64),
    /// The moment; what the clocks there showed is not known.
    Moment(Timestamp),
    /// Both.
    Zoned {
        /// The moment.
        moment: Timestamp,
        /// How far the clocks there were ahead of Greenwich, in minutes.
        offset_minutes: i16,
    },
}

const MINUTE_MS: i64 = 60_000;
/// Clocks on earth differ by multiples of this,
const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// are no more than this behind Greenwich,
const BEHIND: i64 = -48;
/// and no more than this ahead of it, in quarters of an hour.
const AHEAD: i64 = 56;

impl CaptureTime {
    /// How far apart two times are, in milliseconds. Where one is a moment and the other what a
    /// clock showed, in the time zone that brings them nearest: so a difference of whole quarters
    /// of an hour may go unnoticed, of other minutes or of a day it does not.
    pub fn apart(self, other: Self) -> u64 {
        if let (Some(one), Some(other)) = (self.moment(), other.moment()) {
            return one.abs_diff(other);
        }
        if let (Some(one), Some(other)) = (self.wall(), other.wall()) {
            return one.abs_diff(other);
        }
        // One of them has no moment, so that it has a wall; the other has no wall, so that it has
        // a moment.
        let wall = self.wall().or(other.wall()).unwrap_or_default();
        let moment = self.moment().or(other.moment()).unwrap_or_default();
        let ahead = wall.saturating_sub(moment);
        let half = QUARTER_MS / 2;
        let quarters = ahead
            .saturating_add(half)
            .div_euclid(QUARTER_MS)
            .clamp(BEHIND, AHEAD);
        ahead.abs_diff(quarters * QUARTER_MS)
    }

    fn moment(self) -> Option<i64> {
        match self {
            Self::Wall(_) => None,
            Self::Moment(moment) | Self::Zoned { moment, .. } => Some(moment.as_millis()),
        }
    }

    fn wall(self) -> Option<i64> {
        match self {
            Self::Wall(wall) => Some(wall),
            Self::Moment(_) => None,
            Self::Zoned {
                moment,
                offset_minutes,
            } => Some(
                moment
                    .as_millis()
                    .saturating_add(i64::from(offset_minutes) * MINUTE_MS),
            ),
        }
    }
}
