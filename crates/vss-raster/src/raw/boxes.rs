//! Finds previews in Canon's CR3, which is made of the boxes of ISO base media files.

use super::Named;
use crate::boxes;
use crate::bytes::Bytes;
use crate::failure::Outcome;
use crate::orientation::Orientation;
use crate::source::Source;

/// The longest header that is read.
const LONGEST_HEADER: u64 = 8 << 20;

/// The boxes with Canon's metadata, inside the movie, and with the preview, beside it.
const METADATA: [u8; 16] = [
    0x85, 0xC0, 0xB6, 0x87, 0x82, 0x0F, 0x11, 0xE0, 0x81, 0x11, 0xF4, 0xCE, 0x46, 0x2B, 0x6A, 0x48,
];
const PREVIEW: [u8; 16] = [
    0xEA, 0xF4, 0x2B, 0x5E, 0x1C, 0x98, 0x4B, 0x88, 0xB9, 0xFB, 0xB7, 0xDC, 0x40, 0x6E, 0x4D, 0x16,
];

/// All previews that the boxes name.
///
/// # Errors
/// `transient_io`, `out_of_memory`.
pub(super) fn previews(source: &Source<'_>, buffer: &mut Vec<u8>) -> Outcome<Named> {
    let mut named = Named::default();
    let mut at = 0;
    while let Some(outer) = boxes::read_header(source, at, buffer)? {
        let body = at + outer.header;
        let length = (outer.length - outer.header).min(LONGEST_HEADER);
        match &outer.kind {
            b"moov" => {
                source.read_range(body, length, buffer)?;
                movie(buffer, &mut named);
            }
            b"uuid" => {
                source.read_range(body, length.min(4 << 10), buffer)?;
                if buffer.starts_with(&PREVIEW) {
                    preview(buffer, body, &mut named);
                }
            }
            _ => {}
        }
        at = at.saturating_add(outer.length);
    }
    Ok(named)
}

/// The first sample of each track may be a JPEG, and one box has the orientation.
fn movie(movie: &[u8], named: &mut Named) {
    for (kind, body) in boxes::inside(movie) {
        match &kind {
            b"trak" => named.previews.extend(first_sample(body)),
            b"uuid" => {
                let Some(body) = body.strip_prefix(&METADATA) else {
                    continue;
                };
                for (kind, body) in boxes::inside(body) {
                    if &kind == b"CMT1" {
                        named.orientation = Orientation::from_exif(body);
                    }
                }
            }
            _ => {}
        }
    }
}

fn first_sample(track: &[u8]) -> Option<(u64, u64)> {
    let path = [*b"mdia", *b"minf", *b"stbl"];
    let table = path
        .iter()
        .try_fold(track, |body, kind| boxes::find(body, kind))?;
    let sizes = Bytes(boxes::find(table, b"stsz")?);
    let length = match sizes.long(4)? {
        0 => sizes.long(12)?,
        all => all,
    };
    let at = match boxes::find(table, b"co64") {
        Some(offsets) => Bytes(offsets).wide(8)?,
        None => u64::from(Bytes(boxes::find(table, b"stco")?).long(8)?),
    };
    Some((at, u64::from(length)))
}

/// The preview box: 8 bytes, then a box `PRVW` whose JPEG follows 24 bytes of header.
fn preview(beginning: &[u8], begins_at: u64, named: &mut Named) {
    const BOX: usize = 16 + 8;
    let bytes = Bytes(beginning);
    if beginning.get(BOX + 4..BOX + 8) == Some(b"PRVW") {
        let length = bytes.long(BOX + 20).unwrap_or(0);
        let at = begins_at + BOX as u64 + 24;
        named.previews.push((at, u64::from(length)));
    }
}
