//! Which frames of a proxy players can jump to: one every two seconds, within reason.

use std::ffi::c_int;

use crate::av::Ratio;

/// Seconds from one key frame to the next at most: a proxy is there to be searched in.
const EVERY: i32 = 2;

/// Frames from one to the next at least: so few are decoded in no time.
const LEAST: c_int = 12;

/// And at most.
const MOST: c_int = 250;

/// Finds the frames that have to be keys where an encoder, which counts them, would be late: where
/// they come at uneven times, or nobody knows how many a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Keys {
    /// The encoder makes one at the latest after so many frames.
    most: c_int,
    /// How far they are to lie apart, in the unit of their times.
    every: i64,
    /// When the last was shown.
    last: Option<i64>,
    /// Frames since then.
    since: c_int,
}

impl Keys {
    /// For so many frames a second, where that is known, and times in a unit.
    pub(crate) fn new(rate: Ratio, unit: Ratio) -> Self {
        let second = Ratio { num: 1, den: 1 };
        Self {
            most: most(rate),
            every: second.rescale(EVERY.into(), unit),
            last: None,
            since: 0,
        }
    }

    /// Frames from one to the next that an encoder is to make at most.
    pub(crate) const fn most(&self) -> c_int {
        self.most
    }

    /// Whether the next frame, of this time, has to be one.
    pub(crate) fn is_due(&mut self, time: i64) -> bool {
        self.since = self.since.saturating_add(1);
        let waited = self.last.map(|last| time.saturating_sub(last));
        // The encoder sees to the first and to those that it counts.
        let counted = waited.is_none() || self.since >= self.most;
        let due = self.since >= LEAST && waited.is_some_and(|waited| waited >= self.every);
        if counted || due {
            self.last = Some(time);
            self.since = 0;
        }
        due && !counted
    }
}

fn most(rate: Ratio) -> c_int {
    if !rate.is_positive() {
        return MOST;
    }
    let frames = (rate.value() * f64::from(EVERY)).round();
    (LEAST..=MOST)
        .find(|count| f64::from(*count) >= frames)
        .unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIS: Ratio = Ratio { num: 1, den: 1_000 };
    const UNKNOWN: Ratio = Ratio { num: 0, den: 1 };

    /// The times at which an encoder is told to make one.
    fn due(rate: Ratio, times: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut keys = Keys::new(rate, MILLIS);
        times
            .into_iter()
            .filter(|time| keys.is_due(*time))
            .collect()
    }

    #[test]
    fn a_key_frame_comes_every_two_seconds_within_reason() {
        let rate = |num, den| most(Ratio { num, den });
        assert_eq!(rate(30_000, 1_001), 60);
        assert_eq!(rate(1, 1), 12);
        assert_eq!(rate(240, 1), 250);
        assert_eq!(rate(0, 1), 250);
    }

    #[test]
    fn an_encoder_that_counts_steady_frames_is_told_nothing() {
        for (num, den) in [(25, 1), (30_000, 1_001), (24_000, 1_001), (1, 1), (240, 1)] {
            let rate = Ratio { num, den };
            let frame = Ratio { num: den, den: num };
            let times = (0..2_000).map(|at| frame.rescale(at, MILLIS));
            assert_eq!(due(rate, times), [0; 0], "{num}/{den}");
        }
    }

    #[test]
    fn where_frames_come_at_uneven_times_or_unknown_ones_time_counts() {
        // Ten a second, of which nobody knows.
        let times = (0..50).map(|at| at * 100);
        assert_eq!(due(UNKNOWN, times), [2_000, 4_000]);
        // Thirty a second as a whole, and then five.
        let thirty = Ratio { num: 30, den: 1 };
        let times = (0..60).map(|at| at * 33).chain((10..40).map(|at| at * 200));
        assert_eq!(due(thirty, times), [4_400, 6_800]);
    }
}
