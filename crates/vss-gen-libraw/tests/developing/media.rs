//! Camera files made for the tests: what a sensor saw of four quadrants (red, green, blue, white), as
//! the TIFF structure that most makers' formats are.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// Red, green, blue, white: top left, top right, bottom left, bottom right.
pub(crate) const QUADRANTS: [[u8; 3]; 4] =
    [[220, 30, 30], [30, 200, 30], [30, 30, 220], [240, 240, 240]];

/// A camera whose colours LibRaw does not know, and takes as they are.
pub(crate) const UNKNOWN: (&str, &str) = ("NIKON CORPORATION", "NIKON D9999");

/// A file of a camera.
#[derive(Clone, Debug)]
pub(crate) struct CameraFile {
    /// Maker and model.
    pub(crate) camera: (&'static str, &'static str),
    /// Width and height of the picture when it stands upright.
    pub(crate) size: (u32, u32),
    /// How the camera was held, as EXIF says it.
    pub(crate) orientation: u16,
    /// A JPEG beside the sensor's data.
    pub(crate) preview: Vec<u8>,
    /// What the file claims to be as large as, in place of its size.
    pub(crate) claim: Option<(u32, u32)>,
    /// Side of the square that its colours repeat in: 2 (Bayer) or 6 (X-Trans).
    pub(crate) repeats: u32,
    /// Whether it says that it is a DNG.
    pub(crate) dng: bool,
    /// Whether each place has all three colours. Such a file does not say how long its data is, which
    /// only LibRaw can do without.
    pub(crate) linear: bool,
    /// Hundredths of the most light that what is white gives.
    pub(crate) light: u32,
}

impl Default for CameraFile {
    fn default() -> Self {
        Self {
            camera: UNKNOWN,
            size: (640, 480),
            orientation: 1,
            preview: Vec::new(),
            claim: None,
            repeats: 2,
            dng: false,
            linear: false,
            light: 100,
        }
    }
}

/// The colours of Bayer's two by two places, and of Fujifilm's six by six.
const BAYER: [[u8; 2]; 2] = [[0, 1], [1, 2]];
const XTRANS: [[u8; 6]; 6] = [
    [1, 1, 0, 1, 1, 2],
    [1, 1, 2, 1, 1, 0],
    [2, 0, 1, 0, 2, 1],
    [1, 1, 2, 1, 1, 0],
    [1, 1, 0, 1, 1, 2],
    [0, 2, 1, 2, 0, 1],
];

/// An entry of a directory: tag, type (1 byte, 2 text, 3 short, 4 long, 10 signed rational), values.
type Entry = (u16, u16, Vec<u32>);

