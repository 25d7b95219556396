//! Reads what a sensor saw, strip by strip or tile by tile. A damaged one does not cost the others.

use super::levels::Lights;
use super::lossless;
use super::sensor::Sensor;
use crate::failure::{Outcome, corrupt, out_of_memory, unsupported};
use crate::jpeg;
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// Bytes that a sample may take when it is packed, and what is in front of them.
const PACKED: u64 = 4;
const HEADER: u64 = 64 << 10;

/// The part of the sensor's picture that is shown, as light.
#[derive(Debug)]
pub(super) struct Light {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples at a place: 1 in a mosaic, 3 else.
    pub(super) samples: usize,
    /// Row by row.
    pub(super) values: Vec<u16>,
    /// What is missing.
    pub(super) degraded: Option<String>,
}

/// Reads all of it. `more` bytes will be held beside it.
///
/// # Errors
/// `corrupt_source` when none of it can be read, `unsupported`, `too_large`, `transient_io`,
/// `out_of_memory`.
pub(super) fn read(
    sensor: &Sensor,
    source: &Source<'_>,
    room: &Room<'_>,
    more: u64,
    scratch: &mut Scratch,
) -> Outcome<Light> {
    let limits = room.limits;
    limits::check_size(limits, sensor.width, sensor.height)?;
    let samples = sensor.samples();
    let bytes = |(width, height): (u32, u32)| limits::bytes_of(width, height, 2 * samples as u64);
    // Tiles may be far larger than the picture.
    let all = bytes(sensor.chunk).saturating_mul(sensor.chunks.len() as u64);
    limits::check_bytes(limits, all)?;
    let [_, _, width, height] = sensor.crop;
    let held = bytes((width, height)).saturating_add(more);
    limits::check_bytes(limits, held)?;
    room.host
        .reserve(held.saturating_add(bytes(sensor.chunk).saturating_mul(2)))?;
    let (width, height) = (width as usize, height as usize);
    let mut light = Light {
        width,
        height,
        samples,
        values: zeros(width * height * samples)?,
        degraded: None,
    };
    let lights = lights(sensor);
    let (across, down) = sensor.chunk;
    let columns = sensor.width.div_ceil(across);
    let (mut first, mut anything) = (None, false);
    for (number, &(at, length)) in (0..).zip(&sensor.chunks) {
        let (left, top) = ((number % columns) * across, (number / columns) * down);
        let most = bytes((across, down)) / 2 * PACKED + HEADER;
        source.read_range(at, length.min(most), &mut scratch.source)?;
        let read = match unpack(sensor, room, scratch) {
            Ok((values, whole)) => {
                place(sensor, &lights, &values, (left, top), &mut light);
                anything |= whole > 0;
                (whole < values.len()).then(|| corrupt("a part of the sensor's data ends early"))
            }
            Err(failure) if failure.class == vss_core::FailureClass::CorruptSource => Some(failure),
            Err(failure) => return Err(failure),
        };
        first = first.or(read);
    }
    if !anything {
        return Err(first.unwrap_or_else(|| corrupt("holds nothing that a sensor saw")));
    }
    light.degraded = first.map(|failure| failure.detail);
    Ok(light)
}

/// Light by stored value, for each of two by two places or three colours.
fn lights(sensor: &Sensor) -> Vec<Lights> {
    let of = |place: u32| {
        let plane = if sensor.pattern.is_some() { 0 } else { place };
        Lights::new(&sensor.levels, place as usize, plane, sensor.bits)
    };
    (0..if sensor.pattern.is_some() { 4 } else { 3 })
        .map(of)
        .collect()
}

/// The samples of what was read, and how many of them there were.
fn unpack(sensor: &Sensor, room: &Room<'_>, scratch: &mut Scratch) -> Outcome<(Vec<u16>, usize)> {
    let (across, down) = (sensor.chunk.0 as usize, sensor.chunk.1 as usize);
    let row = across * sensor.samples();
    if !sensor.packed {
        let mut values = zeros(row * down)?;
        let whole = plain(
            &scratch.source,
            sensor.bits,
            sensor.little,
            row,
            &mut values,
        );
        return Ok((values, whole));
    }
    if jpeg::claim(&scratch.source).is_none() {
        let unpacked = lossless::unpack(&scratch.source, row * down)?;
        // Two colours of a mosaic may stand for one column, or two rows side by side.
        if !unpacked.row.is_multiple_of(row) && !row.is_multiple_of(unpacked.row) {
            return Err(corrupt("a tile of another size"));
        }
        return Ok((unpacked.values, unpacked.whole));
    }
    if sensor.bits != 8 || sensor.samples() != 3 {
        return Err(unsupported("a mosaic in JPEGs of eight bits"));
    }
    let limits = room.limits;
    let parts = scratch.turbo(limits)?;
    let (width, height, channels) =
        jpeg::decode_embedded(parts.source, limits, parts.turbo, parts.between)?;
    let rows = down.min(height as usize);
    if (width as usize, channels) != (across, 3) {
        return Err(corrupt("a tile of another size"));
    }
    let pixels = parts.between.get(..rows * row).unwrap_or_default();
    let values: Vec<_> = pixels.iter().map(|value| u16::from(*value)).collect();
    let whole = values.len();
    Ok((values, whole))
}

