//! Brings colours to sRGB, on the largest thumbnail, where there are few pixels: by the picture's
//! own profile, or by the usual formula where it has none.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as IccLayout, Transform8BitExecutor, TransformOptions,
};

use crate::decoded::{Layout, fit};
use crate::failure::{Outcome, unsupported};

/// A difference that nobody sees: a transform that never exceeds it is left out.
const INVISIBLE: u8 = 1;

/// Brings pixels to sRGB and remembers the last profile: neighbours in a folder share theirs.
#[derive(Default)]
pub(crate) struct Colour {
    last: Option<Prepared>,
}

struct Prepared {
    icc: Vec<u8>,
    layout: Layout,
    /// Nothing, when the profile is sRGB, does not fit the pixels or cannot be read.
    transform: Option<Arc<Transform8BitExecutor>>,
}

impl std::fmt::Debug for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Colour").finish_non_exhaustive()
    }
}

impl Colour {
    /// Turns `pixels` into sRGB, 3 bytes a pixel, or 4 where there is alpha; `between` is room to
    /// work in. Gives the new bytes a pixel.
    ///
    /// # Errors
    /// `out_of_memory`.
    pub(crate) fn bring_to_srgb(
        &mut self,
        layout: Layout,
        icc: Option<&[u8]>,
        pixels: &mut Vec<u8>,
        between: &mut Vec<u8>,
    ) -> Outcome<usize> {
        let channels = if layout.has_alpha() { 4 } else { 3 };
        let transform = icc.and_then(|icc| self.transform(layout, icc));
        if transform.is_none() && matches!(layout, Layout::Rgb | Layout::Rgba) {
            return Ok(channels);
        }
        let count = pixels.len() / layout.channels();
        let to = fit(between, count * channels)?;
        match transform {
            Some(transform) => transform
                .transform(pixels, to)
                .map_err(|error| unsupported(format!("its colour profile failed: {error}")))?,
            None => by_formula(layout, pixels, to),
        }
        std::mem::swap(pixels, between);
        Ok(channels)
    }

    fn transform(&mut self, layout: Layout, icc: &[u8]) -> Option<Arc<Transform8BitExecutor>> {
        let known = self
            .last
            .as_ref()
            .is_some_and(|last| last.layout == layout && last.icc == icc);
        if !known {
            self.last = Some(Prepared {
                icc: icc.to_vec(),
                layout,
                transform: prepare(layout, icc),
            });
        }
        self.last.as_ref()?.transform.clone()
    }
}

/// The transform from a profile to sRGB, when there is something to do and it can be done.
fn prepare(layout: Layout, icc: &[u8]) -> Option<Arc<Transform8BitExecutor>> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    let (space, from, to) = match layout {
        Layout::Gray => (DataColorSpace::Gray, IccLayout::Gray, IccLayout::Rgb),
        Layout::GrayAlpha => (DataColorSpace::Gray, IccLayout::GrayAlpha, IccLayout::Rgba),
        Layout::Rgb => (DataColorSpace::Rgb, IccLayout::Rgb, IccLayout::Rgb),
        Layout::Rgba => (DataColorSpace::Rgb, IccLayout::Rgba, IccLayout::Rgba),
        Layout::Cmyk => (DataColorSpace::Cmyk, IccLayout::Rgba, IccLayout::Rgb),
    };
    if profile.color_space != space {
        return None;
    }
    let transform = profile
        .create_transform_8bit(
            from,
            &ColorProfile::new_srgb(),
            to,
            TransformOptions::default(),
        )
        .ok()?;
    let changes = layout == Layout::Cmyk || changes_colours(layout, &transform)?;
    changes.then_some(transform)
}

/// Whether a transform does visibly more than nothing, seen on a grid of colours: sRGB comes in
/// many spellings.
fn changes_colours(layout: Layout, transform: &Arc<Transform8BitExecutor>) -> Option<bool> {
    const STEPS: [u8; 9] = [0, 32, 64, 96, 128, 160, 192, 224, 255];
    let mut colours = Vec::with_capacity(4 * STEPS.len().pow(3));
    for r in STEPS {
        match layout {
            Layout::Gray => colours.push(r),
            Layout::GrayAlpha => colours.extend([r, 255]),
            _ => {
                for (g, b) in STEPS.iter().flat_map(|g| STEPS.map(|b| (*g, b))) {
                    colours.extend([r, g, b]);
                    colours.extend((layout == Layout::Rgba).then_some(255));
                }
            }
        }
    }
    let channels = if layout.has_alpha() { 4 } else { 3 };
    let count = colours.len() / layout.channels();
    let (mut by_profile, mut by_default) = (vec![0; count * channels], vec![0; count * channels]);
    transform.transform(&colours, &mut by_profile).ok()?;
    by_formula(layout, &colours, &mut by_default);
    let differs = |(a, b): (&u8, &u8)| a.abs_diff(*b) > INVISIBLE;
    Some(by_profile.iter().zip(&by_default).any(differs))
}

