//! What a media file says of itself, as far as it tells which files belong together.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CaptureTime;

/// What the bytes of a content say. Copies of a file say the same, so it belongs to the content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct MediaFacts {
    /// What ties the halves of a Live Photo together.
    pub live_id: Option<LiveId>,
    /// When it was taken.
    pub captured: Option<CaptureTime>,
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Where the video of a Motion Photo is.
    pub motion: Option<ByteRange>,
}

impl MediaFacts {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ByteRange {
    /// Its first byte, from the beginning of the file.
    pub offset: u64,
    /// How many bytes it is long.
    pub length: u64,
}

/// Apple's ContentIdentifier: a photo carries it in its maker note (tag 0x0011), its video as
/// `com.apple.quicktime.content.identifier`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LiveId(Uuid);

/// Longer than anything that was seen: they are UUIDs of 36 characters.
const LONGEST: usize = 128;

impl LiveId {
    /// Reads what a file carries. A UUID in any case and with or without hyphens is itself; other
    /// words, which other makers might write, are named by a UUID that follows from them. `None`
    /// for nothing, for something too long to be one, and for a UUID of zeroes.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let uuid = Uuid::try_parse(text)
            .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()));
        (!uuid.is_nil()).then_some(Self(uuid))
    }

    /// The 16 bytes, as they are stored in a row.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads the 16 bytes of a row.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for LiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for LiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveId({})", self.0)
    }
}
