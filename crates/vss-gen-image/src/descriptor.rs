//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{GeneratorRef, Kind, MediaType};

/// Every media type that is read. Some formats go by several names; the first is the registered
/// or the usual one.
pub(crate) const INPUTS: &[&str] = &[
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
    "image/heic",
    "image/heif",
    "image/avif",
    "image/jxl",
    "image/jp2",
    "image/jpx",
    "image/j2c",
    "image/x-j2c",
    "image/svg+xml",
    "image/svg+xml-compressed",
    "image/vnd.adobe.photoshop",
    "application/vnd.adobe.photoshop",
    "image/vnd.radiance",
    "image/x-exr",
    "image/qoi",
    "image/x-tga",
    "image/x-portable-anymap",
    "image/x-portable-arbitrarymap",
    "image/x-portable-bitmap",
    "image/x-portable-graymap",
    "image/x-portable-pixmap",
    // Camera files, by their preview; a DNG without one is developed. Where there is a worker for them,
    // it has them all.
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
    // Its first page.
    "application/pdf",
];

/// A generator named `image`, version 1.4.0.
#[expect(
    clippy::expect_used,
    reason = "the names are constants; every test makes a generator"
)]
pub fn descriptor() -> GeneratorDescriptor {
    let inputs = INPUTS.iter().map(|name| name.parse());
    GeneratorDescriptor {
        generator: GeneratorRef {
            id: "image".parse().expect("a name of a generator"),
            version: Version::new(1, 4, 0),
        },
        abilities: vec![Ability {
            inputs: inputs
                .collect::<Result<Vec<MediaType>, _>>()
                .expect("names of media types"),
            kinds: vec![Kind::THUMB],
        }],
    }
}
