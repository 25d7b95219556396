//! Pages of a PDF: how many there are, how large they are drawn, and their pixels.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use vss_core::plan::DecodeLimits;
use vss_core::text::TextBlock;
use vss_raster::failure::{Outcome, corrupt, unsupported};
use vss_raster::held_by_pictures;
use vss_raster::limits::bytes_of;

use crate::layer;

/// Dots an inch that letters of usual size need.
const DPI: f32 = 200.0;
/// A unit of a page is so many of an inch (ISO 32000-1, 8.3.2.3).
const UNITS: f32 = 72.0;
/// A4 in these units, for a page that does not say how large it is.
const PAPER: (f32, f32) = (595.0, 842.0);
/// The longest side that is drawn, in pixels.
const LONGEST_SIDE: f32 = 15_000.0;

/// Bytes that drawing holds for each pixel, with the layers of groups and masks; recognising holds as
/// many, beside the grey page and what Tesseract copies of it.
const LAYERS: u64 = 16;
const GREY: u64 = 4;

/// Opens a document.
///
/// # Errors
/// `corrupt_source`, `unsupported` for one with a password.
pub(crate) fn open(bytes: Vec<u8>) -> Outcome<Pdf> {
    let pdf = guarded(|| Pdf::new(bytes))?.map_err(|error| match error {
        LoadPdfError::Decryption(_) => unsupported("the document is encrypted"),
        LoadPdfError::Invalid => corrupt("is no document that can be read"),
    })?;
    match guarded(|| pdf.pages().len())? {
        0 => Err(corrupt("the document has no pages")),
        _ => Ok(pdf),
    }
}

/// A page as it is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Drawing {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dpi: u32,
    /// Bytes that drawing and recognising it hold, with the largest picture that it shows.
    pub(crate) held: u64,
    scale: f32,
}

/// How a page is drawn with at most so many pixels, and why it cannot be, if so: then it is as large
/// as it says, or as paper usually is.
pub(crate) fn drawing(page: &Page<'_>, limits: &DecodeLimits, most: u64) -> (Drawing, Outcome<()>) {
    let size = guarded(|| page.render_dimensions());
    let (width, height) = size.clone().unwrap_or(PAPER);
    let drawing = fitted(width, height, most);
    let pictures = size.and_then(|_| guarded(|| held_by_pictures(limits, page))?);
    let pixels = bytes_of(drawing.width, drawing.height, 1);
    // Its pictures are gone when it is recognised.
    let held = |pictures: u64| pixels * LAYERS + pictures.max(pixels * GREY);
    match pictures {
        Ok(pictures) => {
            let held = held(pictures);
            (Drawing { held, ..drawing }, Ok(()))
        }
        Err(failure) => (drawing, Err(failure)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sides are between 1 and the longest, and a scale may be a little off"
)]
fn fitted(width: f32, height: f32, most: u64) -> Drawing {
    let (width, height) = (width.max(1.0), height.max(1.0));
    let by_area = (most as f32 / width / height).sqrt();
    let by_side = LONGEST_SIDE / width.max(height);
    let scale = (DPI / UNITS).min(by_area).min(by_side);
    let side = |units: f32| (units * scale).clamp(1.0, LONGEST_SIDE) as u32;
    Drawing {
        width: side(width),
        height: side(height),
        dpi: (scale * UNITS).round() as u32,
        held: 0,
        scale,
    }
}

/// The text that the page says itself, when that is good.
///
/// # Errors
/// `corrupt_source`.
pub(crate) fn text(page: &Page<'_>, drawing: &Drawing) -> Outcome<Option<Vec<TextBlock>>> {
    let scale = Affine::scale(f64::from(drawing.scale));
    let transform = scale * page.initial_transform(true).to_kurbo();
    guarded(|| layer::text_of(page, transform, (drawing.width, drawing.height)))
}

/// The page in grey, on white paper: one byte a pixel.
///
/// # Errors
/// `corrupt_source`.
pub(crate) fn draw(page: &Page<'_>, drawing: &Drawing) -> Outcome<Vec<u8>> {
    let paper = PixmapSettings {
        x_scale: drawing.scale,
        y_scale: drawing.scale,
        bg_color: WHITE,
    };
    let drawn = guarded(|| {
        render(
            page,
            &RenderCache::new(),
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &paper,
        )
    })?;
    let size = (u32::from(drawn.width()), u32::from(drawn.height()));
    if size != (drawing.width, drawing.height) {
        return Err(corrupt("the page was drawn with another size"));
    }
    let gray = |pixel: &hayro::vello_cpu::peniko::color::PremulRgba8| {
        vss_raster::luma(pixel.r, pixel.g, pixel.b)
    };
    Ok(drawn.data().iter().map(gray).collect())
}

/// Runs foreign code that may meet what it did not expect.
fn guarded<T>(run: impl FnOnce() -> T) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| corrupt("the document is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_two_hundred_dots_an_inch_or_as_many_as_fit() {
        let a4 = fitted(595.0, 842.0, 12_000_000);
        assert_eq!((a4.width, a4.height, a4.dpi), (1_652, 2_338, 200));
        let poster = fitted(8_400.0, 8_400.0, 12_000_000);
        assert!(poster.width == 3_464 && poster.dpi == 30, "{poster:?}");
        let strip = fitted(14_400.0, 3.0, 12_000_000);
        assert_eq!((strip.width, strip.height), (14_999, 3));
        let nothing = fitted(0.0, 0.0, 12_000_000);
        assert_eq!((nothing.width, nothing.height), (2, 2));
    }
}
