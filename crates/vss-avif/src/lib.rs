//! Pixels of AVIF pictures: the HEIF container here, AV1 by a decoder in Rust.
//!
//! [`decode`] has the shape of [`vss_raster::decode`] and hands its pixels on the same way. It is a
//! crate of its own because the decoder defines the C names of dav1d: a program that links FFmpeg
//! as well must be able to leave it out.
//!
//! One picture or a grid of them, 8 to 12 bits, every chroma layout, alpha, colours by profile or by
//! number; crop, rotation and mirroring of the container are applied, what EXIF says of orientation
//! is not asked (ISO/IEC 23000-22, 7.3.6.7). Of an image sequence the primary item is decoded.

mod container;
mod fields;
mod picture;
mod properties;
mod rgb;
mod still;

use std::panic::{AssertUnwindSafe, catch_unwind};

use vss_core::MediaType;
use vss_raster::failure::corrupt;
use vss_raster::{Decoded, Outcome, Room, Scratch, Source};

/// Whether [`decode`] reads a media type.
pub fn reads(media_type: &MediaType) -> bool {
    media_type.as_str() == "image/avif"
}

/// Decodes an AVIF picture into the scratch; the answer says what its pixels are.
///
/// # Errors
/// `unsupported` for what is no AV1 still, `corrupt_source`, `too_large`, `transient_io`,
/// `out_of_memory`; the host's failure when it refuses the memory.
pub fn decode(source: &Source<'_>, room: &Room<'_>, scratch: &mut Scratch) -> Outcome<Decoded> {
    if source.size() == 0 {
        return Err(corrupt("the file is empty"));
    }
    // As with the decoders of vss-raster: one that trips over a file has told us about this file.
    let guarded = catch_unwind(AssertUnwindSafe(|| still::decode(source, room, scratch)));
    guarded.unwrap_or_else(|_| Err(corrupt("its decoder tripped over it")))
}
