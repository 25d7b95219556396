//! What a DNG says of the picture that its sensor saw (Digital Negative Specification 1.7).

use super::pattern::Pattern;
use super::tree::{Directory, Entry, Tree};
use crate::failure::{Outcome, corrupt, unsupported};

/// The most strips or tiles; one a row of the tallest sensors is below it.
const CHUNKS: u32 = 1 << 16;

/// The most bytes of opcodes that are looked at.
const OPCODES: u32 = 1 << 16;

/// Light of day as ISO 3664 has it, which is that of sRGB (EXIF, tag 37384).
const D65: u64 = 21;

/// The picture of a sensor.
#[derive(Debug)]
pub(super) struct Sensor {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits a sample.
    pub(super) bits: u32,
    /// Where the colours are; `None` when each place has all three.
    pub(super) pattern: Option<Pattern>,
    /// Whether strips and tiles are JPEGs.
    pub(super) packed: bool,
    pub(super) little: bool,
    /// Width and height of a strip or tile.
    pub(super) chunk: (u32, u32),
    /// Where each is, and how many bytes it has.
    pub(super) chunks: Vec<(u64, u64)>,
    pub(super) levels: Levels,
    /// Left, top, right and bottom edge of what saw light.
    pub(super) active: [u32; 4],
    /// Left, top, width and height of the picture within that.
    pub(super) crop: [u32; 4],
    pub(super) colours: Colours,
}

/// From what is stored to light.
#[derive(Debug)]
pub(super) struct Levels {
    /// What each stored value stands for, where it does not stand for itself.
    pub(super) table: Vec<u64>,
    /// The level of no light of each of two by two places, or of each colour.
    pub(super) black: Vec<f64>,
    /// The level of most light.
    pub(super) white: Vec<f64>,
    /// Second list of opcodes.
    pub(super) opcodes: Vec<u8>,
}

/// From what the sensor calls colours to what they are.
#[derive(Debug, Default)]
pub(super) struct Colours {
    /// From CIE XYZ to the sensor's colours, row by row.
    pub(super) matrix: Vec<f64>,
    /// What is applied to that: a factor for each colour.
    pub(super) balance: Vec<f64>,
    /// The sensor's colours of what was white.
    pub(super) neutral: Vec<f64>,
    /// How much brighter it is to be shown, as a power of 2.
    pub(super) exposure: f64,
}

impl Sensor {
    /// From the main directory and the one with the sensor's picture. The inner answer says why it
    /// cannot be developed.
    ///
    /// # Errors
    /// `transient_io`, `out_of_memory`.
    pub(super) fn read(tree: &mut Tree<'_, '_>, main: u64, at: u64) -> Outcome<Outcome<Self>> {
        let main = tree.directory(main)?.unwrap_or_default();
        let own = tree.directory(at)?.unwrap_or_default();
        let mut tags = Tags { tree, main, own };
        let found = tags.gather()?;
        Ok(found.check())
    }

    /// Pixels of the longer side of the picture.
    pub(super) fn longer_side(&self) -> u32 {
        let [_, _, width, height] = self.crop;
        width.max(height)
    }

    /// Samples at a place.
    pub(super) const fn samples(&self) -> usize {
        if self.pattern.is_some() { 1 } else { 3 }
    }
}

/// All that is known of the values, before any of it is believed.
struct Found {
    little: bool,
    is_dng: bool,
    size: [u64; 2],
    bits: Vec<u64>,
    compression: u64,
    photometric: u64,
    samples: u64,
    planar: u64,
    floating: u64,
    pattern: (Vec<u64>, Vec<u64>),
    chunk: [u64; 2],
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    table: Vec<u64>,
    black: (Vec<u64>, Vec<f64>),
    white: Vec<f64>,
    opcodes: Vec<u8>,
    active: Vec<u64>,
    crop: (Vec<f64>, Vec<f64>),
    colours: Colours,
}

/// The two directories that say something of it.
struct Tags<'t, 's, 'f> {
    tree: &'t mut Tree<'s, 'f>,
    main: Directory,
    own: Directory,
}

