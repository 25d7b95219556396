//! Which decoder reads which media type.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vss_core::MediaType;

use crate::decoded::Decoded;
use crate::failure::{Outcome, corrupt, unsupported};
use crate::limits::Room;
use crate::plain::{self, Plain};
use crate::scratch::Scratch;
use crate::source::Source;
use crate::{jpeg, tiff};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Codec {
    Jpeg,
    Tiff,
    Plain(Plain),
    #[cfg(feature = "heic")]
    Heic,
    #[cfg(feature = "jp2")]
    Jp2,
    #[cfg(feature = "jxl")]
    Jxl,
    #[cfg(feature = "pdf")]
    Pdf,
    #[cfg(feature = "psd")]
    Psd,
    #[cfg(feature = "raw")]
    Raw,
    #[cfg(feature = "svg")]
    Svg,
}

/// Every media type that is read, and by whom. Some formats go by several names.
const NAMES: &[(&[&str], Codec)] = &[
    (&["image/jpeg"], Codec::Jpeg),
    (&["image/png", "image/apng"], Codec::Plain(Plain::Png)),
    (&["image/webp"], Codec::Plain(Plain::Webp)),
    (&["image/gif"], Codec::Plain(Plain::Gif)),
    (
        &["image/bmp", "image/x-ms-bmp", "image/x-bmp"],
        Codec::Plain(Plain::Bmp),
    ),
    (&["image/tiff", "image/x-tiff-big"], Codec::Tiff),
    (
        &["image/vnd.microsoft.icon", "image/x-icon"],
        Codec::Plain(Plain::Ico),
    ),
    #[cfg(feature = "heic")]
    (&["image/heic", "image/heif"], Codec::Heic),
    #[cfg(feature = "hdr")]
    (&["image/x-exr"], Codec::Plain(Plain::Exr)),
    #[cfg(feature = "hdr")]
    (&["image/vnd.radiance"], Codec::Plain(Plain::Radiance)),
    #[cfg(feature = "jp2")]
    (
        &["image/jp2", "image/jpx", "image/j2c", "image/x-j2c"],
        Codec::Jp2,
    ),
    #[cfg(feature = "jxl")]
    (&["image/jxl"], Codec::Jxl),
    #[cfg(feature = "pdf")]
    (&["application/pdf"], Codec::Pdf),
    #[cfg(feature = "psd")]
    (
        &[
            "image/vnd.adobe.photoshop",
            "application/vnd.adobe.photoshop",
        ],
        Codec::Psd,
    ),
    #[cfg(feature = "raw")]
    (MediaType::CAMERA_FILES, Codec::Raw),
    #[cfg(feature = "small")]
    (&["image/qoi"], Codec::Plain(Plain::Qoi)),
    #[cfg(feature = "small")]
    (&["image/x-tga"], Codec::Plain(Plain::Tga)),
    #[cfg(feature = "small")]
    (
        &[
            "image/x-portable-bitmap",
            "image/x-portable-graymap",
            "image/x-portable-pixmap",
            "image/x-portable-anymap",
            "image/x-portable-arbitrarymap",
        ],
        Codec::Plain(Plain::Pnm),
    ),
    #[cfg(feature = "svg")]
    (&["image/svg+xml", "image/svg+xml-compressed"], Codec::Svg),
];

/// Decodes a still picture into the scratch, large enough for stills of at most `largest` pixels a
/// side; the answer says what its pixels are. What consists of lines (SVG, a page of a PDF) is
/// drawn at exactly that size.
///
/// The header's claims are held against the limits first, then memory for the pixels is reserved
/// once, then they are decoded.
///
/// # Errors
/// `unsupported` for a media type that is not read and for rare sorts of those that are,
/// `corrupt_source`, `too_large`, `transient_io`, `out_of_memory`; the host's failure when it
/// refuses the memory.
pub fn decode(
    media_type: &MediaType,
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let codec =
        codec_of(media_type).ok_or_else(|| unsupported(format!("{media_type} is not read")))?;
    if source.size() == 0 {
        return Err(corrupt("the file is empty"));
    }
    guarded(|| match codec {
        Codec::Jpeg => jpeg::decode(source, room, largest, scratch),
        Codec::Tiff => tiff::decode(source, room, scratch),
        Codec::Plain(plain) => plain::decode(plain, source, room, scratch),
        #[cfg(feature = "heic")]
        Codec::Heic => crate::heic::decode(source, room, scratch),
        #[cfg(feature = "jp2")]
        Codec::Jp2 => crate::jp2::decode(source, room, scratch),
        #[cfg(feature = "jxl")]
        Codec::Jxl => crate::jxl::decode(source, room, scratch),
        #[cfg(feature = "pdf")]
        Codec::Pdf => crate::pdf::decode(source, room, largest, scratch),
        #[cfg(feature = "psd")]
        Codec::Psd => crate::psd::decode(source, room, scratch),
        #[cfg(feature = "raw")]
        Codec::Raw => crate::raw::decode(source, room, largest, scratch),
        #[cfg(feature = "svg")]
        Codec::Svg => crate::svg::decode(source, room, largest, scratch),
    })
}

/// Pixels of the longer side of what [`decode`] has to give of a camera file: of the sensor's picture
/// where that is developed here, else of the largest preview; 0 where there is neither. For who has
/// another way to develop it, and nothing is decoded.
///
/// # Errors
/// `corrupt_source` for what does not begin as a camera file, `transient_io`, `out_of_memory`.
#[cfg(feature = "raw")]
pub fn camera_side(source: &Source<'_>, scratch: &mut Scratch) -> Outcome<u32> {
    guarded(|| crate::raw::longer_side(source, scratch))
}

/// Decoders are years younger than the formats: one that trips over a file has told us about this
/// file only. What it worked on is set anew by the next job.
fn guarded<T>(decode: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let answer = catch_unwind(AssertUnwindSafe(decode));
    answer.unwrap_or_else(|_| Err(corrupt("its decoder tripped over it")))
}

/// Whether [`decode`] reads a media type.
pub fn reads(media_type: &MediaType) -> bool {
    codec_of(media_type).is_some()
}

fn codec_of(media_type: &MediaType) -> Option<Codec> {
    let mut known = NAMES.iter();
    let found = known.find(|(names, _)| names.contains(&media_type.as_str()));
    found.map(|(_, codec)| *codec)
}
