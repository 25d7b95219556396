//! JPEG: read whole, checked by its segments, decoded by libjpeg-turbo at the smallest scale that
//! still serves the largest thumbnail. The scaling happens inside the inverse DCT, which makes it
//! several times cheaper than decoding everything.

mod encoder;
mod segments;
pub(crate) mod turbo;

pub(crate) use encoder::encode;

use vss_core::plan::DecodeLimits;

use crate::decoded::{Decoded, Layout};
use crate::failure::{Outcome, corrupt, unsupported};
use crate::limits::{self, Room};
use crate::orientation::Orientation;
use crate::scratch::Scratch;
use crate::source::Source;
use segments::Segments;
use turbo::{PixelFormat, Scale};

/// A JPEG file's first bytes that are read; what lies behind them is missing from the picture.
/// The largest sensor files have about half of it. It bounds memory against a file that is only
/// called a JPEG, and against what phones append (videos, other pictures).
const LONGEST_READ: u64 = 128 << 20;

/// The decoded picture has at least this many hundredths of the largest thumbnail's side: below
/// it the scaled DCT is visible, above it costs more than it gives (measured on camera JPEGs).
const HEADROOM_PERCENT: u64 = 115;

/// Decodes into the scratch's `decoded` buffer for thumbnails of at most `largest` pixels a side.
///
/// # Errors
/// `corrupt_source`, `unsupported` (12-bit, lossless 16-bit), `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let limits = room.limits;
    source.read_range(0, LONGEST_READ, &mut scratch.source)?;
    let segments = Segments::parse(&scratch.source)?;
    limits::check_size(limits, segments.width, segments.height)?;
    if segments.precision != 8 {
        return Err(unsupported(format!(
            "a JPEG of {} bits a sample",
            segments.precision
        )));
    }
    let layout = match segments.components {
        1 => Layout::Gray,
        3 => Layout::Rgb,
        4 => Layout::Cmyk,
        n => return Err(unsupported(format!("a JPEG of {n} components"))),
    };
    // All coefficients of a progressive one are held until the last scan: 2 bytes each.
    let coefficients = if segments.progressive {
        segments.coefficients.saturating_mul(2)
    } else {
        0
    };
    limits::check_bytes(limits, coefficients)?;
    let scale = if segments.lossless {
        Scale::Full
    } else {
        scale_for(segments.width.max(segments.height), largest)
    };
    let (stored_width, stored_height) = (scale.of(segments.width), scale.of(segments.height));
    let bytes = limits::bytes_of(stored_width, stored_height, layout.channels() as u64);
    let held = bytes.saturating_add(coefficients);
    let bytes = limits::check_bytes(limits, bytes)?;
    room.host.reserve(held)?;

    let format = match layout {
        Layout::Gray => PixelFormat::Gray,
        Layout::Cmyk => PixelFormat::Cmyk,
        _ => PixelFormat::Rgb,
    };
    let order = turbo::Order {
        width: segments.width,
        height: segments.height,
        scale,
        format,
        bytes,
    };
    let parts = scratch.turbo(limits)?;
    let degraded = parts.turbo.decode(&order, parts.source, parts.decoded)?;
    if layout == Layout::Cmyk && segments.adobe {
        // Adobe stores ink upside down (Technical Note 5116, and every file since).
        let pixels = scratch.decoded.iter_mut();
        pixels.for_each(|ink| *ink = 255 - *ink);
    }
    let orientation = segments
        .exif
        .and_then(|range| scratch.source.get(range))
        .map_or(Orientation::Upright, Orientation::from_exif);
    Ok(Decoded {
        width: segments.width,
        height: segments.height,
        stored_width,
        stored_height,
        covered: (
            f64::from(segments.width) / f64::from(scale.denominator()),
            f64::from(segments.height) / f64::from(scale.denominator()),
        ),
        layout,
        orientation,
        icc: segments.icc,
        degraded,
    })
}

/// The smallest scale that leaves [`HEADROOM_PERCENT`] of the largest thumbnail.
fn scale_for(side: u32, largest: u32) -> Scale {
    let needed = u64::from(largest) * HEADROOM_PERCENT;
    let fits = |scale: &Scale| u64::from(scale.of(side)) * 100 >= needed;
    let scales = [Scale::Eighth, Scale::Quarter, Scale::Half];
    scales.into_iter().find(fits).unwrap_or(Scale::Full)
}

/// Decodes a JPEG that is part of another file, such as a strip of a TIFF, at its own size. Gives
/// width, height and what a pixel is; `None` as the expected layout means grey or RGB.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_embedded(
    data: &[u8],
    limits: &DecodeLimits,
    turbo: &mut turbo::Turbo,
    pixels: &mut Vec<u8>,
) -> Outcome<(u32, u32, usize)> {
    let segments = Segments::parse(data)?;
    limits::check_size(limits, segments.width, segments.height)?;
    let format = match (segments.components, segments.precision) {
        (1, 8) => PixelFormat::Gray,
        (3, 8) => PixelFormat::Rgb,
        (4, 8) => PixelFormat::Cmyk,
        (n, bits) => return Err(unsupported(format!("a JPEG of {n} x {bits} bits"))),
    };
    let channels = format.channels();
    let bytes = limits::bytes_of(segments.width, segments.height, channels as u64);
    let order = turbo::Order {
        width: segments.width,
        height: segments.height,
        scale: Scale::Full,
        format,
        bytes: limits::check_bytes(limits, bytes)?,
    };
    match turbo.decode(&order, data, pixels)? {
        Some(loss) => Err(corrupt(loss)),
        None => Ok((segments.width, segments.height, channels)),
    }
}

/// The size that a JPEG says it has, when it is one that can be decoded: 8 bits, not lossless.
#[cfg(any(feature = "raw", feature = "svg"))]
pub(crate) fn claim(data: &[u8]) -> Option<(u32, u32)> {
    let segments = Segments::parse(data).ok()?;
    let usual = segments.precision == 8 && !segments.lossless;
    usual.then_some((segments.width, segments.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_scale_with_headroom_is_taken() {
        assert_eq!(scale_for(4288, 1024), Scale::Half);
        assert_eq!(scale_for(5760, 1024), Scale::Quarter);
        assert_eq!(scale_for(5760, 256), Scale::Eighth);
        assert_eq!(scale_for(1024, 1024), Scale::Full);
        assert_eq!(scale_for(100, 256), Scale::Full);
        assert_eq!(scale_for(65_535, u32::MAX), Scale::Full);
    }
}
