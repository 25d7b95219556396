//! What has to be done so that rows and files of one content agree again: a pure comparison. It
//! reads no bytes; where only bytes can tell, it asks for them to be verified.

use crate::{Format, Kind, Manifest, ManifestEntry, Status, Variant};

/// A file that was found in a content's folder and parses as a sidecar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFile {
    /// The kind its folder names.
    pub kind: Kind,
    /// The variant its name says.
    pub variant: Variant,
    /// The format its extension says.
    pub format: Format,
    /// Its size in bytes.
    pub size: u64,
}

/// A row as far as the comparison needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownRow {
    /// Its kind.
    pub kind: Kind,
    /// Its variant.
    pub variant: Variant,
    /// Its format.
    pub format: Format,
    /// Its status.
    pub status: Status,
    /// The size of the file it vouches for, in bytes: of a ready row, or of a pending one whose
    /// old file is served until the new one is there.
    pub vouched_size: Option<u64>,
    /// Whether the sidecar is an original somewhere else and so needs no file in the vault.
    pub is_reference: bool,
}

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// A whole file without a row that vouches for it: hash it, then record it as ready.
    Adopt(FoundFile),
    /// A row that vouches for a file that is not there: back to pending.
    Missing {
        /// The kind of the row.
        kind: Kind,
        /// The variant of the row.
        variant: Variant,
    },
    /// The file is not the size its row says: hash it and compare with the manifest; record what
    /// it is if they agree, quarantine it if not.
    Verify(FoundFile),
    /// A second file for a key that already has one in another format: report, leave alone.
    Unknown(FoundFile),
}

/// Compares the files and rows of one content. The order of the actions is the order in which they
/// must be done; doing them and comparing again yields nothing, except for what is only reported.
pub fn diff(files: &[FoundFile], rows: &[KnownRow]) -> Vec<Action> {
    let mut actions = Vec::new();
    let file_of = |row: &KnownRow| {
        files
            .iter()
            .find(|f| f.kind == row.kind && f.variant == row.variant && f.format == row.format)
    };
    for row in rows
        .iter()
        .filter(|row| !row.is_reference && row.status != Status::Running)
    {
        match (row.vouched_size, file_of(row)) {
            (Some(size), Some(file)) if file.size != size => {
                actions.push(Action::Verify(file.clone()));
            }
            (Some(_), None) => actions.push(Action::Missing {
                kind: row.kind.clone(),
                variant: row.variant.clone(),
            }),
            (Some(_), Some(_)) | (None, _) => {}
        }
    }
    for (i, file) in files.iter().enumerate() {
        let row = rows
            .iter()
            .find(|r| r.kind == file.kind && r.variant == file.variant);
        // A file of the vault is more than a reference: a move or a copy that was interrupted before
        // its row said so.
        let vouched = row.is_some_and(|row| {
            row.status == Status::Running
                || (row.vouched_size.is_some() && !row.is_reference && file_of(row).is_some())
        });
        if vouched {
            if row.is_some_and(|row| row.format != file.format) {
                actions.push(Action::Unknown(file.clone()));
            }
            continue;
        }
        match preferred(files, file, row) {
            Some(best) if best == i => actions.push(Action::Adopt(file.clone())),
            _ => actions.push(Action::Unknown(file.clone())),
        }
    }
    actions
}

/// Which of the files of one key is the one to adopt: in the row's format, else in the kind's
/// usual one, else the first.
fn preferred(files: &[FoundFile], file: &FoundFile, row: Option<&KnownRow>) -> Option<usize> {
    let same_key = |f: &FoundFile| f.kind == file.kind && f.variant == file.variant;
    let in_format = |format: &Format| {
        files
            .iter()
            .position(|f| same_key(f) && &f.format == format)
    };
    row.and_then(|row| in_format(&row.format))
        .or_else(|| {
            file.kind
                .default_format()
                .and_then(|format| in_format(&format))
        })
        .or_else(|| files.iter().position(same_key))
}

/// How a manifest has fallen out of step with the rows and files of its content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drift {
    /// What it does not say, or says otherwise.
    pub set: Vec<ManifestEntry>,
    /// What it says of files that are not there.
    pub gone: Vec<(Kind, Variant)>,
}

impl Drift {
    /// Whether it is in step.
    pub fn is_none(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty()
    }
}

/// Compares a manifest with what is so: `vouched` are the files that are there and that a row
/// vouches for, `files` all that are there. Who made a file and when is taken from a manifest, not
/// corrected in it. What it says of a file that is there and has no row is left: adopting the file
/// goes by it.
pub fn drift(manifest: Option<&Manifest>, vouched: &[ManifestEntry], files: &[FoundFile]) -> Drift {
    let said = |entry: &ManifestEntry| {
        let said = manifest.and_then(|manifest| manifest.entry(&entry.kind, &entry.variant))?;
        let (a, b) = (said, entry);
        Some((&a.format, a.size, a.blake3) == (&b.format, b.size, b.blake3))
    };
    let set = vouched.iter().filter(|entry| said(entry) != Some(true));
    let set: Vec<_> = set.cloned().collect();
    let entries = manifest.map_or(&[][..], |manifest| &manifest.sidecars);
    let is_there = |entry: &&ManifestEntry| {
        files.iter().any(|file| {
            let (a, b) = (file, entry);
            (&a.kind, &a.variant, &a.format) == (&b.kind, &b.variant, &b.format)
        })
    };
    let is_set = |entry: &ManifestEntry| {
        set.iter()
            .any(|s| (&s.kind, &s.variant) == (&entry.kind, &entry.variant))
    };
    let gone = entries
        .iter()
        .filter(|entry| !is_there(entry) && !is_set(entry))
        .map(|entry| (entry.kind.clone(), entry.variant.clone()))
        .collect();
    Drift { set, gone }
}