impl Tags<'_, '_, '_> {
    /// Its own word before that of the main directory.
    fn entry(&self, tag: u16) -> Option<Entry> {
        let own = self.own.entry(tag);
        own.or_else(|| self.main.entry(tag)).copied()
    }

    fn wholes(&mut self, tag: u16, most: u32) -> Outcome<Vec<u64>> {
        match self.own.entry(tag).copied() {
            Some(entry) => self.tree.wholes(&entry, most),
            None => Ok(Vec::new()),
        }
    }

    fn whole(&mut self, tag: u16, default: u64) -> Outcome<u64> {
        Ok(self.wholes(tag, 1)?.first().copied().unwrap_or(default))
    }

    fn numbers(&mut self, tag: u16, most: u32) -> Outcome<Vec<f64>> {
        match self.entry(tag) {
            Some(entry) => self.tree.numbers(&entry, most),
            None => Ok(Vec::new()),
        }
    }

    fn gather(&mut self) -> Outcome<Found> {
        let size = [self.whole(256, 0)?, self.whole(257, 0)?];
        let [width, height] = size;
        let tiled = self.own.entry(324).is_some();
        let (chunk, offsets, lengths) = if tiled {
            ([self.whole(322, 0)?, self.whole(323, 0)?], 324, 325)
        } else {
            ([width, self.whole(278, height)?.min(height)], 273, 279)
        };
        let opcodes = match self.own.entry(51_009).copied() {
            Some(entry) => self.tree.bytes(&entry, OPCODES)?,
            None => Vec::new(),
        };
        Ok(Found {
            little: self.tree.is_little(),
            is_dng: self.entry(50_706).is_some(),
            size,
            bits: self.wholes(258, 3)?,
            compression: self.whole(259, 1)?,
            photometric: self.whole(262, 0)?,
            samples: self.whole(277, 1)?,
            planar: self.whole(284, 1)?,
            floating: self.whole(339, 1)?,
            pattern: (self.wholes(33_421, 2)?, self.wholes(33_422, 64)?),
            chunk,
            offsets: self.wholes(offsets, CHUNKS)?,
            lengths: self.wholes(lengths, CHUNKS)?,
            table: self.wholes(50_712, 1 << 16)?,
            black: (self.wholes(50_713, 2)?, self.numbers(50_714, 64)?),
            white: self.numbers(50_717, 3)?,
            opcodes,
            active: self.wholes(50_829, 4)?,
            crop: (self.numbers(50_719, 2)?, self.numbers(50_720, 2)?),
            colours: self.colours()?,
        })
    }

    fn colours(&mut self) -> Outcome<Colours> {
        // The second matrix is for the light that sRGB means, where there are two.
        let second = self.numbers(50_722, 9)?;
        let lights = [self.numbers(50_778, 1)?, self.numbers(50_779, 1)?];
        #[expect(clippy::cast_precision_loss, reason = "a number of two digits")]
        let day = lights.map(|light| light.first() == Some(&(D65 as f64)));
        let matrix = match second.len() == 9 && day != [true, false] {
            true => second,
            false => self.numbers(50_721, 9)?,
        };
        Ok(Colours {
            matrix,
            balance: self.numbers(50_727, 3)?,
            neutral: self.numbers(50_728, 3)?,
            exposure: self.numbers(50_730, 1)?.first().copied().unwrap_or(0.0),
        })
    }
}

impl Found {
    fn check(self) -> Outcome<Sensor> {
        let side = |side: u64| u32::try_from(side).map_err(corrupt);
        if !self.is_dng {
            return Err(unsupported("no preview, and only DNG is developed here"));
        }
        let [width, height] = self.size;
        let (width, height) = (side(width)?, side(height)?);
        let pattern = match (self.photometric, self.samples) {
            (32_803, 1) => Some(Pattern::new(&self.pattern.0, &self.pattern.1)?),
            (34_892, 3) => None,
            (_, samples) => return Err(unsupported(format!("a sensor of {samples} colours"))),
        };
        let packed = match self.compression {
            1 => false,
            // Lossless, and of eight bits.
            7 | 34_892 => true,
            other => return Err(unsupported(format!("sensor data of compression {other}"))),
        };
        let bits = self.bits.first().copied().unwrap_or(0);
        let same = self.bits.iter().all(|other| *other == bits);
        let known = matches!(bits, 8 | 10 | 12 | 14 | 16) && same;
        if self.planar != 1 || self.floating != 1 || !known {
            return Err(unsupported(format!("sensor data of {bits} bits")));
        }
        let [across, down] = self.chunk;
        let chunk = (side(across)?, side(down)?);
        let needed = match chunk {
            (0, _) | (_, 0) => return Err(corrupt("strips or tiles without pixels")),
            (across, down) => u64::from(width.div_ceil(across)) * u64::from(height.div_ceil(down)),
        };
        let chunks: Vec<_> = self.offsets.into_iter().zip(self.lengths).collect();
        if chunks.is_empty() || chunks.len() as u64 != needed {
            return Err(corrupt(format!(
                "needs {needed} strips or tiles and lists {}",
                chunks.len()
            )));
        }
        let active = active(&self.active, width, height)?;
        Ok(Sensor {
            width,
            height,
            bits: u32::try_from(bits).map_err(corrupt)?,
            pattern,
            packed,
            little: self.little,
            chunk,
            chunks,
            levels: Levels {
                table: self.table,
                black: places(&self.black.0, self.black.1, pattern.is_some()),
                white: self.white,
                opcodes: self.opcodes,
            },
            crop: crop(&self.crop, active),
            active,
            colours: self.colours,
        })
    }
}

