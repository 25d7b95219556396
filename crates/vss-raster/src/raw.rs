//! Camera files by the JPEG that the camera put beside the sensor's data: of all that are named in
//! the file the largest that can be decoded. Where there is none, or a far too small one, a DNG is
//! developed; the sensor's data of other files is for who has a library for it ([`longer_side`] tells
//! whether it is wanted).

mod boxes;
mod cast;
mod develop;
mod directories;
mod levels;
mod lossless;
mod pattern;
mod sensor;
mod tree;
mod unpack;

use crate::decoded::Decoded;
use crate::failure::{Outcome, corrupt, unsupported};
use crate::jpeg;
use crate::limits::Room;
use crate::orientation::Orientation;
use crate::scratch::Scratch;
use crate::source::Source;
use sensor::Sensor;
use tree::Tree;

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
    /// The place of the first directory.
    main: u64,
    /// How many places the sensor's picture has, and its directory.
    sensor: Option<(u64, u64)>,
}

/// Decodes a preview, or develops, into the scratch's `decoded` buffer for stills of at most
/// `largest` pixels a side.
///
/// # Errors
/// `unsupported` when there is neither a preview nor data that can be developed, `corrupt_source`,
/// `too_large`, `transient_io`.
pub(crate) fn decode(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let Camera {
        named,
        previews,
        sensor,
    } = Camera::look(source, &mut scratch.source)?;
    let enough = match (previews.first(), &sensor) {
        (None, _) => false,
        // Half of what is wanted still looks like the picture; a thumbnail for the camera's own
        // screen does not.
        (Some(best), Some(Ok(sensor))) => {
            u64::from(best.side) * 2 >= u64::from(largest.min(sensor.longer_side()))
        }
        (Some(_), _) => true,
    };
    let preview =
        |scratch: &mut Scratch| from_preview(source, room, largest, &previews, &named, scratch);
    let developed = |scratch: &mut Scratch| match &sensor {
        None => Err(unsupported("a camera file without a preview")),
        Some(Err(failure)) => Err(failure.clone()),
        Some(Ok(sensor)) => {
            let decoded = develop::develop(sensor, source, room, largest, scratch)?;
            Ok(Decoded {
                orientation: named.orientation,
                ..decoded
            })
        }
    };
    if enough {
        preview(scratch).or_else(|failure| developed(scratch).map_err(|_| failure))
    } else {
        developed(scratch).or_else(|failure| preview(scratch).map_err(|_| failure))
    }
}

/// Pixels of the longer side of what [`decode`] has to give: of the sensor's picture where that can be
/// developed, else of the largest preview; 0 where there is neither.
///
/// # Errors
/// `corrupt_source`, `transient_io`, `out_of_memory`.
pub(crate) fn longer_side(source: &Source<'_>, scratch: &mut Scratch) -> Outcome<u32> {
    let camera = Camera::look(source, &mut scratch.source)?;
    let preview = camera.previews.first().map_or(0, |best| best.side);
    Ok(match camera.sensor {
        Some(Ok(sensor)) => sensor.longer_side().max(preview),
        _ => preview,
    })
}

/// What there is to choose from in a camera file.
struct Camera {
    named: Named,
    /// The largest first.
    previews: Vec<Preview>,
    /// The sensor's picture, or why it cannot be developed; `None` where none was found.
    sensor: Option<Outcome<Sensor>>,
}

impl Camera {
    fn look(source: &Source<'_>, buffer: &mut Vec<u8>) -> Outcome<Self> {
        source.read_range(0, 128, buffer)?;
        let mut sensor = None;
        let named = match buffer.as_slice() {
            header if header.starts_with(b"FUJIFILMCCD-") => fuji(header),
            header if header.get(4..12) == Some(b"ftypcrx ") => boxes::previews(source, buffer)?,
            [first @ (b'I' | b'M'), second, ..] if first == second => {
                let mut tree = Tree::new(source, *first == b'I', buffer);
                let named = directories::walk(&mut tree)?;
                if let Some((_, at)) = named.sensor {
                    sensor = Some(Sensor::read(&mut tree, named.main, at)?);
                }
                named
            }
            _ => return Err(corrupt("does not begin as a camera file")),
        };
        Ok(Self {
            previews: sized(source, &named.previews, buffer)?,
            named,
            sensor,
        })
    }
}

/// A preview that may be decoded.
struct Preview {
    pixels: u64,
    /// Pixels of its longer side.
    side: u32,
    at: u64,
    length: u64,
}

/// Those previews that begin as a JPEG, the largest first.
fn sized(source: &Source<'_>, named: &[(u64, u64)], buffer: &mut Vec<u8>) -> Outcome<Vec<Preview>> {
    let mut sized = Vec::new();
    for &(at, length) in named {
        source.read_range(at, length.min(HEAD), buffer)?;
        if let Some((width, height)) = jpeg::claim(buffer) {
            sized.push(Preview {
                pixels: u64::from(width) * u64::from(height),
                side: width.max(height),
                at,
                length,
            });
        }
    }
    sized.sort_unstable_by_key(|preview| (preview.pixels, preview.at, preview.length));
    sized.dedup_by_key(|preview| (preview.at, preview.length));
    sized.reverse();
    Ok(sized)
}

/// The largest preview that can be decoded.
fn from_preview(
    source: &Source<'_>,
    room: &Room<'_>,
    largest: u32,
    previews: &[Preview],
    named: &Named,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let mut first = None;
    for preview in previews.iter().take(TRIES) {
        let part = source.part(preview.at, preview.length);
        match jpeg::decode(&part, room, largest, scratch) {
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
        ..Named::default()
    }
}
