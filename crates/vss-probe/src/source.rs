//! Reading a file in small parts, with an end to how much and how often.

use std::io;

/// A file that can be read anywhere.
pub trait Source {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Reads from an offset on, as `pread` does: maybe less than asked for.
    ///
    /// # Errors
    /// When the disk fails. The file then says nothing from there on.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..));
        let from = rest.unwrap_or_default();
        let length = from.len().min(buffer.len());
        let (to, from) = (buffer.get_mut(..length), from.get(..length));
        if let Some((to, from)) = to.zip(from) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }
}

/// How much of one file is read at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes, those included that are read twice.
    pub bytes: u64,
    /// How often the file is read from.
    pub reads: u32,
}

impl Default for Limits {
    /// One megabyte in 128 reads: five times what any file of a camera took.
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            reads: 128,
        }
    }
}

/// Some bytes of a file, from `start` up to `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Its part from an offset on, to its end.
    pub(crate) fn from(self, offset: u64) -> Option<Self> {
        let start = self.start.checked_add(offset)?;
        (start <= self.end).then_some(Self { start, ..self })
    }

    /// Its part of this length from an offset on; `None` where that is not all in it.
    pub(crate) fn part(self, offset: u64, length: u64) -> Option<Self> {
        let start = self.start.checked_add(offset)?;
        let end = start.checked_add(length)?;
        (end <= self.end).then_some(Self { start, end })
    }
}

/// What is read at once, where less is asked for: what a head holds is mostly in one.
const WINDOW: usize = 8 * 1024;
/// The longest piece that is ever in memory.
const LONGEST: usize = 256 * 1024;

/// A file, and what may still be read of it.
pub(crate) struct Reader<'a> {
    source: &'a mut dyn Source,
    limits: Limits,
    window: Vec<u8>,
    start: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a mut dyn Source, limits: Limits) -> Self {
        Self {
            source,
            limits,
            window: Vec::new(),
            start: 0,
        }
    }

    /// The whole file.
    pub(crate) fn all(&self) -> Span {
        Span {
            start: 0,
            end: self.source.size(),
        }
    }

    /// All bytes of a span. `None` when they are too many, are not there, or nothing may be read
    /// any more.
    pub(crate) fn bytes(&mut self, span: Span) -> Option<&[u8]> {
        let length = usize::try_from(span.length()).ok()?;
        if length > LONGEST {
            return None;
        }
        if !self.holds(span.start, length) {
            self.fill(span.start, length)?;
        }
        let at = usize::try_from(span.start - self.start).ok()?;
        self.window.get(at..at.checked_add(length)?)
    }

    /// `N` bytes at an offset into a span.
    pub(crate) fn array<const N: usize>(&mut self, span: Span, offset: u64) -> Option<[u8; N]> {
        let part = span.part(offset, u64::try_from(N).ok()?)?;
        self.bytes(part)?.try_into().ok()
    }

    fn holds(&self, start: u64, length: usize) -> bool {
        let at = start.checked_sub(self.start).map(usize::try_from);
        let end = at
            .and_then(Result::ok)
            .and_then(|at| at.checked_add(length));
        end.is_some_and(|end| end <= self.window.len())
    }

    /// Reads at least `length` bytes from `start` on into the window.
    fn fill(&mut self, start: u64, length: usize) -> Option<()> {
        let there = self.source.size().checked_sub(start)?;
        let there = usize::try_from(there).unwrap_or(usize::MAX);
        let wanted = length.max(WINDOW).min(there);
        if wanted < length {
            return None;
        }
        self.start = start;
        self.window.clear();
        self.window.resize(wanted, 0);
        let mut filled = 0;
        while filled < length {
            let Some(end) = self.read(start, filled) else {
                self.window.clear();
                return None;
            };
            filled = end;
        }
        self.window.truncate(filled);
        Some(())
    }

    /// Reads on in the window; answers how far it is filled then.
    fn read(&mut self, start: u64, filled: usize) -> Option<usize> {
        let buffer = self.window.get_mut(filled..)?;
        let wanted = u64::try_from(buffer.len()).ok()?;
        self.limits.reads = self.limits.reads.checked_sub(1)?;
        self.limits.bytes = self.limits.bytes.checked_sub(wanted)?;
        let offset = start.checked_add(u64::try_from(filled).ok()?)?;
        let read = self.source.read_at(offset, buffer).ok()?;
        (read > 0).then(|| filled.saturating_add(read).min(self.window.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Source for Slow<'_> {
        fn size(&self) -> u64 {
            self.0.size()
        }

        fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read_at(offset, &mut buffer[..one])
        }
    }

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_span_is_read_whole_or_not_at_all() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut slice = bytes.as_slice();
        let mut reader = Reader::new(&mut slice, Limits::default());
        assert_eq!(reader.bytes(span(250, 256)), Some(&bytes[250..]));
        assert_eq!(reader.bytes(span(3, 5)), Some(&bytes[3..5]));
        assert_eq!(reader.bytes(span(250, 257)), None);
        assert_eq!(reader.bytes(span(900, 901)), None);
        assert_eq!(reader.array::<2>(span(1, 3), 0), Some([1, 2]));
        assert_eq!(reader.array::<2>(span(1, 3), 1), None);
        assert_eq!(reader.bytes(span(7, 7)), Some(&[][..]));
        let mut slow = Slow(&bytes);
        let mut reader = Reader::new(&mut slow, Limits::default());
        assert_eq!(reader.bytes(span(10, 14)), Some(&bytes[10..14]));
    }

    #[test]
    fn reading_ends_at_the_limits() {
        let bytes = vec![7; 100_000];
        let mut slice = bytes.as_slice();
        let limits = Limits {
            bytes: 20_000,
            reads: 100,
        };
        let mut reader = Reader::new(&mut slice, limits);
        assert!(reader.bytes(span(0, 4)).is_some());
        assert!(reader.bytes(span(50_000, 50_004)).is_some());
        assert!(reader.bytes(span(50_100, 50_104)).is_some(), "read before");
        assert!(reader.bytes(span(0, 4)).is_none());
        let mut slow = Slow(&bytes);
        let limits = Limits {
            bytes: u64::MAX,
            reads: 3,
        };
        let mut reader = Reader::new(&mut slow, limits);
        assert!(reader.bytes(span(0, 3)).is_some());
        assert!(reader.bytes(span(0, 4)).is_none());
        assert!(
            Reader::new(
                &mut bytes.as_slice(),
                Limits {
                    bytes: u64::MAX,
                    reads: 1
                }
            )
            .bytes(span(0, u64::MAX))
            .is_none()
        );
    }
}
