//! The boxes of ISO base media files and of QuickTime: a length, a name, and what is inside.

use crate::source::{Reader, Span};

/// Boxes beside each other that are looked at. A film in fragments has thousands, and says what
/// matters before them.
const BOXES: usize = 64;

/// One box; QuickTime's word, because Rust's is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Atom {
    pub(crate) name: [u8; 4],
    /// With its length and its name.
    pub(crate) whole: Span,
    /// What is inside.
    pub(crate) body: Span,
}

/// The boxes in a span, up to the first that is none, or that does not end in it.
pub(crate) fn list(reader: &mut Reader<'_>, span: Span) -> Vec<Atom> {
    let mut boxes = Vec::new();
    let mut rest = span;
    while boxes.len() < BOXES {
        let Some(found) = first(reader, rest) else {
            break;
        };
        boxes.push(found);
        rest.start = found.whole.end;
    }
    boxes
}

/// The box that a span begins with.
fn first(reader: &mut Reader<'_>, span: Span) -> Option<Atom> {
    let [a, b, c, d, name @ ..] = reader.array::<8>(span, 0)?;
    let (length, head) = match u32::from_be_bytes([a, b, c, d]) {
        // Up to the end.
        0 => (span.length(), 8),
        1 => (u64::from_be_bytes(reader.array::<8>(span, 8)?), 16),
        length => (u64::from(length), 8),
    };
    let whole = span.part(0, length)?;
    let body = whole.from(head)?;
    // Less than its own head would be no step forward.
    Some(Atom { name, whole, body })
}

/// The first of this name.
pub(crate) fn named(boxes: &[Atom], name: &[u8; 4]) -> Option<Span> {
    let found = boxes.iter().find(|found| found.name == *name)?;
    Some(found.body)
}
