//! A decoded picture on its way to the first resize: what its pixels are and what is still to be
//! done to them.

use fast_image_resize::PixelType;

use crate::failure::{Outcome, out_of_memory};
use crate::orientation::Orientation;

/// What a pixel consists of, 8 bits a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// Grey.
    Gray,
    /// Grey and straight alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and straight alpha.
    Rgba,
    /// Cyan, magenta, yellow, black; 255 is full ink.
    Cmyk,
}

impl Layout {
    /// Bytes a pixel.
    pub(crate) const fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// How the resizer calls it.
    pub(crate) const fn pixel_type(self) -> PixelType {
        match self {
            Self::Gray => PixelType::U8,
            Self::GrayAlpha => PixelType::U8x2,
            Self::Rgb => PixelType::U8x3,
            Self::Rgba | Self::Cmyk => PixelType::U8x4,
        }
    }

    /// Whether the last channel is alpha.
    pub(crate) const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// What the pixels in the scratch's `decoded` buffer are.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Width of the picture as its header has it, before it is turned upright.
    pub(crate) width: u32,
    /// Height of the picture as its header has it.
    pub(crate) height: u32,
    /// Width of the pixels in the buffer.
    pub(crate) stored_width: u32,
    /// Height of the pixels in the buffer.
    pub(crate) stored_height: u32,
    /// The part of the stored pixels that the picture covers, from the top left corner: decoders
    /// that scale round the stored size up, the picture ends at a fraction of a pixel.
    pub(crate) covered: (f64, f64),
    /// What a pixel is.
    pub(crate) layout: Layout,
    /// How it has to be turned.
    pub(crate) orientation: Orientation,
    /// Its colour profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// What is missing of it.
    pub(crate) degraded: Option<String>,
}

impl Decoded {
    /// A picture that was decoded at its own size.
    pub(crate) fn unscaled(width: u32, height: u32, layout: Layout) -> Self {
        Self {
            width,
            height,
            stored_width: width,
            stored_height: height,
            covered: (f64::from(width), f64::from(height)),
            layout,
            orientation: Orientation::default(),
            icc: None,
            degraded: None,
        }
    }
}

/// Gives a reused buffer a length; its old content stays in it.
///
/// # Errors
/// `out_of_memory`.
pub(crate) fn fit(buffer: &mut Vec<u8>, length: usize) -> Outcome<&mut [u8]> {
    if let Some(more) = length.checked_sub(buffer.len()) {
        buffer.try_reserve_exact(more).map_err(out_of_memory)?;
    }
    buffer.resize(length, 0);
    Ok(buffer.as_mut_slice())
}
