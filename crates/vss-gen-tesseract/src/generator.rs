//! The generator itself: a job from its first check to its last written byte.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use vss_core::Format;
use vss_core::plan::{GeneratorDescriptor, Recipe, TextRecipe};
use vss_core::text::{TextDocument, TextEngine, TextPage};
use vss_ports::{GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, JobUsage, Produced};
use vss_raster::failure::{Outcome, cancelled, corrupt, unsupported, unwritable};
use vss_raster::{Gray, Pool, Room, Scratch, Source};

use crate::descriptor::{PDF, descriptor};
use crate::models::Models;
use crate::page::{Sheet, upright};
use crate::tess::{LONGEST_SIDE, Tess};
use crate::{density, document};

/// Pixels of a page that are recognised; larger ones are made smaller. An A4 page of 300 dots an
/// inch has 9 million.
pub(crate) const MOST_PIXELS: u64 = 12_000_000;
/// Bytes that recognising holds for each pixel.
const BYTES_A_PIXEL: u64 = 16;
/// Words after which whoever waits is told that it goes on.
const WORDS_A_SIGN: u32 = 32;

/// Recognises text with Tesseract, and takes it from documents that say it themselves.
///
/// One page is recognised at a time; who wants more runs more of them.
#[derive(Debug)]
pub struct TesseractOcr {
    descriptor: GeneratorDescriptor,
    models: Mutex<Models>,
    pool: Pool,
}

impl TesseractOcr {
    /// A generator that reads these sets of languages, as far as they are installed, and no
    /// others: what is loaded is loaded here. `tessdata` is the folder to load from, in place of
    /// the library's own.
    pub fn load(tessdata: Option<&Path>, sets: &[Vec<String>]) -> Self {
        Self {
            descriptor: descriptor(),
            models: Mutex::new(Models::load(tessdata, sets)),
            pool: Pool::default(),
        }
    }

    /// The version of Tesseract.
    pub fn version(&self) -> String {
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.version.clone()
    }

    /// The languages that are installed in the folder that was loaded from.
    pub fn installed(&self) -> Vec<String> {
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.installed().to_vec()
    }
}

impl Generator for TesseractOcr {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        if job.cancel.is_cancelled() {
            return Err(cancelled());
        }
        if !self.descriptor.reads(job.media_type) {
            return Err(unsupported(format!("{} is not read", job.media_type)));
        }
        if job.source_size == 0 {
            return Err(corrupt("the file is empty"));
        }
        // A job that panicked left a page behind, which the next one replaces.
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if job.media_type.as_str() == PDF {
            return document::answers(job, &mut models);
        }
        let mut scratch = self.pool.take();
        let answers = picture(job, &mut models, &mut scratch);
        self.pool.give_back(scratch);
        answers
    }
}

/// An answer for each output of a job.
pub(crate) type Answers = Outcome<Vec<Outcome<Produced>>>;

/// What is wanted for an output.
///
/// # Errors
/// `unsupported` for what is no text.
pub(crate) fn recipe_of<'a>(output: &'a JobOutput<'_>) -> Outcome<&'a TextRecipe> {
    match output.recipe {
        Recipe::Text(text) if *output.format == Format::JSON => Ok(text),
        Recipe::Text(_) => Err(unsupported(format!("text as {}", output.format))),
        other => Err(unsupported(format!("the recipe {other:?}"))),
    }
}

/// A job whose original is a picture: one page.
fn picture(job: &GenerateJob<'_>, models: &mut Models, scratch: &mut Scratch) -> Answers {
    let source = Source::new(job.source, job.source_size);
    let host = Thinking(job.host);
    let room = Room {
        limits: &job.limits,
        host: &host,
    };
    let decoded = vss_raster::decode(job.media_type, &source, &room, LONGEST_SIDE, scratch)?;
    let dpi = density::dpi(&source)?;
    job.host.progressed();
    let size = decoded.upright();
    let gray = vss_raster::gray(&decoded, longest_side(size), scratch)?;
    let sheet = |recipe: &TextRecipe| Sheet {
        number: 1,
        seen: (gray.width, gray.height),
        size,
        dpi,
        several_languages: recipe.languages.len() > 1,
    };
    each(job, models, |recipe, reader| {
        let page = recognise(sheet(recipe), gray, reader, job)?;
        Ok((vec![page], 1, decoded.degraded.clone()))
    })
}

