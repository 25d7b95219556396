//! Finds previews in camera files that are TIFF structures: CR2, NEF, ARW, DNG, PEF, SRW, ORF, RW2
//! and others. Every directory that is reachable is walked once.

use super::Named;
use crate::failure::Outcome;
use crate::orientation::Orientation;
use crate::source::Source;

/// Directories and values that are looked at; files have about ten.
const DIRECTORIES: usize = 64;
const VALUES: u32 = 64;

/// All previews that directories name.
///
/// # Errors
/// `transient_io`, `out_of_memory`.
pub(super) fn previews(source: &Source<'_>, little: bool, buffer: &mut Vec<u8>) -> Outcome<Named> {
    let mut walk = Walk {
        source,
        little,
        buffer,
        named: Named::default(),
    };
    let first = walk.read(4, 4)?.map(|bytes| walk.number(&bytes));
    let mut waiting = vec![first.unwrap_or(0)];
    let mut seen = Vec::new();
    while let Some(at) = waiting.pop() {
        if at != 0 && !seen.contains(&at) && seen.len() < DIRECTORIES {
            walk.directory(at, seen.is_empty(), &mut waiting)?;
            seen.push(at);
        }
    }
    Ok(walk.named)
}

struct Walk<'w, 's, 'f> {
    source: &'s Source<'f>,
    little: bool,
    buffer: &'w mut Vec<u8>,
    named: Named,
}

/// The tags of one directory that matter.
#[derive(Default)]
struct Found {
    compression: u64,
    strips: Vec<u64>,
    lengths: Vec<u64>,
    jpeg_at: u64,
    jpeg_length: u64,
}

impl Walk<'_, '_, '_> {
    fn directory(&mut self, at: u64, main: bool, waiting: &mut Vec<u64>) -> Outcome<()> {
        let Some(count) = self.read(at, 2)? else {
            return Ok(());
        };
        let count = self.number(&count);
        let length = count * 12 + 4;
        let Some(table) = self.read(at + 2, length)? else {
            return Ok(());
        };
        let (entries, _) = table.as_chunks::<12>();
        let mut found = Found::default();
        for entry in entries {
            let (tag, kind, count, value) = self.split(entry);
            match tag {
                0x0103 => found.compression = self.first(kind, count, value)?,
                0x0111 => found.strips = self.values(kind, count, value)?,
                0x0117 => found.lengths = self.values(kind, count, value)?,
                0x0112 if main => {
                    let tag = self.first(kind, count, value)?;
                    let tag = u32::try_from(tag).unwrap_or(0);
                    self.named.orientation = Orientation::from_tag(tag);
                }
                0x0201 => found.jpeg_at = self.first(kind, count, value)?,
                0x0202 => found.jpeg_length = self.first(kind, count, value)?,
                // Panasonic keeps a whole JPEG as a value.
                0x002E => {
                    let at = self.number(value);
                    self.named.previews.push((at, u64::from(count)));
                }
                // Directories below this one, and EXIF's.
                0x014A | 0x8769 => waiting.extend(self.values(kind, count, value)?),
                _ => {}
            }
        }
        let next = table.get(table.len() - 4..).unwrap_or_default();
        waiting.push(self.number(next));
        if found.jpeg_at != 0 {
            let preview = (found.jpeg_at, found.jpeg_length);
            self.named.previews.push(preview);
        }
        if let (6 | 7, [at], [length]) = (found.compression, &*found.strips, &*found.lengths) {
            self.named.previews.push((*at, *length));
        }
        Ok(())
    }

    fn split<'e>(&self, entry: &'e [u8; 12]) -> (u64, u64, u32, &'e [u8]) {
        let (tag, rest) = entry.split_at(2);
        let (kind, rest) = rest.split_at(2);
        let (count, value) = rest.split_at(4);
        let count = u32::try_from(self.number(count)).unwrap_or(0);
        (self.number(tag), self.number(kind), count, value)
    }

    fn first(&mut self, kind: u64, count: u32, value: &[u8]) -> Outcome<u64> {
        let values = self.values(kind, count.min(1), value)?;
        Ok(values.first().copied().unwrap_or(0))
    }

    /// The numbers of an entry, not more than a preview could need.
    fn values(&mut self, kind: u64, count: u32, value: &[u8]) -> Outcome<Vec<u64>> {
        let size = match kind {
            3 => 2,
            4 | 13 => 4,
            _ => return Ok(Vec::new()),
        };
        let length = u64::from(count.min(VALUES)) * size;
        let bytes = if length <= 4 {
            value.to_vec()
        } else {
            self.read(self.number(value), length)?.unwrap_or_default()
        };
        let (length, size) = (length.min(bytes.len() as u64), size);
        let numbers = bytes.chunks_exact(if size == 2 { 2 } else { 4 });
        let wanted = usize::try_from(length / size).unwrap_or(0);
        Ok(numbers.take(wanted).map(|n| self.number(n)).collect())
    }

    /// These bytes of the file, when it has them.
    fn read(&mut self, at: u64, length: u64) -> Outcome<Option<Vec<u8>>> {
        self.source.read_range(at, length, self.buffer)?;
        let whole = self.buffer.len() as u64 == length;
        Ok(whole.then(|| self.buffer.clone()))
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        if self.little {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        }
    }
}
