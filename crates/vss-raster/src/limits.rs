//! Holds what a picture's header claims against the limits of the job, before any pixel costs
//! anything.

use vss_core::plan::DecodeLimits;
use vss_ports::JobHost;

use crate::failure::{Outcome, corrupt, too_large};

/// What a job may decode, and whom it asks before it does.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// What the picture may claim at most.
    pub limits: &'a DecodeLimits,
    /// Hands out the memory.
    pub host: &'a dyn JobHost,
}

/// Checks the claimed size of a picture, in pixels.
///
/// # Errors
/// `corrupt_source` for a picture without pixels, `too_large` for one beyond the limits.
pub fn check_size(limits: &DecodeLimits, width: u32, height: u32) -> Outcome<()> {
    if width == 0 || height == 0 {
        return Err(corrupt(format!("claims to be {width} x {height} pixels")));
    }
    if width.max(height) > limits.max_side {
        return Err(too_large(format!(
            "{width} x {height} pixels: a side may have {}",
            limits.max_side
        )));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(too_large(format!(
            "{width} x {height} pixels: a picture may have {}",
            limits.max_pixels
        )));
    }
    Ok(())
}

/// Checks how many bytes decoding will hold, and gives them as a length.
///
/// # Errors
/// `too_large`.
pub fn check_bytes(limits: &DecodeLimits, bytes: u64) -> Outcome<usize> {
    if bytes > limits.max_decoded_bytes {
        return Err(too_large(format!(
            "needs {bytes} bytes decoded: a picture may have {}",
            limits.max_decoded_bytes
        )));
    }
    usize::try_from(bytes).map_err(too_large)
}

/// The bytes of a picture, saturating: what overflows is beyond every limit.
pub fn bytes_of(width: u32, height: u32, bytes_a_pixel: u64) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(bytes_a_pixel)
}

/// The pixels that lines are drawn with: the longer side is `largest`, whatever their own unit is.
#[cfg(any(feature = "pdf", feature = "svg"))]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of `largest`; what is no number becomes 0, then 1"
)]
pub(crate) fn drawn((width, height): (f32, f32), largest: u32) -> (u32, u32) {
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = f64::from(largest) / f64::max(width, height);
    let side = |side: f64| ((side * scale).round() as u32).clamp(1, largest.max(1));
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_core::FailureClass;

    #[test]
    fn a_claim_is_held_against_sides_pixels_and_bytes() {
        let limits = DecodeLimits {
            max_pixels: 100,
            max_side: 50,
            max_decoded_bytes: 300,
        };
        assert!(check_size(&limits, 10, 10).is_ok());
        assert!(check_size(&limits, 50, 2).is_ok());
        let class = |w, h| check_size(&limits, w, h).unwrap_err().class;
        assert_eq!(class(51, 1), FailureClass::TooLarge);
        assert_eq!(class(11, 10), FailureClass::TooLarge);
        assert_eq!(class(0, 10), FailureClass::CorruptSource);
        assert_eq!(class(u32::MAX, u32::MAX), FailureClass::TooLarge);
        assert_eq!(check_bytes(&limits, 300), Ok(300));
        assert!(check_bytes(&limits, 301).is_err());
        assert_eq!(bytes_of(u32::MAX, u32::MAX, 8), u64::MAX);
    }
}
