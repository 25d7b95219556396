//! Which content a file is. Equal, bit for bit, to the identity Spacedrive computes, so that a
//! library can be shared with it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use uuid::Uuid;

use crate::ContentUuid;

/// Files up to this size, in bytes, are hashed whole; larger ones by samples.
pub const SAMPLED_ABOVE: u64 = 102_400;

const EDGE: u64 = 8_192;
const SAMPLE: u64 = 10_240;
const SAMPLES: u64 = 4;

/// The first 16 lower-case hex digits of the identity digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 16]);

/// Why a content hash was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a content hash: 16 lower-case hex digits are")]
pub struct ContentHashError {
    /// What was given.
    pub text: String,
}

impl ContentHash {
    /// The 16 characters.
    pub fn as_str(&self) -> &str {
        // Only hex digits are ever put in, so the fallback cannot be reached.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The content this hash names: UUIDv5 of the 16 characters in the DNS namespace.
    pub fn content_uuid(&self) -> ContentUuid {
        ContentUuid::new(Uuid::new_v5(&Uuid::NAMESPACE_DNS, &self.0))
    }
}

impl FromStr for ContentHash {
    type Err = ContentHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        match <[u8; 16]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(hex) => Ok(Self(bytes)),
            _ => Err(ContentHashError { text: text.into() }),
        }
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// Who a file is, by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ContentIdentity {
    /// The short hash.
    pub hash: ContentHash,
    /// The uuid that follows from it.
    pub uuid: ContentUuid,
}

/// The byte ranges of a file of `size` bytes that its identity is made of, in the order in which
/// they are hashed. Empty for an empty file, which has no identity.
///
/// Up to [`SAMPLED_ABOVE`] it is the whole file; above, the first 8 KiB, four samples of 10 KiB
/// spaced `(size - 16 KiB) / 4` apart from 8 KiB on, and the last 8 KiB.
pub fn sample_ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    let sampled = size > SAMPLED_ABOVE;
    let whole = (!sampled && size > 0).then_some(0..size);
    let jump = size.saturating_sub(2 * EDGE) / SAMPLES;
    let samples = (0..SAMPLES).map(move |i| {
        let start = EDGE + i * jump;
        start..start + SAMPLE
    });
    let parts = std::iter::once(0..EDGE)
        .chain(samples)
        .chain(std::iter::once(
            // Only used when sampled, so the size is larger than the edge.
            size.saturating_sub(EDGE)..size,
        ));
    whole
        .into_iter()
        .chain(parts.take(if sampled { usize::MAX } else { 0 }))
}

/// Computes an identity from the bytes of [`sample_ranges`], taken in that order.
pub struct IdentityHasher {
    hasher: blake3::Hasher,
    left: u64,
}

impl IdentityHasher {
    /// For a file of `size` bytes; `None` when it is empty and so has no identity.
    pub fn new(size: u64) -> Option<Self> {
        if size == 0 {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&size.to_le_bytes());
        let left = sample_ranges(size)
            .map(|range| range.end - range.start)
            .sum();
        Some(Self { hasher, left })
    }

    /// Takes the next bytes of the ranges.
    pub fn update(&mut self, bytes: &[u8]) {
        self.left = self.left.wrapping_sub(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    /// The identity; `None` when not exactly the bytes of the ranges were given, as happens when
    /// the file shrinks while it is read.
    pub fn finish(self) -> Option<ContentIdentity> {
        if self.left != 0 {
            return None;
        }
        let hex = self.hasher.finalize().to_hex();
        let hash: ContentHash = hex.as_str().get(..16)?.parse().ok()?;
        Some(ContentIdentity {
            hash,
            uuid: hash.content_uuid(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(n: usize) -> Vec<u8> {
        (0..n).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    fn identity(bytes: &[u8]) -> Option<ContentIdentity> {
        let mut hasher = IdentityHasher::new(bytes.len() as u64)?;
        for range in sample_ranges(bytes.len() as u64) {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            hasher.update(&bytes[range]);
        }
        hasher.finish()
    }

    #[test]
    fn the_six_vectors_of_spacedrive_hold() {
        for (bytes, hash, uuid) in [
            (
                b"hello world".to_vec(),
                "4d70ca83d92fed8e",
                "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062",
            ),
            (
                vec![0],
                "9b779f74b305adc3",
                "cb35c35c-7fc5-5e30-a3fd-396ba64d2889",
            ),
            (
                pattern(102_400),
                "c66a52267c7e5ee9",
                "6f87b090-27e3-5b4a-bd6e-17d6b309a63d",
            ),
            (
                pattern(102_401),
                "17f74805066119da",
                "04f6b000-ace3-5bae-be28-2e883e476988",
            ),
            (
                pattern(1_048_576),
                "5aefa86eb26df03d",
                "8d0a9117-265a-5f97-b006-0df664ed2592",
            ),
            (
                pattern(5_000_003),
                "a82dcb2b6b6a7ed4",
                "94650fea-1b79-5dc1-80c3-ce95c4c79f98",
            ),
        ] {
            let found = identity(&bytes).unwrap();
            assert_eq!(found.hash.as_str(), hash, "{} bytes", bytes.len());
            assert_eq!(found.uuid.to_string(), uuid, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn an_empty_file_has_no_identity() {
        assert_eq!(identity(b""), None);
        assert_eq!(sample_ranges(0).count(), 0);
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_has_no_identity() {
        let mut hasher = IdentityHasher::new(10).unwrap();
        hasher.update(b"only 9 by");
        assert_eq!(hasher.finish(), None);
    }

    #[test]
    fn samples_never_leave_the_file() {
        for size in [1, 102_400, 102_401, 102_402, 1 << 20, u64::MAX / 2] {
            for range in sample_ranges(size) {
                assert!(
                    range.start < range.end && range.end <= size,
                    "{size}: {range:?}"
                );
            }
        }
    }
}
