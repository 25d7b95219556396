//! Plain samples as a WAVE file, written while they come.

use std::fs::File;
use std::os::unix::fs::FileExt;

use vss_raster::Outcome;
use vss_raster::failure::{too_large, unwritable};

const HEADER: u64 = 44;
const BUFFER: usize = 256 << 10;

/// A file of one channel of 16-bit samples, on its way.
#[derive(Debug)]
pub(crate) struct Wav<'a> {
    file: &'a File,
    rate: u32,
    written: u64,
    buffer: Vec<u8>,
}

impl<'a> Wav<'a> {
    /// Into an empty file.
    pub(crate) fn new(file: &'a File, rate: u32) -> Self {
        Self {
            file,
            rate,
            written: 0,
            buffer: Vec::with_capacity(BUFFER),
        }
    }

    /// Takes the next samples.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn add(&mut self, samples: &[i16]) -> Outcome<()> {
        let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
        self.buffer.extend(bytes);
        match self.buffer.len() >= BUFFER {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> Outcome<()> {
        let at = HEADER + self.written;
        let written = self.file.write_all_at(&self.buffer, at);
        written.map_err(|error| unwritable(&error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest, and the header that says how much it was.
    ///
    /// # Errors
    /// When they cannot be written, and `too_large` beyond the 4 GiB that WAVE can count.
    pub(crate) fn finish(mut self) -> Outcome<()> {
        self.write()?;
        let data = u32::try_from(self.written).map_err(too_large)?;
        let whole = data
            .checked_add(36)
            .ok_or_else(|| too_large("beyond 4 GiB"))?;
        let mut header = Vec::with_capacity(44);
        header.extend(b"RIFF");
        header.extend(whole.to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(16_u32.to_le_bytes());
        // Plain samples, one channel.
        header.extend([1, 0, 1, 0]);
        header.extend(self.rate.to_le_bytes());
        header.extend(self.rate.saturating_mul(2).to_le_bytes());
        // Bytes and bits of a sample.
        header.extend([2, 0, 16, 0]);
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        let written = self.file.write_all_at(&header, 0);
        written.map_err(|error| unwritable(&error))
    }
}
