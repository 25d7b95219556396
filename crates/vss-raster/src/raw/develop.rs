//! Develops what a sensor saw: colours for every place, the light's white made white, the camera's
//! colours made those of sRGB, and as bright as one would print it.

use super::cast::Cast;
use super::pattern::Pattern;
use super::sensor::Sensor;
use super::unpack::{self, Light};
use crate::decoded::{Decoded, Layout, fit};
use crate::failure::Outcome;
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// One place in a hundred may be as bright as can be; a dark picture is made brighter by no more
/// than two stops, or a night would look like day.
const BRIGHTEST: usize = 100;
const MOST_GAIN: f32 = 4.0;

/// How finely tones are told apart.
const TONES: usize = 4_096;

/// Decodes into the scratch's `decoded` buffer for stills of at most `largest` pixels a side.
///
/// # Errors
/// As [`unpack::read`].
pub(super) fn develop(
    sensor: &Sensor,
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let [_, _, width, height] = sensor.crop;
    let by = reduction(sensor, largest);
    let (stored_width, stored_height) = (width.div_ceil(by), height.div_ceil(by));
    let bytes = limits::bytes_of(stored_width, stored_height, 3);
    let light = unpack::read(sensor, source, room, bytes, scratch)?;
    let length = limits::check_bytes(room.limits, bytes)?;
    let canvas = fit(&mut scratch.decoded, length)?;
    let cast = Cast::new(&sensor.colours);
    let places = Places {
        light: &light,
        pattern: sensor.pattern.map(|pattern| shifted(pattern, sensor)),
        by: by as usize,
    };
    let gain = gain(&places, &cast, sensor.colours.exposure);
    let tones = tones(gain);
    let rows = canvas.chunks_exact_mut((stored_width as usize * 3).max(1));
    for (y, row) in rows.enumerate() {
        let (pixels, _) = row.as_chunks_mut::<3>();
        for (x, pixel) in pixels.iter_mut().enumerate() {
            *pixel = cast.of(places.at(x, y)).map(|light| tone(&tones, light));
        }
    }
    Ok(Decoded {
        stored_width,
        stored_height,
        covered: (
            f64::from(width) / f64::from(by),
            f64::from(height) / f64::from(by),
        ),
        degraded: light.degraded,
        ..Decoded::unscaled(width, height, Layout::Rgb)
    })
}

/// How many places to each side become a pixel: as many as leave what is wanted. Of a mosaic an even
/// number, since a pixel needs all colours, or one, where colours have to be guessed.
fn reduction(sensor: &Sensor, largest: u32) -> u32 {
    let [_, _, width, height] = sensor.crop;
    let by = sensor.longer_side() / largest.max(1);
    let by = by.min(width.min(height)).max(1);
    match sensor.pattern {
        Some(_) if by >= 2 => by / 2 * 2,
        Some(_) => 1,
        None => by,
    }
}

/// The pattern as it lies from the corner of the picture on.
fn shifted(pattern: Pattern, sensor: &Sensor) -> Pattern {
    let [x, y, ..] = sensor.crop;
    pattern.from(x as usize, y as usize)
}

/// The camera's colours of each pixel, 0 to 1.
struct Places<'l> {
    light: &'l Light,
    pattern: Option<Pattern>,
    by: usize,
}

impl Places<'_> {
    fn size(&self) -> (usize, usize) {
        let of = |side: usize| side.div_ceil(self.by);
        (of(self.light.width), of(self.light.height))
    }

    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        // The last pixels of a row or column are made of whole ones all the same.
        let begin = |at: usize, side: usize| (at * self.by).min(side.saturating_sub(self.by));
        let (x, y) = (begin(x, self.light.width), begin(y, self.light.height));
        match self.pattern {
            None => self.mean(x, y),
            Some(pattern) if self.by == 1 => self.guess(pattern, x, y),
            Some(pattern) => self.mean_of_mosaic(pattern, x, y),
        }
    }

    fn line(&self, y: usize) -> &[u16] {
        let row = self.light.width * self.light.samples;
        self.light
            .values
            .get(y * row..(y + 1) * row)
            .unwrap_or_default()
    }

    fn mean(&self, x: usize, y: usize) -> [f32; 3] {
        let mut sums = [0_u32; 3];
        for y in y..y + self.by {
            let line = self.line(y).get(3 * x..3 * (x + self.by));
            let (places, _) = line.unwrap_or_default().as_chunks::<3>();
            for place in places {
                for (sum, value) in sums.iter_mut().zip(place) {
                    *sum += u32::from(*value);
                }
            }
        }
        sums.map(|sum| part(sum, self.by * self.by))
    }

    fn mean_of_mosaic(&self, pattern: Pattern, x: usize, y: usize) -> [f32; 3] {
        let mut sums = [0_u32; 4];
        for y in y..y + self.by {
            let line = self.line(y).get(x..x + self.by);
            let (pairs, _) = line.unwrap_or_default().as_chunks::<2>();
            let [left, right] = pairs.iter().fold([0; 2], |[left, right], [a, b]| {
                [left + u32::from(*a), right + u32::from(*b)]
            });
            let [a, b, c, d] = &mut sums;
            let (to_left, to_right) = if y % 2 == 0 { (a, b) } else { (c, d) };
            *to_left += left;
            *to_right += right;
        }
        // A block begins at an odd place only at the last edge of an odd side.
        let mut colours = [0_u32; 3];
        let rows = [[sums[0], sums[1]], [sums[2], sums[3]]];
        for (down, row) in rows.into_iter().enumerate() {
            for (across, sum) in row.into_iter().enumerate() {
                if let Some(colour) = colours.get_mut(pattern.colour(x + across, down)) {
                    *colour += sum;
                }
            }
        }
        let each = self.by * self.by / 4;
        let [red, green, blue] = colours;
        [part(red, each), part(green, 2 * each), part(blue, each)]
    }

    /// The colours that a place does not see, from the places around it.
    fn guess(&self, pattern: Pattern, x: usize, y: usize) -> [f32; 3] {
        let (mut sums, mut counts) = ([0_u32; 3], [0_usize; 3]);
        let around = |at: usize| at.saturating_sub(1)..at + 2;
        for y in around(y).take_while(|y| *y < self.light.height) {
            let line = self.line(y);
            for x in around(x) {
                let Some(value) = line.get(x) else { break };
                let colour = pattern.colour(x, y);
                if let (Some(sum), Some(count)) = (sums.get_mut(colour), counts.get_mut(colour)) {
                    *sum += u32::from(*value);
                    *count += 1;
                }
            }
        }
        // What it sees itself it need not guess.
        let own = pattern.colour(x, y);
        if let (Some(sum), Some(count)) = (sums.get_mut(own), counts.get_mut(own)) {
            *sum = u32::from(self.line(y).get(x).copied().unwrap_or(0));
            *count = 1;
        }
        let [red, green, blue] = [0, 1, 2].map(|of: usize| {
            let count = counts.get(of).copied().unwrap_or(0);
            part(sums.get(of).copied().unwrap_or(0), count)
        });
        [red, green, blue]
    }
}