/// Pages, how many the original has, and what was lost of it.
pub(crate) type Read = (Vec<TextPage>, u32, Option<String>);

/// Answers every output, in the order of the job, from what `read` says for its recipe.
///
/// # Errors
/// `timeout` once cancelled.
pub(crate) fn each(
    job: &GenerateJob<'_>,
    models: &mut Models,
    mut read: impl FnMut(&TextRecipe, &mut Tess) -> Outcome<Read>,
) -> Answers {
    let mut answers = Vec::with_capacity(job.outputs.len());
    for output in job.outputs {
        let engine = TextEngine {
            name: "tesseract".into(),
            version: models.version.clone(),
        };
        let answer = recipe_of(output).and_then(|recipe| {
            let (pages, count, degraded) = read(recipe, models.reader(&recipe.languages)?)?;
            let languages = recipe.languages.clone();
            write(output, &TextDocument::new(engine, languages, count, pages))?;
            Ok(Produced {
                width: 0,
                height: 0,
                degraded,
            })
        });
        if job.cancel.is_cancelled() {
            return Err(cancelled());
        }
        job.host.progressed();
        answers.push(answer);
    }
    Ok(answers)
}

/// Reads a picture of a page.
///
/// # Errors
/// As [`Tess::recognise`].
pub(crate) fn recognise(
    sheet: Sheet,
    gray: Gray<'_>,
    reader: &mut Tess,
    job: &GenerateJob<'_>,
) -> Outcome<TextPage> {
    // Paper of one colour: there is nothing to look for.
    let blank = gray
        .pixels
        .iter()
        .all(|pixel| Some(pixel) == gray.pixels.first());
    if blank {
        return Ok(upright(sheet, &[]));
    }
    let mut words = 0_u32;
    let mut go_on = || {
        words = words.wrapping_add(1);
        if words.is_multiple_of(WORDS_A_SIGN) {
            job.host.progressed();
        }
        !job.cancel.is_cancelled()
    };
    let scaled = sheet.dpi.map(|dpi| {
        let (seen, size) = (u64::from(sheet.seen.0), u64::from(sheet.size.0.max(1)));
        u32::try_from(u64::from(dpi) * seen / size).unwrap_or(dpi)
    });
    let seen = reader.recognise(gray, scaled, &mut go_on)?;
    Ok(upright(sheet, &seen))
}

/// The longer side with which a picture has no more than [`MOST_PIXELS`].
fn longest_side((width, height): (u32, u32)) -> u32 {
    let longer = u64::from(width.max(height));
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= MOST_PIXELS {
        return LONGEST_SIDE;
    }
    let side = (longer * longer).saturating_mul(MOST_PIXELS) / pixels;
    u32::try_from(side.isqrt()).map_or(LONGEST_SIDE, |side| side.clamp(1, LONGEST_SIDE))
}

fn write(output: &JobOutput<'_>, document: &TextDocument) -> Outcome<()> {
    let json = serde_json::to_vec(document).map_err(corrupt)?;
    let written = output.file.write_all_at(&json, 0);
    written.map_err(|error| unwritable(&error))
}

/// Asks for the memory of recognising together with that of decoding.
struct Thinking<'a>(&'a dyn JobHost);

impl JobHost for Thinking<'_> {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        let most = MOST_PIXELS * BYTES_A_PIXEL;
        self.0
            .reserve(bytes.saturating_add(most.min(bytes.saturating_mul(BYTES_A_PIXEL))))
    }

    fn progressed(&self) {
        self.0.progressed();
    }

    fn used(&self, usage: JobUsage) {
        self.0.used(usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_made_as_small_as_can_be_recognised() {
        assert_eq!(longest_side((4_000, 3_000)), LONGEST_SIDE);
        assert_eq!(longest_side((8_000, 6_000)), 4_000);
        assert_eq!(longest_side((60_000, 1_600)), 21_213);
        assert_eq!(longest_side((0, 0)), LONGEST_SIDE);
    }
}
