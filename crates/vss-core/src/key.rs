//! The name of a sidecar.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ContentUuid, Kind, SidecarUuid, Variant};

/// Names one sidecar on every device: which content, which kind, which variant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SidecarKey {
    /// The content it is derived from.
    pub content: ContentUuid,
    /// What sort of artifact it is.
    pub kind: Kind,
    /// Which one of that sort.
    pub variant: Variant,
}

impl SidecarKey {
    /// A key from its parts.
    pub const fn new(content: ContentUuid, kind: Kind, variant: Variant) -> Self {
        Self {
            content,
            kind,
            variant,
        }
    }

    /// The uuid of the row: UUIDv5 in the DNS namespace of the text `content|kind|variant`, with
    /// the content in lower-case hyphenated form. None of the parts can hold a `|`.
    pub fn row_uuid(&self) -> SidecarUuid {
        SidecarUuid::new(Uuid::new_v5(
            &Uuid::NAMESPACE_DNS,
            self.to_string().as_bytes(),
        ))
    }
}

impl fmt::Display for SidecarKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.content, self.kind, self.variant)
    }
}
