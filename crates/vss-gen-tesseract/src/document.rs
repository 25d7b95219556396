//! A job whose original is a document: page by page, and one that cannot be read does not cost the
//! others.

use hayro::hayro_syntax::page::Page;
use vss_core::FailureClass;
use vss_core::plan::TextRecipe;
use vss_core::text::{TextBlock, TextPage, TextSource};
use vss_ports::{GenerateFailure, GenerateJob};
use vss_raster::failure::{Outcome, cancelled, too_large};
use vss_raster::{Gray, Source};

use crate::generator::{Answers, MOST_PIXELS, Read, each, recipe_of, recognise};
use crate::models::Models;
use crate::page::Sheet;
use crate::pdf::{self, Drawing};
use crate::tess::Tess;
use crate::words::mean_confidence;

/// Bytes of a document: it is held in memory.
const LARGEST: u64 = 200 << 20;
/// Pages without text that are told one by one.
const NAMED: usize = 10;

/// Answers every output.
///
/// # Errors
/// `too_large`, `corrupt_source`, `unsupported`, `transient_io`, `timeout` once cancelled; the host's
/// failure when it refuses the memory.
pub(crate) fn answers(job: &GenerateJob<'_>, models: &mut Models) -> Answers {
    if job.source_size > LARGEST {
        return Err(too_large(format!(
            "a document of {} bytes: it may have {LARGEST}",
            job.source_size
        )));
    }
    let mut bytes = Vec::new();
    let source = Source::new(job.source, job.source_size);
    source.read_range(0, job.source_size, &mut bytes)?;
    let opened = pdf::open(bytes)?;
    let pages = opened.pages();
    let recipes = job
        .outputs
        .iter()
        .filter_map(|output| recipe_of(output).ok());
    let most = recipes.map(|recipe| recipe.max_pages).max().unwrap_or(1);
    let drawings: Vec<_> = pages
        .iter()
        .zip(0..most)
        .map(|(page, _)| pdf::drawing(page, &job.limits, MOST_PIXELS))
        .collect();
    if let Some((_, Err(failure))) = drawings.first()
        && drawings.iter().all(|(_, fit)| fit.is_err())
    {
        return Err(failure.clone());
    }
    let held = drawings.iter().map(|(drawing, _)| drawing.held).max();
    job.host
        .reserve(job.source_size.saturating_add(held.unwrap_or(0)))?;
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    each(job, models, |recipe, reader| {
        let mut read = Vec::new();
        let mut lost = Vec::new();
        for ((page, (drawing, fit)), number) in
            pages.iter().zip(&drawings).zip(1..=recipe.max_pages)
        {
            if job.cancel.is_cancelled() {
                return Err(cancelled());
            }
            let text = match fit {
                Ok(()) => text_of(page, *drawing, number, recipe, reader, job),
                Err(failure) => Err(failure.clone()),
            };
            job.host.progressed();
            read.push(match text {
                Ok(text) => text,
                Err(failure) if is_of_the_page(failure.class) => {
                    lost.push((number, failure));
                    saying(number, *drawing, TextSource::Ocr, Vec::new())
                }
                Err(failure) => return Err(failure),
            });
        }
        let degraded = match lost.first() {
            Some((_, failure)) if lost.len() == read.len() => return Err(failure.clone()),
            _ => told(&lost),
        };
        Ok::<Read, _>((read, count, degraded))
    })
}

/// One page: what it says itself, when that is good, else what is recognised in it.
fn text_of(
    page: &Page<'_>,
    drawing: Drawing,
    number: u32,
    recipe: &TextRecipe,
    reader: &mut Tess,
    job: &GenerateJob<'_>,
) -> Outcome<TextPage> {
    if let Some(blocks) = pdf::text(page, &drawing)? {
        return Ok(saying(number, drawing, TextSource::Text, blocks));
    }
    let pixels = pdf::draw(page, &drawing)?;
    let size = (drawing.width, drawing.height);
    let gray = Gray {
        width: drawing.width,
        height: drawing.height,
        pixels: &pixels,
    };
    let sheet = Sheet {
        number,
        seen: size,
        size,
        dpi: Some(drawing.dpi),
        several_languages: recipe.languages.len() > 1,
    };
    recognise(sheet, gray, reader, job)
}

fn saying(number: u32, drawing: Drawing, source: TextSource, blocks: Vec<TextBlock>) -> TextPage {
    TextPage {
        number,
        source,
        width: drawing.width,
        height: drawing.height,
        dpi: Some(drawing.dpi),
        rotation: 0,
        confidence: mean_confidence(&blocks),
        blocks,
    }
}

/// Whether a failure says something of one page only; the others are of the job or the machine.
fn is_of_the_page(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::CorruptSource | FailureClass::Unsupported | FailureClass::TooLarge
    )
}

/// What is missing, in words.
fn told(lost: &[(u32, GenerateFailure)]) -> Option<String> {
    let (_, failure) = lost.first()?;
    let numbers: Vec<_> = lost
        .iter()
        .take(NAMED)
        .map(|(n, _)| n.to_string())
        .collect();
    let more = match lost.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let pages = if lost.len() == 1 { "page" } else { "pages" };
    Some(format!(
        "no text of {pages} {}{more}: {}",
        numbers.join(", "),
        failure.detail
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_raster::failure::corrupt;

    #[test]
    fn lost_pages_are_named_and_many_of_them_counted() {
        let lost = |numbers: std::ops::RangeInclusive<u32>| {
            let lost: Vec<_> = numbers.map(|number| (number, corrupt("torn"))).collect();
            told(&lost)
        };
        assert_eq!(told(&[]), None);
        assert_eq!(lost(7..=7).unwrap(), "no text of page 7: torn");
        assert_eq!(
            lost(1..=12).unwrap(),
            "no text of pages 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more: torn"
        );
    }
}
