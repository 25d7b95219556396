//! Where references are: the paths of the originals that serve as sidecars.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use vss_core::{FailureClass, SidecarKey, SidecarSource, Status};
use vss_ports::{
    EntryRecord, FileStamp, LocalFile, OriginalPlace, PortResult, ReferenceRecord, SidecarRecord,
};

use crate::references::part_of;
use crate::{Engine, PathAnswer};

impl Engine {
    /// Where the original of a reference is now, with the answer that follows from it.
    pub(crate) async fn referenced(&self, row: &SidecarRecord) -> PortResult<PathAnswer> {
        let failed = |detail: &str| PathAnswer::Failed {
            class: FailureClass::MissingSource,
            detail: detail.to_owned(),
            attempts: 0,
        };
        let gone =
            "the file that serves as this sidecar is gone: bring it back, then index its folder";
        let Some(reference) = self.reference_of(row).await? else {
            return Ok(failed(gone));
        };
        let entry = [reference.target.entry];
        let record = self.ports.catalog.entries(&entry).await?.pop();
        let Some(record) = record.filter(|record| is_meant(record, &reference)) else {
            return Ok(failed(gone));
        };
        let Ok(place) = OriginalPlace::new(&record.location, &record.path) else {
            return Ok(failed(gone));
        };
        let part = part_of(&reference.target.relation);
        Ok(match self.ports.mover.identity(&place).await? {
            None => failed(
                "the file that serves as this sidecar is not where it was: mount its disk, or index its folder",
            ),
            // Where the part is follows from what was indexed.
            Some(now) if part.is_some() && now.modified_ns != record.identity.modified_ns => {
                failed("the file that it is inside of changed: index its folder")
            }
            Some(now) => PathAnswer::Ready {
                file: LocalFile {
                    path: record.path,
                    size: part.map_or(now.size, |part| part.length),
                    // Of an original it is not known when anything else about it changed.
                    stamp: FileStamp {
                        modified_ns: now.modified_ns,
                        changed_ns: now.modified_ns,
                        file: now.inode,
                    },
                },
                format: row.format.clone(),
                part,
                managed: false,
            },
        })
    }

    /// What a row refers to; `None` for one that is no reference.
    pub(crate) async fn reference_of(
        &self,
        row: &SidecarRecord,
    ) -> PortResult<Option<ReferenceRecord>> {
        let Some(entry) = row.entry else {
            return Ok(None);
        };
        let all = self.ports.references.referring(&[entry]).await?;
        Ok(all.into_iter().find(|one| one.row.key == row.key))
    }

    /// Where the originals are that serve as sidecars, of those rows that are ready references.
    pub(crate) async fn places(
        &self,
        rows: &[SidecarRecord],
    ) -> PortResult<HashMap<SidecarKey, PathBuf>> {
        let ready = rows.iter().filter(|row| row.status == Status::Ready);
        let references = ready.filter(|row| row.source == SidecarSource::Reference);
        let named: Vec<_> = references.filter_map(|row| row.entry).collect();
        if named.is_empty() {
            return Ok(HashMap::new());
        }
        let asked: BTreeSet<_> = rows.iter().map(|row| &row.key).collect();
        let all = self.ports.references.referring(&named).await?.into_iter();
        let known = self.ports.catalog.entries(&named).await?;
        let place = |reference: ReferenceRecord| {
            let record = known.iter().find(|record| is_meant(record, &reference))?;
            Some((reference.row.key, record.path.clone()))
        };
        Ok(all
            .filter(|reference| asked.contains(&reference.row.key))
            .filter_map(place)
            .collect())
    }
}

/// Whether an entry is what a reference was made for. Its number alone says little: another
/// catalog gives it to another file.
fn is_meant(record: &EntryRecord, reference: &ReferenceRecord) -> bool {
    record.entry.entry == reference.target.entry
        && record.entry.content == reference.target.companion
}