/// A sum of lights as a part of the most that it can be.
#[expect(clippy::cast_precision_loss, reason = "a colour needs few digits")]
fn part(sum: u32, of: usize) -> f32 {
    sum as f32 / (of.max(1) as f32 * 65_535.0)
}

/// By how much the picture is made brighter: as its camera's maker wants it, and so that its
/// brightest places are bright.
fn gain(places: &Places<'_>, cast: &Cast, exposure: f64) -> f32 {
    let (width, height) = places.size();
    // Some ten thousand pixels tell.
    let step = (width * height / 20_000).isqrt().max(1);
    let mut counts = vec![0_usize; TONES + 1];
    let mut all = 0;
    for y in (0..height).step_by(step) {
        for x in (0..width).step_by(step) {
            let brightest = cast.of(places.at(x, y)).into_iter().fold(0.0, f32::max);
            if let Some(count) = counts.get_mut(level(brightest)) {
                *count += 1;
            }
            all += 1;
        }
    }
    let mut above = 0;
    let bright = counts.iter().rposition(|count| {
        above += count;
        above * BRIGHTEST > all
    });
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let bright = bright.unwrap_or(TONES).max(1) as f32 / TONES as f32;
    #[expect(clippy::cast_possible_truncation, reason = "a factor needs few digits")]
    let wanted = exposure.clamp(-2.0, 2.0).exp2() as f32;
    wanted.max(1.0 / bright).min(MOST_GAIN)
}

/// Tones as sRGB has them (IEC 61966-2-1), with a gain.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255"
)]
fn tones(gain: f32) -> Vec<u8> {
    let tone = |level: usize| {
        let light = (level as f32 / TONES as f32 * gain).min(1.0);
        let tone = match light {
            dark if dark <= 0.003_130_8 => dark * 12.92,
            light => 1.055 * light.powf(1.0 / 2.4) - 0.055,
        };
        (tone * 255.0).round() as u8
    };
    (0..=TONES).map(tone).collect()
}

fn tone(tones: &[u8], light: f32) -> u8 {
    tones.get(level(light)).copied().unwrap_or(u8::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of tones"
)]
fn level(light: f32) -> usize {
    (light.min(1.0) * TONES as f32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mosaic(width: usize, height: usize) -> Light {
        // Red is half of the light, green a quarter, blue an eighth.
        let pattern = Pattern::new(&[2, 2], &[0, 1, 1, 2]).unwrap();
        let value = |at: usize| [32_768, 16_384, 8_192][pattern.colour(at % width, at / width)];
        Light {
            width,
            height,
            samples: 1,
            values: (0..width * height).map(value).collect(),
            degraded: None,
        }
    }

    #[test]
    fn every_pixel_of_a_mosaic_has_all_colours_however_it_is_reduced() {
        let light = mosaic(7, 5);
        let pattern = Pattern::new(&[2, 2], &[0, 1, 1, 2]).ok();
        for by in [1, 2, 4] {
            let places = Places {
                light: &light,
                pattern,
                by,
            };
            let (width, height) = places.size();
            for (x, y) in (0..width * height).map(|at| (at % width, at / width)) {
                let found = places.at(x, y);
                let wanted = [0.5, 0.25, 0.125];
                let near = found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 0.001);
                assert!(near, "{by}: {found:?} at {x}, {y}");
            }
        }
    }

    #[test]
    fn tones_end_in_black_and_white() {
        let tones = tones(1.0);
        assert_eq!((tones[0], tones[TONES], tone(&tones, 2.0)), (0, 255, 255));
        // 18 % grey.
        assert_eq!(tone(&tones, 0.18), 118);
        assert_eq!(tone(&tones, f32::NAN), 255);
    }
}
