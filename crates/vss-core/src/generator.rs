//! Who made a sidecar: a generator of a version, or one of the other ways a file gets here.

use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Version};
use serde::{Deserialize, Serialize};

use crate::DeviceUuid;
use crate::slug::{self, SlugError};

/// The name of a generator: `^[a-z0-9][a-z0-9_-]{0,31}$`, and none of the words that
/// [`SidecarSource`] uses for other origins.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GeneratorId(String);

/// A generator at a version. A row that failed under one version is tried again under another.
///
/// In a row the version's build metadata is the mark of the recipe
/// ([`recipe_mark`](crate::plan::recipe_mark)), so that a changed setting is another version of
/// that variant alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct GeneratorRef {
    /// Which generator.
    pub id: GeneratorId,
    /// Its semantic version.
    pub version: Version,
}

/// Where the file of a sidecar comes from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SidecarSource {
    /// Made here.
    Generator(GeneratorId),
    /// An original that serves as a sidecar where it is.
    Reference,
    /// Fetched from a device.
    Peer(DeviceUuid),
    /// Found in its place without a row.
    Adopted,
    /// A reference that was moved into the vault.
    Converted,
}

/// Why a source or generator name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarSourceError {
    /// The name breaks the rule for names.
    #[error("{text:?} is not a generator: {source}")]
    Slug {
        /// What was given.
        text: String,
        /// The rule it breaks.
        source: SlugError,
    },
    /// The word means another origin.
    #[error("{text:?} is an origin, not a generator")]
    Reserved {
        /// What was given.
        text: String,
    },
    /// `peer:` is followed by something other than a device.
    #[error("{text:?} names no device")]
    Device {
        /// What was given.
        text: String,
    },
}

const RESERVED: [&str; 4] = ["reference", "peer", "adopted", "converted"];

impl GeneratorRef {
    /// This generator following a recipe: the same version, marked.
    ///
    /// # Errors
    /// Never for marks that [`recipe_mark`](crate::plan::recipe_mark) made.
    pub fn marked(&self, mark: &str) -> Result<Self, semver::Error> {
        let version = Version {
            build: BuildMetadata::new(mark)?,
            ..self.version.clone()
        };
        Ok(Self {
            id: self.id.clone(),
            version,
        })
    }
}

impl GeneratorId {
    /// The spelling in rows, logs and JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GeneratorId {
    type Err = SidecarSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        slug::check(text, 32, "_-").map_err(|source| SidecarSourceError::Slug {
            text: text.into(),
            source,
        })?;
        if RESERVED.contains(&text) {
            return Err(SidecarSourceError::Reserved { text: text.into() });
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for GeneratorId {
    type Error = SidecarSourceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<GeneratorId> for String {
    fn from(id: GeneratorId) -> Self {
        id.0
    }
}

impl fmt::Display for GeneratorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GeneratorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.version)
    }
}

impl fmt::Display for SidecarSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generator(id) => fmt::Display::fmt(id, f),
            Self::Reference => f.write_str("reference"),
            Self::Peer(device) => write!(f, "peer:{device}"),
            Self::Adopted => f.write_str("adopted"),
            Self::Converted => f.write_str("converted"),
        }
    }
}

impl FromStr for SidecarSource {
    type Err = SidecarSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reference" => Ok(Self::Reference),
            "adopted" => Ok(Self::Adopted),
            "converted" => Ok(Self::Converted),
            _ => match text.strip_prefix("peer:") {
                Some(device) => device
                    .parse()
                    .map(Self::Peer)
                    .map_err(|_| SidecarSourceError::Device { text: text.into() }),
                None => text.parse().map(Self::Generator),
            },
        }
    }
}

impl TryFrom<String> for SidecarSource {
    type Error = SidecarSourceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SidecarSource> for String {
    fn from(source: SidecarSource) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_round_trip_and_generators_cannot_pose_as_another_origin() {
        let peer = "peer:0b5bfc05-63f1-5c92-ab6e-2dca9d3df062";
        for text in ["image", "reference", "adopted", "converted", peer] {
            assert_eq!(text.parse::<SidecarSource>().unwrap().to_string(), text);
        }
        for bad in ["", "Image", "peer:", "peer:x", "peer", "a b"] {
            assert!(bad.parse::<SidecarSource>().is_err(), "{bad:?}");
        }
        assert!("adopted".parse::<GeneratorId>().is_err());
    }
}
