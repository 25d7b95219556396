//! What a sensor sees of the test picture, as a DNG stores it.

use image::RgbImage;

use super::media::{self, Entry};

/// How a DNG is made of a picture.
#[derive(Clone, Debug)]
pub(crate) struct Sensor {
    /// The size of the picture.
    pub(crate) size: (u32, u32),
    pub(crate) bits: u32,
    /// A mosaic that begins with these colours, or all three at each place.
    pub(crate) pattern: Option<[u32; 4]>,
    /// Width and height of tiles, which are lossless JPEGs, with their predictor.
    pub(crate) tiles: Option<(u32, u32, u8)>,
    /// Columns and rows to the left and above that saw no light; and of those that did, the ones
    /// that are not shown.
    pub(crate) dark: (u32, u32),
    pub(crate) border: (u32, u32),
    /// What the sensor calls white, in hundredths.
    pub(crate) neutral: [u32; 3],
    pub(crate) orientation: u32,
    /// A preview.
    pub(crate) preview: Vec<u8>,
}

impl Default for Sensor {
    fn default() -> Self {
        Self {
            size: (media::WIDTH, media::HEIGHT),
            bits: 16,
            pattern: Some([0, 1, 1, 2]),
            tiles: None,
            dark: (0, 0),
            border: (0, 0),
            neutral: [100; 3],
            orientation: 1,
            preview: Vec::new(),
        }
    }
}

/// No light is this many hundredths of the most.
const BLACK: u32 = 5;

/// From CIE XYZ to linear sRGB, in ten thousandths: a sensor that sees as screens show.
const MATRIX: [i32; 9] = [
    32_405, -15_371, -4_985, -9_693, 18_760, 416, 556, -2_040, 10_572,
];

impl Sensor {
    /// A file with the test picture.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.file_of(&media::picture_of(self.size.0, self.size.1))
    }

    /// A file with a picture.
    pub(crate) fn file_of(&self, picture: &RgbImage) -> Vec<u8> {
        let samples = if self.pattern.is_some() { 1 } else { 3 };
        let photometric = if self.pattern.is_some() {
            32_803
        } else {
            34_892
        };
        let compression = if self.tiles.is_some() { 7 } else { 1 };
        let all = self.all();
        let most = (1_u32 << self.bits) - 1;
        let rational = |values: &[i32], of: u32| -> Vec<u32> {
            values
                .iter()
                .flat_map(|v| [v.cast_unsigned(), of])
                .collect()
        };
        let (dark, border) = (self.dark, self.border);
        let mut entries = media::page(all, self.bits, samples, photometric, compression);
        entries.extend([
            (274, 3, vec![self.orientation]),
            (50_706, 1, vec![1, 4, 0, 0]),
            (50_714, 4, vec![most * BLACK / 100]),
            (50_717, 4, vec![most]),
            (50_719, 4, vec![border.0, border.1]),
            (50_720, 4, vec![self.size.0, self.size.1]),
            (50_721, 10, rational(&MATRIX, 10_000)),
            (
                50_728,
                5,
                self.neutral.iter().flat_map(|n| [*n, 100]).collect(),
            ),
            (50_829, 4, vec![dark.1, dark.0, all.1, all.0]),
        ]);
        if let Some(pattern) = self.pattern {
            entries.push((33_421, 3, vec![2, 2]));
            entries.push((33_422, 1, pattern.to_vec()));
        }
        if !self.preview.is_empty() {
            let preview = self.preview.iter().map(|byte| u32::from(*byte));
            entries.push((0x002E, 7, preview.collect()));
        }
        match self.tiles {
            None => {
                let strip = self.packed(picture);
                media::tiff(false, &entries, &strip)
            }
            Some(tiles) => self.tiled(picture, entries, tiles),
        }
    }

    /// Width and height of all of it.
    fn all(&self) -> (u32, u32) {
        (
            self.size.0 + self.dark.0 + self.border.0,
            self.size.1 + self.dark.1 + self.border.1,
        )
    }

    /// What is stored for a place.
    fn stored(&self, picture: &RgbImage, x: u32, y: u32) -> Vec<u16> {
        let most = f64::from((1_u32 << self.bits) - 1);
        // Places repeat from the corner of what saw light.
        let lit = x.checked_sub(self.dark.0).zip(y.checked_sub(self.dark.1));
        let shown = lit.map(|(x, y)| {
            (
                x.saturating_sub(self.border.0),
                y.saturating_sub(self.border.1),
            )
        });
        let colour = |colour: usize| {
            let light = shown.map_or(0.0, |(x, y)| {
                let (width, height) = picture.dimensions();
                let seen = picture.get_pixel(x.min(width - 1), y.min(height - 1)).0[colour];
                let linear = (f64::from(seen) / 255.0).powf(2.2);
                linear * f64::from(self.neutral[colour]) / 100.0
            });
            let black = f64::from(BLACK) / 100.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most 65,535"
            )]
            let stored = ((black + light * (1.0 - black)) * most).round() as u16;
            stored
        };
        match (self.pattern, lit) {
            (Some(pattern), Some((x, y))) => {
                // A fourth colour is as good as blue.
                let seen = pattern[(y % 2 * 2 + x % 2) as usize].min(2);
                vec![colour(seen as usize)]
            }
            (Some(_), None) => vec![colour(0)],
            (None, _) => [0, 1, 2].map(colour).to_vec(),
        }
    }

    /// A row from a column to another; what is beyond the edge is 0.
    fn row(&self, picture: &RgbImage, y: u32, columns: std::ops::Range<u32>) -> Vec<u16> {
        let (width, height) = self.all();
        let samples = if self.pattern.is_some() { 1 } else { 3 };
        let place = |x: u32| match x < width && y < height {
            true => self.stored(picture, x, y),
            false => vec![0; samples],
        };
        columns.flat_map(place).collect()
    }

    /// All rows one after the other, as packed bits where samples are no whole bytes.
    fn packed(&self, picture: &RgbImage) -> Vec<u8> {
        let (width, height) = self.all();
        let line = |y: u32| {
            let row = self.row(picture, y, 0..width);
            match self.bits {
                16 => row.iter().flat_map(|value| value.to_le_bytes()).collect(),
                bits => {
                    let mut writer = Bits::default();
                    row.iter()
                        .for_each(|value| writer.put((*value).into(), bits));
                    writer.end()
                }
            }
        };
        (0..height).flat_map(line).collect::<Vec<u8>>()
    }

    fn tiled(
        &self,
        picture: &RgbImage,
        mut entries: Vec<Entry>,
        (across, down, predictor): (u32, u32, u8),
    ) -> Vec<u8> {
        let (width, height) = self.all();
        entries.push((322, 4, vec![across]));
        entries.push((323, 4, vec![down]));
        let (mut pixels, mut lengths) = (Vec::new(), Vec::new());
        for top in (0..height).step_by(down as usize) {
            for left in (0..width).step_by(across as usize) {
                let rows = (top..top + down).map(|y| self.row(picture, y, left..left + across));
                // Two samples of a mosaic stand for one column, as cameras write it.
                let components = if self.pattern.is_some() { 2 } else { 3 };
                let rows: Vec<_> = rows.collect();
                let tile = lossless(&rows, components, self.bits, predictor);
                lengths.push(u32::try_from(tile.len()).unwrap());
                pixels.extend(tile);
            }
        }
        media::tiff_in_tiles(&entries, &pixels, &lengths)
    }
}

