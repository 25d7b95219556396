//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{GeneratorRef, Kind, MediaType};

/// Every media type that is read: those of stills that people scan to, and documents.
const INPUTS: [&str; 11] = [
    "image/jpeg",
    "image/png",
    "image/apng",
    "image/webp",
    "image/gif",
    "image/bmp",
    "image/x-ms-bmp",
    "image/x-bmp",
    "image/tiff",
    "image/x-tiff-big",
    PDF,
];

/// The documents that are read.
pub(crate) const PDF: &str = "application/pdf";

/// A generator named `tesseract`, version 1.1.0.
#[expect(
    clippy::expect_used,
    reason = "the names are constants; every test makes a generator"
)]
pub fn descriptor() -> GeneratorDescriptor {
    let inputs = INPUTS.iter().map(|name| name.parse());
    GeneratorDescriptor {
        generator: GeneratorRef {
            id: "tesseract".parse().expect("a name of a generator"),
            version: Version::new(1, 1, 0),
        },
        abilities: vec![Ability {
            inputs: inputs
                .collect::<Result<Vec<MediaType>, _>>()
                .expect("names of media types"),
            kinds: vec![Kind::OCR],
        }],
    }
}
