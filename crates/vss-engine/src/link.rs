//! Link and unlink: what a person says of which file belongs to which. Indexing never says
//! otherwise.

use vss_core::companion::{self, Decision, Evidence, Relation};
use vss_core::{ContentUuid, EntryId, SidecarKey};
use vss_ports::{EntryRecord, PortError};

use crate::Engine;
use crate::references::{Found, ReferenceReport};

/// Why two files were not linked or unlinked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The catalog does not know one of them.
    #[error("it is not indexed: `vss index` the folder it is in")]
    Unknown(EntryId),
    /// They cannot stand to each other in any way.
    #[error(
        "{companion} cannot be a sidecar of {of}: videos belong to pictures, pictures to a RAW, XMP to either, subtitles to films and songs"
    )]
    NoRelation {
        /// What the original is.
        of: String,
        /// What the companion is.
        companion: String,
    },
    /// The companion cannot be read as it was indexed.
    #[error("it cannot be read as it was indexed: index its folder again")]
    Unread,
    /// Other companions have every variant that it could be.
    #[error(
        "it already has as many of these as it can have: `vss ls` shows them, `vss unlink` one of them first"
    )]
    Taken,
    /// A port failed.
    #[error("the files could not be looked up")]
    Port(#[from] PortError),
}

impl Engine {
    /// Makes one original a sidecar of another, whatever the rules say; answers as what.
    ///
    /// # Errors
    /// [`LinkError`]; then nothing is linked.
    pub async fn link(&self, of: EntryId, companion: EntryId) -> Result<Relation, LinkError> {
        let (of, companion) = (self.known(of).await?, self.known(companion).await?);
        let (of, companion) = (of.entry, companion.entry);
        let relation =
            companion::relation(&of, &companion).ok_or_else(|| LinkError::NoRelation {
                of: of.media_type.to_string(),
                companion: companion.media_type.to_string(),
            })?;
        self.decide(&of, &companion, Some(relation.clone())).await?;
        let found = Found {
            of: of.content,
            companion,
            relation: relation.clone(),
            evidence: Evidence::Hand,
        };
        let mut report = ReferenceReport::default();
        self.record(vec![found], &mut report).await?;
        match (report.unread, report.taken) {
            (0, 0) => Ok(relation),
            (0, _) => Err(LinkError::Taken),
            _ => Err(LinkError::Unread),
        }
    }

    /// Keeps one original from being a sidecar of another; answers how many sidecars it was.
    ///
    /// # Errors
    /// [`LinkError`]; then nothing is unlinked.
    pub async fn unlink(&self, of: EntryId, companion: EntryId) -> Result<u64, LinkError> {
        let (of, companion) = (self.known(of).await?, self.known(companion).await?);
        let (of, companion) = (of.entry, companion.entry);
        self.decide(&of, &companion, None).await?;
        let all = self.ports.store.of_content(of.content).await?;
        let entries: Vec<_> = all.iter().filter_map(|row| row.entry).collect();
        let referring = self.ports.references.referring(&entries).await?;
        let meant = referring.into_iter().filter(|one| {
            one.row.key.content == of.content && one.target.companion == companion.content
        });
        let keys: Vec<SidecarKey> = meant.map(|one| one.row.key).collect();
        Ok(self.ports.store.forget(&keys).await?)
    }

    /// The original at a place, among those of a content.
    ///
    /// # Errors
    /// When a port fails.
    pub async fn entry_at(
        &self,
        content: ContentUuid,
        path: &std::path::Path,
    ) -> Result<Option<EntryId>, PortError> {
        let originals = self.ports.catalog.originals(content).await?;
        let here = originals.into_iter().find(|original| original.path == path);
        Ok(here.map(|original| original.entry))
    }

    async fn known(&self, entry: EntryId) -> Result<EntryRecord, LinkError> {
        let mut found = self.ports.catalog.entries(&[entry]).await?;
        found.pop().ok_or(LinkError::Unknown(entry))
    }

    async fn decide(
        &self,
        of: &companion::Entry,
        companion: &companion::Entry,
        linked: Option<Relation>,
    ) -> Result<(), LinkError> {
        let decision = Decision {
            of: of.entry,
            of_content: of.content,
            companion: companion.entry,
            companion_content: companion.content,
            linked,
        };
        let catalog = self.ports.catalog.instance().await?;
        let now = self.ports.clock.now();
        let decided = self.ports.references.decide(&catalog, &decision, now);
        Ok(decided.await?)
    }
}