/// Writes bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        self.held = self.held << bits | u64::from(value);
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes
                .push(u8::try_from(self.held >> self.count & 0xFF).unwrap());
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
        self.bytes
    }
}

/// Rows after which prediction begins anew.
const RESTART: usize = 8;

/// A lossless JPEG (ITU-T T.81, process 14).
fn lossless(rows: &[Vec<u16>], components: usize, bits: u32, predictor: u8) -> Vec<u8> {
    let columns = rows[0].len() / components;
    let both = |value: usize| u16::try_from(value).unwrap().to_be_bytes();
    let count = u8::try_from(components).unwrap();
    let mut file = vec![0xFF, 0xD8, 0xFF, 0xC3];
    file.extend(both(8 + 3 * components));
    file.push(u8::try_from(bits).unwrap());
    file.extend(both(rows.len()));
    file.extend(both(columns));
    file.push(count);
    file.extend((0..count).flat_map(|number| [number, 0x11, 0]));
    // Seventeen codes of five bits.
    file.extend([0xFF, 0xC4, 0, 2 + 17 + 17, 0]);
    file.extend([0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(0..17);
    file.extend([0xFF, 0xDD, 0, 4]);
    file.extend(both(RESTART * columns));
    file.extend([0xFF, 0xDA]);
    file.extend(both(6 + 2 * components));
    file.push(count);
    file.extend((0..count).flat_map(|number| [number, 0]));
    file.extend([predictor, 0, 0]);
    for (part, rows) in rows.chunks(RESTART).enumerate() {
        if part > 0 {
            file.extend([0xFF, 0xD0 + u8::try_from((part - 1) % 8).unwrap()]);
        }
        let mut writer = Bits::default();
        for (y, row) in rows.iter().enumerate() {
            for (x, value) in row.iter().enumerate() {
                let left = x.checked_sub(components).map(|x| i32::from(row[x]));
                let above = y.checked_sub(1).map(|y| i32::from(rows[y][x]));
                let expected = match (left, above) {
                    (None, None) => 1 << (bits - 1),
                    (Some(left), None) => left,
                    (None, Some(above)) => above,
                    (Some(a), Some(b)) => {
                        let c = i32::from(rows[y - 1][x - components]);
                        match predictor {
                            1 => a,
                            2 => b,
                            3 => c,
                            4 => a + b - c,
                            5 => a + ((b - c) >> 1),
                            6 => b + ((a - c) >> 1),
                            _ => (a + b) >> 1,
                        }
                    }
                };
                let difference = (i32::from(*value) - expected).rem_euclid(1 << 16);
                let difference = u16::try_from(difference).unwrap().cast_signed();
                let length = 16 - difference.unsigned_abs().leading_zeros();
                writer.put(length, 5);
                if length < 16 {
                    let below = if difference < 0 {
                        difference - 1
                    } else {
                        difference
                    };
                    let mask = (1_u32 << length) - 1;
                    writer.put(u32::from(below.cast_unsigned()) & mask, length);
                }
            }
        }
        for byte in writer.end() {
            file.push(byte);
            if byte == 0xFF {
                file.push(0);
            }
        }
    }
    file.extend([0xFF, 0xD9]);
    file
}
