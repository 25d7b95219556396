//! The two camera formats that wrap their EXIF in something else than a TIFF.

use vss_core::companion::MediaFacts;

use crate::source::{Reader, Span};
use crate::{boxes, exif};

/// The box in which Canon keeps its own boxes.
const CANON: [u8; 16] = [
    0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0, 0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48,
];

/// Reads a CR3: boxes, of which one is an EXIF directory.
pub(crate) fn canon(reader: &mut Reader<'_>, facts: &mut MediaFacts) {
    let file = reader.all();
    let top = boxes::list(reader, file);
    let Some(movie) = boxes::named(&top, b"moov") else {
        return;
    };
    for inside in boxes::list(reader, movie) {
        if &inside.name == b"uuid" && reader.array(inside.body, 0) == Some(CANON) {
            let Some(own) = inside.body.from(16) else {
                return;
            };
            let own = boxes::list(reader, own);
            if let Some(directory) = boxes::named(&own, b"CMT2") {
                exif::read_directory(reader, directory, facts);
            }
        }
    }
}

/// Reads a RAF: at 84 it says where a JPEG is, and how long.
pub(crate) fn fuji(reader: &mut Reader<'_>, facts: &mut MediaFacts) {
    let file = reader.all();
    let mut number = |at| {
        let bytes = reader.array::<4>(file, at)?;
        Some(u64::from(u32::from_be_bytes(bytes)))
    };
    let place = number(84).zip(number(88));
    let jpeg = place.and_then(|(offset, length)| file.part(offset, length));
    if let Some(jpeg) = jpeg {
        picture(reader, jpeg, facts);
    }
}

/// The EXIF of a JPEG in another file; what follows it is not its own.
fn picture(reader: &mut Reader<'_>, jpeg: Span, facts: &mut MediaFacts) {
    crate::jpeg::read(reader, jpeg, facts);
    facts.motion = None;
}
