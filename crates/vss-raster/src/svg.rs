//! SVG and SVGZ, drawn at the size of the largest still: lines have no pixels that could be
//! enlarged. Nothing outside the file is read; text is drawn with the fonts that were handed in.

use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use image::ImageDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};

use crate::colour::divide_by_alpha;
use crate::decoded::{Decoded, Layout};
use crate::failure::{Outcome, corrupt, out_of_memory, too_large};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// The most text that is read, packed or not. Maps of whole countries have a tenth of it.
const LONGEST: u64 = 64 << 20;

/// Layers that drawing may hold beside the picture; groups with opacity, masks and filters need
/// one each.
const LAYERS: u64 = 4;

/// Draws into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `too_large`, `transient_io`, `out_of_memory`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    read_text(source, &mut scratch.source, &mut scratch.between)?;
    let text = str::from_utf8(&scratch.source).map_err(corrupt)?;
    let most = room.limits.max_decoded_bytes;
    let default = ImageHrefResolver::default_data_resolver();
    let mut options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(move |mime, data, options| {
                let kind = default(mime, data, options)?;
                affordable(&kind, most).then_some(kind)
            }),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    scratch.fonts.hand_to(&mut options);
    let tree = Tree::from_str(text, &options).map_err(corrupt)?;
    let size = tree.size();
    let (width, height) = limits::drawn((size.width(), size.height()), largest);
    limits::check_size(room.limits, width, height)?;
    let bytes = limits::bytes_of(width, height, 4);
    limits::check_bytes(room.limits, bytes)?;
    room.host.reserve(bytes.saturating_mul(LAYERS))?;
    let mut pixmap =
        Pixmap::new(width, height).ok_or_else(|| out_of_memory("no room for the picture"))?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "sides of stills have few digits"
    )]
    let scale = |side: u32, of: f32| side as f32 / of;
    let transform = Transform::from_scale(scale(width, size.width()), scale(height, size.height()));
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    scratch.decoded = pixmap.take();
    divide_by_alpha(Layout::Rgba, &mut scratch.decoded);
    Ok(Decoded::unscaled(width, height, Layout::Rgba))
}

/// The text of the file, unpacked when it is packed.
fn read_text(source: &Source<'_>, text: &mut Vec<u8>, packed: &mut Vec<u8>) -> Outcome<()> {
    if source.size() > LONGEST {
        return Err(too_large(format!("an SVG may have {LONGEST} bytes")));
    }
    source.read_whole(text)?;
    if text.starts_with(&[0x1F, 0x8B]) {
        std::mem::swap(text, packed);
        text.clear();
        let mut unpacked = GzDecoder::new(packed.as_slice()).take(LONGEST + 1);
        unpacked.read_to_end(text).map_err(corrupt)?;
        if text.len() as u64 > LONGEST {
            return Err(too_large(format!("an SVG may unpack to {LONGEST} bytes")));
        }
    }
    Ok(())
}

/// Whether a picture inside may be decoded: the renderer does so without any limit.
fn affordable(kind: &ImageKind, most: u64) -> bool {
    let claim = match kind {
        ImageKind::SVG(_) => return true,
        ImageKind::JPEG(data) => crate::jpeg::claim(data),
        ImageKind::PNG(data) => PngDecoder::new(Cursor::new(&**data))
            .map(|d| d.dimensions())
            .ok(),
        ImageKind::GIF(data) => GifDecoder::new(Cursor::new(&**data))
            .map(|d| d.dimensions())
            .ok(),
        ImageKind::WEBP(data) => WebPDecoder::new(Cursor::new(&**data))
            .map(|d| d.dimensions())
            .ok(),
    };
    // It is drawn from pixels of 4 bytes, beside the picture.
    claim.is_some_and(|(width, height)| limits::bytes_of(width, height, 4) <= most)
}
