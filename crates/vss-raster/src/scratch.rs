//! Everything that costs time or memory to set up, kept from one job to the next: one decoder, one
//! resizer, one colour transform and buffers that only grow. As many as jobs run side by side.

use std::sync::Mutex;

use fast_image_resize::Resizer;
use vss_core::plan::DecodeLimits;

use crate::cascade::Level;
use crate::colour::Colour;
use crate::decoded::fit;
use crate::failure::Outcome;
use crate::jpeg::turbo::Turbo;

/// Buffers beyond this are given back after the job: what one giant picture needed is not held
/// for ever. A 24-megapixel camera JPEG needs about half of it.
const KEPT_BYTES: usize = 64 << 20;

/// What one job works with.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Bytes of the original, where a decoder wants them all.
    pub(crate) source: Vec<u8>,
    /// Decoded pixels.
    pub(crate) decoded: Vec<u8>,
    /// Pixels between two steps.
    pub(crate) between: Vec<u8>,
    /// Thumbnails, largest first.
    pub(crate) levels: Vec<Level>,
    /// An encoded thumbnail.
    pub(crate) encoded: Vec<u8>,
    /// Resizes, with buffers of its own.
    pub(crate) resizer: Resizer,
    /// Brings colours to sRGB.
    pub(crate) colour: Colour,
    /// What text is drawn with.
    #[cfg(feature = "svg")]
    pub(crate) fonts: crate::Fonts,
    turbo: Option<Turbo>,
}

impl Scratch {
    /// The JPEG decoder with the limits of the job.
    ///
    /// # Errors
    /// `out_of_memory`.
    pub(crate) fn turbo<'t>(&'t mut self, limits: &DecodeLimits) -> Outcome<TurboParts<'t>> {
        let turbo = match self.turbo.take() {
            Some(turbo) => turbo,
            None => Turbo::new()?,
        };
        let turbo = self.turbo.insert(turbo);
        turbo.set_limits(limits)?;
        Ok(TurboParts {
            turbo,
            source: &mut self.source,
            decoded: &mut self.decoded,
            between: &mut self.between,
        })
    }

    /// Where pixels go that were not decoded here: a buffer of this length, in which old ones may
    /// still be. Which pixels they are, and how many, is for a [`Decoded`](crate::Decoded) to say.
    ///
    /// # Errors
    /// `out_of_memory`.
    pub fn canvas(&mut self, length: usize) -> Outcome<&mut [u8]> {
        fit(&mut self.decoded, length)
    }

    fn held(&self) -> usize {
        let levels = self.levels.iter().map(|level| level.pixels.capacity());
        self.source.capacity()
            + self.decoded.capacity()
            + self.between.capacity()
            + self.encoded.capacity()
            + self.resizer.size_of_internal_buffers()
            + levels.sum::<usize>()
    }
}

/// The JPEG decoder beside the buffers it works on.
pub(crate) struct TurboParts<'t> {
    /// The decoder.
    pub(crate) turbo: &'t mut Turbo,
    /// Bytes of the original.
    pub(crate) source: &'t mut Vec<u8>,
    /// Decoded pixels.
    pub(crate) decoded: &'t mut Vec<u8>,
    /// Pixels between two steps.
    pub(crate) between: &'t mut Vec<u8>,
}

/// Scratches that no job uses at the moment.
#[derive(Debug, Default)]
pub struct Pool {
    free: Mutex<Vec<Scratch>>,
    #[cfg(feature = "svg")]
    fonts: crate::Fonts,
}

impl Pool {
    /// One whose scratches draw text with these fonts.
    #[cfg(feature = "svg")]
    pub fn with_fonts(fonts: crate::Fonts) -> Self {
        Self {
            fonts,
            ..Self::default()
        }
    }

    /// One that is free, or a new one. A job that panics loses its own and no other.
    pub fn take(&self) -> Scratch {
        let free = self.free.lock().ok().and_then(|mut pool| pool.pop());
        free.unwrap_or_else(|| self.fresh())
    }

    fn fresh(&self) -> Scratch {
        Scratch {
            #[cfg(feature = "svg")]
            fonts: self.fonts.clone(),
            ..Scratch::default()
        }
    }

    /// Gives one back.
    pub fn give_back(&self, mut scratch: Scratch) {
        if scratch.held() > KEPT_BYTES {
            scratch = Scratch {
                turbo: scratch.turbo,
                colour: scratch.colour,
                ..self.fresh()
            };
        }
        if let Ok(mut pool) = self.free.lock() {
            pool.push(scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_reused_until_a_giant_has_passed() {
        let pool = Pool::default();
        let mut scratch = pool.take();
        scratch.decoded = vec![1; 1_000];
        pool.give_back(scratch);
        let mut scratch = pool.take();
        assert_eq!(scratch.decoded.len(), 1_000);
        scratch.decoded = vec![1; KEPT_BYTES + 1];
        pool.give_back(scratch);
        assert_eq!(pool.take().decoded.capacity(), 0);
    }
}
