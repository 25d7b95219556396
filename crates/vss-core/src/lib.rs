//! The pure domain of the Virtual Sidecar System: what a sidecar is, where it lives, which states
//! it passes through and what should exist. Nothing here does I/O, reads a clock or knows a
//! database; every other crate may depend on this one and this one depends on none of them.

pub mod companion;
mod content_digest;
mod content_identity;
pub mod eviction;
mod failure;
mod format;
mod generator;
mod ids;
pub mod integrity;
mod key;
mod kind;
pub mod layout;
mod manifest;
mod media_type;
pub mod plan;
mod policy;
mod priority;
mod recipe;
pub mod reconcile;
mod slug;
mod status;

pub mod text;
mod timestamp;
mod variant;
pub mod worth;

pub use content_digest::{Digest, DigestError, DigestHasher};
pub use content_identity::{
    ContentHash, ContentHashError, ContentIdentity, IdentityHasher, SAMPLED_ABOVE, sample_ranges,
};
pub use failure::{
    BACKOFF_CEILING_MS, BACKOFF_FLOOR_MS, Disposition, FailureClass, FailureClassError,
    QUARANTINE_STRIKES, RetryRule,
};
pub use format::{Format, FormatError};
pub use generator::{GeneratorId, GeneratorRef, SidecarSource, SidecarSourceError};
pub use ids::{ContentUuid, DeviceUuid, EntryId, LibraryId, SidecarUuid};
pub use key::SidecarKey;
pub use kind::{Kind, KindError};
pub use manifest::{MANIFEST_VERSION, Manifest, ManifestEntry};
pub use media_type::{MediaPattern, MediaType, MediaTypeError};
pub use priority::{Priority, PriorityError};
pub use slug::SlugError;
pub use status::{Event, IllegalTransition, Status, StatusError};
pub use timestamp::Timestamp;
pub use variant::{Variant, VariantError};
