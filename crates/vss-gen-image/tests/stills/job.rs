//! Runs one job and looks at what came out.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use image::{ImageFormat, RgbaImage};
use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, StillRecipe};
use vss_gen_image::ImageGenerator;
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, JobUsage, Produced,
    Unlimited,
};

/// A thumbnail and what was said about it.
pub(crate) struct Thumb {
    pub(crate) produced: Produced,
    pub(crate) file: Vec<u8>,
    pub(crate) picture: RgbaImage,
}

impl Thumb {
    pub(crate) fn size(&self) -> (u32, u32) {
        assert_eq!(
            self.picture.dimensions(),
            (self.produced.width, self.produced.height)
        );
        self.picture.dimensions()
    }

    /// The colours in the middle of the four quadrants.
    pub(crate) fn quadrants(&self) -> [[u8; 4]; 4] {
        let (w, h) = self.picture.dimensions();
        [(1, 1), (3, 1), (1, 3), (3, 3)]
            .map(|(x, y)| self.picture.get_pixel(w * x / 4, h * y / 4).0)
    }

    /// Whether the quadrants have the colours of the test picture.
    pub(crate) fn shows_the_picture(&self, tolerance: u8) -> bool {
        let near = |(seen, expected): (&[u8; 4], &[u8; 3])| {
            let mut pairs = seen.iter().zip(expected);
            pairs.all(|(a, b)| a.abs_diff(*b) <= tolerance)
        };
        self.quadrants()
            .iter()
            .zip(&super::media::QUADRANTS)
            .all(near)
    }
}

/// Grants what is asked for, and remembers it.
#[derive(Default)]
struct Ledger(AtomicU64);

impl JobHost for Ledger {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

/// One thumbnail of bytes, if it can be made, and how many bytes were reserved for it.
pub(crate) fn reserved(media_type: &str, bytes: &[u8]) -> (Result<Thumb, GenerateFailure>, u64) {
    let host = Ledger::default();
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(bytes).unwrap();
    let all = thumbs_for(&ImageGenerator::new(), &source, media_type, &[64], &host);
    (all.map(|mut all| all.remove(0)), host.0.into_inner())
}

/// All thumbnails of a file from one job, in the order of `sides`.
pub(crate) fn thumbs_of(
    generator: &ImageGenerator,
    source: &File,
    media_type: &str,
    sides: &[u32],
) -> Result<Vec<Thumb>, GenerateFailure> {
    thumbs_for(generator, source, media_type, sides, &Unlimited)
}

fn thumbs_for(
    generator: &ImageGenerator,
    source: &File,
    media_type: &str,
    sides: &[u32],
    host: &dyn JobHost,
) -> Result<Vec<Thumb>, GenerateFailure> {
    let still = |side: &u32| {
        Recipe::Still(StillRecipe {
            max_side: *side,
            quality: 90,
        })
    };
    let recipes: Vec<_> = sides.iter().map(still).collect();
    let files: Vec<_> = sides
        .iter()
        .map(|_| tempfile::tempfile().unwrap())
        .collect();
    let output = |(recipe, file)| JobOutput {
        format: &Format::WEBP,
        recipe,
        file,
    };
    let outputs: Vec<_> = recipes.iter().zip(&files).map(output).collect();
    let produced = generator.generate(&GenerateJob {
        source,
        source_size: source.metadata().unwrap().len(),
        media_type: &media_type.parse().unwrap(),
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host,
        cancel: CancelToken::new(),
    })?;
    let thumb = |(produced, mut file): (Result<Produced, GenerateFailure>, &File)| {
        let produced = produced?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        let picture = image::load_from_memory_with_format(&bytes, ImageFormat::WebP).unwrap();
        Ok(Thumb {
            produced,
            file: bytes,
            picture: picture.into_rgba8(),
        })
    };
    produced.into_iter().zip(&files).map(thumb).collect()
}

/// The thumbnails of bytes.
pub(crate) fn thumbs(
    media_type: &str,
    bytes: &[u8],
    sides: &[u32],
) -> Result<Vec<Thumb>, GenerateFailure> {
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(bytes).unwrap();
    thumbs_of(&ImageGenerator::new(), &source, media_type, sides)
}

/// One thumbnail of bytes.
pub(crate) fn thumb(media_type: &str, bytes: &[u8], side: u32) -> Result<Thumb, GenerateFailure> {
    thumbs(media_type, bytes, &[side]).map(|mut all| all.remove(0))
}