impl CameraFile {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (width, height) = self.stored();
        let mut file = b"II\x2A\0\0\0\0\0".to_vec();
        let strip = u32::try_from(file.len()).unwrap();
        let light = QUADRANTS.map(|colour| colour.map(|value| self.light_of(value)));
        for y in 0..height {
            for x in 0..width {
                let seen = light[self.quadrant(x, y)];
                let colours = match self.linear {
                    true => 0..3,
                    false => self.colour(x, y) as usize..self.colour(x, y) as usize + 1,
                };
                let values = seen[colours].iter();
                file.extend(values.flat_map(|value| value.to_le_bytes()));
            }
        }
        let length = u32::try_from(file.len()).unwrap() - strip;
        let (width, height) = self.claim.unwrap_or((width, height));
        let text = |text: &str| text.bytes().chain([0]).map(u32::from).collect::<Vec<_>>();
        let pattern = (0..self.repeats).flat_map(|y| (0..self.repeats).map(move |x| (x, y)));
        let mut entries: Vec<Entry> = vec![
            (254, 4, vec![0]),
            (256, 4, vec![width]),
            (257, 4, vec![height]),
            (258, 3, vec![16]),
            (259, 3, vec![1]),
            (262, 3, vec![32_803]),
            (271, 2, text(self.camera.0)),
            (272, 2, text(self.camera.1)),
            (273, 4, vec![strip]),
            (274, 3, vec![self.orientation.into()]),
            (277, 3, vec![1]),
            (278, 4, vec![height]),
            (279, 4, vec![length]),
            (33_421, 3, vec![self.repeats; 2]),
            (33_422, 1, pattern.map(|(x, y)| self.colour(x, y)).collect()),
        ];
        if self.linear {
            entries.retain(|(tag, ..)| ![258, 262, 277, 279, 33_421, 33_422].contains(tag));
            entries.extend([
                (258, 3, vec![16; 3]),
                (262, 3, vec![34_892]),
                (277, 3, vec![3]),
            ]);
        }
        if self.dng {
            // From CIE XYZ to linear sRGB, in ten thousandths.
            let matrix = [
                32_405, -15_371, -4_985, -9_693, 18_760, 416, 556, -2_040, 10_572_i32,
            ];
            let matrix = matrix.iter().flat_map(|v| [v.cast_unsigned(), 10_000]);
            entries.push((50_706, 1, vec![1, 4, 0, 0]));
            entries.push((50_708, 2, text("Test camera")));
            entries.push((50_721, 10, matrix.collect()));
            entries.push((50_728, 5, [1, 1].repeat(3)));
        }
        let mut preview: Vec<Entry> = Vec::new();
        if !self.preview.is_empty() {
            let at = u32::try_from(file.len()).unwrap();
            file.extend(&self.preview);
            let length = u32::try_from(self.preview.len()).unwrap();
            // Reduced, and a JPEG.
            preview.extend([
                (254, 4, vec![1]),
                (259, 3, vec![6]),
                (513, 4, vec![at]),
                (514, 4, vec![length]),
            ]);
        }
        entries.sort();
        let mut next = 4;
        for entries in [entries, preview].iter().filter(|all| !all.is_empty()) {
            next = directory(&mut file, next, entries);
        }
        file
    }

    /// Width and height as the sensor has them.
    fn stored(&self) -> (u32, u32) {
        match self.orientation {
            5.. => (self.size.1, self.size.0),
            _ => self.size,
        }
    }

    /// What is at a place of the sensor.
    fn colour(&self, x: u32, y: u32) -> u32 {
        let (x, y) = ((x % self.repeats) as usize, (y % self.repeats) as usize);
        match self.repeats {
            2 => BAYER[y][x].into(),
            _ => XTRANS[y][x].into(),
        }
    }

    /// Which quadrant of the picture a place of the sensor saw.
    fn quadrant(&self, x: u32, y: u32) -> usize {
        let (w, h) = self.stored();
        // Where it is once the picture stands upright (EXIF 2.32, tag 274).
        let (x_up, y_up) = match self.orientation {
            2 => (w - 1 - x, y),
            3 => (w - 1 - x, h - 1 - y),
            4 => (x, h - 1 - y),
            5 => (y, x),
            6 => (h - 1 - y, x),
            7 => (h - 1 - y, w - 1 - x),
            8 => (y, w - 1 - x),
            _ => (x, y),
        };
        let right = x_up >= self.size.0 / 2;
        let below = y_up >= self.size.1 / 2;
        2 * usize::from(below) + usize::from(right)
    }

    /// What a sensor stores of a colour.
    fn light_of(&self, value: u8) -> u16 {
        // The curve of sRGB (IEC 61966-2-1).
        let value = f64::from(value) / 255.0;
        let linear = match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 65,535"
        )]
        let stored = (linear * 65_535.0 * f64::from(self.light) / 100.0).round() as u16;
        stored
    }
}

/// Width and height of [`phase_one`].
pub(crate) const PHASE_ONE: (u32, u32) = (3_056, 2_060);

