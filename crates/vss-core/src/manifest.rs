//! What a content's folder says about itself, so that its rows can be made again without a
//! database. How it is written to disk is the vault's matter; what it holds is decided here.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    ContentUuid, Digest, Format, Kind, SidecarKey, SidecarSource, Timestamp, Variant, layout,
};

/// The version of the shape below. A reader refuses a greater one.
pub const MANIFEST_VERSION: u32 = 1;

/// Everything known about the managed sidecars of one content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] when it was written.
    pub version: u32,
    /// The content.
    pub content_uuid: ContentUuid,
    /// Size of the original the sidecars were made from, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_size: Option<u64>,
    /// BLAKE3 of that whole original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_blake3: Option<Digest>,
    /// The sidecars, ordered by kind and variant.
    pub sidecars: Vec<ManifestEntry>,
}

/// One sidecar in a [`Manifest`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Its kind.
    pub kind: Kind,
    /// Its variant.
    pub variant: Variant,
    /// Its format.
    pub format: Format,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub blake3: Digest,
    /// Where it comes from.
    pub source: SidecarSource,
    /// The version of the generator that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_version: Option<Version>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Manifest {
    /// A manifest without sidecars.
    pub const fn empty(content_uuid: ContentUuid) -> Self {
        Self {
            version: MANIFEST_VERSION,
            content_uuid,
            source_size: None,
            source_blake3: None,
            sidecars: Vec::new(),
        }
    }

    /// What it says of one sidecar.
    pub fn entry(&self, kind: &Kind, variant: &Variant) -> Option<&ManifestEntry> {
        self.sidecars
            .iter()
            .find(|e| e.kind == *kind && e.variant == *variant)
    }

    /// Puts an entry in its place, instead of the one of the same kind and variant.
    pub fn set(&mut self, entry: ManifestEntry) {
        self.remove(&entry.kind, &entry.variant);
        let name = |e: &ManifestEntry| (e.kind.clone(), e.variant.clone());
        let at = self.sidecars.partition_point(|e| name(e) < name(&entry));
        self.sidecars.insert(at, entry);
    }

    /// The same in the words of `b3sum`: a line a sidecar, its digest and its path below
    /// `sidecars/`. No part of a path has a character that `b3sum` would escape.
    pub fn b3sums(&self) -> String {
        let line = |entry: &ManifestEntry| {
            let (kind, variant) = (entry.kind.clone(), entry.variant.clone());
            let key = SidecarKey::new(self.content_uuid, kind, variant);
            let path = layout::sidecar_path(&key, &entry.format);
            format!("{}  {path}\n", entry.blake3)
        };
        self.sidecars.iter().map(line).collect()
    }

    /// How many bytes [`b3sums`](Self::b3sums) has, without writing it.
    pub fn b3sums_len(&self) -> usize {
        // 64 digits, two spaces, `content/`, two shards and a uuid, each with a slash behind it.
        const FIXED: usize = 64 + 2 + 8 + 3 + 3 + 37;
        let line = |entry: &ManifestEntry| {
            let folder = entry.kind.folder().len() + 1;
            let name = entry.variant.as_str().len() + 1 + entry.format.as_str().len();
            FIXED + folder + name + 1
        };
        self.sidecars.iter().map(line).sum()
    }

    /// Takes an entry out; whether there was one.
    pub fn remove(&mut self, kind: &Kind, variant: &Variant) -> bool {
        let before = self.sidecars.len();
        self.sidecars
            .retain(|e| !(e.kind == *kind && e.variant == *variant));
        self.sidecars.len() != before
    }
}