/// What pixels without a profile are taken for: sRGB, grey of its curve, ink without impurities.
fn by_formula(layout: Layout, from: &[u8], to: &mut [u8]) {
    match layout {
        Layout::Rgb | Layout::Rgba => {
            from.iter().zip(to).for_each(|(from, to)| *to = *from);
        }
        Layout::Gray => {
            let (to, _) = to.as_chunks_mut::<3>();
            from.iter().zip(to).for_each(|(v, to)| *to = [*v; 3]);
        }
        Layout::GrayAlpha => {
            let ((from, _), (to, _)) = (from.as_chunks::<2>(), to.as_chunks_mut::<4>());
            from.iter()
                .zip(to)
                .for_each(|([v, a], to)| *to = [*v, *v, *v, *a]);
        }
        Layout::Cmyk => {
            let ((from, _), (to, _)) = (from.as_chunks::<4>(), to.as_chunks_mut::<3>());
            for ([c, m, y, k], to) in from.iter().zip(to) {
                *to = [c, m, y].map(|ink| under(255 - *ink, 255 - *k));
            }
        }
    }
}

/// Gives pixels with alpha back the colours that were multiplied by it; others are left alone.
pub fn divide_by_alpha(layout: Layout, pixels: &mut [u8]) {
    if !layout.has_alpha() {
        return;
    }
    for pixel in pixels.chunks_exact_mut(layout.channels()) {
        if let [colours @ .., alpha @ 1..=254] = pixel {
            let alpha = u16::from(*alpha);
            for colour in colours {
                let divided = (u16::from(*colour) * 255 + alpha / 2) / alpha;
                *colour = u8::try_from(divided).unwrap_or(u8::MAX);
            }
        }
    }
}

/// The profile of colour primaries by their number (ITU-T H.273, table 2), where they are not
/// those of sRGB.
pub fn profile_of(primaries: u16) -> Option<Vec<u8>> {
    let profile = match primaries {
        9 => ColorProfile::new_bt2020(),
        11 => ColorProfile::new_dci_p3(),
        12 => ColorProfile::new_display_p3(),
        _ => return None,
    };
    profile.encode().ok()
}

/// `a * b / 255`, rounded.
pub(crate) fn under(a: u8, b: u8) -> u8 {
    let product = u16::from(a) * u16::from(b) + 127;
    u8::try_from(product / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srgb_of(layout: Layout, icc: Option<&[u8]>, pixel: &[u8]) -> Vec<u8> {
        let mut pixels = pixel.to_vec();
        let mut colour = Colour::default();
        let channels = colour
            .bring_to_srgb(layout, icc, &mut pixels, &mut Vec::new())
            .unwrap();
        assert_eq!(channels, pixels.len());
        pixels
    }

    #[test]
    fn without_a_profile_grey_stays_grey_and_ink_takes_light_away() {
        assert_eq!(srgb_of(Layout::Gray, None, &[7]), [7, 7, 7]);
        assert_eq!(srgb_of(Layout::GrayAlpha, None, &[7, 9]), [7, 7, 7, 9]);
        assert_eq!(srgb_of(Layout::Rgba, None, &[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(srgb_of(Layout::Cmyk, None, &[0, 0, 0, 0]), [255; 3]);
        assert_eq!(srgb_of(Layout::Cmyk, None, &[0, 0, 0, 255]), [0; 3]);
        assert_eq!(srgb_of(Layout::Cmyk, None, &[255, 0, 0, 0]), [0, 255, 255]);
    }

    #[test]
    fn colours_are_divided_by_alpha_be_there_one_or_three() {
        let mut rgba = [50, 25, 0, 100, 9, 9, 9, 0, 9, 9, 9, 255, 200, 0, 0, 100];
        divide_by_alpha(Layout::Rgba, &mut rgba);
        let straight = [128, 64, 0, 100, 9, 9, 9, 0, 9, 9, 9, 255, 255, 0, 0, 100];
        assert_eq!(rgba, straight);
        let mut grey = [50, 100, 9, 0, 9, 255];
        divide_by_alpha(Layout::GrayAlpha, &mut grey);
        assert_eq!(grey, [128, 100, 9, 0, 9, 255]);
        let mut none = [50, 25, 100];
        divide_by_alpha(Layout::Rgb, &mut none);
        assert_eq!(none, [50, 25, 100]);
    }

    #[test]
    fn a_wide_profile_moves_colours_and_srgb_under_any_name_does_not() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let seen = srgb_of(Layout::Rgb, Some(&p3), &[200, 100, 50]);
        assert!(seen[0] > 205 && seen[2] < 45, "{seen:?}");
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert!(prepare(Layout::Rgb, &srgb).is_none());
        assert!(prepare(Layout::Rgb, &p3).is_some());
        assert!(prepare(Layout::Rgba, &p3).is_some());
    }

    #[test]
    fn a_profile_that_is_damaged_or_of_another_sort_is_passed_over() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_eq!(srgb_of(Layout::Gray, Some(&p3), &[7]), [7, 7, 7]);
        let cut = p3.get(..p3.len() / 2);
        assert_eq!(srgb_of(Layout::Rgb, cut, &[9, 8, 7]), [9, 8, 7]);
    }
}
