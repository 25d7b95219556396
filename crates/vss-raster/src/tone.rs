//! Pictures of a wide range of light (PQ, HLG) as ordinary ones: light as a bright screen would show it, in
//! the range and the colours of sRGB.
//!
//! The curve is that of ITU-R BT.2390, taken of the brightest channel so that hues stay: below some 90
//! candela a square metre nothing changes, and what is brighter is bent to fit below 203, which BT.2408
//! has as white. Pictures are taken to have been made for 1,000.

use std::sync::LazyLock;

/// Transfers by number (ITU-T H.273, table 3).
const PQ: u16 = 16;
const HLG: u16 = 18;

/// Codes that are told apart, of the 65,536 of a channel: more than pictures have.
const CODES: u16 = 4_096;
/// The brightest that pictures are made for, and what becomes white, in candela a square metre.
const PEAK: f32 = 1_000.0;
const WHITE: f32 = 203.0;
/// What 1.0 stands for in perceptual quantization.
const PQ_PEAK: f32 = 10_000.0;
/// Amounts of light that are told apart, evenly.
const AMOUNTS: u16 = 16_384;

/// Colours in those of BT.709.
type Matrix = [[f32; 3]; 3];
const SAME: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// Those of BT.2020 (ITU-R BT.2087).
const BT_2020: Matrix = [
    [1.660_491, -0.587_641_1, -0.072_849_9],
    [-0.124_550_5, 1.132_899_9, -0.008_349_4],
    [-0.018_150_8, -0.100_578_9, 1.118_729_7],
];
/// Those of P3 with the white of D65 (SMPTE EG 432-1).
const P3: Matrix = [
    [1.224_940_2, -0.224_940_2, 0.0],
    [-0.042_057, 1.042_057, 0.0],
    [-0.019_637_6, -0.078_636_1, 1.098_273_5],
];

/// The tables of a transfer.
struct Tables {
    /// The light that a code stands for.
    light: Vec<f32>,
    /// By what light is multiplied where the brightest channel has this code.
    gain: Vec<f32>,
    /// The codes of sRGB by amounts of light.
    codes: Vec<u8>,
}

/// How pixels of a wide range become ordinary ones.
#[derive(Clone, Copy)]
pub struct Tone {
    tables: &'static Tables,
    colours: Matrix,
}

impl std::fmt::Debug for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tone").finish_non_exhaustive()
    }
}

impl Tone {
    /// For a transfer and colour primaries by their numbers (ITU-T H.273, tables 2 and 3); `None` where
    /// the range is the ordinary one.
    pub fn of(transfer: u16, primaries: u16) -> Option<Self> {
        static OF_PQ: LazyLock<Tables> = LazyLock::new(|| Tables::new(pq_light, |light| light));
        // The system's gamma of 1.2, of the brightest channel too.
        static OF_HLG: LazyLock<Tables> =
            LazyLock::new(|| Tables::new(hlg_light, |light| PEAK * light.powf(1.2)));
        let tables: &'static Tables = match transfer {
            PQ => &OF_PQ,
            HLG => &OF_HLG,
            _ => return None,
        };
        let colours = match primaries {
            9 => BT_2020,
            12 => P3,
            _ => SAME,
        };
        Some(Self { tables, colours })
    }

    /// A pixel of 16 bits a channel as one of sRGB.
    pub fn pixel(&self, wide: [u16; 3]) -> [u8; 3] {
        let at = wide.map(|code| usize::from(code / (u16::MAX / CODES + 1)));
        let [red, green, blue] = at;
        let of = |table: &[f32], at: usize| table.get(at).copied().unwrap_or_default();
        let gain = of(&self.tables.gain, red.max(green).max(blue));
        let [red, green, blue] = at.map(|at| of(&self.tables.light, at) * gain);
        self.colours.map(|[r, g, b]| {
            let light = r * red + g * green + b * blue;
            let code = self.tables.codes.get(amount(light));
            code.copied().unwrap_or(u8::MAX)
        })
    }

    /// Pixels of 8 bits a channel, and more channels behind the colours, in place.
    pub fn show(&self, pixels: &mut [u8], channels: usize) {
        for pixel in pixels.chunks_exact_mut(channels) {
            if let Some(colours) = pixel.first_chunk_mut::<3>() {
                *colours = self.pixel(colours.map(|code| u16::from(code) * 257));
            }
        }
    }
}

impl Tables {
    fn new(light: fn(f32) -> f32, shown: fn(f32) -> f32) -> Self {
        let share = |code: u16, of: u16| f32::from(code) / f32::from(of - 1);
        let light: Vec<_> = (0..CODES).map(|code| light(share(code, CODES))).collect();
        let gain = |light: &f32| match *light > 0.0 {
            true => bent(shown(*light)) / WHITE / light,
            false => 0.0,
        };
        Self {
            gain: light.iter().map(gain).collect(),
            light,
            codes: (0..AMOUNTS).map(|at| srgb(share(at, AMOUNTS))).collect(),
        }
    }
}

/// The place of light in a table of amounts.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the table, whatever the light"
)]
fn amount(light: f32) -> usize {
    (light.clamp(0.0, 1.0) * f32::from(AMOUNTS - 1) + 0.5) as usize
}

