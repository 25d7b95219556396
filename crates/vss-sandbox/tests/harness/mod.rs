//! A sandboxed generator of stills over any worker program, and originals for it.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{ImageFormat, Rgb, RgbImage};
use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_core::Format;
use vss_core::plan::{Recipe, StillRecipe};
use vss_ports::Generator;
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

struct Sandboxed {
    program: PathBuf,
    arguments: Vec<OsString>,
    media_type: &'static str,
    good: Vec<u8>,
    boastful: Option<Vec<u8>>,
}

impl Sandboxed {
    fn sample(&self, bytes: &[u8]) -> Sample {
        Sample {
            media_type: self.media_type.parse().unwrap(),
            bytes: bytes.to_vec(),
        }
    }

    fn still(format: Format, max_side: u32) -> Wanted {
        let quality = 80;
        Wanted {
            format,
            recipe: Recipe::Still(StillRecipe { max_side, quality }),
        }
    }
}

impl GeneratorHarness for Sandboxed {
    fn fresh(&self) -> Arc<dyn Generator> {
        let settings = WorkerSettings {
            arguments: self.arguments.clone(),
            ..WorkerSettings::image(vss_gen_image::descriptor(), self.program.clone())
        };
        Arc::new(SandboxedGenerator::new(settings))
    }

    fn good(&self) -> Sample {
        self.sample(&self.good)
    }

    fn mistaken(&self) -> Sample {
        self.sample(b"%PDF-1.7 is not a picture, whatever its name says, however long it is")
    }

    fn boastful(&self) -> Option<Sample> {
        self.boastful.as_deref().map(|bytes| self.sample(bytes))
    }

    fn known(&self) -> Vec<Wanted> {
        // More than a worker's usual room for descriptors.
        (10..30)
            .map(|side| Self::still(Format::WEBP, side))
            .collect()
    }

    fn unknown(&self) -> Wanted {
        Self::still(Format::JSON, 128)
    }
}

/// Runs the contract over a worker.
pub(crate) fn run(program: &Path, arguments: &[OsString]) -> ! {
    let picture = RgbImage::from_fn(200, 150, |x, y| {
        let shade = |n: u32| u8::try_from(n % 251).unwrap();
        Rgb([shade(x), shade(y), shade(x * y)])
    });
    let encoded = |format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    // The header claims 65,000 x 65,000 pixels; what follows is of no such picture.
    let mut boastful = encoded(ImageFormat::Jpeg);
    let frame = boastful.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    boastful[frame + 5..frame + 9].copy_from_slice(&[0xfd, 0xe8, 0xfd, 0xe8]);
    let mut trials = Vec::new();
    for (media_type, good, boastful) in [
        ("image/jpeg", encoded(ImageFormat::Jpeg), Some(boastful)),
        ("image/png", encoded(ImageFormat::Png), None),
    ] {
        let harness = Sandboxed {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            media_type,
            good,
            boastful,
        };
        let adapter = media_type.replace('/', "-");
        trials.extend(vss_conformance::generator::trials(
            &adapter,
            Arc::new(harness),
        ));
    }
    vss_conformance::run(trials)
}
