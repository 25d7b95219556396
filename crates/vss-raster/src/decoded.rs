//! A decoded picture on its way to the first resize: what its pixels are and what is still to be
//! done to them.

use fast_image_resize::PixelType;

use crate::failure::{Outcome, out_of_memory};
use crate::orientation::Orientation;

/// What a pixel consists of, 8 bits a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
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
    pub const fn channels(self) -> usize {
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
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// What the pixels in the scratch are.
#[derive(Debug)]
pub struct Decoded {
    /// Width of the picture as its header has it, before it is turned upright.
    pub width: u32,
    /// Height of the picture as its header has it.
    pub height: u32,
    /// Width of the pixels in the buffer.
    pub stored_width: u32,
    /// Height of the pixels in the buffer.
    pub stored_height: u32,
    /// The part of the stored pixels that the picture covers, from the top left corner: decoders
    /// that scale round the stored size up, the picture ends at a fraction of a pixel.
    pub covered: (f64, f64),
    /// What a pixel is.
    pub layout: Layout,
    /// How it has to be turned.
    pub orientation: Orientation,
    /// Its colour profile.
    pub icc: Option<Vec<u8>>,
    /// What is missing of it.
    pub degraded: Option<String>,
}

impl Decoded {
    /// A picture that was decoded at its own size.
    pub fn unscaled(width: u32, height: u32, layout: Layout) -> Self {
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

    /// Width and height once it stands upright.
    pub const fn upright(&self) -> (u32, u32) {
        if self.orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
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