/// Light as much as a usual screen can show, in candela a square metre (ITU-R BT.2390, 5.4).
fn bent(light: f32) -> f32 {
    let peak = pq_code(PEAK);
    let most = pq_code(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let code = pq_code(light).min(peak) / peak;
    if code < knee {
        return light;
    }
    // A Hermite spline from the knee, where it is the light itself, to white, where it is level.
    let t = (code - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (3.0 * t2 - 2.0 * t3) * most;
    pq_light(bent * peak).min(WHITE)
}

/// SMPTE ST 2084.
mod pq {
    pub(super) const M1: f32 = 0.159_301_76;
    pub(super) const M2: f32 = 78.843_75;
    pub(super) const C1: f32 = 0.835_937_5;
    pub(super) const C2: f32 = 18.851_563;
    pub(super) const C3: f32 = 18.687_5;
}

fn pq_light(code: f32) -> f32 {
    let root = code.powf(1.0 / pq::M2);
    let light = (root - pq::C1).max(0.0) / (pq::C2 - pq::C3 * root);
    PQ_PEAK * light.powf(1.0 / pq::M1)
}

fn pq_code(light: f32) -> f32 {
    let root = (light / PQ_PEAK).powf(pq::M1);
    ((pq::C1 + pq::C2 * root) / (1.0 + pq::C3 * root)).powf(pq::M2)
}

/// ARIB STD-B67: the light of the scene, 0 to 1.
fn hlg_light(code: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 0.284_668_92;
    const C: f32 = 0.559_910_7;
    match code <= 0.5 {
        true => code * code / 3.0,
        false => (((code - C) / A).exp() + B) / 12.0,
    }
}

/// The code of sRGB (IEC 61966-2-1) for light of 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 255, whatever the light"
)]
fn srgb(light: f32) -> u8 {
    let code = match light <= 0.003_130_8 {
        true => 12.92 * light,
        false => 1.055 * light.powf(1.0 / 2.4) - 0.055,
    };
    (code * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of light, in candela a square metre, as a channel of 16 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 65,535"
    )]
    fn code(light: f32) -> u16 {
        (pq_code(light) * 65_535.0).round() as u16
    }

    #[test]
    fn only_wide_ranges_are_bent() {
        for transfer in [0, 1, 2, 13, 17, 19] {
            assert!(Tone::of(transfer, 9).is_none(), "{transfer}");
        }
        assert!(Tone::of(PQ, 9).is_some() && Tone::of(HLG, 2).is_some());
    }

    #[test]
    fn the_two_directions_of_the_quantizer_meet() {
        for light in [0.1, 1.0, 100.0, 203.0, 1_000.0, 4_000.0] {
            let again = pq_light(pq_code(light));
            assert!((again / light - 1.0).abs() < 0.01, "{light} became {again}");
        }
        // Known points of the standard.
        assert!((pq_code(100.0) - 0.508).abs() < 0.001);
        assert!((pq_code(1_000.0) - 0.751_8).abs() < 0.001);
    }

    #[test]
    fn grey_stays_grey_in_all_colours_and_grows_from_black_to_white() {
        for primaries in [1, 9, 12] {
            let tone = Tone::of(PQ, primaries).unwrap();
            let grey = |light: f32| {
                let [r, g, b] = tone.pixel([code(light); 3]);
                assert!(r.abs_diff(g) < 2 && b.abs_diff(g) < 2, "{primaries}");
                g
            };
            assert_eq!((grey(0.0), grey(1_000.0), grey(9_000.0)), (0, 255, 255));
            let seen = [0.5, 5.0, 20.0, 80.0, 203.0, 600.0].map(grey);
            assert!(seen.is_sorted(), "{seen:?}");
            // A middle grey of 18 in 100, which white has 203 of, is one of sRGB too.
            let middle = grey(0.18 * WHITE);
            assert!(middle.abs_diff(118) < 3, "{middle}");
            // Below the knee light keeps its share of white: 20 of 203 is 0.0985, sRGB 0.348.
            assert!((86..=92).contains(&grey(20.0)), "{}", grey(20.0));
            // What is white on paper stays below the white of a lamp.
            assert!((215..=245).contains(&grey(203.0)), "{}", grey(203.0));
        }
    }

    #[test]
    fn hybrid_log_gamma_shows_its_white_as_white() {
        let tone = Tone::of(HLG, 9).unwrap();
        assert_eq!(tone.pixel([0; 3]), [0; 3]);
        assert_eq!(tone.pixel([u16::MAX; 3]), [255; 3]);
        // 75 % is paper: 203 of a screen of 1,000.
        let [_, paper, _] = tone.pixel([49_151; 3]);
        assert!((215..=245).contains(&paper), "{paper}");
    }

    #[test]
    fn a_colour_that_hd_has_too_keeps_its_hue_and_one_beyond_is_not_pale() {
        let tone = Tone::of(PQ, 9).unwrap();
        // Pure red of HD at 100, in the colours of BT.2020.
        let [r, g, b] = tone.pixel([62.74, 6.91, 1.64].map(code));
        assert!(r > 150 && g < 25 && b < 25, "{:?}", [r, g, b]);
        let [r, g, b] = tone.pixel([0, code(100.0), 0]);
        assert!(g > 170 && r == 0 && b == 0, "{:?}", [r, g, b]);
    }

    #[test]
    fn a_wide_colour_is_more_than_a_screen_has_and_alpha_is_left_alone() {
        let tone = Tone::of(PQ, 9).unwrap();
        let [red, green, blue] = tone.pixel([0x9000, 0x6000, 0x6000]);
        let [same, other, _] = Tone::of(PQ, 1).unwrap().pixel([0x9000, 0x6000, 0x6000]);
        assert!(red > same && green < other, "{red} {same} {green} {other}");
        assert!(green < blue && blue < red, "{red} {green} {blue}");
        let mut pixels = [128, 128, 128, 7, 0, 0, 0, 9];
        tone.show(&mut pixels, 4);
        assert_eq!((pixels[3], pixels[7], &pixels[4..7]), (7, 9, &[0; 3][..]));
        assert_ne!(pixels[0], 128);
    }
}
