//! One job at a generator, and its answer as a document.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, TextRecipe};
use vss_core::text::TextDocument;
use vss_gen_tesseract::TesseractOcr;
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, Unlimited,
};

pub(crate) fn english() -> TesseractOcr {
    TesseractOcr::load(None, &[vec!["eng".into()]])
}

pub(crate) fn recipe(languages: &[&str], max_pages: u32) -> Recipe {
    Recipe::Text(TextRecipe {
        languages: languages.iter().map(|&language| language.into()).collect(),
        max_pages,
    })
}

pub(crate) fn read(media_type: &str, bytes: &[u8]) -> TextDocument {
    run(&english(), media_type, bytes, &recipe(&["eng"], 50)).unwrap()
}

pub(crate) fn run(
    generator: &dyn Generator,
    media_type: &str,
    bytes: &[u8],
    recipe: &Recipe,
) -> Result<TextDocument, GenerateFailure> {
    run_for(
        generator,
        media_type,
        bytes,
        recipe,
        &Unlimited,
        &CancelToken::new(),
    )
}

pub(crate) fn run_for(
    generator: &dyn Generator,
    media_type: &str,
    bytes: &[u8],
    recipe: &Recipe,
    host: &dyn JobHost,
    cancel: &CancelToken,
) -> Result<TextDocument, GenerateFailure> {
    whole(generator, media_type, bytes, recipe, host, cancel).map(|(document, _)| document)
}

/// With what is missing of it.
pub(crate) fn whole(
    generator: &dyn Generator,
    media_type: &str,
    bytes: &[u8],
    recipe: &Recipe,
    host: &dyn JobHost,
    cancel: &CancelToken,
) -> Result<(TextDocument, Option<String>), GenerateFailure> {
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(bytes).unwrap();
    let mut answer: File = tempfile::tempfile().unwrap();
    let made = generator.generate(&GenerateJob {
        source: &source,
        source_size: bytes.len() as u64,
        media_type: &media_type.parse().unwrap(),
        limits: DecodeLimits::default(),
        outputs: &[JobOutput {
            format: &Format::JSON,
            recipe,
            file: &answer,
        }],
        host,
        cancel: cancel.clone(),
    })?;
    let made = made.into_iter().next().unwrap()?;
    let mut json = String::new();
    answer.seek(SeekFrom::Start(0)).unwrap();
    answer.read_to_string(&mut json).unwrap();
    Ok((serde_json::from_str(&json).unwrap(), made.degraded))
}
