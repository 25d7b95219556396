//! The image generator keeps the contract of its port, whichever format the original has.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[expect(dead_code, reason = "the other test binary needs more of it")]
#[path = "stills/media.rs"]
mod media;

use std::sync::Arc;

use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_core::Format;
use vss_core::plan::{Recipe, StillRecipe};
use vss_gen_image::ImageGenerator;
use vss_ports::Generator;

struct Stills {
    media_type: &'static str,
    good: Vec<u8>,
    boastful: Vec<u8>,
}

impl Stills {
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

impl GeneratorHarness for Stills {
    fn fresh(&self) -> Arc<dyn Generator> {
        Arc::new(ImageGenerator::new())
    }

    fn good(&self) -> Sample {
        self.sample(&self.good)
    }

    fn mistaken(&self) -> Sample {
        self.sample(b"%PDF-1.7 is not a picture, whatever its name says, however long it is")
    }

    fn boastful(&self) -> Option<Sample> {
        Some(self.sample(&self.boastful))
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
    for (media_type, good, boastful) in media::samples() {
        let adapter = media_type.replace('/', "-");
        let harness = Stills {
            media_type,
            good,
            boastful,
        };
        let of_type = vss_conformance::generator::trials(&adapter, Arc::new(harness));
        trials.extend(of_type);
    }
    vss_conformance::run(trials);
}
