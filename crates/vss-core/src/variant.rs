//! Which of several sidecars of one kind: a size, a profile, a model.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::slug::{self, SlugError};

/// A variant name: `^[a-z0-9][a-z0-9._@-]{0,63}$`, without "..", a trailing dot or a Windows device
/// name. Model names are lower-cased by whoever configures them, never silently here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Variant(Cow<'static, str>);

/// Why a variant was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a variant: {source}")]
pub struct VariantError {
    /// What was given.
    pub text: String,
    /// The rule it breaks.
    pub source: SlugError,
}

const LONGEST: usize = 64;

impl Variant {
    /// Thumbnail, 128 px.
    pub const ICON_1X: Self = Self(Cow::Borrowed("icon@1x"));
    /// Thumbnail, 256 px.
    pub const ICON_2X: Self = Self(Cow::Borrowed("icon@2x"));
    /// Thumbnail, 256 px, finer than the icon.
    pub const GRID_1X: Self = Self(Cow::Borrowed("grid@1x"));
    /// Thumbnail, 512 px.
    pub const GRID_2X: Self = Self(Cow::Borrowed("grid@2x"));
    /// Thumbnail, 1024 px.
    pub const DETAIL_1X: Self = Self(Cow::Borrowed("detail@1x"));
    /// Thumbnail, 2048 px.
    pub const DETAIL_2X: Self = Self(Cow::Borrowed("detail@2x"));
    /// The usual thumbstrip or waveform.
    pub const PREVIEW: Self = Self(Cow::Borrowed("preview"));
    /// A thumbstrip of many frames.
    pub const DETAILED: Self = Self(Cow::Borrowed("detailed"));
    /// A thumbstrip for a small screen.
    pub const MOBILE: Self = Self(Cow::Borrowed("mobile"));
    /// Proxy to scrub through, 180p.
    pub const SCRUB: Self = Self(Cow::Borrowed("scrub"));
    /// Proxy to look at, 480p.
    pub const QUICK: Self = Self(Cow::Borrowed("quick"));
    /// Proxy to cut, 720p.
    pub const EDIT: Self = Self(Cow::Borrowed("edit"));
    /// Proxy to watch, 1080p.
    pub const FULL_HD: Self = Self(Cow::Borrowed("full-hd"));
    /// Samples as speech engines want them.
    pub const SPEECH: Self = Self(Cow::Borrowed("speech"));
    /// An original that serves as a sidecar.
    pub const ORIGINAL: Self = Self(Cow::Borrowed("original"));
    /// The video inside of a Motion Photo.
    pub const MOTION: Self = Self(Cow::Borrowed("motion"));
    /// Text that was recognised.
    pub const OCR: Self = Self(Cow::Borrowed("ocr"));

    /// The spelling in rows, paths, logs and JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Variant {
    type Err = VariantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        slug::check(text, LONGEST, "._@-").map_err(|source| VariantError {
            text: text.into(),
            source,
        })?;
        Ok(Self(Cow::Owned(text.into())))
    }
}

impl TryFrom<String> for Variant {
    type Error = VariantError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Variant> for String {
    fn from(variant: Variant) -> Self {
        variant.0.into_owned()
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
