//! HEIC: HEVC stills in the HEIF container, through a decoder without unsafe code. It applies the
//! container's crop, rotation and mirroring, so that EXIF has nothing to say about orientation.

use std::cell::Cell;

use heic_decoder::{ColorInfo, DecodedImage, HeifError, RgbOptions};
use vss_ports::GenerateFailure;

use crate::colour::{divide_by_alpha, profile_of};
use crate::decoded::{Decoded, Layout};
use crate::failure::{Outcome, corrupt, too_large, unsupported};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

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
    // What is cropped away is decoded too.
    room.host
        .reserve(limits::bytes_of(coded.0, coded.1, HELD))?;

    stay_on_this_thread();
    let image = heic_decoder::decode(&scratch.source).map_err(failure)?;
    let options = RgbOptions {
        color: Some(colour_of(&image)),
        ..RgbOptions::default()
    };
    let icc = image.metadata.icc_profile.clone();
    let icc = icc.or_else(|| profile_of(image.color_info?.color_primaries));
    if alpha {
        let rgba = image.to_rgba8_with_options(&options).map_err(failure)?;
        scratch.decoded = rgba.data;
        if rgba.premultiplied {
            divide_by_alpha(layout, &mut scratch.decoded);
        }
    } else {
        scratch.decoded = image.to_rgb8_with_options(&options).map_err(failure)?.data;
    }
    if scratch.decoded.len() as u64 != bytes {
        return Err(corrupt("has another size than it says"));
    }
    Ok(Decoded {
        icc,
        ..Decoded::unscaled(width, height, layout)
    })
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
