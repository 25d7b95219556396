//! Runs one job and looks at what came out.

use std::io::{Read, Seek, SeekFrom, Write};

use image::{ImageFormat, RgbImage};
use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, StillRecipe};
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, Produced, Unlimited,
};

use super::media::QUADRANTS;

/// A thumbnail and what was said about it.
pub(crate) struct Thumb {
    pub(crate) produced: Produced,
    pub(crate) picture: RgbImage,
}

impl Thumb {
    pub(crate) fn size(&self) -> (u32, u32) {
        let said = (self.produced.width, self.produced.height);
        assert_eq!(self.picture.dimensions(), said);
        said
    }

    /// The colours in the middle of the four quadrants.
    pub(crate) fn quadrants(&self) -> [[u8; 3]; 4] {
        let (w, h) = self.picture.dimensions();
        [(1, 1), (3, 1), (1, 3), (3, 3)]
            .map(|(x, y)| self.picture.get_pixel(w * x / 4, h * y / 4).0)
    }

    /// Whether the quadrants have the colours of the test picture.
    pub(crate) fn shows_the_picture(&self, tolerance: u8) -> bool {
        let near = |(seen, expected): (&[u8; 3], &[u8; 3])| {
            let mut pairs = seen.iter().zip(expected);
            pairs.all(|(a, b)| a.abs_diff(*b) <= tolerance)
        };
        self.quadrants().iter().zip(&QUADRANTS).all(near)
    }

    /// Whether it was made of the preview of the test files.
    pub(crate) fn is_orange(&self) -> bool {
        let mut quadrants = self.quadrants().into_iter();
        quadrants.all(|[r, g, b]| r > 230 && (110..170).contains(&g) && b < 60)
    }
}

/// How a job is run.
pub(crate) struct Job<'a> {
    pub(crate) limits: DecodeLimits,
    pub(crate) host: &'a dyn JobHost,
    pub(crate) cancel: CancelToken,
}

impl Default for Job<'_> {
    fn default() -> Self {
        Self {
            limits: DecodeLimits::default(),
            host: &Unlimited,
            cancel: CancelToken::new(),
        }
    }
}

impl Job<'_> {
    /// One thumbnail of bytes.
    pub(crate) fn thumb(
        self,
        generator: &dyn Generator,
        media_type: &str,
        bytes: &[u8],
        side: u32,
    ) -> Result<Thumb, GenerateFailure> {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(bytes).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let made = generator.generate(&GenerateJob {
            source: &source,
            source_size: bytes.len() as u64,
            media_type: &media_type.parse().unwrap(),
            limits: self.limits,
            outputs: &[JobOutput {
                format: &Format::WEBP,
                recipe: &Recipe::Still(StillRecipe {
                    max_side: side,
                    quality: 90,
                }),
                file: &file,
            }],
            host: self.host,
            cancel: self.cancel,
        });
        let produced = made.and_then(|made| made.into_iter().next().unwrap());
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        if produced.is_err() {
            assert!(bytes.is_empty(), "a failed job left something");
        }
        let produced = produced?;
        let picture = image::load_from_memory_with_format(&bytes, ImageFormat::WebP).unwrap();
        Ok(Thumb {
            produced,
            picture: picture.into_rgb8(),
        })
    }
}
