//! Reads the directories of TIFF structures and the values of their entries.

use crate::failure::Outcome;
use crate::source::Source;

/// A file that is made of directories.
pub(super) struct Tree<'t, 'f> {
    source: &'t Source<'f>,
    little: bool,
    buffer: &'t mut Vec<u8>,
}

/// One directory: its entries, and where the next one is.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    pub(super) next: u64,
}

/// A tag with the place of its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) tag: u16,
    kind: u16,
    pub(super) count: u32,
    value: [u8; 4],
}

impl Directory {
    /// The entry of a tag.
    pub(super) fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

impl<'t, 'f> Tree<'t, 'f> {
    /// Of a file, with the low byte first or not, and a buffer that is reused.
    pub(super) const fn new(source: &'t Source<'f>, little: bool, buffer: &'t mut Vec<u8>) -> Self {
        Self {
            source,
            little,
            buffer,
        }
    }

    /// Whether numbers have their low byte first.
    pub(super) const fn is_little(&self) -> bool {
        self.little
    }

    /// Where the first directory is.
    ///
    /// # Errors
    /// `transient_io`, `out_of_memory`; as all that is below.
    pub(super) fn first(&mut self) -> Outcome<u64> {
        let first = self.read(4, 4)?;
        Ok(first.map_or(0, |bytes| number(self.little, &bytes)))
    }

    /// The directory at a place, when all of it is in the file.
    pub(super) fn directory(&mut self, at: u64) -> Outcome<Option<Directory>> {
        let Some(count) = self.read(at, 2)? else {
            return Ok(None);
        };
        let count = number(self.little, &count);
        let Some(table) = self.read(at.saturating_add(2), count * 12 + 4)? else {
            return Ok(None);
        };
        let little = self.little;
        let small = |bytes: &[u8]| u16::try_from(number(little, bytes)).unwrap_or(0);
        let (entries, next) = table.as_chunks::<12>();
        let entry = |&[a, b, c, d, e, f, g, h, value @ ..]: &[u8; 12]| Entry {
            tag: small(&[a, b]),
            kind: small(&[c, d]),
            count: u32::try_from(number(little, &[e, f, g, h])).unwrap_or(0),
            value,
        };
        Ok(Some(Directory {
            entries: entries.iter().map(entry).collect(),
            next: number(little, next),
        }))
    }

    /// The whole numbers of an entry, at most so many; none when it has something else.
    pub(super) fn wholes(&mut self, entry: &Entry, most: u32) -> Outcome<Vec<u64>> {
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            _ => return Ok(Vec::new()),
        };
        let bytes = self.bytes_of(entry, size, most)?;
        let numbers = bytes.chunks_exact(usize::from(size));
        Ok(numbers.map(|n| number(self.little, n)).collect())
    }

    /// The first whole number of an entry; 0 when it has none.
    pub(super) fn whole(&mut self, entry: &Entry) -> Outcome<u64> {
        Ok(self.wholes(entry, 1)?.first().copied().unwrap_or(0))
    }

    /// The numbers of an entry, whole or not, at most so many.
    #[expect(
        clippy::cast_precision_loss,
        reason = "levels and weights have few digits"
    )]
    pub(super) fn numbers(&mut self, entry: &Entry, most: u32) -> Outcome<Vec<f64>> {
        let size = match entry.kind {
            5 | 10 | 12 => 8,
            8 => 2,
            9 | 11 => 4,
            _ => {
                let wholes = self.wholes(entry, most)?;
                return Ok(wholes.into_iter().map(|whole| whole as f64).collect());
            }
        };
        let bytes = self.bytes_of(entry, size, most)?;
        let little = self.little;
        let signed = |bytes: &[u8]| {
            let bits = u32::try_from(number(little, bytes)).unwrap_or(0);
            f64::from(bits.cast_signed())
        };
        let value = |bytes: &[u8]| match (entry.kind, bytes.split_at(bytes.len() / 2)) {
            (5, (top, bottom)) => number(little, top) as f64 / number(little, bottom) as f64,
            (10, (top, bottom)) => signed(top) / signed(bottom),
            (8, _) => {
                let bits = u16::try_from(number(little, bytes)).unwrap_or(0);
                f64::from(bits.cast_signed())
            }
            (9, _) => signed(bytes),
            (11, _) => {
                let bits = u32::try_from(number(little, bytes)).unwrap_or(0);
                f64::from(f32::from_bits(bits))
            }
            _ => f64::from_bits(number(little, bytes)),
        };
        Ok(bytes.chunks_exact(usize::from(size)).map(value).collect())
    }

    /// The bytes of an entry that has bytes, at most so many.
    pub(super) fn bytes(&mut self, entry: &Entry, most: u32) -> Outcome<Vec<u8>> {
        self.bytes_of(entry, 1, most)
    }

    /// Where the values of an entry with bytes are, when they are not in the entry.
    pub(super) fn place(&self, entry: &Entry) -> u64 {
        number(self.little, &entry.value)
    }

    fn bytes_of(&mut self, entry: &Entry, size: u16, most: u32) -> Outcome<Vec<u8>> {
        let length = |count: u32| u64::from(count) * u64::from(size);
        let wanted = length(entry.count.min(most));
        if length(entry.count) <= 4 {
            let bytes = entry.value.iter().copied();
            return Ok(bytes.take(usize::try_from(wanted).unwrap_or(0)).collect());
        }
        Ok(self.read(self.place(entry), wanted)?.unwrap_or_default())
    }

    /// These bytes of the file, when it has them.
    fn read(&mut self, at: u64, length: u64) -> Outcome<Option<Vec<u8>>> {
        self.source.read_range(at, length, self.buffer)?;
        let whole = self.buffer.len() as u64 == length;
        Ok(whole.then(|| self.buffer.clone()))
    }
}

fn number(little: bool, bytes: &[u8]) -> u64 {
    let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
    if little {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    }
}
