//! HEIC: HEVC stills in the HEIF container, through a decoder without unsafe code. It applies the
//! container's crop, rotation and mirroring, so that EXIF has nothing to say about orientation.

use std::cell::Cell;

use heic_decoder::{ColorInfo, DecodedImage, HeifError, RgbOptions};
use vss_ports::GenerateFailure;

use crate::colour::{divide_by_alpha, profile_of};
use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt, too_large, unsupported};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;
use crate::tone::Tone;

/// Bytes that decoding holds for each pixel, at 4 bytes a sample: tiles and the picture that they
/// are put together in, with chroma at half its size, then RGB.
const HELD: u64 = 4 * 3 + 3;

/// The matrix of files that name none: cameras mean ITU-R BT.601.
const UNSPECIFIED: u16 = 2;
const BT_601: u16 = 6;

/// Decodes into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    source.read_whole(&mut scratch.source)?;
    let info = heic_decoder::probe(&scratch.source).map_err(failure)?;
    let side = |side: usize| u32::try_from(side).map_err(too_large);
    let coded = (side(info.coded_width)?, side(info.coded_height)?);
    limits::check_size(room.limits, coded.0, coded.1)?;
    let (width, height) = (side(info.width)?, side(info.height)?);
    limits::check_size(room.limits, width, height)?;
    let alpha = info.alpha_bit_depth.is_some();
    let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
    let bytes = limits::bytes_of(width, height, layout.channels() as u64);
    limits::check_bytes(room.limits, bytes)?;
    // A wide range of light has 16 bits a channel before it is brought to what a screen shows.
    let wide = match info.bit_depth_luma {
        ..=8 => 0,
        _ => 2 * layout.channels() as u64,
    };
    // What is cropped away is decoded too.
    room.host
        .reserve(limits::bytes_of(coded.0, coded.1, HELD + wide))?;

    stay_on_this_thread();
    let image = heic_decoder::decode(&scratch.source).map_err(failure)?;
    let icc = pixels_of(&image, layout, &mut scratch.decoded)?;
    if scratch.decoded.len() as u64 != bytes {
        return Err(corrupt("has another size than it says"));
    }
    Ok(Decoded {
        icc,
        ..Decoded::unscaled(width, height, layout)
    })
}

/// The pixels of a decoded picture, and the profile of their colours where they are not sRGB.
fn pixels_of(image: &DecodedImage, layout: Layout, into: &mut Vec<u8>) -> Outcome<Option<Vec<u8>>> {
    let options = RgbOptions {
        color: Some(colour_of(image)),
        ..RgbOptions::default()
    };
    let icc = image.metadata.icc_profile.clone();
    let by_number = image.color_info.filter(|_| icc.is_none());
    let tone = by_number
        .filter(|_| image.bit_depth_luma > 8)
        .and_then(|said| Tone::of(said.transfer_characteristics, said.color_primaries));
    let premultiplied = match (tone, layout.has_alpha()) {
        (None, true) => {
            let rgba = image.to_rgba8_with_options(&options).map_err(failure)?;
            *into = rgba.data;
            rgba.premultiplied
        }
        (None, false) => {
            *into = image.to_rgb8_with_options(&options).map_err(failure)?.data;
            false
        }
        (Some(tone), true) => {
            let rgba = image.to_rgba16_with_options(&options).map_err(failure)?;
            show(tone, &rgba.data, layout, into)?;
            rgba.premultiplied
        }
        (Some(tone), false) => {
            let rgb = image.to_rgb16_with_options(&options).map_err(failure)?;
            show(tone, &rgb.data, layout, into)?;
            false
        }
    };
    if premultiplied {
        divide_by_alpha(layout, into);
    }
    let by_number = by_number.filter(|_| tone.is_none());
    Ok(icc.or_else(|| profile_of(by_number?.color_primaries)))
}

/// Brings a wide range of light to what a screen shows.
fn show(tone: Tone, wide: &[u16], layout: Layout, into: &mut Vec<u8>) -> Outcome<()> {
    let channels = layout.channels();
    let to = fit(into, wide.len())?.chunks_exact_mut(channels);
    for (wide, to) in wide.chunks_exact(channels).zip(to) {
        if let (Some(colours), Some(shown)) = (wide.first_chunk(), to.first_chunk_mut()) {
            *shown = tone.pixel(*colours);
        }
        if let (Some(alpha), Some(to)) = (wide.get(3), to.get_mut(3)) {
            *to = alpha.to_be_bytes()[0];
        }
    }
    Ok(())
}

fn colour_of(image: &DecodedImage) -> ColorInfo {
    let said = image.color_info.unwrap_or(ColorInfo {
        matrix_coefficients: UNSPECIFIED,
        ..ColorInfo::default()
    });
    match said.matrix_coefficients {
        UNSPECIFIED => ColorInfo {
            matrix_coefficients: BT_601,
            ..said
        },
        _ => said,
    }
}

/// Makes this thread a pool of its own, once. The decoder hands its tiles to whatever pool it
/// finds; a job may use one thread, and a confined worker can start none.
fn stay_on_this_thread() {
    thread_local! {
        static DONE: Cell<bool> = const { Cell::new(false) };
    }
    if !DONE.replace(true) {
        // On a thread that belongs to a pool already there is nothing to do. The registration
        // outlives the handle.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
        let _registered = pool.use_current_thread().build();
    }
}

fn failure(error: HeifError) -> GenerateFailure {
    match error {
        HeifError::Unsupported(_) => unsupported(error),
        HeifError::LimitExceeded(_) => too_large(error),
        _ => corrupt(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heic_decoder::ChromaSampling;

    /// A picture of one grey pixel in 10 bits.
    fn grey(code: i32, transfer: u16) -> DecodedImage {
        DecodedImage {
            alpha: None,
            width: 1,
            height: 1,
            bit_depth_luma: 10,
            bit_depth_chroma: 10,
            chroma_format_idc: 3,
            color_info: Some(ColorInfo {
                color_primaries: 9,
                transfer_characteristics: transfer,
                matrix_coefficients: 9,
                full_range: true,
            }),
            chroma_sampling: ChromaSampling {
                sub_x: 1,
                sub_y: 1,
                origin_x: 0.0,
                origin_y: 0.0,
            },
            y: vec![code],
            cb: vec![512],
            cr: vec![512],
            cb_width: 1,
            cb_height: 1,
            metadata: heic_decoder::Metadata::default(),
        }
    }

    #[test]
    fn a_camera_still_of_a_wide_range_is_as_bright_as_on_its_own_screen() {
        let shown = |code, transfer| {
            let mut pixels = Vec::new();
            let icc = pixels_of(&grey(code, transfer), Layout::Rgb, &mut pixels).unwrap();
            (pixels, icc.is_some())
        };
        // White paper in perceptual quantization: code 0.58 for 203 candela a square metre.
        let (pixels, profiled) = shown(594, 16);
        assert!(pixels.iter().all(|value| *value > 220), "{pixels:?}");
        assert!(!profiled, "it is sRGB now");
        let (pixels, profiled) = shown(594, 14);
        assert_eq!(pixels, [148; 3]);
        assert!(profiled);
    }
}
