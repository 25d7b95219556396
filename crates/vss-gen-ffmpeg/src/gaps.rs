//! Where sound is on its film's timeline, and how holes in it are filled: by FFmpeg, which makes
//! all of a hole at once, so that long ones are given to it in pieces.

use crate::av::{Frame, Ratio};

/// A hole is filled in pieces as long as this, in microseconds.
const PIECE: i64 = 5_000_000;

/// Holes up to this long are filled where nobody knows how long an original is: it does not say, or
/// goes on after what it says.
const LONGEST: i64 = 600_000_000;

/// What is believed of a length that an original claims.
const DAY: i64 = 86_400_000_000;

/// The times of a sound, from one frame to the next.
#[derive(Debug)]
pub(crate) struct Gaps {
    unit: Ratio,
    /// What is taken from each time, so that the whole begins at 0.
    start: i64,
    /// When the next frame is expected; `None` before the first where what is before it is no hole.
    expected: Option<i64>,
    /// After this there are no holes, as long as no frame was: times that go further have jumped.
    end: Option<i64>,
}

impl Gaps {
    /// Of a stream with this unit, in an original that begins at a time and claims a length, in
    /// microseconds. What comes before its first frame is a hole where that is said.
    pub(crate) fn new(unit: Ratio, start: i64, length: Option<i64>, from_start: bool) -> Self {
        let end = length.map(|length| Ratio::MICROS.rescale(length.min(DAY), unit));
        Self {
            unit,
            start: Ratio::MICROS.rescale(start, unit),
            expected: from_start.then_some(0),
            end,
        }
    }

    /// Gives a frame its place, and tells where before it silence is to be put so that no hole is
    /// longer than a piece.
    pub(crate) fn place(&mut self, frame: &mut Frame) -> impl Iterator<Item = i64> + use<> {
        let length = frame.length(self.unit);
        let told = frame.time().map(|time| time.saturating_sub(self.start));
        let (time, holes) = self.next(told, length);
        if let Some(time) = time {
            frame.set_time(time);
        }
        holes
    }

    fn next(
        &mut self,
        told: Option<i64>,
        length: i64,
    ) -> (Option<i64>, impl Iterator<Item = i64> + use<>) {
        let piece = Ratio::MICROS.rescale(PIECE, self.unit).max(1);
        let mut time = told.or(self.expected);
        let mut from = i64::MAX;
        if let (Some(told), Some(expected)) = (time, self.expected)
            && told.saturating_sub(expected) > piece
        {
            match self.has_jumped(told, expected, piece) {
                true => {
                    self.start = self.start.saturating_add(told.saturating_sub(expected));
                    time = Some(expected);
                }
                false => from = expected,
            }
        }
        if let Some(time) = time {
            self.expected = Some(time.saturating_add(length.max(0)));
        }
        let until = time.unwrap_or(i64::MIN);
        let holes = (1..).map_while(move |count: i64| {
            let at = from.checked_add(count.checked_mul(piece)?)?;
            (at < until).then_some(at)
        });
        (time, holes)
    }

    /// Whether a time that lies so far ahead is no hole.
    fn has_jumped(&self, told: i64, expected: i64, piece: i64) -> bool {
        match self.end {
            Some(end) if expected <= end => told > end.saturating_add(piece),
            _ => {
                let longest = Ratio::MICROS.rescale(LONGEST, self.unit);
                told.saturating_sub(expected) > longest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn next(gaps: &mut Gaps, told: i64) -> (i64, Vec<i64>) {
        let (time, holes) = gaps.next(Some(told * SECOND), SECOND);
        (
            time.unwrap() / SECOND,
            holes.map(|at| at / SECOND).collect(),
        )
    }

    #[test]
    fn a_long_hole_is_filled_in_pieces_and_a_short_one_at_once() {
        let mut gaps = Gaps::new(Ratio::MICROS, 7 * SECOND, Some(60 * SECOND), true);
        assert_eq!(next(&mut gaps, 17), (17, vec![5, 10, 15]));
        assert_eq!(next(&mut gaps, 22), (22, vec![]));
        assert_eq!(next(&mut gaps, 34), (34, vec![28, 33]));
        // A frame without a time follows on the last.
        assert_eq!(gaps.next(None, SECOND).0, Some(35 * SECOND));
        let mut late = Gaps::new(Ratio::MICROS, 0, Some(60 * SECOND), false);
        assert_eq!(next(&mut late, 40), (40, vec![]));
    }

    #[test]
    fn what_lies_beyond_the_end_has_jumped() {
        let mut gaps = Gaps::new(Ratio::MICROS, 0, Some(60 * SECOND), true);
        assert_eq!(next(&mut gaps, 0), (0, vec![]));
        assert_eq!(next(&mut gaps, 90_000), (1, vec![]));
        assert_eq!(gaps.start, 89_999 * SECOND);
    }

    #[test]
    fn where_nobody_knows_the_end_a_hole_is_judged_by_its_own_length() {
        let mut mute = Gaps::new(Ratio::MICROS, 0, None, true);
        assert_eq!(next(&mut mute, 590).1.len(), 117);
        assert_eq!(next(&mut mute, 700).1.len(), 21);
        assert_eq!(next(&mut mute, 90_000), (701, vec![]));
        // It said a minute, and went on.
        let mut modest = Gaps::new(Ratio::MICROS, 0, Some(60 * SECOND), true);
        for second in 0..70 {
            assert_eq!(next(&mut modest, second), (second, vec![]));
        }
        assert_eq!(next(&mut modest, 90), (90, vec![75, 80, 85]));
        assert_eq!(next(&mut modest, 90_000), (91, vec![]));
    }
}
