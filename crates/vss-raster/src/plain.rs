//! What the decoders of the `image` crate read, which are Rust all the way down: PNG, WebP, GIF,
//! BMP, ICO, and by features EXR, Radiance, QOI, TGA, PNM. Animations and icons give one picture:
//! the first frame, the largest entry.

mod icon;
#[cfg(feature = "hdr")]
mod light;

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
#[cfg(feature = "hdr")]
use image::codecs::hdr::HdrDecoder;
use image::codecs::ico::IcoDecoder;
#[cfg(feature = "hdr")]
use image::codecs::openexr::OpenExrDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
#[cfg(feature = "small")]
use image::codecs::{pnm::PnmDecoder, qoi::QoiDecoder, tga::TgaDecoder};
use image::{ColorType, ImageDecoder, ImageError, Limits};
use vss_core::plan::DecodeLimits;
use vss_ports::GenerateFailure;

use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt, too_large, unsupported};
use crate::limits::{self, Room};
use crate::orientation::Orientation;
use crate::scratch::Scratch;
use crate::source::Source;

/// Which of the formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plain {
    /// Portable Network Graphics.
    Png,
    /// WebP, still or animated.
    Webp,
    /// GIF, still or animated.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// Windows icon.
    Ico,
    /// OpenEXR.
    #[cfg(feature = "hdr")]
    Exr,
    /// Radiance HDR.
    #[cfg(feature = "hdr")]
    Radiance,
    /// Quite OK Image.
    #[cfg(feature = "small")]
    Qoi,
    /// Truevision TGA.
    #[cfg(feature = "small")]
    Tga,
    /// Portable anymap: PBM, PGM, PPM, PAM.
    #[cfg(feature = "small")]
    Pnm,
}

/// Decodes into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `too_large`, `transient_io`.
pub(crate) fn decode(
    plain: Plain,
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let reader = source.reader();
    let decoded = match plain {
        Plain::Png => PngDecoder::with_limits(reader, limits_of(room.limits))
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        Plain::Webp => WebPDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        Plain::Gif => GifDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        Plain::Bmp => BmpDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        Plain::Ico => match icon::largest_png(source, &mut scratch.source)? {
            Some(png) => return decode(Plain::Png, &png, room, scratch),
            None => IcoDecoder::new(reader)
                .map_err(failure)
                .and_then(|decoder| read(decoder, room, scratch)),
        },
        #[cfg(feature = "hdr")]
        Plain::Exr => OpenExrDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        #[cfg(feature = "hdr")]
        Plain::Radiance => HdrDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        #[cfg(feature = "small")]
        Plain::Qoi => QoiDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        #[cfg(feature = "small")]
        Plain::Tga => TgaDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
        #[cfg(feature = "small")]
        Plain::Pnm => PnmDecoder::new(reader)
            .map_err(failure)
            .and_then(|decoder| read(decoder, room, scratch)),
    };
    decoded.map_err(|failure| source.blame(failure))
}

fn read<D: ImageDecoder>(
    mut decoder: D,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let limits = room.limits;
    let (width, height) = decoder.dimensions();
    limits::check_size(limits, width, height)?;
    let bytes = limits::check_bytes(limits, decoder.total_bytes())?;
    let mut caps = limits_of(limits);
    caps.reserve(decoder.total_bytes()).map_err(failure)?;
    decoder.set_limits(caps).map_err(failure)?;
    let colour = decoder.color_type();
    let layout = match colour {
        ColorType::L8 | ColorType::L16 => Layout::Gray,
        ColorType::La8 | ColorType::La16 => Layout::GrayAlpha,
        ColorType::Rgb8 | ColorType::Rgb16 => Layout::Rgb,
        ColorType::Rgba8 | ColorType::Rgba16 => Layout::Rgba,
        #[cfg(feature = "hdr")]
        ColorType::Rgb32F => Layout::Rgb,
        #[cfg(feature = "hdr")]
        ColorType::Rgba32F => Layout::Rgba,
        other => return Err(unsupported(format!("pixels of the sort {other:?}"))),
    };
    // Without them the picture is still a picture.
    let icc = decoder.icc_profile().ok().flatten();
    let exif = decoder.exif_metadata().ok().flatten();
    room.host.reserve(decoder.total_bytes())?;
    decoder
        .read_image(fit(&mut scratch.decoded, bytes)?)
        .map_err(failure)?;
    if colour.bytes_per_pixel() as usize == 2 * layout.channels() {
        narrow(&mut scratch.decoded);
    }
    #[cfg(feature = "hdr")]
    if colour.bytes_per_pixel() as usize == 4 * layout.channels() {
        // Of those that are read only OpenEXR has alpha.
        light::develop(&mut scratch.decoded, layout.channels(), true);
    }
    Ok(Decoded {
        orientation: exif.map_or(Orientation::Upright, |exif| Orientation::from_exif(&exif)),
        icc,
        ..Decoded::unscaled(width, height, layout)
    })
}

/// 16-bit samples in the machine's order become 8-bit ones, rounded, in place.
fn narrow(samples: &mut Vec<u8>) {
    let half = samples.len() / 2;
    for index in 0..half {
        if let Some(&[a, b]) = samples.get(2 * index..2 * index + 2) {
            let wide = u32::from(u16::from_ne_bytes([a, b]));
            let rounded = u8::try_from((wide * 255 + 32_767) / 65_535).unwrap_or(u8::MAX);
            if let Some(sample) = samples.get_mut(index) {
                *sample = rounded;
            }
        }
    }
    samples.truncate(half);
}

fn limits_of(limits: &DecodeLimits) -> Limits {
    let mut room = Limits::no_limits();
    room.max_image_width = Some(limits.max_side);
    room.max_image_height = Some(limits.max_side);
    // The pixels are in our buffer; decoders hold about as much again at most.
    room.max_alloc = Some(limits.max_decoded_bytes.saturating_mul(2));
    room
}

fn failure(error: ImageError) -> GenerateFailure {
    match error {
        ImageError::Limits(_) => too_large(error),
        ImageError::Unsupported(_) => unsupported(error),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => corrupt(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_rounded_to_eight() {
        let samples = [0_u16, 65_535, 257 * 100, 257 * 100 + 128, 257 * 100 + 129];
        let mut bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_ne_bytes()).collect();
        narrow(&mut bytes);
        assert_eq!(bytes, [0, 255, 100, 100, 101]);
    }
}
