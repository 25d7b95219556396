//! The end of what a worker wrote to its standard error: where engines say why they died.

use std::io::{PipeReader, Read};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::wire::one_line;

/// Bytes that are kept.
const KEPT: usize = 2_048;

/// The reading end of a worker's standard error, and the last of what came through it.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) pipe: PipeReader,
    bytes: Vec<u8>,
}

impl Tail {
    /// Reads without ever waiting.
    ///
    /// # Errors
    /// When the pipe cannot be told not to block.
    pub(crate) fn new(pipe: PipeReader) -> std::io::Result<Self> {
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        Ok(Self {
            pipe,
            bytes: Vec::new(),
        })
    }

    /// Takes what is there, so that the worker never waits for a reader. `false` once it is closed.
    pub(crate) fn drain(&mut self) -> bool {
        let mut buffer = [0; 4_096];
        // Bounded: who writes faster than this reads comes again with the next event.
        for _ in 0..16 {
            match self.pipe.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.bytes
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                    let surplus = self.bytes.len().saturating_sub(KEPT);
                    self.bytes.drain(..surplus);
                }
                Err(_) => return true,
            }
        }
        true
    }

    /// Forgets what belongs to an earlier job.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// What was kept, raw.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The end of it as one line for a detail, with a separator in front; nothing when it is empty.
    pub(crate) fn detail(&self) -> String {
        let text = self.text();
        let from = text.char_indices().rev().nth(219).map_or(0, |(at, _)| at);
        let line = one_line(text.get(from..).unwrap_or_default());
        if line.is_empty() {
            line
        } else {
            format!(": {line}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_end_is_kept_and_reading_never_waits() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut tail = Tail::new(reader).unwrap();
        assert!(tail.drain(), "open and empty");
        writer.write_all(&[b'a'; 9_000]).unwrap();
        writer.write_all(b"\x1b[1mthe\nend").unwrap();
        assert!(tail.drain());
        assert!(tail.detail().ends_with("[1mthe end"));
        assert!(tail.text().len() <= KEPT && tail.detail().len() < 250);
        drop(writer);
        assert!(!tail.drain());
        tail.forget();
        assert_eq!(tail.detail(), "");
    }
}
