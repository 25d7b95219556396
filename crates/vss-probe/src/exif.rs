//! EXIF: when a picture was taken, and what Apple notes of it. A handful of fields of a TIFF
//! structure is looked up where it lies; a maker note is one more such structure, which no library
//! at hand reads.

use vss_core::companion::{LiveId, MediaFacts};

use crate::moment;
use crate::source::{Reader, Span};

const EXIF_DIRECTORY: u16 = 0x8769;
const TAKEN: u16 = 0x9003;
const TAKEN_ZONE: u16 = 0x9011;
const TAKEN_FRACTION: u16 = 0x9291;
const MAKER_NOTE: u16 = 0x927c;
/// Apple's ContentIdentifier in its maker note.
const APPLE_ID: u16 = 0x0011;

/// Fields in a directory that are looked at.
const FIELDS: u16 = 512;
/// Nothing that is wanted here is longer.
const LONGEST: u64 = 256;

/// A structure of directories; offsets in it count from its beginning.
#[derive(Clone, Copy)]
struct Tiff {
    span: Span,
    little: bool,
}

/// Where a field's value lies.
#[derive(Clone, Copy)]
struct Value {
    at: Span,
    little: bool,
}

/// Reads a block that begins with the TIFF header, with or without `Exif\0\0` before it.
pub(crate) fn read(reader: &mut Reader<'_>, block: Span, facts: &mut MediaFacts) {
    let header = match reader.array::<6>(block, 0) {
        Some(start) if &start == b"Exif\0\0" => block.from(6),
        _ => Some(block),
    };
    let tiff = header.and_then(|span| Tiff::open(reader, span));
    let Some((tiff, first)) = tiff else {
        return;
    };
    let found = tiff.find(reader, first, [EXIF_DIRECTORY]);
    let Some([Some(directory)]) = found else {
        return;
    };
    if let Some(offset) = directory.number(reader) {
        fields(reader, tiff, u64::from(offset), facts);
    }
}

/// Reads a block whose first directory is that of EXIF itself (Canon's CR3).
pub(crate) fn read_directory(reader: &mut Reader<'_>, block: Span, facts: &mut MediaFacts) {
    if let Some((tiff, first)) = Tiff::open(reader, block) {
        fields(reader, tiff, first, facts);
    }
}

fn fields(reader: &mut Reader<'_>, tiff: Tiff, directory: u64, facts: &mut MediaFacts) {
    let tags = [TAKEN, TAKEN_ZONE, TAKEN_FRACTION, MAKER_NOTE];
    let Some([taken, zone, fraction, note]) = tiff.find(reader, directory, tags) else {
        return;
    };
    let mut text = |value: Option<Value>| value.and_then(|value| value.text(reader));
    if let Some(taken) = text(taken) {
        let (fraction, zone) = (text(fraction), text(zone));
        facts.captured = moment::exif(&taken, fraction.as_deref(), zone.as_deref());
    }
    if let Some(note) = note {
        facts.live_id = apple(reader, note.at);
    }
}

/// Apple's maker note: its name, a version, a byte order, and a directory with offsets of its own.
fn apple(reader: &mut Reader<'_>, note: Span) -> Option<LiveId> {
    let head = reader.array::<14>(note, 0)?;
    if !head.starts_with(b"Apple iOS\0") {
        return None;
    }
    let tiff = Tiff {
        span: note,
        little: head.ends_with(b"II"),
    };
    let [id] = tiff.find(reader, 14, [APPLE_ID])?;
    let text = id?.text(reader)?;
    LiveId::read(std::str::from_utf8(&text).ok()?)
}

impl Tiff {
    /// With where its first directory is. The number after the byte order is 42 in a TIFF and
    /// anything in a RAW.
    fn open(reader: &mut Reader<'_>, span: Span) -> Option<(Self, u64)> {
        let head = reader.array::<8>(span, 0)?;
        let little = match head.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let first = number(head.get(4..8)?, little)?;
        Some((Self { span, little }, u64::from(first)))
    }

    /// The values of fields, in the order in which they are asked for.
    fn find<const N: usize>(
        self,
        reader: &mut Reader<'_>,
        directory: u64,
        tags: [u16; N],
    ) -> Option<[Option<Value>; N]> {
        let count = reader.array::<2>(self.span, directory)?;
        let count = u16::try_from(number(&count, self.little)?)
            .ok()?
            .min(FIELDS);
        let mut found = [None; N];
        for nth in 0..count {
            let at = directory.checked_add(2 + 12 * u64::from(nth))?;
            let Some(field) = reader.array::<12>(self.span, at) else {
                break;
            };
            let tag = u16::try_from(number(field.get(..2)?, self.little)?).ok()?;
            for (slot, wanted) in found.iter_mut().zip(tags) {
                if wanted == tag && slot.is_none() {
                    *slot = self.value(&field, at);
                }
            }
        }
        Some(found)
    }

    /// Where the value of a field at this offset lies; of types that are of no use here none.
    fn value(self, field: &[u8; 12], at: u64) -> Option<Value> {
        let width = match number(field.get(2..4)?, self.little)? {
            // Bytes, text and what is not said.
            1 | 2 | 7 => 1,
            3 => 2,
            // Numbers, and offsets of directories.
            4 | 13 => 4,
            _ => return None,
        };
        let count = number(field.get(4..8)?, self.little)?;
        let length = u64::from(count).checked_mul(width)?;
        let offset = match length {
            0..=4 => at.checked_add(8)?,
            _ => u64::from(number(field.get(8..12)?, self.little)?),
        };
        Some(Value {
            at: self.span.part(offset, length)?,
            little: self.little,
        })
    }
}

impl Value {
    fn number(self, reader: &mut Reader<'_>) -> Option<u32> {
        number(reader.bytes(self.at)?, self.little)
    }

    /// Up to its first zero.
    fn text(self, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        if self.at.length() > LONGEST {
            return None;
        }
        let bytes = reader.bytes(self.at)?;
        let text = bytes.split(|byte| *byte == 0).next()?;
        (!text.is_empty()).then(|| text.to_vec())
    }
}

/// Two or four bytes as a number.
fn number(bytes: &[u8], little: bool) -> Option<u32> {
    Some(
        match (<[u8; 4]>::try_from(bytes), <[u8; 2]>::try_from(bytes)) {
            (Ok(four), _) if little => u32::from_le_bytes(four),
            (Ok(four), _) => u32::from_be_bytes(four),
            (_, Ok(two)) if little => u32::from(u16::from_le_bytes(two)),
            (_, Ok(two)) => u32::from(u16::from_be_bytes(two)),
            _ => return None,
        },
    )
}