/// Samples as they are, each row from a whole byte on; says how many there were.
fn plain(data: &[u8], bits: u32, little: bool, row: usize, values: &mut [u16]) -> usize {
    let stride = (row * bits as usize).div_ceil(8);
    let mut whole = 0;
    for (line, to) in data
        .chunks(stride.max(1))
        .zip(values.chunks_mut(row.max(1)))
    {
        match bits {
            16 => {
                let (pairs, _) = line.as_chunks::<2>();
                let read = |pair: &[u8; 2]| match little {
                    true => u16::from_le_bytes(*pair),
                    false => u16::from_be_bytes(*pair),
                };
                to.iter_mut()
                    .zip(pairs)
                    .for_each(|(to, pair)| *to = read(pair));
                whole += to.len().min(pairs.len());
            }
            8 => {
                to.iter_mut()
                    .zip(line)
                    .for_each(|(to, byte)| *to = (*byte).into());
                whole += to.len().min(line.len());
            }
            // The highest bit first, whatever the order of bytes is elsewhere.
            _ => {
                let (mut held, mut count, mut bytes) = (0_u32, 0, line.iter());
                for to in to.iter_mut() {
                    while count < bits {
                        let Some(byte) = bytes.next() else {
                            return whole;
                        };
                        held = held << 8 | u32::from(*byte);
                        count += 8;
                    }
                    count -= bits;
                    let mask = (1 << bits) - 1;
                    *to = u16::try_from(held >> count & mask).unwrap_or(0);
                    whole += 1;
                }
            }
        }
    }
    whole
}

/// Puts the samples of a strip or tile where they belong, as light.
fn place(
    sensor: &Sensor,
    lights: &[Lights],
    values: &[u16],
    (left, top): (u32, u32),
    light: &mut Light,
) {
    let samples = light.samples;
    let [active_left, active_top, ..] = sensor.active;
    let [x, y, ..] = sensor.crop;
    // The corner of the picture on the sensor, from the corner of what is read.
    let (from_x, from_y) = (
        i64::from(active_left + x) - i64::from(left),
        i64::from(active_top + y) - i64::from(top),
    );
    let skipped = |from: i64| usize::try_from(from).unwrap_or(0);
    let begin = |from: i64| usize::try_from(-from).unwrap_or(0);
    let row = sensor.chunk.0 as usize * samples;
    let lines = values.chunks_exact(row.max(1)).skip(skipped(from_y));
    let width = light.width * samples;
    let rows = light.values.chunks_exact_mut(width.max(1));
    for ((line, to), y_shown) in lines.zip(rows.skip(begin(from_y))).zip(begin(from_y)..) {
        let line = line.get(skipped(from_x) * samples..).unwrap_or_default();
        let to = to.get_mut(begin(from_x) * samples..).unwrap_or_default();
        let pairs = to.iter_mut().zip(line);
        if samples == 1 {
            // Places repeat from the corner of what saw light.
            let y_place = (y_shown + y as usize) % 2 * 2;
            let x_first = begin(from_x) + x as usize;
            for ((to, stored), x_shown) in pairs.zip(x_first..) {
                let of = lights.get(y_place + x_shown % 2);
                *to = of.map_or(0, |of| of.of(*stored));
            }
        } else {
            for ((to, stored), of) in pairs.zip(lights.iter().cycle()) {
                *to = of.of(*stored);
            }
        }
    }
}

fn zeros(length: usize) -> Outcome<Vec<u16>> {
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(out_of_memory)?;
    values.resize(length, 0);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_any_width_are_read_row_by_row() {
        let of = |data: &[u8], bits, little| {
            let mut values = [9; 4];
            let whole = plain(data, bits, little, 2, &mut values);
            (values, whole)
        };
        assert_eq!(of(&[1, 2, 3, 4], 8, true), ([1, 2, 3, 4], 4));
        let sixteen = [1, 0, 2, 0, 3, 0, 4, 0];
        assert_eq!(of(&sixteen, 16, true), ([1, 2, 3, 4], 4));
        assert_eq!(of(&sixteen, 16, false).0, [256, 512, 768, 1_024]);
        // 0x123 0x456 | 0x789 0xABC
        let twelve = [0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC];
        assert_eq!(of(&twelve, 12, true), ([0x123, 0x456, 0x789, 0xABC], 4));
        // Ten bits twice are 20: each row has four to spare.
        let ten = [0xFF, 0xC0, 0x10, 0, 0, 0xF0];
        assert_eq!(of(&ten, 10, true).0, [0x3FF, 0x001, 0, 0x00F]);
        assert_eq!(of(&twelve[..4], 12, true), ([0x123, 0x456, 9, 9], 2));
        assert_eq!(of(&[], 14, false).1, 0);
    }
}
