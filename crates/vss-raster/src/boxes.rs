//! The boxes that ISO base media files are made of (ISO/IEC 14496-12, 4.2).

use crate::bytes::Bytes;
use crate::failure::Outcome;
use crate::source::Source;

/// The beginning of a box.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its four letters.
    pub kind: [u8; 4],
    /// Bytes in front of its body.
    pub header: u64,
    /// All of its bytes; 0 in the file, for "to the end", is that many here.
    pub length: u64,
}

/// Reads the beginning of a box of a file; `None` where there is none.
///
/// # Errors
/// `transient_io`, `out_of_memory`.
pub fn read_header(source: &Source<'_>, at: u64, buffer: &mut Vec<u8>) -> Outcome<Option<Header>> {
    source.read_range(at, 16, buffer)?;
    Ok(parse(buffer, source.size().saturating_sub(at)))
}

fn parse(bytes: &[u8], left: u64) -> Option<Header> {
    let numbers = Bytes(bytes);
    let kind = *bytes.get(4..)?.first_chunk()?;
    let (header, length) = match numbers.long(0)? {
        0 => (8, left),
        1 => (16, numbers.wide(8)?),
        length => (8, u64::from(length)),
    };
    (length >= header).then_some(Header {
        kind,
        header,
        length,
    })
}

/// The boxes in a body, with their bodies; a box that reaches beyond it ends with it.
pub fn inside(mut body: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let next = parse(body, body.len() as u64)?;
        let length = usize::try_from(next.length).unwrap_or(usize::MAX);
        let (this, rest) = body.split_at(length.min(body.len()));
        body = rest;
        let header = usize::try_from(next.header).unwrap_or(usize::MAX);
        Some((next.kind, this.get(header..)?))
    })
}

/// The first box of a kind in a body.
pub fn find<'b>(body: &'b [u8], wanted: &[u8; 4]) -> Option<&'b [u8]> {
    let mut all = inside(body);
    all.find_map(|(kind, body)| (kind == *wanted).then_some(body))
}
