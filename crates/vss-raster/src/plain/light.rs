//! Light as it was measured becomes what a screen can show: Reinhard's global operator
//! (Photographic Tone Reproduction for Digital Images, 2002, equations 1 to 4), then the curve of
//! sRGB.

/// The luminance that the middle of the picture gets.
const KEY: f64 = 0.18;

/// Keeps the logarithm of black finite.
const DARKEST: f64 = 1e-6;

/// Turns 32-bit samples in the machine's order into 8-bit sRGB, in place; a fourth channel is
/// alpha and stays linear. Where it is `associated`, light was multiplied by it before.
pub(super) fn develop(samples: &mut Vec<u8>, channels: usize, associated: bool) {
    let pixel_bytes = 4 * channels;
    let colours = |pixel: &[u8]| match pixel.get(12..16) {
        Some(alpha) if associated => divided(colours(pixel), float(alpha)),
        _ => colours(pixel),
    };
    let (mut sum, mut brightest, mut count) = (0.0, 0.0_f64, 0.0);
    for pixel in samples.chunks_exact(pixel_bytes) {
        let seen = luminance(&colours(pixel));
        sum += (DARKEST + seen).ln();
        brightest = brightest.max(seen);
        count += 1.0;
    }
    let middle = (sum / f64::max(count, 1.0)).exp();
    let exposure = KEY / middle;
    // What is as bright as the brightest is white, and nothing darker than it.
    let white = f64::max(brightest * exposure, DARKEST);
    let whole = samples.len() / pixel_bytes;
    for index in 0..whole {
        let begin = index * pixel_bytes;
        let Some(pixel) = samples.get(begin..begin + pixel_bytes) else {
            break;
        };
        let colours = colours(pixel);
        let seen = luminance(&colours) * exposure;
        let factor = exposure * (1.0 + seen / (white * white)) / (1.0 + seen);
        let shown = colours.map(|colour| eight(srgb(f64::from(colour) * factor)));
        let alpha = pixel
            .get(12..16)
            .map(|bytes| eight(f64::from(float(bytes))));
        let shown = shown.into_iter().chain(alpha);
        let to = samples.get_mut(index * channels..).unwrap_or_default();
        to.iter_mut().zip(shown).for_each(|(to, from)| *to = from);
    }
    samples.truncate(whole * channels);
}

fn float(bytes: &[u8]) -> f32 {
    let value = bytes.first_chunk().map_or(0.0, |b| f32::from_ne_bytes(*b));
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

fn colours(pixel: &[u8]) -> [f32; 3] {
    let (floats, _) = pixel.as_chunks::<4>();
    let mut floats = floats.iter().map(|bytes| float(bytes));
    std::array::from_fn(|_| floats.next().unwrap_or(0.0))
}

/// The light of what a pixel is partly covered by. What is not covered at all may still shine: that is
/// left as it is.
fn divided(colours: [f32; 3], alpha: f32) -> [f32; 3] {
    if alpha <= 0.0 || alpha >= 1.0 {
        return colours;
    }
    colours.map(|colour| (colour / alpha).min(f32::MAX))
}

/// Luminance of linear sRGB (ITU-R BT.709).
fn luminance([r, g, b]: &[f32; 3]) -> f64 {
    0.2126 * f64::from(*r) + 0.7152 * f64::from(*g) + 0.0722 * f64::from(*b)
}

/// The curve of IEC 61966-2-1.
fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 {
        12.92 * linear
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255"
)]
fn eight(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_scale_of_light_gives_the_same_picture_and_nonsense_is_black() {
        let shown = |scale: f32| {
            let light = [0.1, 0.2, 0.1, 1.0, 1.0, 1.0, 40.0, 40.0, 40.0];
            let floats = light.map(|value: f32| value * scale);
            let mut samples: Vec<u8> = floats.iter().flat_map(|f| f.to_ne_bytes()).collect();
            develop(&mut samples, 3, false);
            samples
        };
        let plain = shown(1.0);
        assert_eq!(plain.len(), 9);
        assert!(plain[1] > plain[0] && plain[3] > plain[1], "{plain:?}");
        assert_eq!(plain[6..], [255; 3]);
        let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1;
        assert!(plain.iter().zip(&shown(1_000.0)).all(near));
        let floats = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 0.5];
        let mut samples: Vec<u8> = floats.iter().flat_map(|f| f.to_ne_bytes()).collect();
        develop(&mut samples, 4, true);
        assert_eq!(samples, [0, 0, 0, 128]);
    }

    #[test]
    fn what_is_half_covered_has_the_colour_of_what_is_covered_whole() {
        let shown = |light: [f32; 8], associated| {
            let mut samples: Vec<u8> = light.iter().flat_map(|f| f.to_ne_bytes()).collect();
            develop(&mut samples, 4, associated);
            samples
        };
        let whole = shown([0.4, 0.2, 0.1, 1.0, 0.4, 0.2, 0.1, 0.5], false);
        let mixed = shown([0.4, 0.2, 0.1, 1.0, 0.2, 0.1, 0.05, 0.5], true);
        assert_eq!(mixed, whole);
        assert_eq!(mixed[..3], mixed[4..7]);
        assert_eq!((mixed[3], mixed[7]), (255, 128));
    }
}
