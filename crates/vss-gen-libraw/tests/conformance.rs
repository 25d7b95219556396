//! The generator of camera files keeps the contract of its port, whether a file is developed or has a
//! preview that is too small.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[expect(dead_code, reason = "the other test binary needs more of it")]
#[path = "developing/media.rs"]
mod media;

use std::sync::Arc;

use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_core::Format;
use vss_core::plan::{Recipe, StillRecipe};
use vss_gen_libraw::LibRawGenerator;
use vss_ports::Generator;

use media::{CameraFile, orange};

struct Files {
    media_type: &'static str,
    good: CameraFile,
}

impl Files {
    fn sample(&self, bytes: Vec<u8>) -> Sample {
        Sample {
            media_type: self.media_type.parse().unwrap(),
            bytes,
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

impl GeneratorHarness for Files {
    fn fresh(&self) -> Arc<dyn Generator> {
        Arc::new(LibRawGenerator::new())
    }

    fn good(&self) -> Sample {
        self.sample(self.good.bytes())
    }

    fn mistaken(&self) -> Sample {
        self.sample(
            b"%PDF-1.7 is no camera file, whatever its name says, however long it is".to_vec(),
        )
    }

    fn boastful(&self) -> Option<Sample> {
        let file = CameraFile {
            claim: Some((60_000, 50_000)),
            preview: Vec::new(),
            ..self.good.clone()
        };
        Some(self.sample(file.bytes()))
    }

    fn known(&self) -> Vec<Wanted> {
        [20, 40, 128]
            .map(|side| Self::still(Format::WEBP, side))
            .into()
    }

    fn unknown(&self) -> Wanted {
        Self::still(Format::JSON, 128)
    }
}

fn main() {
    let mut trials = Vec::new();
    for (name, media_type, preview, dng) in [
        ("developed", "image/x-nikon-nef", Vec::new(), false),
        ("small-preview", "image/x-pentax-pef", orange(40, 30), false),
        ("large-preview", "image/x-nikon-nef", orange(128, 96), false),
        ("dng", "image/x-adobe-dng", Vec::new(), true),
    ] {
        let good = CameraFile {
            size: (256, 192),
            preview,
            dng,
            ..CameraFile::default()
        };
        let harness = Files { media_type, good };
        let of_file = vss_conformance::generator::trials(name, Arc::new(harness));
        trials.extend(of_file);
    }
    vss_conformance::run(trials);
}
