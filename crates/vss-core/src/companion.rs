//! Which files belong to which: the video of a Live Photo, the JPEG beside a RAW, subtitles.
//!
//! A *companion* is an original that stands to another one as a sidecar does. Rules over names and
//! over what the files say of themselves find it: [`in_folder`] within one folder, then [`across`]
//! for the halves of Live Photos that were moved apart. Neither reads a file. What a person linked
//! or unlinked is handed in as [`Decisions`] and stays as they said.

mod across;
mod capture;
mod decisions;
mod facts;
mod folder;
mod hand;
mod language;
mod live;
mod names;
mod slot;
mod texts;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ContentUuid, EntryId, MediaType};

pub use across::{Lonely, across};
pub use capture::CaptureTime;
pub use decisions::{Decision, Decisions};
pub use facts::{ByteRange, LiveId, MediaFacts};
pub use folder::{Pairs, in_folder};
pub use hand::relation;
pub use language::{LanguageTag, LanguageTagError};
pub use slot::{Choice, Occupant, Slot, choose, slot};

/// An original as far as the rules need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The catalog's name for it.
    pub entry: EntryId,
    /// The content it holds.
    pub content: ContentUuid,
    /// Its name without its folder, in the bytes the file system uses.
    pub name: Vec<u8>,
    /// What it is.
    pub media_type: MediaType,
    /// What its bytes say of themselves.
    pub facts: MediaFacts,
}

/// An original that belongs to another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Companion {
    /// The original that it belongs to.
    pub of: EntryId,
    /// The original that belongs to it. Of a Motion Photo it is the same one, as a part of itself;
    /// of nothing else.
    pub companion: EntryId,
    /// What it is to it.
    pub relation: Relation,
    /// What that rests on.
    pub evidence: Evidence,
}

impl Companion {
    /// How sure that is: a matter of relation and evidence alone.
    pub fn confidence(&self) -> Confidence {
        confidence(&self.relation, self.evidence)
    }
}

/// How sure a relation is that rests on some evidence.
pub fn confidence(relation: &Relation, evidence: Evidence) -> Confidence {
    match (evidence, relation) {
        (Evidence::Hand | Evidence::SameId { .. } | Evidence::Inside | Evidence::FullName, _) => {
            Confidence::Certain
        }
        (Evidence::NameAndTime { .. }, _)
        | (Evidence::Name, Relation::Subtitle(_) | Relation::Rendition) => Confidence::Likely,
        (Evidence::Name, Relation::Xmp { first: true }) => Confidence::Likely,
        (Evidence::Name, _) => Confidence::Possible,
    }
}

/// What a companion is to its original.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "relation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relation {
    /// The video of a Live Photo, a file of its own.
    LivePhoto,
    /// The video inside of a Motion Photo.
    MotionPhoto(ByteRange),
    /// The picture that the camera developed itself, beside its RAW.
    Rendition,
    /// Settings and captions as XMP.
    Xmp {
        /// Whether nothing else has a better claim to it: of `a.cr2` and `a.jpg`, `a.xmp` is the
        /// RAW's first.
        first: bool,
    },
    /// Text that runs along with a video or a song.
    Subtitle(Subtitle),
}

impl Relation {
    /// The spellings of [`as_str`](Self::as_str).
    pub const NAMES: [&'static str; 5] =
        ["live_photo", "motion_photo", "rendition", "xmp", "subtitle"];

    /// The spelling in rows, logs and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LivePhoto => "live_photo",
            Self::MotionPhoto(_) => "motion_photo",
            Self::Rendition => "rendition",
            Self::Xmp { .. } => "xmp",
            Self::Subtitle(_) => "subtitle",
        }
    }
}

/// What the name of a subtitle says of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Subtitle {
    /// Its language, where the name says one.
    pub language: Option<LanguageTag>,
    /// Only what is foreign in the film (`.forced`).
    pub forced: bool,
    /// For the hard of hearing (`.sdh`, `.cc`).
    pub hearing_impaired: bool,
}

/// What the finding of a companion rests on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// A person said so.
    Hand,
    /// Both files carry it.
    SameId {
        /// What they carry.
        id: LiveId,
    },
    /// The one is inside of the other.
    Inside,
    /// The whole name of the one is followed by an ending in the other's: `a.cr2.xmp`.
    FullName,
    /// The same name but for the ending, and taken at the same time.
    NameAndTime {
        /// How far apart, in milliseconds.
        apart_ms: u32,
    },
    /// The same name but for the ending.
    Name,
}

impl fmt::Display for Evidence {
    /// For a person, after "because of".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => f.write_str("a link made by hand"),
            Self::SameId { id } => write!(f, "the identifier {id} in both files"),
            Self::Inside => f.write_str("the video inside of the file"),
            Self::FullName => f.write_str("the whole name"),
            Self::NameAndTime { apart_ms } => {
                write!(f, "the same name, taken {apart_ms} ms apart")
            }
            Self::Name => f.write_str("the same name"),
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Nothing speaks against it.
    Possible,
    /// Somebody who looked at the names would say so.
    Likely,
    /// The files, or a person, say so.
    Certain,
}

/// Why a confidence was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a confidence")]
pub struct ConfidenceError {
    /// What was given.
    pub text: String,
}

impl Confidence {
    /// Every confidence, the least sure first.
    pub const ALL: [Self; 3] = [Self::Possible, Self::Likely, Self::Certain];

    /// The spelling in rows, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

impl FromStr for Confidence {
    type Err = ConfidenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|confidence| confidence.as_str() == text)
            .ok_or_else(|| ConfidenceError { text: text.into() })
    }
}
