//! MP4 and QuickTime: how long it plays, when it was taken, and Apple's identifier.

use vss_core::companion::{LiveId, MediaFacts};

use crate::source::{Reader, Span};
use crate::{boxes, moment};

const ID: &[u8] = b"com.apple.quicktime.content.identifier";
const TAKEN: &[u8] = b"com.apple.quicktime.creationdate";

/// Keys in a table of them that are looked at.
const KEYS: usize = 256;
/// No value that is wanted here is longer.
const LONGEST: u64 = 256;

/// Reads a film.
pub(crate) fn read(reader: &mut Reader<'_>, file: Span, facts: &mut MediaFacts) {
    let top = boxes::list(reader, file);
    let Some(movie) = boxes::named(&top, b"moov") else {
        return;
    };
    let movie = boxes::list(reader, movie);
    if let Some(header) = boxes::named(&movie, b"mvhd") {
        let read = header_of(reader, header);
        (facts.duration_ms, facts.captured) = read.unwrap_or_default();
    }
    if let Some(meta) = boxes::named(&movie, b"meta") {
        metadata(reader, meta, facts);
    }
}

type Header = (Option<u64>, Option<vss_core::companion::CaptureTime>);

/// ISO/IEC 14496-12, 8.2.2: times in 32 or in 64 bits.
fn header_of(reader: &mut Reader<'_>, body: Span) -> Option<Header> {
    let short = |reader: &mut Reader<'_>, at| {
        let bytes = reader.array::<4>(body, at)?;
        Some(u64::from(u32::from_be_bytes(bytes)))
    };
    let long = |reader: &mut Reader<'_>, at| Some(u64::from_be_bytes(reader.array::<8>(body, at)?));
    let (made, scale, duration, unknown) = match reader.array::<1>(body, 0)? {
        [1] => (
            long(reader, 4)?,
            short(reader, 20)?,
            long(reader, 24)?,
            u64::MAX,
        ),
        _ => (
            short(reader, 4)?,
            short(reader, 12)?,
            short(reader, 16)?,
            u64::from(u32::MAX),
        ),
    };
    let duration = (duration != 0 && duration != unknown)
        .then(|| duration.checked_mul(1_000)?.checked_div(scale))
        .flatten();
    Some((duration, moment::since_1904(made)))
}

/// The table of keys, and the values that name a key by its number. QuickTime's `meta` has no
/// version word, that of ISO has one: its first box tells.
fn metadata(reader: &mut Reader<'_>, meta: Span, facts: &mut MediaFacts) {
    let versioned = reader
        .array::<4>(meta, 8)
        .is_some_and(|name| &name == b"hdlr");
    let Some(body) = meta.from(if versioned { 4 } else { 0 }) else {
        return;
    };
    let inside = boxes::list(reader, body);
    let tables = (
        boxes::named(&inside, b"keys"),
        boxes::named(&inside, b"ilst"),
    );
    let (Some(keys), Some(values)) = tables else {
        return;
    };
    let (id, taken) = keys_of(reader, keys);
    for value in boxes::list(reader, values) {
        let number = Some(u32::from_be_bytes(value.name));
        if number == id {
            let text = value_of(reader, value.body);
            let text = text.as_deref().map(str::from_utf8).and_then(Result::ok);
            facts.live_id = text.and_then(LiveId::read);
        } else if number == taken {
            // What the phone says of itself is worth more than when the file was written.
            let taken = value_of(reader, value.body);
            let taken = taken.and_then(|text| moment::iso(&text));
            facts.captured = taken.or(facts.captured);
        }
    }
}

/// The numbers of the identifier and of the time, counted from one.
fn keys_of(reader: &mut Reader<'_>, keys: Span) -> (Option<u32>, Option<u32>) {
    let (mut id, mut taken) = (None, None);
    // A version and the count, which the length of the table says too.
    let mut rest = keys.from(8);
    for number in (1..).take(KEYS) {
        let Some((key, next)) = rest.and_then(|rest| key(reader, rest)) else {
            break;
        };
        match key.as_slice() {
            ID => id = id.or(Some(number)),
            TAKEN => taken = taken.or(Some(number)),
            _ => {}
        }
        rest = Some(next);
    }
    (id, taken)
}

/// The key that a table begins with, and the rest of the table.
fn key(reader: &mut Reader<'_>, table: Span) -> Option<(Vec<u8>, Span)> {
    let length = u64::from(u32::from_be_bytes(reader.array::<4>(table, 0)?));
    // Its length and its name space are a part of it.
    let text = table.part(8, length.checked_sub(8)?)?;
    let rest = Span {
        start: text.end,
        ..table
    };
    let text = match text.length() {
        0..=LONGEST => reader.bytes(text)?.to_vec(),
        _ => Vec::new(),
    };
    Some((text, rest))
}

/// The text in the `data` box of a value: behind its type and its locale.
fn value_of(reader: &mut Reader<'_>, value: Span) -> Option<Vec<u8>> {
    let inside = boxes::list(reader, value);
    let text = boxes::named(&inside, b"data")?.from(8)?;
    if text.length() > LONGEST {
        return None;
    }
    Some(reader.bytes(text)?.to_vec())
}
