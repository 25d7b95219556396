//! The full digest of a file that is already open: of originals, so that two files that share a
//! sampled identity are told apart, of those that serve as sidecars where they are, and of sidecars
//! that are adopted or verified.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use vss_core::companion::ByteRange;
use vss_core::{Digest, DigestHasher};

/// BLAKE3 is three times as fast in buffers of this size as in small ones.
const BUFFER: usize = 512 * 1024;

/// Reads a file from its beginning to its end: its size, its digest and its first bytes (up to 16).
///
/// # Errors
/// When it cannot be read.
pub(crate) fn digest_of(mut file: &File) -> io::Result<(u64, Digest, Vec<u8>)> {
    file.seek(SeekFrom::Start(0))?;
    digest(file)
}

/// The size and the digest of a file, or of a part of it.
///
/// # Errors
/// When it cannot be read, or ends before the part does.
pub(crate) fn digest_of_part(
    mut file: &File,
    part: Option<ByteRange>,
) -> io::Result<(u64, Digest)> {
    let (size, digest, _) = match part {
        None => digest_of(file)?,
        Some(part) => {
            file.seek(SeekFrom::Start(part.offset))?;
            let read = digest(file.take(part.length))?;
            if read.0 != part.length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read
        }
    };
    Ok((size, digest))
}

fn digest(mut reader: impl Read) -> io::Result<(u64, Digest, Vec<u8>)> {
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    let mut head = Vec::new();
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, hasher.finish(), head)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if head.len() < 16 {
            head.extend(bytes.iter().take(16 - head.len()));
        }
        hasher.update(bytes);
        size += read as u64;
    }
}
