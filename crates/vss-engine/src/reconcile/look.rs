//! What the first look at rows and files tells, without a byte being read: which contents are out
//! of step, and which lack a row.

use std::collections::{BTreeMap, BTreeSet};

use vss_core::plan::WantedOutput;
use vss_core::reconcile::FoundFile;
use vss_core::{ContentUuid, MediaType, SidecarSource, Status};
use vss_ports::{ContentRecord, RowOutline, ScannedContent};

use crate::Engine;

impl Engine {
    /// Contents with originals that should have a sidecar for which there is no row.
    pub(super) fn lacking(
        &self,
        known: &[ContentRecord],
        rows: &BTreeMap<ContentUuid, Vec<RowOutline>>,
    ) -> BTreeSet<ContentUuid> {
        let mut wanted: BTreeMap<&MediaType, Vec<WantedOutput>> = BTreeMap::new();
        let mut lacking = BTreeSet::new();
        for record in known.iter().filter(|record| record.originals > 0) {
            let wanted = wanted
                .entry(&record.media_type)
                .or_insert_with(|| self.wanted_outputs(&record.media_type));
            let rows = rows.get(&record.content).map_or(&[][..], Vec::as_slice);
            let has = |wanted: &WantedOutput| {
                let of = (&wanted.kind, &wanted.variant);
                rows.iter().any(|row| (&row.kind, &row.variant) == of)
            };
            if !wanted.iter().all(has) {
                lacking.insert(record.content);
            }
        }
        lacking
    }
}

/// Whether there is nothing to do for a content: each row that vouches has its file, each file its
/// row, the manifest and its sums say just that, and what waits may still be made. What is not is
/// looked at again, with all that its rows say.
pub(super) fn is_in_step(rows: &[RowOutline], folder: Option<&ScannedContent>, lost: bool) -> bool {
    let files = folder.map_or(&[][..], |folder| &folder.files);
    let manifest = folder.and_then(|folder| folder.manifest.as_ref());
    let entries = manifest.map_or(0, |manifest| manifest.sidecars.len());
    let file_of = |row: &RowOutline| {
        let same = |file: &&FoundFile| (&file.kind, &file.variant) == (&row.kind, &row.variant);
        files.iter().find(same)
    };
    let is_reference = |row: &&RowOutline| row.source == SidecarSource::Reference;
    let whole = |row: &RowOutline| match (row.size, file_of(row)) {
        // A reference's file is somewhere else, and its row nobody's work.
        (_, file) if is_reference(&row) => file.is_none(),
        (None, file) => file.is_none() && !lost,
        (Some(_), None) => false,
        (Some(size), Some(file)) => {
            let entry = manifest.and_then(|manifest| manifest.entry(&row.kind, &row.variant));
            let said = entry.map(|entry| (&entry.format, entry.size, Some(entry.blake3)));
            row.status != Status::Running
                && (&file.format, file.size) == (&row.format, size)
                && said == Some((&row.format, size, row.digest))
        }
    };
    let vouching = rows
        .iter()
        .filter(|row| row.size.is_some() && !is_reference(row));
    let vouching = vouching.count();
    folder.is_none_or(|folder| folder.sums)
        && (vouching, vouching) == (files.len(), entries)
        && rows.iter().all(whole)
}

#[cfg(test)]
mod tests {
    use vss_core::{Digest, Format, Kind, Variant};

    use super::*;

    fn row(kind: Kind, source: SidecarSource) -> RowOutline {
        RowOutline {
            kind,
            variant: Variant::ORIGINAL,
            format: Format::WEBP,
            status: Status::Ready,
            source,
            size: Some(9),
            digest: Some(Digest::of(b"whatever")),
        }
    }

    #[test]
    fn a_reference_is_no_file_of_the_vault_and_nothing_to_look_into() {
        let reference = row(Kind::LIVE, SidecarSource::Reference);
        let made = row(Kind::THUMB, SidecarSource::Adopted);
        let content = ContentUuid::from_bytes([7; 16]);
        let mut folder = ScannedContent {
            sums: true,
            ..ScannedContent::new(content)
        };
        assert!(is_in_step(std::slice::from_ref(&reference), None, false));
        assert!(is_in_step(std::slice::from_ref(&reference), None, true));
        assert!(is_in_step(
            std::slice::from_ref(&reference),
            Some(&folder),
            false
        ));
        assert!(!is_in_step(
            &[reference.clone(), made],
            Some(&folder),
            false
        ));
        // A file of its name is the trace of a move that was interrupted.
        folder.files.push(FoundFile {
            kind: Kind::LIVE,
            variant: Variant::ORIGINAL,
            format: Format::WEBP,
            size: 9,
        });
        assert!(!is_in_step(&[reference], Some(&folder), false));
    }
}
