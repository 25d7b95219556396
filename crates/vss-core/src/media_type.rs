//! What sort of file an original is, by its content.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A media type without parameters, lower case: `image/jpeg`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(Cow<'static, str>);

/// Why a media type was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a media type such as \"image/jpeg\"")]
pub struct MediaTypeError {
    /// What was given.
    pub text: String,
}

impl MediaType {
    /// Camera files (RAW) that sidecars are made of.
    pub const CAMERA_FILES: &[&str] = &[
        "image/x-adobe-dng",
        "image/x-canon-cr2",
        "image/x-canon-cr3",
        "image/x-epson-erf",
        "image/x-fuji-raf",
        "image/x-hasselblad-3fr",
        "image/x-kodak-dcr",
        "image/x-leica-rwl",
        "image/x-nikon-nef",
        "image/x-olympus-orf",
        "image/x-panasonic-rw2",
        "image/x-pentax-pef",
        "image/x-phaseone-iiq",
        "image/x-samsung-srw",
        "image/x-sony-arw",
    ];

    /// What a file is of which nothing is known (RFC 2046, 4.5.1).
    pub fn unknown() -> Self {
        Self(Cow::Borrowed("application/octet-stream"))
    }

    /// `type/subtype`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash.
    pub fn top_level(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    /// The characters of a restricted name (RFC 6838, 4.2), lower case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.len() <= 127
                && part.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b)
                })
        };
        match text.split_once('/') {
            Some((top, sub)) if name(top) && name(sub) => Ok(Self(Cow::Owned(text.into()))),
            _ => Err(MediaTypeError { text: text.into() }),
        }
    }
}

impl TryFrom<String> for MediaType {
    type Error = MediaTypeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> Self {
        media_type.0.into_owned()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Media types by name (`image/png`) or all of one sort (`video/*`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaPattern(Cow<'static, str>);

impl MediaPattern {
    /// Whatever sounds and does not move.
    pub const AUDIO: Self = Self(Cow::Borrowed("audio/*"));
    /// Documents.
    pub const PDF: Self = Self(Cow::Borrowed("application/pdf"));
    /// Screenshots, among other pictures.
    pub const PNG: Self = Self(Cow::Borrowed("image/png"));

    /// Whether it names this media type.
    pub fn matches(&self, media_type: &MediaType) -> bool {
        match self.0.strip_suffix("/*") {
            Some(top) => media_type.top_level() == top,
            None => media_type.as_str() == self.0,
        }
    }
}

impl FromStr for MediaPattern {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Any subtype stands for the star.
        let example = match text.strip_suffix("/*") {
            Some(top) => format!("{top}/any"),
            None => text.to_owned(),
        };
        match example.parse::<MediaType>() {
            Ok(_) => Ok(Self(Cow::Owned(text.into()))),
            Err(_) => Err(MediaTypeError { text: text.into() }),
        }
    }
}

impl TryFrom<String> for MediaPattern {
    type Error = MediaTypeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MediaPattern> for String {
    fn from(pattern: MediaPattern) -> Self {
        pattern.0.into_owned()
    }
}

impl fmt::Display for MediaPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_lower_case_types_parse() {
        for good in ["image/jpeg", "image/vnd.microsoft.icon", "image/svg+xml"] {
            assert_eq!(good.parse::<MediaType>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "image",
            "image/",
            "/jpeg",
            "Image/JPEG",
            "text/plain; charset=utf-8",
        ] {
            assert!(bad.parse::<MediaType>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_names_one_type_or_all_of_a_sort() {
        let matches = |pattern: &str, media_type: &str| {
            let pattern: MediaPattern = pattern.parse().unwrap();
            pattern.matches(&media_type.parse().unwrap())
        };
        assert!(matches("video/*", "video/mp4"));
        assert!(matches("image/png", "image/png"));
        assert!(!matches("video/*", "audio/mpeg"));
        assert!(!matches("image/png", "image/apng"));
        for bad in ["*", "*/*", "video/", "video/m*", "/*", ""] {
            assert!(bad.parse::<MediaPattern>().is_err(), "{bad:?}");
        }
    }
}
