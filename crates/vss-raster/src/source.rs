//! Reads an original through its descriptor: by position, because the descriptor's own position
//! is anybody's, and never mapped into memory, because a file that shrinks would kill the process.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use vss_ports::GenerateFailure;

use crate::failure::{Outcome, out_of_memory, too_large, unreadable};

/// The most bytes of a file that are held in memory at once.
const LONGEST_WHOLE: u64 = 256 << 20;

/// An original of a known size. It remembers when reading failed, because decoders report that as
/// damage of the picture.
pub struct Source<'a> {
    file: &'a File,
    begin: u64,
    size: u64,
    trouble: RefCell<Option<io::Error>>,
}

impl<'a> Source<'a> {
    /// The first `size` bytes of a file.
    pub const fn new(file: &'a File, size: u64) -> Self {
        Self {
            file,
            begin: 0,
            size,
            trouble: RefCell::new(None),
        }
    }

    /// Its bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// A part of it, as an original of its own; what is beyond the end is not in it.
    pub fn part(&self, begin: u64, size: u64) -> Self {
        let begin = begin.min(self.size);
        Self {
            file: self.file,
            begin: self.begin.saturating_add(begin),
            size: size.min(self.size - begin),
            trouble: RefCell::new(None),
        }
    }

    /// A reader from its beginning.
    pub fn reader(&self) -> BufReader<SourceReader<'_, 'a>> {
        let reader = SourceReader {
            source: self,
            at: 0,
        };
        BufReader::with_capacity(64 << 10, reader)
    }

    /// Reads up to `length` bytes from `at` into a buffer that is reused; fewer where the file
    /// ends.
    ///
    /// # Errors
    /// `transient_io` when the descriptor cannot be read, `out_of_memory` when there is no room.
    pub fn read_range(&self, at: u64, length: u64, into: &mut Vec<u8>) -> Outcome<()> {
        let length = length.min(self.size.saturating_sub(at));
        let length = usize::try_from(length).map_err(out_of_memory)?;
        into.clear();
        into.try_reserve_exact(length).map_err(out_of_memory)?;
        into.resize(length, 0);
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, self.begin + at + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        into.truncate(filled);
        Ok(())
    }

    /// Reads all of it into a buffer that is reused, for decoders that work on memory.
    ///
    /// # Errors
    /// As [`read_range`](Self::read_range); `too_large` for what is not held in memory.
    pub fn read_whole(&self, into: &mut Vec<u8>) -> Outcome<()> {
        if self.size > LONGEST_WHOLE {
            return Err(too_large(format!(
                "{} bytes: a file of its sort may have {LONGEST_WHOLE}",
                self.size
            )));
        }
        self.read_range(0, self.size, into)
    }

    /// The failure as it is, unless reading failed underneath: then that is the failure.
    pub fn blame(&self, failure: GenerateFailure) -> GenerateFailure {
        let trouble = self.trouble.borrow();
        trouble.as_ref().map_or(failure, unreadable)
    }
}

/// Reads a [`Source`] in order, with a position of its own.
pub struct SourceReader<'s, 'a> {
    source: &'s Source<'a>,
    at: u64,
}

impl Read for SourceReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size.saturating_sub(self.at);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let wanted = wanted.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        match self
            .source
            .file
            .read_at(buffer, self.source.begin + self.at)
        {
            Ok(read) => {
                self.at += read as u64;
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    let copy = io::Error::new(error.kind(), error.to_string());
                    self.source.trouble.replace(Some(copy));
                }
                Err(error)
            }
        }
    }
}

impl Seek for SourceReader<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.source.size.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
