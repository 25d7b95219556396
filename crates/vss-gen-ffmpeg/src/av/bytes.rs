//! Descriptors of a job as streams that FFmpeg reads and writes: by position, because a
//! descriptor's own position is anybody's.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use vss_ports::CancelToken;

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
/// that borrow; who makes one sees to it that the file stays open for as long as it is used.
#[derive(Debug)]
pub(super) struct Bytes {
    file: ManuallyDrop<File>,
    at: u64,
    size: u64,
    cancel: CancelToken,
    trouble: Trouble,
}

impl Bytes {
    /// A stream over the first `size` bytes of a file; what is written may make it longer.
    ///
    /// # Safety
    /// The file stays open for as long as this is used.
    pub(super) unsafe fn new(file: &File, size: u64, cancel: CancelToken) -> Self {
        // SAFETY: the descriptor is open, and never closed through this owner.
        let file = unsafe { File::from_raw_fd(file.as_raw_fd()) };
        Self {
            file: ManuallyDrop::new(file),
            at: 0,
            size,
            cancel,
            trouble: Trouble::default(),
        }
    }

    /// A stream over all that a file has now; `None` when its size cannot be told.
    ///
    /// # Safety
    /// As for [`Bytes::new`].
    pub(super) unsafe fn of_whole(file: &File, cancel: CancelToken) -> Option<Self> {
        let mut position = file;
        // A plain file's size by its end: a confined process may not ask for more about it.
        let size = position.seek(SeekFrom::End(0)).ok()?;
        // SAFETY: the caller keeps the file open.
        Some(unsafe { Self::new(file, size, cancel) })
    }

    /// Where its trouble is noted.
    pub(super) fn trouble(&self) -> Trouble {
        self.trouble.clone()
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
        self.at += read as u64;
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
        self.at += written as u64;
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
