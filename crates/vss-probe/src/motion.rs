//! The video inside of a Motion Photo, as Google and Samsung put it there: where it begins is
//! believed only where a video begins.

use roxmltree::{Document, Node, ParsingOptions};
use vss_core::companion::ByteRange;

use crate::boxes;
use crate::source::{Reader, Span};

const CAMERA: &str = "http://ns.google.com/photos/1.0/camera/";
const CONTAINER: &str = "http://ns.google.com/photos/1.0/container/";
const ITEM: &str = "http://ns.google.com/photos/1.0/container/item/";

/// Elements of an XMP packet that are looked at.
const NODES: u32 = 10_000;

/// The video behind a picture: where its XMP says, else where Samsung's directory does.
pub(crate) fn after(reader: &mut Reader<'_>, file: Span, xmp: Option<Span>) -> Option<ByteRange> {
    let said = xmp.and_then(|xmp| from_end(reader, xmp));
    let video = said.and_then(|(length, behind)| {
        let end = file.length().checked_sub(behind)?;
        file.part(end.checked_sub(length)?, length)
    });
    match video.and_then(|video| check(reader, video)) {
        Some(range) => Some(range),
        None => {
            let video = samsung(reader, file)?;
            check(reader, video)
        }
    }
}

/// A span that holds a video, without what may lie behind the video.
pub(crate) fn check(reader: &mut Reader<'_>, span: Span) -> Option<ByteRange> {
    let atoms = boxes::list(reader, span);
    let (first, others) = atoms.split_first()?;
    let is_part = |name: &[u8; 4]| {
        matches!(
            name,
            b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"uuid" | b"meta" | b"udta"
        )
    };
    let has = |name: &[u8; 4]| others.iter().any(|atom| &atom.name == name);
    if &first.name != b"ftyp" || !has(b"moov") {
        return None;
    }
    let last = others.iter().take_while(|atom| is_part(&atom.name)).last();
    let end = last.unwrap_or(first).whole.end;
    Some(ByteRange {
        offset: span.start,
        length: end.checked_sub(span.start)?,
    })
}

/// How long the video is and how many bytes follow it, by what the XMP says.
fn from_end(reader: &mut Reader<'_>, xmp: Span) -> Option<(u64, u64)> {
    let packet = std::str::from_utf8(reader.bytes(xmp)?).ok()?;
    // Most packets say nothing of this, and to read a whole one takes longer than to look.
    if !packet.contains("MotionPhoto") && !packet.contains("MicroVideoOffset") {
        return None;
    }
    let options = ParsingOptions {
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    // Programs leave room behind a packet; some fill it with zeroes.
    let packet = packet.trim_end_matches('\0');
    let document = Document::parse_with_options(packet, options).ok()?;
    container(&document).or_else(|| {
        // What Google wrote before there was a container.
        let offset = document
            .descendants()
            .find_map(|node| field(node, CAMERA, "MicroVideoOffset"))?;
        Some((offset.parse().ok()?, 0))
    })
}

/// The parts of the file in their order, each with its length.
fn container(document: &Document<'_>) -> Option<(u64, u64)> {
    let items = document
        .descendants()
        .filter(|node| node.has_tag_name((CONTAINER, "Item")));
    let mut video = None;
    let mut behind = 0_u64;
    for item in items {
        let number = |name| field(item, ITEM, name).and_then(|text| text.parse::<u64>().ok());
        let length = number("Length");
        if field(item, ITEM, "Semantic") == Some("MotionPhoto") {
            video = length;
            behind = 0;
        } else if video.is_some() {
            behind = behind
                .checked_add(length?)?
                .checked_add(number("Padding").unwrap_or(0))?;
        }
    }
    Some((video.filter(|length| *length > 0)?, behind))
}

/// A property of an element: as its attribute, or as an element in it.
fn field<'a>(node: Node<'a, '_>, space: &'static str, name: &'static str) -> Option<&'a str> {
    let inside = || {
        let mut children = node.children();
        children
            .find(|child| child.has_tag_name((space, name)))?
            .text()
    };
    node.attribute((space, name)).or_else(inside).map(str::trim)
}

/// The type and the name under which Samsung's directory lists the video.
const LISTED: u16 = 0x0a30;
const NAME: &[u8] = b"MotionPhoto_Data";
/// Entries of that directory that are looked at.
const ENTRIES: u32 = 64;

/// Samsung's directory at the end of a file: `SEFH`, a version, a count, for each entry a type,
/// how far before `SEFH` it begins and its length; then the length of all that, and `SEFT`.
fn samsung(reader: &mut Reader<'_>, file: Span) -> Option<Span> {
    let tail = file.length().checked_sub(8)?;
    let [length @ .., b'S', b'E', b'F', b'T'] = reader.array::<8>(file, tail)? else {
        return None;
    };
    let length = u64::from(u32::from_le_bytes(length));
    let start = tail.checked_sub(length)?;
    let directory = file.part(start, length)?;
    let head = reader.array::<12>(directory, 0)?;
    let [b'S', b'E', b'F', b'H', _, _, _, _, count @ ..] = head else {
        return None;
    };
    for nth in 0..u32::from_le_bytes(count).min(ENTRIES) {
        let entry = reader.array::<12>(directory, 12 + 12 * u64::from(nth))?;
        let [_, _, low, high, a, b, c, d, length @ ..] = entry;
        if u16::from_le_bytes([low, high]) != LISTED {
            continue;
        }
        let before = u64::from(u32::from_le_bytes([a, b, c, d]));
        let length = u64::from(u32::from_le_bytes(length));
        let block = file.part(start.checked_sub(before)?, length)?;
        return video(reader, block);
    }
    None
}

/// The video in an entry: behind its type, the length of its name, and its name.
fn video(reader: &mut Reader<'_>, block: Span) -> Option<Span> {
    let name = u64::from(u32::from_le_bytes(reader.array::<4>(block, 4)?));
    let named = reader.bytes(block.part(8, name)?)? == NAME;
    named.then(|| block.from(name.checked_add(8)?)).flatten()
}
