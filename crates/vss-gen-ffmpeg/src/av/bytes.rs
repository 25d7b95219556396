//! Descriptors of a job as streams that FFmpeg reads and writes: by position, because a
//! descriptor's own position is anybody's.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use vss_ports::{CancelToken, JobHost};

/// Bytes from one sign of life to the next: a single call into FFmpeg may read or move a whole file.
const STRIDE: u64 = 8 << 20;

/// How often a whole file may be read with signs of life: who reads on for ever is found out.
const READINGS: u64 = 8;

/// What went wrong below FFmpeg, which reports it as damage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<io::Error>>>);

impl Trouble {
    fn note(&self, error: &io::Error) {
        if let Ok(mut noted) = self.0.lock() {
            let copy = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::from(error.kind()),
            };
            noted.get_or_insert(copy);
        }
    }

    /// What was noted, once.
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().ok()?.take()
    }
}

/// A borrowed descriptor with a position of its own.
///
/// It lends nothing from the file it was made of, because FFmpeg's owner of streams takes none
/// that borrow; who makes one sees to it that the file stays open, and the host there, for as long
/// as it is used.
#[derive(Debug)]
pub(super) struct Bytes {
    file: ManuallyDrop<File>,
    at: u64,
    size: u64,
    host: &'static dyn JobHost,
    /// Bytes since the last sign of life.
    untold: u64,
    /// Bytes that may still be read with signs of life.
    patience: u64,
    cancel: CancelToken,
    trouble: Trouble,
}

impl Bytes {
    /// A stream over the first `size` bytes of a file; what is written may make it longer. The host
    /// is told now and then that the work goes on.
    ///
    /// # Safety
    /// The file stays open, and the host there, for as long as this is used.
    pub(super) unsafe fn new(
        file: &File,
        size: u64,
        host: &dyn JobHost,
        cancel: CancelToken,
    ) -> Self {
        // SAFETY: the descriptor is open, and never closed through this owner. The caller sees to it
        // that the host is there for longer than this.
        let (file, host) = unsafe {
            let file = File::from_raw_fd(file.as_raw_fd());
            let host = std::mem::transmute::<&dyn JobHost, &'static dyn JobHost>(host);
            (file, host)
        };
        Self {
            file: ManuallyDrop::new(file),
            at: 0,
            size,
            host,
            untold: 0,
            patience: size.saturating_mul(READINGS),
            cancel,
            trouble: Trouble::default(),
        }
    }

    /// A stream over all that a file has now; `None` when its size cannot be told.
    ///
    /// # Safety
    /// As for [`Bytes::new`].
    pub(super) unsafe fn of_whole(
        file: &File,
        host: &dyn JobHost,
        cancel: CancelToken,
    ) -> Option<Self> {
        let mut position = file;
        // A plain file's size by its end: a confined process may not ask for more about it.
        let size = position.seek(SeekFrom::End(0)).ok()?;
        // SAFETY: the caller keeps the file open and the host there.
        Some(unsafe { Self::new(file, size, host, cancel) })
    }

    /// Where its trouble is noted.
    pub(super) fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// So many bytes were moved.
    fn moved(&mut self, bytes: usize) {
        self.at += bytes as u64;
        self.untold += bytes as u64;
        if self.untold >= STRIDE {
            self.untold = 0;
            self.host.progressed();
        }
    }

    fn go_on(&self) -> io::Result<()> {
        match self.cancel.is_cancelled() {
            true => Err(io::Error::from(io::ErrorKind::TimedOut)),
            false => Ok(()),
        }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.go_on()?;
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self
            .file
            .read_at(buffer, self.at)
            .inspect_err(|error| self.trouble.note(error))?;
        match self.patience.checked_sub(read as u64) {
            Some(left) => {
                self.patience = left;
                self.moved(read);
            }
            None => self.at += read as u64,
        }
        Ok(read)
    }
}

impl Write for Bytes {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.go_on()?;
        let written = self
            .file
            .write_at(buffer, self.at)
            .inspect_err(|error| self.trouble.note(error))?;
        self.moved(written);
        self.size = self.size.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use vss_ports::{GenerateFailure, JobUsage};

    #[derive(Default)]
    struct Signs(AtomicU64);

    impl JobHost for Signs {
        fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
            Ok(())
        }

        fn progressed(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn used(&self, _: JobUsage) {}
    }

    #[test]
    fn who_moves_many_bytes_shows_that_it_lives_and_who_reads_for_ever_does_not() {
        let (file, signs) = (tempfile::tempfile().unwrap(), Signs::default());
        let size = 5 * STRIDE / 2;
        file.set_len(size).unwrap();
        let mut buffer = vec![0; 1 << 20];
        // SAFETY: file and host live until the end of this function.
        let mut bytes = unsafe { Bytes::new(&file, size, &signs, CancelToken::new()) };
        let mut told = Vec::new();
        for _ in 0..100 {
            bytes.seek(SeekFrom::Start(0)).unwrap();
            while bytes.read(&mut buffer).unwrap() > 0 {}
            told.push(signs.0.load(Ordering::Relaxed));
        }
        assert_eq!((told[0], told[7], told[99]), (2, 20, 20));
        for _ in 0..16 {
            bytes.write_all(&buffer).unwrap();
        }
        assert_eq!(signs.0.load(Ordering::Relaxed), 22);
    }
}
