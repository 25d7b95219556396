//! SVG and SVGZ, drawn at the size of the largest still: lines have no pixels that could be
//! enlarged. Nothing outside the file is read; text is drawn with the fonts that were handed in.

mod letters;

use std::io::Cursor;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use image::ImageDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, ImageKind, Options, Tree};
use vss_core::plan::DecodeLimits;

use crate::colour::divide_by_alpha;
use crate::decoded::{Decoded, Layout};
use crate::failure::{Outcome, corrupt, out_of_memory};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;

/// Layers that drawing may hold beside the picture; groups with opacity, masks and filters need
/// one each.
const LAYERS: u64 = 4;

/// Bytes that drawing holds for each pixel of a picture inside: as it was decoded, and as it is drawn.
/// The renderer decodes one where it is drawn and then lets it go, so that the largest counts.
const HELD: u64 = 4 + 4;

/// What was met of pictures inside.
#[derive(Default)]
struct Inside {
    /// Pixels of the largest.
    largest: AtomicU64,
    /// Whether one may not be decoded, or cannot.
    left_out: AtomicBool,
}

/// Draws into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported` (an unknown encoding), `too_large`, `transient_io`,
/// `out_of_memory`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    letters::read(source, &mut scratch.source, &mut scratch.between)?;
    let text = str::from_utf8(&scratch.source).map_err(corrupt)?;
    let inside = Inside::default();
    let default = ImageHrefResolver::default_data_resolver();
    let mut options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|mime, data, options| {
                let kind = default(mime, data, options)?;
                let affordable = inside.meet(&kind, room.limits);
                affordable.then_some(kind)
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
    let largest = inside.largest.load(Ordering::Relaxed);
    let held = largest.saturating_mul(HELD);
    room.host
        .reserve(held.saturating_add(bytes.saturating_mul(LAYERS)))?;
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
    let left_out = inside.left_out.load(Ordering::Relaxed);
    Ok(Decoded {
        degraded: left_out.then(|| "a picture inside is damaged or beyond the limits".into()),
        ..Decoded::unscaled(width, height, Layout::Rgba)
    })
}

impl Inside {
    /// Whether a picture may be decoded: the renderer does so without any limit.
    fn meet(&self, kind: &ImageKind, limits: &DecodeLimits) -> bool {
        // Pictures inside of this one are never looked up.
        if matches!(kind, ImageKind::SVG(_)) {
            return true;
        }
        let affordable = |(width, height): &(u32, u32)| {
            let bytes = limits::bytes_of(*width, *height, 4);
            limits::check_size(limits, *width, *height).is_ok()
                && limits::check_bytes(limits, bytes).is_ok()
        };
        let Some((width, height)) = claim(kind).filter(affordable) else {
            self.left_out.store(true, Ordering::Relaxed);
            return false;
        };
        let pixels = limits::bytes_of(width, height, 1);
        self.largest.fetch_max(pixels, Ordering::Relaxed);
        true
    }
}

/// The size that the header of a picture claims.
fn claim(kind: &ImageKind) -> Option<(u32, u32)> {
    match kind {
        ImageKind::SVG(_) => None,
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
    }
}
