//! TIFF, classic and Big: the first page, in strips or tiles, of every compression and every sort
//! of pixel that scanners, cameras and editors write. The `tiff` crate reads the directory; pixels
//! are read here, because fax, palettes, CIELab and subsampled chroma have to work too.
//!
//! Not read, and refused as unsupported: JPEG of the kind that TIFF 6 abandoned (compression 6),
//! two-dimensional Group 3 fax, ZSTD, LZMA, WebP and JPEG 2000 inside, floating point other than
//! 32 bits, planes of CIELab or YCbCr.

mod chunks;
mod codec;
mod convert;
mod page;
mod samples;

use crate::decoded::{Decoded, fit};
use crate::failure::{Outcome, corrupt};
use crate::limits::{self, Room};
use crate::scratch::Scratch;
use crate::source::Source;
use codec::Filled;
use page::Page;

/// Decodes into the scratch's `decoded` buffer.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let limits = room.limits;
    let page = Page::read(source).map_err(|failure| source.blame(failure))?;
    limits::check_size(limits, page.width, page.height)?;
    let layout = page.layout();
    let bytes = limits::bytes_of(page.width, page.height, layout.channels() as u64);
    let bytes = limits::check_bytes(limits, bytes)?;
    let chunks = page.chunks()?;
    // What all of them say they unpack to: tiles may be far larger than the picture.
    let unpacked = chunks.iter().map(|chunk| page.bytes_of(chunk));
    limits::check_bytes(limits, unpacked.fold(0, u64::saturating_add))?;

    let held = chunks.iter().map(|chunk| page.held_by(*chunk)).max();
    room.host
        .reserve((bytes as u64).saturating_add(held.unwrap_or(0)))?;
    fit(&mut scratch.decoded, bytes)?.fill(0);
    let parts = scratch.turbo(limits)?;
    let mut degraded = None;
    let mut anything = false;
    for chunk in chunks.iter().flat_map(|chunk| page.in_parts(*chunk)) {
        let chunk = &chunk;
        source.read_range(chunk.offset, page.packed(chunk), parts.source)?;
        let filled = codec::unpack(
            &page,
            chunk,
            parts.source,
            parts.between,
            &mut codec::Jpeg {
                limits,
                turbo: parts.turbo,
            },
        )?;
        match filled {
            Filled::Whole => anything = true,
            Filled::Part(loss) => {
                anything |= parts.between.iter().any(|byte| *byte != 0);
                degraded.get_or_insert(loss);
            }
        }
        convert::place(&page, chunk, parts.between, parts.decoded)?;
    }
    if !anything {
        let why = degraded.unwrap_or_else(|| "holds no pixels".into());
        return Err(corrupt(why));
    }
    convert::finish(&page, parts.decoded);
    Ok(Decoded {
        orientation: page.orientation,
        icc: page.profile(),
        degraded,
        ..Decoded::unscaled(page.width, page.height, layout)
    })
}
