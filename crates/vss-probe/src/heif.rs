//! HEIF: where its EXIF and its XMP are, and the video that some phones put behind the picture.

use vss_core::companion::MediaFacts;

use crate::source::{Reader, Span};
use crate::{boxes, exif, motion};

/// Items of a picture that are looked at: one in tiles has about a hundred.
const ITEMS: usize = 1_024;
/// Pieces of items that are looked at.
const PIECES: u32 = 4_096;

/// The items that are wanted.
#[derive(Default)]
struct Items {
    exif: Option<u32>,
    xmp: Option<u32>,
}

/// Reads a HEIF file.
pub(crate) fn read(reader: &mut Reader<'_>, facts: &mut MediaFacts) {
    let file = reader.all();
    let top = boxes::list(reader, file);
    let mut xmp = None;
    if let Some(meta) = boxes::named(&top, b"meta").and_then(|meta| meta.from(4)) {
        let inside = boxes::list(reader, meta);
        let info = boxes::named(&inside, b"iinf");
        let items = info
            .and_then(|info| items(reader, info))
            .unwrap_or_default();
        let places = boxes::named(&inside, b"iloc");
        let mut place = |item: Option<u32>| {
            let (item, places) = item.zip(places)?;
            locate(reader, places, item, file)
        };
        let exif = place(items.exif);
        xmp = place(items.xmp);
        if let Some(block) = exif.and_then(|block| tiff(reader, block)) {
            exif::read(reader, block, facts);
        }
    }
    facts.motion = match boxes::named(&top, b"mpvd") {
        Some(video) => motion::check(reader, video),
        None => motion::after(reader, file, xmp),
    };
}

/// An EXIF item begins with how far behind that number its TIFF header is.
fn tiff(reader: &mut Reader<'_>, block: Span) -> Option<Span> {
    let skip = u32::from_be_bytes(reader.array::<4>(block, 0)?);
    block.from(u64::from(skip).checked_add(4)?)
}

/// ISO/IEC 14496-12, 8.11.6.
fn items(reader: &mut Reader<'_>, info: Span) -> Option<Items> {
    let [version] = reader.array::<1>(info, 0)?;
    let mut rest = info.from(if version == 0 { 6 } else { 8 });
    let mut items = Items::default();
    let mut looked = 0;
    while let Some(span) = rest {
        // In pieces, because a list of boxes has an end.
        let entries = boxes::list(reader, span);
        for entry in entries.iter().filter(|entry| &entry.name == b"infe") {
            match item(reader, entry.body) {
                Some((id, [b'E', b'x', b'i', b'f'])) => items.exif = items.exif.or(Some(id)),
                // It may be another text; then there is no video in it.
                Some((id, [b'm', b'i', b'm', b'e'])) => items.xmp = items.xmp.or(Some(id)),
                _ => {}
            }
        }
        looked += entries.len();
        let end = entries.last().map(|entry| entry.whole.end);
        rest = end
            .filter(|end| *end < span.end && looked < ITEMS)
            .map(|start| Span { start, ..span });
    }
    Some(items)
}

/// The number and the type of an item.
fn item(reader: &mut Reader<'_>, entry: Span) -> Option<(u32, [u8; 4])> {
    let [version] = reader.array::<1>(entry, 0)?;
    match version {
        2 => {
            let id = u16::from_be_bytes(reader.array::<2>(entry, 4)?);
            Some((u32::from(id), reader.array::<4>(entry, 8)?))
        }
        3 => {
            let id = u32::from_be_bytes(reader.array::<4>(entry, 4)?);
            Some((id, reader.array::<4>(entry, 10)?))
        }
        _ => None,
    }
}

/// Goes through a table of numbers whose widths the table itself says.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl Cursor<'_> {
    fn number(&mut self, width: usize) -> Option<u64> {
        if width > 8 {
            return None;
        }
        let (number, rest) = self.bytes.split_at_checked(width)?;
        self.bytes = rest;
        let shift = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
        Some(number.iter().fold(0, shift))
    }
}

/// Where an item lies, if it lies in one piece in this file (ISO/IEC 14496-12, 8.11.3).
fn locate(reader: &mut Reader<'_>, places: Span, wanted: u32, file: Span) -> Option<Span> {
    let mut table = Cursor {
        bytes: reader.bytes(places)?,
    };
    let version = table.number(1)?;
    table.number(3)?;
    let widths = table.number(2)?;
    let width = |shift: u32| usize::try_from(widths >> shift & 15).ok();
    let (offset_width, length_width) = (width(12)?, width(8)?);
    let base_width = width(4)?;
    let index_width = if version > 0 { width(0)? } else { 0 };
    let id_width = if version < 2 { 2 } else { 4 };
    let count = table.number(id_width)?;
    let mut looked = 0;
    for _ in 0..count {
        let id = table.number(id_width)?;
        let method = if version > 0 {
            table.number(2)? & 15
        } else {
            0
        };
        table.number(2)?;
        let base = table.number(base_width)?;
        let pieces = table.number(2)?;
        looked += 1;
        for _ in 0..pieces {
            // A table of no widths would go on for ever.
            looked += 1;
            if looked > PIECES {
                return None;
            }
            table.number(index_width)?;
            let offset = table.number(offset_width)?;
            let length = table.number(length_width)?;
            if id == u64::from(wanted) {
                let here = method == 0 && pieces == 1;
                return here.then(|| file.part(base.checked_add(offset)?, length))?;
            }
        }
    }
    None
}
