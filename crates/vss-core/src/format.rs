//! The file format of a sidecar, which is also its file name's extension. An attribute of a
//! sidecar, not part of its key.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::slug::{self, SlugError};

/// A format by its extension: `^[a-z0-9]{1,12}$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Format(Cow<'static, str>);

/// Why a format was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a format: {source}")]
pub struct FormatError {
    /// What was given.
    pub text: String,
    /// The rule it breaks.
    pub source: SlugError,
}

const LONGEST: usize = 12;

impl Format {
    /// WebP picture.
    pub const WEBP: Self = Self(Cow::Borrowed("webp"));
    /// JPEG picture.
    pub const JPEG: Self = Self(Cow::Borrowed("jpg"));
    /// MPEG-4 video.
    pub const MP4: Self = Self(Cow::Borrowed("mp4"));
    /// JSON document.
    pub const JSON: Self = Self(Cow::Borrowed("json"));
    /// QuickTime video.
    pub const MOV: Self = Self(Cow::Borrowed("mov"));

    /// WebVTT: what belongs to which time.
    pub const VTT: Self = Self(Cow::Borrowed("vtt"));
    /// WAVE audio.
    pub const WAV: Self = Self(Cow::Borrowed("wav"));

    pub(crate) const fn well_known(extension: &'static str) -> Self {
        Self(Cow::Borrowed(extension))
    }

    /// The extension without its dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a file that begins with `head` (12 bytes or more where the file has them) can be of
    /// this format. Formats without a signature accept everything.
    pub fn accepts_head(&self, head: &[u8]) -> bool {
        match self.as_str() {
            "webp" => head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"),
            "jpg" => head.starts_with(&[0xFF, 0xD8, 0xFF]),
            "mp4" | "mov" => head.get(4..8) == Some(b"ftyp"),
            "json" => matches!(head.first(), Some(b'{' | b'[')),
            "wav" => head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE"),
            "vtt" => head.starts_with(b"WEBVTT"),
            _ => true,
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        slug::check(text, LONGEST, "").map_err(|source| FormatError {
            text: text.into(),
            source,
        })?;
        Ok(Self(Cow::Owned(text.into())))
    }
}

impl TryFrom<String> for Format {
    type Error = FormatError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Format> for String {
    fn from(format: Format) -> Self {
        format.0.into_owned()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
