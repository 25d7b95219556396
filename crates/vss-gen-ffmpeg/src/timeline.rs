//! One time for an original whose times jump: recordings that were joined, clocks that were set
//! anew. Such times are those of a broadcast, not of the file, and players go on as if nothing were.

use crate::av::{Packet, Ratio};

/// What a stream's times may step back, in microseconds: some writers are not exact.
const BACK: i64 = 100_000;

/// How far they may go ahead at once: further than any pause in a stream that is sent on.
const AHEAD: i64 = 10_000_000;

/// How far streams lie apart in a file that belong together.
const APART: i64 = 5_000_000;

/// How far the times of one stream may overlap where another has jumped before it.
const OVERLAP: i64 = 2_000_000;

/// The times of all streams that are read.
#[derive(Debug)]
pub(crate) struct Timeline {
    tracks: Vec<Track>,
}

#[derive(Clone, Copy, Debug)]
struct Track {
    stream: usize,
    unit: Ratio,
    /// Microseconds that are added to its times.
    offset: i64,
    /// The last of its times, and how far it is from there to the next.
    last: Option<(i64, i64)>,
}

impl Timeline {
    /// For streams with these units.
    pub(crate) fn new(streams: &[(usize, Ratio)]) -> Self {
        let track = |(stream, unit): &(usize, Ratio)| Track {
            stream: *stream,
            unit: *unit,
            offset: 0,
            last: None,
        };
        Self {
            tracks: streams.iter().map(track).collect(),
        }
    }

    /// Moves a packet to its place.
    pub(crate) fn place(&mut self, packet: &mut Packet) {
        let stream = packet.stream();
        let found = self.tracks.iter().position(|track| track.stream == stream);
        let Some((index, track)) = found.and_then(|at| Some((at, *self.tracks.get(at)?))) else {
            return;
        };
        let micros = |count: i64| track.unit.rescale(count, Ratio::MICROS);
        let offset = match packet.order() {
            Some(time) => self.offset(index, micros(time), micros(packet.length())),
            None => track.offset,
        };
        packet.shift(Ratio::MICROS.rescale(offset, track.unit));
    }

    /// What is added to a time of a stream, and to all that follow until it jumps again.
    fn offset(&mut self, index: usize, time: i64, length: i64) -> i64 {
        let Some(own) = self.tracks.get(index).copied() else {
            return 0;
        };
        let at = time.saturating_add(own.offset);
        let mut offset = own.offset;
        if let Some((last, step)) = own.last {
            let back = at < last.saturating_sub(BACK);
            if back || at > last.saturating_add(AHEAD) {
                // Where another stream has come to that time already, both stay together: also
                // after a pause of one, which is none of the others.
                let others = self.tracks.iter().enumerate();
                let together = others.filter(|(at, _)| *at != index).find(|(_, other)| {
                    let at = time.saturating_add(other.offset);
                    let near = other
                        .last
                        .is_some_and(|(last, _)| at.abs_diff(last) <= APART.unsigned_abs());
                    near && at >= last.saturating_sub(OVERLAP)
                        && !(back && other.offset == own.offset)
                });
                offset = match together {
                    Some((_, other)) => other.offset,
                    None => last.saturating_add(step).saturating_sub(time),
                };
            }
        }
        if let Some(track) = self.tracks.get_mut(index) {
            track.offset = offset;
            track.last = Some((time.saturating_add(offset), length.max(0)));
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: i64 = 100_000;

    /// What becomes of tenths of seconds of two streams, in turns; each is followed by the next
    /// after a second.
    fn placed(times: &[(usize, i64)]) -> Vec<i64> {
        let mut line = Timeline::new(&[(0, Ratio::MICROS), (1, Ratio::MICROS)]);
        let mut place = |(stream, tenths): &(usize, i64)| {
            let time = tenths * TENTH;
            (time + line.offset(*stream, time, 10 * TENTH)) / TENTH
        };
        times.iter().map(&mut place).collect()
    }

    #[test]
    fn streams_that_jump_one_after_the_other_stay_together() {
        let times = [(0, 80), (1, 75), (0, 90), (1, 85)];
        assert_eq!(placed(&times), [80, 75, 90, 85]);
        // Back to the beginning: the second begins half a second before the first, as before.
        let back = [(0, 10), (1, 95), (1, 5), (0, 20)];
        assert_eq!(placed(&[times, back].concat())[4..], [100, 95, 95, 110]);
        let ahead = [(0, 5_010), (1, 95), (1, 5_005), (0, 5_020)];
        assert_eq!(placed(&[times, ahead].concat())[4..], [100, 95, 95, 110]);
    }

    #[test]
    fn a_pause_of_one_stream_is_none_of_the_other() {
        let mut times: Vec<_> = (0..40).map(|second| (0, 10 * second)).collect();
        times.insert(2, (1, 10));
        times.insert(38, (1, 360));
        let expected: Vec<_> = times.iter().map(|(_, time)| *time).collect();
        assert_eq!(placed(&times), expected);
    }

    #[test]
    fn a_small_step_is_no_jump() {
        let times = [(0, 50), (0, 49), (0, 140), (1, 30), (1, 129)];
        assert_eq!(placed(&times), [50, 49, 140, 30, 129]);
    }
}
