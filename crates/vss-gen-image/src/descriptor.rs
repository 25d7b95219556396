//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{GeneratorRef, Kind, MediaType};

/// Every media type that is read. Some formats go by several names; the first is the registered
/// or the usual one.
pub(crate) const INPUTS: [&str; 12] = [
    "image/jpeg",
    "image/png",
    // What sniffers call a PNG with more than one frame; the first is a plain PNG.
    "image/apng",
    "image/webp",
    "image/gif",
    "image/bmp",
    "image/x-ms-bmp",
    "image/x-bmp",
    "image/tiff",
    "image/x-tiff-big",
    "image/vnd.microsoft.icon",
    "image/x-icon",
];

/// A generator named `image`, version 1.0.0.
#[expect(
    clippy::expect_used,
    reason = "the names are constants; every test makes a generator"
)]
pub fn descriptor() -> GeneratorDescriptor {
    let inputs = INPUTS.iter().map(|name| name.parse());
    GeneratorDescriptor {
        generator: GeneratorRef {
            id: "image".parse().expect("a name of a generator"),
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
