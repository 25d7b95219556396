//! The first page of a PDF on white paper, drawn at the size of the largest still, upright as its
//! `/Rotate` says. Its pictures are held against the limits before anything is drawn.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{
    Pixmap, RasterizerSettings, RenderContext, Resources as Caches, TargetInit,
};
use hayro::{RenderCache, RenderSettings};
use vss_ports::GenerateFailure;

use crate::decoded::{Decoded, Layout, fit};
use crate::failure::{Outcome, corrupt, unsupported};
use crate::limits::{self, Room};
use crate::pictures::held_by_pictures;
use crate::scratch::Scratch;
use crate::source::Source;

/// Layers that drawing may hold beside the page; groups and masks need one each.
const LAYERS: u64 = 4;

/// Draws into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported` (a password), `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let mut data = Vec::new();
    source.read_whole(&mut data)?;
    let pdf = Pdf::new(data).map_err(failure)?;
    let page = pdf.pages().first();
    let page = page.ok_or_else(|| corrupt("has no page"))?;
    let paper = page.render_dimensions();
    let (width, height) = limits::drawn(paper, largest.min(u32::from(u16::MAX)));
    limits::check_size(room.limits, width, height)?;
    let bytes = limits::bytes_of(width, height, 4);
    limits::check_bytes(room.limits, bytes)?;
    let held = held_by_pictures(room.limits, page)?;
    room.host
        .reserve(held.saturating_add(bytes.saturating_mul(LAYERS)))?;

    let pixmap = draw(page, paper, (width, height))?;
    let canvas = fit(&mut scratch.decoded, bytes_of_rgb(&pixmap))?;
    let (pixels, _) = pixmap.data_as_u8_slice().as_chunks::<4>();
    let (canvas, _) = canvas.as_chunks_mut::<3>();
    // On white paper nothing is transparent.
    for ([r, g, b, _], to) in pixels.iter().zip(canvas) {
        *to = [*r, *g, *b];
    }
    Ok(Decoded::unscaled(width, height, Layout::Rgb))
}

fn bytes_of_rgb(pixmap: &Pixmap) -> usize {
    usize::from(pixmap.width()) * usize::from(pixmap.height()) * 3
}

fn draw(page: &Page<'_>, paper: (f32, f32), (width, height): (u32, u32)) -> Outcome<Pixmap> {
    let side = |side: u32| u16::try_from(side).map_err(unsupported);
    let mut context = RenderContext::new(side(width)?, side(height)?);
    let scale = Affine::scale_non_uniform(
        f64::from(width) / f64::from(paper.0),
        f64::from(height) / f64::from(paper.1),
    );
    let [a, b, c, d, e, f] = page.initial_transform(true).as_coeffs();
    hayro::render_into(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &mut context,
        scale * Affine::new([a, b, c, d, e, f]),
    );
    context.flush();
    let mut pixmap = Pixmap::new(context.width(), context.height());
    let paper = RasterizerSettings {
        target_init: TargetInit::Clear(WHITE),
        ..RasterizerSettings::default()
    };
    context.render_with(&mut pixmap, &mut Caches::default(), paper);
    Ok(pixmap)
}

fn failure(error: LoadPdfError) -> GenerateFailure {
    match error {
        LoadPdfError::Decryption(_) => unsupported("the PDF wants a password"),
        LoadPdfError::Invalid => corrupt("no page can be found in the PDF"),
    }
}
