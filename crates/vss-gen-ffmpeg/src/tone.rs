//! From a wide dynamic range to an ordinary one: light as a bright screen would show it, in the
//! range and the colours of a usual one.
//!
//! The curve is that of ITU-R BT.2390, taken of the brightest channel so that hues stay: below
//! some 90 candela a square metre nothing changes, and what is brighter is bent to fit below 203,
//! which BT.2408 has as white. Originals are taken to have been made for 1,000.

use std::sync::LazyLock;

use crate::av::Transfer;

/// Codes that are told apart, of the 65,536 of a channel: more than originals have.
const CODES: u16 = 4_096;
/// Amounts of light that are told apart, evenly: in the dark a fifth of a code of the result.
const AMOUNTS: u16 = 16_384;
/// The brightest that originals are made for, and what becomes white, in candela a square metre.
const PEAK: f32 = 1_000.0;
const WHITE: f32 = 203.0;
/// What 1.0 stands for in perceptual quantization.
const PQ_PEAK: f32 = 10_000.0;

/// The colours of BT.2020 in those of BT.709.
const COLOURS: [[f32; 3]; 3] = [
    [1.660_491, -0.587_641_1, -0.072_849_9],
    [-0.124_550_5, 1.132_899_9, -0.008_349_4],
    [-0.018_150_8, -0.100_578_9, 1.118_729_7],
];

/// The tables of a transfer.
#[derive(Debug)]
pub(crate) struct Tone {
    /// The light that a code stands for.
    light: Vec<f32>,
    /// By what light is multiplied where the brightest channel has this code.
    gain: Vec<f32>,
    /// The codes of sRGB.
    codes: Vec<u8>,
}

impl Tone {
    /// The tables for a transfer; `None` when there is nothing to do.
    pub(crate) fn of(transfer: Transfer) -> Option<&'static Self> {
        static PQ: LazyLock<Tone> = LazyLock::new(|| Tone::new(pq_light, |light| light));
        // The system's gamma of 1.2, of the brightest channel too.
        static HLG: LazyLock<Tone> =
            LazyLock::new(|| Tone::new(hlg_light, |light| PEAK * light.powf(1.2)));
        match transfer {
            Transfer::Usual => None,
            Transfer::Pq => Some(&PQ),
            Transfer::Hlg => Some(&HLG),
        }
    }

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

    /// A row of pixels of three times 16 bits, the lower byte first, as one of three times 8.
    pub(crate) fn row(&self, wide: &[u8], plain: &mut [u8]) {
        let pixels = wide.as_chunks::<6>().0.iter();
        let plain = plain.as_chunks_mut::<3>().0;
        for ([r0, r1, g0, g1, b0, b1], to) in pixels.zip(plain) {
            let wide = [[*r0, *r1], [*g0, *g1], [*b0, *b1]].map(u16::from_le_bytes);
            *to = self.pixel(wide);
        }
    }

    fn pixel(&self, wide: [u16; 3]) -> [u8; 3] {
        let at = wide.map(|code| usize::from(code / (u16::MAX / CODES + 1)));
        let [red, green, blue] = at;
        let of = |table: &[f32], at: usize| table.get(at).copied().unwrap_or_default();
        let gain = of(&self.gain, red.max(green).max(blue));
        let [red, green, blue] = at.map(|at| of(&self.light, at) * gain);
        COLOURS.map(|[r, g, b]| {
            let light = r * red + g * green + b * blue;
            let code = self.codes.get(amount(light));
            code.copied().unwrap_or(u8::MAX)
        })
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

/// Light as much as a usual screen can show, in candela a square metre.
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

/// The code of sRGB for light of 0 to 1.
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

    /// The code of grey light, in candela a square metre, as a channel of 16 bits.
    fn code(light: f32) -> u16 {
        let code = pq_code(light);
        (0..=u16::MAX)
            .find(|at| f32::from(*at) / 65_535.0 >= code)
            .unwrap()
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
    fn grey_stays_grey_and_grows_from_black_to_white() {
        let tone = Tone::of(Transfer::Pq).unwrap();
        let grey = |light| {
            let [red, green, blue] = tone.pixel([code(light); 3]);
            assert!(red.abs_diff(green) < 2 && green.abs_diff(blue) < 2);
            green
        };
        assert_eq!(grey(0.0), 0);
        assert_eq!(grey(1_000.0), 255);
        assert_eq!(grey(9_000.0), 255, "brighter than anything is white");
        let seen = [0.5, 5.0, 20.0, 80.0, 203.0, 600.0].map(grey);
        assert!(seen.is_sorted(), "{seen:?}");
        // Below the knee light keeps its share of white: 20 of 203 is 0.0985, sRGB 0.348.
        assert!((86..=92).contains(&grey(20.0)), "{}", grey(20.0));
        // What is white on paper stays below the white of a lamp.
        assert!((215..=245).contains(&grey(203.0)), "{}", grey(203.0));
    }

    #[test]
    fn a_colour_that_hd_has_too_keeps_its_hue_and_one_beyond_is_not_pale() {
        let tone = Tone::of(Transfer::Pq).unwrap();
        // Pure red of HD at 100, in the colours of BT.2020.
        let red = [62.74, 6.91, 1.64].map(code);
        let [r, g, b] = tone.pixel(red);
        assert!(r > 150 && g < 25 && b < 25, "{:?}", [r, g, b]);
        let [r, g, b] = tone.pixel([0, code(100.0), 0]);
        assert!(g > 170 && r == 0 && b == 0, "{:?}", [r, g, b]);
    }

    #[test]
    fn hybrid_log_gamma_shows_its_white_as_white() {
        let tone = Tone::of(Transfer::Hlg).unwrap();
        assert_eq!(tone.pixel([0; 3]), [0; 3]);
        assert_eq!(tone.pixel([u16::MAX; 3]), [255; 3]);
        // 75 % is paper: 203 of a screen of 1,000.
        let [_, paper, _] = tone.pixel([49_151; 3]);
        assert!((215..=245).contains(&paper), "{paper}");
        assert!(Tone::of(Transfer::Usual).is_none());
    }

    #[test]
    fn rows_are_read_with_the_lower_byte_first() {
        let tone = Tone::of(Transfer::Hlg).unwrap();
        let mut plain = [9; 6];
        tone.row(&[0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &mut plain);
        assert!(plain[0] > 200 && plain[3..] == [0; 3], "{plain:?}");
    }
}