/// Top, left, bottom, right as the file has them; all of the sensor where it says nothing.
fn active(said: &[u64], width: u32, height: u32) -> Outcome<[u32; 4]> {
    let &[top, left, bottom, right] = said else {
        return Ok([0, 0, width, height]);
    };
    let side = |value: u64, most: u32| u32::try_from(value).unwrap_or(u32::MAX).min(most);
    let (left, right) = (side(left, width), side(right, width));
    let (top, bottom) = (side(top, height), side(bottom, height));
    // A mosaic needs two by two places.
    if right.saturating_sub(left) < 2 || bottom.saturating_sub(top) < 2 {
        return Err(corrupt("a sensor that saw nothing"));
    }
    Ok([left, top, right, bottom])
}

/// What is to be shown; all that saw light where the file says nothing, or what is not there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and is held against the sides"
)]
fn crop((origin, size): &(Vec<f64>, Vec<f64>), [left, top, right, bottom]: [u32; 4]) -> [u32; 4] {
    let (width, height) = (right - left, bottom - top);
    let (&[x, y], &[w, h]) = (origin.as_slice(), size.as_slice()) else {
        return [0, 0, width, height];
    };
    let [x, y, w, h] = [x, y, w, h].map(|value| value.round() as u32);
    let fits = |at: u32, length: u32, all: u32| {
        length >= 2 && at.checked_add(length).is_some_and(|end| end <= all)
    };
    match fits(x, w, width) && fits(y, h, height) {
        true => [x, y, w, h],
        false => [0, 0, width, height],
    }
}

/// Levels of no light for two by two places of a mosaic, or for three colours.
#[expect(clippy::cast_precision_loss, reason = "there are 64 of them at most")]
fn places(sides: &[u64], levels: Vec<f64>, mosaic: bool) -> Vec<f64> {
    let wanted = if mosaic { 4 } else { 3 };
    let mean = levels.iter().sum::<f64>() / levels.len().max(1) as f64;
    match (mosaic, sides, levels.as_slice()) {
        (true, [2, 2], [_, _, _, _]) => levels,
        (true, [1, 2], &[a, b]) => vec![a, b, a, b],
        (true, [2, 1], &[a, b]) => vec![a, a, b, b],
        (false, [1, 1] | [], [_, _, _]) => levels,
        _ => vec![mean; wanted],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_that_is_not_there_is_not_believed() {
        let all = [10, 20, 110, 220];
        let of = |origin: [f64; 2], size: [f64; 2]| crop(&(origin.into(), size.into()), all);
        assert_eq!(of([4.0, 8.0], [90.0, 180.0]), [4, 8, 90, 180]);
        for wrong in [[101.0, 10.0], [f64::NAN, f64::INFINITY], [-5.0, 1.0]] {
            assert_eq!(of([4.0, 8.0], wrong), [0, 0, 100, 200]);
        }
        assert_eq!(crop(&(vec![], vec![]), all), [0, 0, 100, 200]);
    }

    #[test]
    fn no_light_has_a_level_for_each_place() {
        let of = |sides: &[u64], levels: &[f64], mosaic| places(sides, levels.into(), mosaic);
        assert_eq!(
            of(&[2, 2], &[1.0, 2.0, 3.0, 4.0], true),
            [1.0, 2.0, 3.0, 4.0]
        );
        assert_eq!(of(&[1, 1], &[7.0], true), [7.0; 4]);
        assert_eq!(of(&[1, 2], &[1.0, 2.0], true), [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(of(&[], &[], true), [0.0; 4]);
        assert_eq!(of(&[1, 1], &[1.0, 2.0, 3.0], false), [1.0, 2.0, 3.0]);
        assert_eq!(of(&[4, 1], &[1.0, 2.0, 3.0, 6.0], false), [3.0; 3]);
    }

    #[test]
    fn what_saw_no_light_is_refused() {
        assert_eq!(active(&[1, 2, 30, 40], 50, 60).unwrap(), [2, 1, 40, 30]);
        assert_eq!(active(&[], 50, 60).unwrap(), [0, 0, 50, 60]);
        assert_eq!(active(&[0, 0, 900, 900], 50, 60).unwrap(), [0, 0, 50, 60]);
        assert!(active(&[9, 9, 9, 9], 50, 60).is_err());
    }
}
