//! Whether an original was joined of several recordings, and how long all of them play: its own
//! times do not say, and lead to single frames of it no more.

use vss_raster::Outcome;

use crate::av::{AvError, Input, Packet, Ratio, StreamFacts};
use crate::beat::Beat;
use crate::timeline::Timeline;

/// Places where times are looked at, evenly over the bytes.
const PLACES: u64 = 16;

/// Packets that are passed over at most in search of one of the stream.
const PATIENCE: usize = 4_000;

/// How many times further than usual it is from one place to the next after a jump ahead.
const FURTHER: i64 = 8;

/// And how much longer at least, in microseconds.
const LONGER: i64 = 10_000_000;

/// When the last frame of a stream is shown that was joined of several, counted through all of
/// them; `None` when it was not. Whether it was is told from a few places; then all is read.
///
/// # Errors
/// `timeout` once cancelled.
pub(crate) fn end_of(
    input: &mut Input<'_>,
    stream: &StreamFacts,
    size: u64,
    beat: &mut Beat<'_>,
) -> Outcome<Option<i64>> {
    if !input.jumps() {
        return Ok(None);
    }
    let mut times = Vec::new();
    for place in 0..PLACES {
        if input.seek_to_byte(size / PLACES * place).is_ok()
            && let Some(time) = next_time(input, stream, beat)?
        {
            times.push(stream.time_base.rescale(time, Ratio::MICROS));
        }
    }
    if !jump(&times) || input.seek_to_byte(0).is_err() {
        return Ok(None);
    }
    let mut timeline = Timeline::new(&[(stream.index, stream.time_base)]);
    let mut packet = Packet::new().map_err(AvError::of_source)?;
    let mut end = None;
    while input.read(&mut packet).is_ok() {
        beat.packet()?;
        if packet.stream() == stream.index {
            timeline.place(&mut packet);
            end = end.max(packet.end());
        }
    }
    Ok(end)
}

/// When the next packet of a stream is decoded.
fn next_time(
    input: &mut Input<'_>,
    stream: &StreamFacts,
    beat: &mut Beat<'_>,
) -> Outcome<Option<i64>> {
    let mut packet = Packet::new().map_err(AvError::of_source)?;
    for _ in 0..PATIENCE {
        if input.read(&mut packet).is_err() {
            break;
        }
        beat.packet()?;
        if packet.stream() == stream.index && packet.order().is_some() {
            return Ok(packet.order());
        }
    }
    Ok(None)
}

/// Whether times, in the order of their places, step back or go far ahead between two of them.
fn jump(times: &[i64]) -> bool {
    let steps = times.windows(2).filter_map(|pair| match pair {
        [one, next] => Some(next.saturating_sub(*one)),
        _ => None,
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_unstable();
    let (Some(least), Some(most)) = (steps.first(), steps.last()) else {
        return false;
    };
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    *least < 0 || *most > usual.saturating_mul(FURTHER).saturating_add(LONGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn times_that_step_back_or_go_far_ahead_jump() {
        let seconds = |times: &[i64]| times.iter().map(|at| at * SECOND).collect::<Vec<_>>();
        assert!(!jump(&seconds(&[0, 5, 12, 14, 30, 41])));
        assert!(jump(&seconds(&[0, 5, 12, 3, 8])));
        assert!(jump(&seconds(&[0, 5, 10, 3_600, 3_605])));
        // As slides are: nothing for a while, at one place of many.
        assert!(!jump(&seconds(&[0, 10, 20, 100, 110])));
        assert!(!jump(&[]) && !jump(&[7]));
    }
}
