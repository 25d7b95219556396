//! Which decoder reads which media type.

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
}

/// Decodes a still picture into the scratch, large enough for stills of at most `largest` pixels a
/// side; the answer says what its pixels are.
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
    match codec {
        Codec::Jpeg => jpeg::decode(source, room, largest, scratch),
        Codec::Tiff => tiff::decode(source, room, scratch),
        Codec::Plain(plain) => plain::decode(plain, source, room, scratch),
    }
}

/// Whether [`decode`] reads a media type.
pub fn reads(media_type: &MediaType) -> bool {
    codec_of(media_type).is_some()
}

fn codec_of(media_type: &MediaType) -> Option<Codec> {
    Some(match media_type.as_str() {
        "image/jpeg" => Codec::Jpeg,
        "image/png" | "image/apng" => Codec::Plain(Plain::Png),
        "image/webp" => Codec::Plain(Plain::Webp),
        "image/gif" => Codec::Plain(Plain::Gif),
        "image/bmp" | "image/x-ms-bmp" | "image/x-bmp" => Codec::Plain(Plain::Bmp),
        "image/tiff" | "image/x-tiff-big" => Codec::Tiff,
        "image/vnd.microsoft.icon" | "image/x-icon" => Codec::Plain(Plain::Ico),
        _ => return None,
    })
}
