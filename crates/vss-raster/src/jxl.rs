//! JPEG XL: codestreams and containers; the first frame of an animation. The decoder applies the
//! orientation, and brings to sRGB what has no profile of its own.

use std::error::Error;

use jxl_oxide::{
    AllocTracker, EnumColourEncoding, ExtraChannelType, JxlImage, PixelFormat, RenderingIntent,
};
use vss_ports::GenerateFailure;

use crate::colour::divide_by_alpha;
use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt, out_of_memory, unsupported};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// Bytes that decoding holds for each sample: 32 bits, for two stages at a time.
const HELD: u64 = 4 * 2;

/// Decodes into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let most = room.limits.max_decoded_bytes.saturating_mul(2);
    let tracker = AllocTracker::with_limit(usize::try_from(most).unwrap_or(usize::MAX));
    let image = JxlImage::builder()
        .alloc_tracker(tracker)
        .read(source.reader());
    let mut image = image.map_err(|error| source.blame(failure(&*error)))?;
    let (width, height) = (image.width(), image.height());
    limits::check_size(room.limits, width, height)?;
    let layout = match image.pixel_format() {
        PixelFormat::Gray => Layout::Gray,
        PixelFormat::Graya => Layout::GrayAlpha,
        PixelFormat::Rgb => Layout::Rgb,
        PixelFormat::Rgba => Layout::Rgba,
        PixelFormat::Cmyk | PixelFormat::Cmyka => return Err(unsupported("JPEG XL in ink")),
    };
    let samples = limits::bytes_of(width, height, layout.channels() as u64);
    let bytes = limits::check_bytes(room.limits, samples)?;
    room.host.reserve(samples.saturating_mul(1 + HELD))?;

    let icc = image.original_icc().map(|_| image.rendered_icc());
    if icc.is_none() {
        let intent = RenderingIntent::Relative;
        image.request_color_encoding(if matches!(layout, Layout::Gray | Layout::GrayAlpha) {
            EnumColourEncoding::gray_srgb(intent)
        } else {
            EnumColourEncoding::srgb(intent)
        });
    }
    let render = image.render_frame(0).map_err(|error| failure(&*error))?;
    let mut stream = render.stream();
    if (stream.width(), stream.height()) != (width, height)
        || stream.channels() as usize != layout.channels()
    {
        return Err(unsupported("JPEG XL whose frames differ from the picture"));
    }
    stream.write_to_buffer::<u8>(fit(&mut scratch.decoded, bytes)?);
    let premultiplied = ExtraChannelType::Alpha {
        alpha_associated: true,
    };
    let extra = &image.image_header().metadata.ec_info;
    if extra.iter().any(|channel| channel.ty == premultiplied) {
        divide_by_alpha(layout, &mut scratch.decoded);
    }
    Ok(Decoded {
        icc,
        ..Decoded::unscaled(width, height, layout)
    })
}

fn failure(error: &(dyn Error + Send + Sync + 'static)) -> GenerateFailure {
    // Its errors are known by their text only.
    let text = error.to_string();
    if text.contains("memory") {
        out_of_memory(text)
    } else {
        corrupt(text)
    }
}
