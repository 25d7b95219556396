//! Whether a frame is worth showing: not black, not blank.

use crate::av::{AvResult, Frame, Ratio};
use crate::view::{Pixels, View};

/// The side of the small copy that is looked at.
const SIDE: u32 = 48;

/// How light a small copy of a frame is, and how much that differs over it; 0 to 255.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Looks {
    mean: f64,
    deviation: f64,
}

impl Looks {
    /// Looks at a frame.
    ///
    /// # Errors
    /// When FFmpeg cannot scale it.
    pub(crate) fn of(view: &View, frame: &mut Frame, timing: (Ratio, Ratio)) -> AvResult<Self> {
        let mut graph = view.graph(frame, timing, (SIDE, SIDE), Pixels::Gray)?;
        graph.push(Some(frame))?;
        let mut small = Frame::new()?;
        graph.pull(&mut small)?;
        Ok(Self::of_pixels(small.rows(1)?.flatten().copied()))
    }

    fn of_pixels(pixels: impl Iterator<Item = u8>) -> Self {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for pixel in pixels {
            let light = f64::from(pixel);
            count += 1.0;
            sum += light;
            squares += light * light;
        }
        if count == 0.0 {
            return Self {
                mean: 0.0,
                deviation: 0.0,
            };
        }
        let mean = sum / count;
        Self {
            mean,
            deviation: (squares / count - mean * mean).max(0.0).sqrt(),
        }
    }

    /// Nothing to see: all of one light, or nearly.
    pub(crate) fn are_blank(self) -> bool {
        self.deviation < 4.0
    }

    /// Good enough to look no further.
    pub(crate) fn are_good(self) -> bool {
        (24.0..=232.0).contains(&self.mean) && self.deviation >= 14.0
    }

    /// For the choice among frames of which none is good: more is better.
    pub(crate) fn score(self) -> f64 {
        // Contrast counts, and near black or white it counts for less.
        let room = self.mean.min(255.0 - self.mean).clamp(0.0, 64.0) / 64.0;
        self.deviation * (0.25 + room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_blank_and_nearly_so_are_not_good_and_a_picture_is() {
        let flat = |light: u8| Looks::of_pixels(std::iter::repeat_n(light, 100));
        assert!(!flat(0).are_good() && !flat(128).are_good() && !flat(255).are_good());
        let scene = Looks::of_pixels((0..=200).step_by(2));
        assert!(scene.are_good(), "{scene:?}");
        assert!(flat(0).are_blank() && flat(255).are_blank() && !scene.are_blank());
        let night = Looks::of_pixels((0..100).map(|at| if at < 5 { 200 } else { 4 }));
        assert!(!night.are_good(), "{night:?}");
        assert!(night.score() > flat(128).score());
        assert!(scene.score() > night.score());
    }
}
