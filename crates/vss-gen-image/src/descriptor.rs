//! What the generator reads and makes, known without its engine.

use semver::Version;
use vss_core::plan::GeneratorDescriptor;
use vss_core::{Kind, MediaType};

/// Every media type that is read, besides camera files. Some formats go by several names; the first is
/// the registered or the usual one.
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
    // Its first page.
    "application/pdf",
];

/// A generator named `image`, version 1.4.0. Camera files are read by their preview; a DNG without one is
/// developed. Where there is a worker for camera files, it has them all.
pub fn descriptor() -> GeneratorDescriptor {
    let abilities: &[(&[&str], &[Kind])] = &[
        (INPUTS, &[Kind::THUMB]),
        (MediaType::CAMERA_FILES, &[Kind::THUMB]),
    ];
    GeneratorDescriptor::of("image", Version::new(1, 4, 0), abilities)
}
