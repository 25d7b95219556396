//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::Kind;
use vss_core::plan::GeneratorDescriptor;

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
pub fn descriptor() -> GeneratorDescriptor {
    GeneratorDescriptor::of(
        "tesseract",
        Version::new(1, 1, 0),
        &[(&INPUTS, &[Kind::OCR])],
    )
}
