//! JPEG 2000: JP2 files and bare codestreams, through a decoder without unsafe code.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};

use crate::decoded::{Decoded, Layout};
use crate::failure::{Outcome, corrupt, unsupported};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// Bytes that decoding holds for each sample: coefficients and samples of 32 bits, and the result.
const HELD: u64 = 4 + 4 + 1;

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
    let image = Image::new(&scratch.source, &DecodeSettings::default()).map_err(corrupt)?;
    let (width, height) = (image.width(), image.height());
    limits::check_size(room.limits, width, height)?;
    let (colours, icc) = match image.color_space() {
        ColorSpace::Gray => (1, None),
        ColorSpace::RGB => (3, None),
        ColorSpace::CMYK => (4, None),
        ColorSpace::Icc {
            profile,
            num_channels,
        } => (*num_channels, Some(profile.clone())),
        ColorSpace::Unknown { num_channels } => (*num_channels, None),
    };
    let layout = match (colours, image.has_alpha()) {
        (1, false) => Layout::Gray,
        (1, true) => Layout::GrayAlpha,
        (3, false) => Layout::Rgb,
        (3, true) => Layout::Rgba,
        (4, false) => Layout::Cmyk,
        (n, _) => return Err(unsupported(format!("JPEG 2000 with {n} channels"))),
    };
    let samples = limits::bytes_of(width, height, layout.channels() as u64);
    limits::check_bytes(room.limits, samples)?;
    room.host.reserve(samples.saturating_mul(HELD))?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(corrupt)?;
    scratch.decoded = decoded.data_u8();
    if scratch.decoded.len() as u64 != samples {
        return Err(unsupported("JPEG 2000 whose channels differ in size"));
    }
    Ok(Decoded {
        icc,
        ..Decoded::unscaled(width, height, layout)
    })
}
