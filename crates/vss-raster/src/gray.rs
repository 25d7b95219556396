//! The picture as who reads text wants it: upright, grey, on white paper.

use crate::cascade;
use crate::colour::under;
use crate::decoded::{Decoded, fit};
use crate::failure::{Outcome, corrupt};
use crate::scratch::Scratch;

/// An upright grey picture.
#[derive(Clone, Copy, Debug)]
pub struct Gray<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// One byte a pixel, row by row without padding; 255 is white.
    pub pixels: &'a [u8],
}

/// The picture in the scratch in grey, its longer side at most `max_side`, never larger than it
/// is. What is transparent is white.
///
/// Beside the decoded pixels this holds 4 to 5 bytes a pixel of the answer.
///
/// # Errors
/// `out_of_memory`, `corrupt_source` for pixels that do not fit what is said of them.
pub fn gray<'s>(decoded: &Decoded, max_side: u32, scratch: &'s mut Scratch) -> Outcome<Gray<'s>> {
    let size = cascade::fitted(decoded.upright(), max_side.max(1));
    cascade::fill(scratch, decoded, &[size])?;
    let Some(level) = scratch.levels.first() else {
        return Err(corrupt("it has no pixels"));
    };
    let count = level.pixels.len() / level.channels.max(1);
    let to = fit(&mut scratch.between, count)?;
    for (pixel, to) in level
        .pixels
        .chunks_exact(level.channels.max(1))
        .zip(to.iter_mut())
    {
        *to = match *pixel {
            [r, g, b, a] => under(luma(r, g, b), a) + (255 - a),
            [r, g, b] => luma(r, g, b),
            _ => 255,
        };
    }
    Ok(Gray {
        width: size.0,
        height: size.1,
        pixels: to,
    })
}

/// How light a pixel is, in 65,536ths: 0.3, 0.5 and 0.2. With these weights, which are those of
/// Leptonica, text is read a little better than with those of video.
pub fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 19_661 * u32::from(r) + 32_768 * u32::from(g) + 13_107 * u32::from(b);
    u8::try_from((sum + 32_768) >> 16).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, Orientation};

    #[test]
    fn grey_is_upright_and_what_is_transparent_is_paper() {
        // Stored: black, then white; below it red, then something invisible.
        let stored = [0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 255, 0, 0, 0, 0];
        let mut scratch = Scratch::default();
        scratch.canvas(16).unwrap().copy_from_slice(&stored);
        let decoded = Decoded {
            orientation: Orientation::Clockwise,
            ..Decoded::unscaled(2, 2, Layout::Rgba)
        };
        let gray = gray(&decoded, 100, &mut scratch).unwrap();
        assert_eq!((gray.width, gray.height), (2, 2));
        assert_eq!(gray.pixels, [77, 0, 255, 255]);
    }
}
