//! The generator of text keeps the contract of its port, for pictures and for documents.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[expect(dead_code, reason = "the other test binary needs more of it")]
#[path = "reading/media.rs"]
mod media;

use std::sync::Arc;

use vss_conformance::generator::{GeneratorHarness, Sample, Wanted};
use vss_core::Format;
use vss_core::plan::{Recipe, TextRecipe};
use vss_gen_tesseract::TesseractOcr;
use vss_ports::Generator;

struct Reading {
    media_type: &'static str,
    good: Vec<u8>,
    boastful: Vec<u8>,
}

impl Reading {
    fn sample(&self, bytes: &[u8]) -> Sample {
        Sample {
            media_type: self.media_type.parse().unwrap(),
            bytes: bytes.to_vec(),
        }
    }

    fn text(format: Format, max_pages: u32) -> Wanted {
        Wanted {
            format,
            recipe: Recipe::Text(TextRecipe {
                languages: vec!["eng".into()],
                max_pages,
            }),
        }
    }
}

impl GeneratorHarness for Reading {
    fn fresh(&self) -> Arc<dyn Generator> {
        Arc::new(TesseractOcr::load(None, &[vec!["eng".into()]]))
    }

    fn good(&self) -> Sample {
        self.sample(&self.good)
    }

    fn mistaken(&self) -> Sample {
        self.sample(b"neither a picture nor a document, whatever its name says of it")
    }

    fn boastful(&self) -> Option<Sample> {
        Some(self.sample(&self.boastful))
    }

    fn known(&self) -> Vec<Wanted> {
        [1, 2].map(|pages| Self::text(Format::JSON, pages)).into()
    }

    fn unknown(&self) -> Wanted {
        Self::text(Format::WEBP, 1)
    }
}

fn main() {
    let picture = media::picture();
    let samples = [
        ("image/png", media::png(&picture), media::boastful_png()),
        (
            "application/pdf",
            media::scanned(&picture, 0),
            media::boastful(),
        ),
    ];
    let mut trials = Vec::new();
    for (media_type, good, boastful) in samples {
        let adapter = media_type.replace('/', "-");
        let harness = Reading {
            media_type,
            good,
            boastful,
        };
        trials.extend(vss_conformance::generator::trials(
            &adapter,
            Arc::new(harness),
        ));
    }
    vss_conformance::run(trials);
}
