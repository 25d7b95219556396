//! What sort of artifact a sidecar is. Kinds are open: the well-known ones are constants, any
//! other name that parses is as good, and a new one needs no migration.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Format;
use crate::slug::{self, SlugError};

/// A kind of sidecar, by the name rows use (`thumb`, `ocr`, a custom slug).
///
/// A custom kind matches `^[a-z0-9][a-z0-9_-]{0,31}$`, is no Windows device name and is not the
/// folder name of a well-known kind (`thumbs`), so that folder and kind determine each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kind(Cow<'static, str>);

/// Why a kind was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// The name breaks the rule for names.
    #[error("{text:?} is not a kind: {source}")]
    Slug {
        /// What was given.
        text: String,
        /// The rule it breaks.
        source: SlugError,
    },
    /// The folder is named like a well-known kind whose folder has another name.
    #[error("{text:?} is not the folder of a kind")]
    NotAFolder {
        /// What was given.
        text: String,
    },
    /// The name is the folder of a well-known kind.
    #[error("{text:?} is not a kind but the folder of {kind:?}")]
    ReservedFolder {
        /// What was given.
        text: String,
        /// The kind whose folder it is.
        kind: &'static str,
    },
}

/// Name, folder and format; the order is the one people see. Where kinds share a folder, the
/// format tells them apart, and the first has whatever no other names.
const WELL_KNOWN: [(&str, &str, &str); 13] = [
    ("thumb", "thumbs", "webp"),
    ("thumbstrip", "thumbstrips", "webp"),
    ("thumbstrip_map", "thumbstrips", "vtt"),
    ("proxy", "proxies", "mp4"),
    ("ocr", "ocr", "json"),
    ("transcript", "transcript", "json"),
    ("embeddings", "embeddings", "json"),
    ("live", "live", "mov"),
    ("waveform", "waveforms", "json"),
    ("pcm", "pcm", "wav"),
    ("rendition", "rendition", "jpg"),
    ("xmp", "xmp", "xmp"),
    ("subtitle", "subtitle", "srt"),
];

const LONGEST: usize = 32;

impl Kind {
    /// A still picture of the content in one size.
    pub const THUMB: Self = Self(Cow::Borrowed("thumb"));
    /// A sprite of frames of a video with a map from time to tile.
    pub const THUMBSTRIP: Self = Self(Cow::Borrowed("thumbstrip"));
    /// Which time each tile of a thumbstrip shows; lies beside it.
    pub const THUMBSTRIP_MAP: Self = Self(Cow::Borrowed("thumbstrip_map"));
    /// A smaller rendition of a video.
    pub const PROXY: Self = Self(Cow::Borrowed("proxy"));
    /// Text found in a picture or a document.
    pub const OCR: Self = Self(Cow::Borrowed("ocr"));
    /// Speech as text.
    pub const TRANSCRIPT: Self = Self(Cow::Borrowed("transcript"));
    /// Vectors for semantic search, one variant a model.
    pub const EMBEDDINGS: Self = Self(Cow::Borrowed("embeddings"));
    /// The video of a Live Photo.
    pub const LIVE: Self = Self(Cow::Borrowed("live"));
    /// The loudness of audio over time.
    pub const WAVEFORM: Self = Self(Cow::Borrowed("waveform"));

    /// Audio as plain samples.
    pub const PCM: Self = Self(Cow::Borrowed("pcm"));
    /// The picture that a camera developed itself, beside its RAW.
    pub const RENDITION: Self = Self(Cow::Borrowed("rendition"));
    /// Settings and captions of a picture or a film.
    pub const XMP: Self = Self(Cow::Borrowed("xmp"));
    /// Text that runs along with a film or a song, one variant a language.
    pub const SUBTITLE: Self = Self(Cow::Borrowed("subtitle"));

    /// The well-known kinds.
    pub const ALL: [Self; 13] = [
        Self::THUMB,
        Self::THUMBSTRIP,
        Self::THUMBSTRIP_MAP,
        Self::PROXY,
        Self::OCR,
        Self::TRANSCRIPT,
        Self::EMBEDDINGS,
        Self::LIVE,
        Self::WAVEFORM,
        Self::PCM,
        Self::RENDITION,
        Self::XMP,
        Self::SUBTITLE,
    ];

    /// The spelling in rows, logs and JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder below a content's folder; a custom kind's folder is its name.
    pub fn folder(&self) -> &str {
        WELL_KNOWN
            .iter()
            .find(|(name, ..)| *name == self.0)
            .map_or(&self.0, |known| known.1)
    }

    /// The kind whose files of this format lie in this folder.
    ///
    /// # Errors
    /// [`KindError`] when no kind has such a folder.
    pub fn of_file(folder: &str, format: &Format) -> Result<Self, KindError> {
        let mut sharing = WELL_KNOWN.iter().filter(|known| known.1 == folder);
        let first = sharing.next();
        let named = sharing.find(|known| known.2 == format.as_str()).or(first);
        if let Some(known) = named {
            return Ok(Self(Cow::Borrowed(known.0)));
        }
        let kind: Self = folder.parse()?;
        match kind.folder() == folder {
            true => Ok(kind),
            // `thumb` is a kind, but its folder is `thumbs`.
            false => Err(KindError::NotAFolder {
                text: folder.into(),
            }),
        }
    }

    /// Whether a folder of this name holds sidecars.
    ///
    /// # Errors
    /// [`KindError`] when no kind has such a folder.
    pub fn check_folder(folder: &str) -> Result<(), KindError> {
        Self::of_file(folder, &Format::JSON).map(|_| ())
    }

    /// Whether a sidecar of this kind may be of this format: not if another kind of the same
    /// folder has it.
    pub fn may_have(&self, format: &Format) -> bool {
        Self::of_file(self.folder(), format).as_ref() == Ok(self)
    }

    /// The format a sidecar of this kind has unless something says otherwise; `None` for a custom
    /// kind.
    pub fn default_format(&self) -> Option<Format> {
        let known = WELL_KNOWN.iter().find(|(name, ..)| *name == self.0)?;
        Some(Format::well_known(known.2))
    }
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(known) = WELL_KNOWN.iter().find(|known| known.0 == text) {
            return Ok(Self(Cow::Borrowed(known.0)));
        }
        slug::check(text, LONGEST, "_-").map_err(|source| KindError::Slug {
            text: text.into(),
            source,
        })?;
        match WELL_KNOWN.iter().find(|known| known.1 == text) {
            Some(known) => Err(KindError::ReservedFolder {
                text: text.into(),
                kind: known.0,
            }),
            None => Ok(Self(Cow::Owned(text.into()))),
        }
    }
}

impl TryFrom<String> for Kind {
    type Error = KindError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.0.into_owned()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
