//! `vss du`: how much room sidecars take.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use vss_engine::Usage;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::{self, StatusCounts};
use crate::wiring::App;

#[derive(Serialize)]
struct DuDocument {
    bytes: u64,
    sidecars: Vec<UsageEntry>,
    quarantine: FolderEntry,
    staging: FolderEntry,
    /// What is limited; `total` for all kinds.
    quotas: BTreeMap<String, QuotaEntry>,
}

/// How much there is of what may be.
#[derive(Serialize)]
struct QuotaEntry {
    bytes: u64,
    quota: u64,
}

/// What one kind and variant comes to.
#[derive(Serialize)]
struct UsageEntry {
    kind: String,
    variant: String,
    files: u64,
    bytes: u64,
    rows: StatusCounts,
}

/// What lies in one of the vault's own folders.
#[derive(Serialize)]
struct FolderEntry {
    files: u64,
    bytes: u64,
}

impl FolderEntry {
    /// Counts the files in a folder; what cannot be looked at is not counted.
    fn of(folder: &Path) -> Self {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let sizes = entries.filter_map(|entry| entry.metadata().ok());
        let sizes: Vec<u64> = sizes.map(|metadata| metadata.len()).collect();
        Self {
            files: sizes.len() as u64,
            bytes: sizes.iter().sum(),
        }
    }
}

pub(super) async fn du(global: &Global) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let usage = app.engine.usage().await?;
    let vault = app.library.sidecars_root();
    let entry = |((kind, variant), usage): (_, Usage)| -> UsageEntry {
        let (kind, variant): (vss_core::Kind, vss_core::Variant) = (kind, variant);
        UsageEntry {
            kind: kind.to_string(),
            variant: variant.to_string(),
            files: usage.files.sidecars,
            bytes: usage.files.bytes,
            rows: StatusCounts::of(&usage.rows),
        }
    };
    let sidecars: Vec<_> = usage.into_iter().map(entry).collect();
    let document = DuDocument {
        bytes: sidecars.iter().map(|entry| entry.bytes).sum(),
        sidecars,
        quarantine: FolderEntry::of(&vault.join(".quarantine")),
        staging: FolderEntry::of(&vault.join(".staging")),
        quotas: quotas(&app).await?,
    };
    if global.json {
        output::json(&document);
        return Ok(Exit::Done);
    }
    let head = ["", "files", "room", "waiting", "failed", "evicted"].map(str::to_owned);
    let mut table = vec![head.to_vec()];
    for entry in &document.sidecars {
        let rows = &entry.rows;
        table.push(vec![
            format!("{} {}", entry.kind, entry.variant),
            entry.files.to_string(),
            output::bytes(entry.bytes),
            (rows.pending + rows.running).to_string(),
            (rows.failed + rows.quarantined).to_string(),
            rows.evicted.to_string(),
        ]);
    }
    for (name, folder) in [
        ("set aside", &document.quarantine),
        ("half-made", &document.staging),
    ] {
        if folder.files > 0 {
            let (files, size) = (folder.files.to_string(), output::bytes(folder.bytes));
            table.push(vec![name.to_owned(), files, size]);
        }
    }
    output::table(&table);
    output::line(&format!("{} in all", output::bytes(document.bytes)));
    for (what, entry) in &document.quotas {
        let (there, quota) = (output::bytes(entry.bytes), output::bytes(entry.quota));
        output::line(&format!("quota of {what}: {there} of {quota}"));
    }
    Ok(Exit::Done)
}

/// What quotas count: ready sidecars in the vault.
async fn quotas(app: &App) -> Result<BTreeMap<String, QuotaEntry>, Failure> {
    let quotas = &app.engine.settings().quotas;
    let counts = app.engine.ports().store.counts().await?;
    let of_kinds = quotas.kinds.iter().map(|(kind, quota)| {
        let bytes = counts.bytes.get(kind).copied().unwrap_or_default();
        let quota = *quota;
        (kind.to_string(), QuotaEntry { bytes, quota })
    });
    let total = quotas.total.map(|quota| {
        let bytes = counts.bytes.values().sum();
        ("total".to_owned(), QuotaEntry { bytes, quota })
    });
    Ok(of_kinds.chain(total).collect())
}
