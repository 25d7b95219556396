//! Finds the PNG in an icon. The `image` crate reads icons, but of PNG entries only those with
//! alpha and 8 bits, and icon editors write the others too.

use crate::failure::Outcome;
use crate::source::Source;

/// Bytes of the header and of each entry of the directory.
const HEADER: usize = 6;
const ENTRY: usize = 16;

/// The largest entry of an icon, when it is a PNG; `buffer` is room to work in.
///
/// # Errors
/// `transient_io`, `out_of_memory`.
pub(super) fn largest_png<'a>(
    source: &Source<'a>,
    buffer: &mut Vec<u8>,
) -> Outcome<Option<Source<'a>>> {
    source.read_range(0, (HEADER + 256 * ENTRY) as u64, buffer)?;
    let count = match buffer.get(..HEADER) {
        Some(&[0, 0, 1, 0, low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => return Ok(None),
    };
    let entries = buffer.get(HEADER..).unwrap_or_default();
    let (entries, _) = entries.as_chunks::<ENTRY>();
    // A side of 0 stands for 256. Of entries of one size the one with more colours is the better.
    let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
    let worth = |entry: &&[u8; ENTRY]| {
        let [width, height, _, _, _, _, low, high, ..] = **entry;
        (side(width) * side(height), u16::from_le_bytes([low, high]))
    };
    let Some(&entry) = entries.iter().take(count).max_by_key(worth) else {
        return Ok(None);
    };
    let [.., s0, s1, s2, s3, o0, o1, o2, o3] = entry;
    let size = u32::from_le_bytes([s0, s1, s2, s3]);
    let begin = u32::from_le_bytes([o0, o1, o2, o3]);
    let part = source.part(u64::from(begin), u64::from(size));
    part.read_range(0, 8, buffer)?;
    Ok((buffer.as_slice() == b"\x89PNG\r\n\x1A\n").then_some(part))
}
