//! The picture of a page as a JPEG: the original itself where that can be shown as it is, else one
//! that the worker of stills makes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, StillRecipe};
use vss_core::text::TextPage;
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobOutput, OpenOriginal, Unlimited,
};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

use super::jpeg::{self, Jpeg};
use crate::failure::{Exit, Failure};
use crate::wiring::{self, App};

/// An original that is larger is not held in memory.
const LARGEST: u64 = 128 << 20;
/// The longer side of a picture that is made, in pixels: A4 at 800 dots an inch.
const LONGEST_SIDE: u32 = 10_000;
/// Letters have hard edges.
const QUALITY: u8 = 90;

/// The picture of a page, whatever format its original has.
pub(super) async fn of(
    app: &App,
    original: OpenOriginal,
    page: &TextPage,
) -> Result<Jpeg, Failure> {
    let path = original.path.display().to_string();
    let worker = wiring::image_worker(app.config.sandbox.require)?;
    let limits = app.engine.settings().policy.limits;
    let page = page.clone();
    let made = tokio::task::spawn_blocking(move || {
        let shown = as_it_is(&original, &page);
        shown.map_or_else(|| made(&original, &page, worker, limits), Ok)
    });
    let made = made
        .await
        .map_err(|death| Failure::internal("show the picture", death))?;
    made.map_err(|why| {
        let message = format!("{path} could not be shown ({}): {}", why.class, why.detail);
        Failure::new(Exit::Failure, message).remedy(why.class.remedy())
    })
}

/// The original, when it is a JPEG that every viewer decodes and that has the size of the page.
fn as_it_is(original: &OpenOriginal, page: &TextPage) -> Option<Jpeg> {
    if original.media_type.as_str() != "image/jpeg" || original.size > LARGEST {
        return None;
    }
    let jpeg = jpeg::read(&content(&original.file).ok()?)?;
    let turned = (jpeg.orientation >= 5) != matches!(page.rotation, 90 | 270);
    let (width, height) = match turned {
        true => (jpeg.height, jpeg.width),
        false => (jpeg.width, jpeg.height),
    };
    ((width, height) == (page.width, page.height)).then_some(jpeg)
}

/// One that a confined worker makes: upright as the original says.
fn made(
    original: &OpenOriginal,
    page: &TextPage,
    worker: WorkerSettings,
    limits: DecodeLimits,
) -> Result<Jpeg, GenerateFailure> {
    use vss_core::FailureClass::{Crash, TransientIo};
    let failure = |class, why: &dyn ToString| GenerateFailure::new(class, why.to_string());
    let file = tempfile::tempfile().map_err(|error| failure(TransientIo, &error))?;
    let recipe = Recipe::Still(StillRecipe {
        max_side: page.width.max(page.height).clamp(1, LONGEST_SIDE),
        quality: QUALITY,
    });
    let answers = SandboxedGenerator::new(worker).generate(&GenerateJob {
        source: &original.file,
        source_size: original.size,
        media_type: &original.media_type,
        limits,
        outputs: &[JobOutput {
            format: &Format::JPEG,
            recipe: &recipe,
            file: &file,
        }],
        host: &Unlimited,
        cancel: CancelToken::new(),
    })?;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let bytes = content(&file).map_err(|error| failure(TransientIo, &error))?;
    jpeg::read(&bytes).ok_or_else(|| failure(Crash, &"what the worker made is no JPEG"))
}

fn content(mut file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
