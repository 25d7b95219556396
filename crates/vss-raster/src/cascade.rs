//! All thumbnail sizes from one decoded picture: the largest is resized from it, brought to sRGB
//! and turned upright; the smaller ones are made from larger ones.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};

use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt};
use crate::orientation::Orientation;
use crate::scratch::Scratch;

/// One size of the picture: upright, sRGB.
#[derive(Debug, Default)]
pub(crate) struct Level {
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// Bytes a pixel: 3, or 4 with straight alpha.
    pub(crate) channels: usize,
    /// The pixels, row by row without padding.
    pub(crate) pixels: Vec<u8>,
}

/// The size of a thumbnail: the longer side at most `max_side`, never larger than the picture, the
/// shorter side in proportion, rounded, at least 1.
pub fn fitted((width, height): (u32, u32), max_side: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= max_side {
        return (width, height);
    }
    let scale = |side: u32| {
        let (side, longer) = (u64::from(side), u64::from(longer));
        let scaled = (2 * side * u64::from(max_side) + longer) / (2 * longer);
        u32::try_from(scaled).unwrap_or(max_side).max(1)
    };
    (scale(width), scale(height))
}

/// Fills the scratch's levels with these sizes, which are fitted to the upright picture, different
/// and ordered from the largest to the smallest.
///
/// # Errors
/// `out_of_memory`.
pub(crate) fn fill(scratch: &mut Scratch, decoded: &Decoded, sizes: &[(u32, u32)]) -> Outcome<()> {
    scratch
        .levels
        .resize_with(scratch.levels.len().max(sizes.len()), Level::default);
    for (index, &size) in sizes.iter().enumerate() {
        let (larger, rest) = scratch.levels.split_at_mut(index);
        let Some(level) = rest.first_mut() else {
            break;
        };
        level.size = size;
        // The nearest level of twice the size, where the filter works as on the original; between
        // closer sizes a chain would soften, so those come from the largest.
        let twice = |from: &&Level| from.size.0 / 2 >= size.0 && from.size.1 / 2 >= size.1;
        let from = larger.iter().rev().find(twice).or(larger.first());
        if let Some(from) = from {
            level.channels = from.channels;
            let pixels = Pixels {
                bytes: &from.pixels,
                size: from.size,
                covered: (f64::from(from.size.0), f64::from(from.size.1)),
                layout: if from.channels == 4 {
                    Layout::Rgba
                } else {
                    Layout::Rgb
                },
            };
            resize(&mut scratch.resizer, &pixels, size, &mut level.pixels)?;
        } else {
            first(scratch, decoded, size)?;
        }
    }
    Ok(())
}

/// The largest level: resized as it is stored, then sRGB, then upright.
fn first(scratch: &mut Scratch, decoded: &Decoded, size: (u32, u32)) -> Outcome<()> {
    let Some(level) = scratch.levels.first_mut() else {
        return Ok(());
    };
    let turn = decoded.orientation;
    let stored = if turn.swaps_sides() {
        (size.1, size.0)
    } else {
        size
    };
    let pixels = Pixels {
        bytes: &scratch.decoded,
        size: (decoded.stored_width, decoded.stored_height),
        covered: decoded.covered,
        layout: decoded.layout,
    };
    resize(&mut scratch.resizer, &pixels, stored, &mut level.pixels)?;
    level.channels = scratch.colour.bring_to_srgb(
        decoded.layout,
        decoded.icc.as_deref(),
        &mut level.pixels,
        &mut scratch.between,
    )?;
    if turn != Orientation::Upright {
        let to = fit(&mut scratch.between, level.pixels.len())?;
        let (width, height) = (stored.0 as usize, stored.1 as usize);
        if level.channels == 4 {
            turn.apply::<4>(&level.pixels, width, height, to);
        } else {
            turn.apply::<3>(&level.pixels, width, height, to);
        }
        std::mem::swap(&mut level.pixels, &mut scratch.between);
    }
    Ok(())
}

struct Pixels<'a> {
    bytes: &'a [u8],
    size: (u32, u32),
    covered: (f64, f64),
    layout: Layout,
}

fn resize(
    resizer: &mut fast_image_resize::Resizer,
    from: &Pixels<'_>,
    (width, height): (u32, u32),
    to: &mut Vec<u8>,
) -> Outcome<()> {
    let kind = from.layout.pixel_type();
    let length = (width as usize) * (height as usize) * from.layout.channels();
    let to = fit(to, length)?;
    let source = ImageRef::new(from.size.0, from.size.1, from.bytes, kind).map_err(corrupt)?;
    let mut target = Image::from_slice_u8(width, height, to, kind).map_err(corrupt)?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, from.covered.0, from.covered.1)
        // Colours are weighted by alpha, or what is invisible would shine through at the edges.
        .use_alpha(from.layout.has_alpha());
    resizer
        .resize(&source, &mut target, &options)
        .map_err(corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_side_fits_and_nothing_grows_or_vanishes() {
        assert_eq!(fitted((4000, 3000), 1024), (1024, 768));
        assert_eq!(fitted((3000, 4000), 256), (192, 256));
        assert_eq!(fitted((100, 50), 256), (100, 50));
        assert_eq!(fitted((256, 256), 256), (256, 256));
        assert_eq!(fitted((5000, 1), 128), (128, 1));
        assert_eq!(fitted((u32::MAX, 3), 2), (2, 1));
        // 3:2 in 256 is 170.67.
        assert_eq!(fitted((4288, 2848), 256), (256, 170));
        assert_eq!(fitted((3888, 2592), 256), (256, 171));
    }
}
