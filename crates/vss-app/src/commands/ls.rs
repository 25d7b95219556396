//! `vss ls`: the sidecars of one content.

use std::ffi::OsStr;

use std::path::PathBuf;

use vss_core::SidecarSource;
use vss_ports::SidecarRecord;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::{self, LsEntry};
use crate::target::content_of;
use crate::wiring::App;

pub(super) async fn ls(global: &Global, target: &OsStr) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let content = content_of(target, &*app.engine.ports().catalog).await?;
    let entries: Vec<_> = app
        .engine
        .ls(content)
        .await?
        .into_iter()
        .map(entry)
        .collect();
    if global.json {
        output::json(&entries);
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        output::line(&format!(
            "no sidecars; see: vss explain {}",
            target.display()
        ));
    }
    let row = |entry: LsEntry| {
        let size = entry.size.map_or_else(|| "-".to_owned(), output::bytes);
        let status = entry.status.to_string();
        let place = entry.path.or(entry.class).unwrap_or_else(|| "-".into());
        vec![entry.kind, entry.variant, status, size, place]
    };
    output::table(&entries.into_iter().map(row).collect::<Vec<_>>());
    Ok(Exit::Done)
}

fn entry((row, path): (SidecarRecord, Option<PathBuf>)) -> LsEntry {
    LsEntry {
        kind: row.key.kind.to_string(),
        variant: row.key.variant.to_string(),
        format: row.format.to_string(),
        status: row.status,
        managed: row.source != SidecarSource::Reference,
        path: path.map(|path| path.to_string_lossy().into_owned()),
        size: row.size,
        checksum: row.digest.map(|digest| digest.to_string()),
        source: row.source.to_string(),
        version: row.version.map(|version| version.to_string()),
        class: row
            .failure
            .as_ref()
            .map(|failure| failure.class.to_string()),
        detail: row.failure.map(|failure| failure.detail),
    }
}
