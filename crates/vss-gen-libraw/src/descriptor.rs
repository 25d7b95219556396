//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{GeneratorRef, Kind, MediaType};

/// Every media type that is read: all camera files that the generator of stills reads by their preview.
const INPUTS: [&str; 15] = [
    "image/x-adobe-dng",
    "image/x-canon-cr2",
    "image/x-canon-cr3",
    "image/x-epson-erf",
    "image/x-fuji-raf",
    "image/x-hasselblad-3fr",
    "image/x-kodak-dcr",
    "image/x-leica-rwl",
    "image/x-nikon-nef",
    "image/x-olympus-orf",
    "image/x-panasonic-rw2",
    "image/x-pentax-pef",
    "image/x-phaseone-iiq",
    "image/x-samsung-srw",
    "image/x-sony-arw",
];

/// A generator named `libraw`, version 1.0.0.
#[expect(
    clippy::expect_used,
    reason = "the names are constants; every test makes a generator"
)]
pub fn descriptor() -> GeneratorDescriptor {
    let inputs = INPUTS.iter().map(|name| name.parse());
    GeneratorDescriptor {
        generator: GeneratorRef {
            id: "libraw".parse().expect("a name of a generator"),
            version: Version::new(1, 0, 0),
        },
        abilities: vec![Ability {
            inputs: inputs
                .collect::<Result<Vec<MediaType>, _>>()
                .expect("names of media types"),
            kinds: vec![Kind::THUMB],
        }],
    }
}