/// A compressed file of Phase One, which LibRaw reads while it develops; all of it is black.
pub(crate) fn phase_one() -> Vec<u8> {
    let (width, height) = PHASE_ONE;
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        words
            .iter()
            .for_each(|word| file.extend(word.to_le_bytes()));
    };
    let mut file = b"IIII\0waR\0\0\0\0".to_vec();
    let at = |file: &Vec<u8>| u32::try_from(file.len()).unwrap();
    let corrections = at(&file);
    file.extend(b"II\0\0\0\0\0\0");
    words(&mut file, &[12, 0, 0]);
    let strips = at(&file);
    words(&mut file, &vec![0; height as usize]);
    let data = at(&file) + 8 * height;
    file.resize(file.len() + 8 * height as usize + 64 * width as usize, 0);
    let directory = at(&file);
    let entries = [
        (0x108, width),
        (0x109, height),
        (0x10A, 0),
        (0x10B, 0),
        (0x10C, width),
        (0x10D, height),
        (0x10E, 3),
        (0x10F, data),
        (0x110, corrections),
        (0x21C, strips),
    ];
    words(&mut file, &[u32::try_from(entries.len()).unwrap(), 0]);
    for (tag, value) in entries {
        words(&mut file, &[tag, 4, 4, value]);
    }
    file[8..12].copy_from_slice(&directory.to_le_bytes());
    file
}

/// Appends a directory behind its values, writes its place where `link` is, and gives the place of its
/// own link to the next.
fn directory(file: &mut Vec<u8>, link: usize, entries: &[Entry]) -> usize {
    let mut directory = Vec::new();
    for (tag, kind, values) in entries {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| match kind {
                1 | 2 => vec![u8::try_from(*value).unwrap()],
                3 => u16::try_from(*value).unwrap().to_le_bytes().to_vec(),
                _ => value.to_le_bytes().to_vec(),
            })
            .collect();
        let count = values.len() / if matches!(kind, 5 | 10) { 2 } else { 1 };
        directory.extend(tag.to_le_bytes());
        directory.extend(kind.to_le_bytes());
        directory.extend(u32::try_from(count).unwrap().to_le_bytes());
        if bytes.len() <= 4 {
            directory.extend(&bytes);
            directory.extend(vec![0; 4 - bytes.len()]);
        } else {
            file.resize(file.len().next_multiple_of(2), 0);
            directory.extend(u32::try_from(file.len()).unwrap().to_le_bytes());
            file.extend(&bytes);
        }
    }
    file.resize(file.len().next_multiple_of(2), 0);
    let at = u32::try_from(file.len()).unwrap();
    file[link..link + 4].copy_from_slice(&at.to_le_bytes());
    file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    file.extend(directory);
    file.extend([0; 4]);
    file.len() - 4
}

/// A JPEG of one colour, which tells it from the picture: orange.
pub(crate) fn orange(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let picture = RgbImage::from_pixel(width, height, Rgb([250, 140, 20]));
    picture.write_to(&mut file, ImageFormat::Jpeg).unwrap();
    file.into_inner()
}

/// xorshift64* (Marsaglia 2003, Vigna 2016).
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        usize::try_from(roll % end.max(1) as u64).unwrap()
    }

    /// One to eight mistakes, half of them where the directory is: bits, bytes, runs and cuts.
    pub(crate) fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(7) {
            let reach = [bytes.len().min(400), bytes.len()][self.below(2)];
            // The directory is at the end, and the header at the beginning.
            let at = match self.below(4) {
                0 => self.below(8.min(bytes.len())),
                _ => bytes.len() - 1 - self.below(reach),
            };
            match self.below(5) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 0x7F, 0x80, 0xFF][self.below(4)],
                2 => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                3 if self.below(8) == 0 => bytes.truncate(at.max(bytes.len() / 2)),
                _ => {
                    let end = (at + self.below(16)).min(bytes.len());
                    bytes[at..end].fill(0xFF);
                }
            }
        }
        bytes
    }
}
