//! Camera files by the JPEG that the camera put beside the sensor's data: of all that are named in
//! the file the largest that can be decoded. Sensor data is not developed.

mod boxes;
mod directories;

use crate::decoded::Decoded;
use crate::failure::{Outcome, corrupt, unsupported};
use crate::jpeg;
use crate::limits::Room;
use crate::orientation::Orientation;
use crate::scratch::Scratch;
use crate::source::Source;

/// The beginning of a preview, in which its size is looked for.
const HEAD: u64 = 256 << 10;

/// How many previews are tried.
const TRIES: usize = 8;

/// What a camera file names.
#[derive(Debug, Default)]
struct Named {
    /// Where each preview begins, and how many bytes it has.
    previews: Vec<(u64, u64)>,
    /// How the picture has to be turned, where the file says so itself.
    orientation: Orientation,
}

/// Decodes a preview into the scratch's `decoded` buffer for stills of at most `largest` pixels a
/// side.
///
/// # Errors
/// `unsupported` when there is no preview, `corrupt_source`, `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let buffer = &mut scratch.source;
    source.read_range(0, 128, buffer)?;
    let named = match buffer.as_slice() {
        [
            b'F',
            b'U',
            b'J',
            b'I',
            b'F',
            b'I',
            b'L',
            b'M',
            b'C',
            b'C',
            b'D',
            b'-',
            ..,
        ] => fuji(buffer),
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'c',
            b'r',
            b'x',
            b' ',
            ..,
        ] => boxes::previews(source, buffer)?,
        [b'I', b'I', ..] => directories::previews(source, true, buffer)?,
        [b'M', b'M', ..] => directories::previews(source, false, buffer)?,
        _ => return Err(corrupt("does not begin as a camera file")),
    };
    let mut sized = Vec::new();
    for (at, length) in named.previews {
        source.read_range(at, length.min(HEAD), buffer)?;
        if let Some((width, height)) = jpeg::claim(buffer) {
            sized.push((u64::from(width) * u64::from(height), at, length));
        }
    }
    sized.sort_unstable();
    sized.dedup();
    let mut first = None;
    for (_, at, length) in sized.into_iter().rev().take(TRIES) {
        match jpeg::decode(&source.part(at, length), room, largest, scratch) {
            Ok(decoded) => {
                return Ok(Decoded {
                    // Its own word counts, where it says anything.
                    orientation: match decoded.orientation {
                        Orientation::Upright => named.orientation,
                        own => own,
                    },
                    ..decoded
                });
            }
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    Err(first.unwrap_or_else(|| unsupported("a camera file without a preview")))
}

/// Fujifilm's RAF: the preview's place is in the header, high byte first.
fn fuji(header: &[u8]) -> Named {
    let long = |at: usize| {
        let bytes = header.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from(u32::from_be_bytes(*bytes)))
    };
    Named {
        previews: vec![(long(84), long(88))],
        orientation: Orientation::Upright,
    }
}
