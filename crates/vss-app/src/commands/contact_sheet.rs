//! `vss contact-sheet`: the library's thumbnails on one picture.

use std::path::Path;

use image::ImageFormat;
use serde::Serialize;
use vss_core::{Format, Kind, SidecarKey, Variant};
use vss_ports::ChangeSeq;

use crate::cli::Global;
use crate::contact_sheet;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::whole_file;
use crate::wiring::App;

const BATCH: usize = 500;

#[derive(Serialize)]
struct SheetDocument {
    path: String,
    pictures: usize,
    width: u32,
    height: u32,
}

pub(super) async fn contact_sheet(
    global: &Global,
    out: &Path,
    columns: u32,
    limit: u32,
) -> Result<Exit, Failure> {
    whole_file::is_free(out)?;
    let app = App::open(global.library.as_deref()).await?;
    let ports = app.engine.ports();
    let mut thumbs = Vec::new();
    let mut after = ChangeSeq::default();
    'pages: loop {
        let records = ports.catalog.changes(after, BATCH).await?;
        let Some(last) = records.last() else { break };
        after = last.seq;
        for record in records {
            if thumbs.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                break 'pages;
            }
            let key = SidecarKey::new(record.content, Kind::THUMB, Variant::GRID_1X);
            let row = ports.store.find(&key).await?;
            let Some(row) = row.filter(|row| row.size.is_some() && row.format == Format::WEBP)
            else {
                continue;
            };
            if let Some(file) = app.engine.whole_file(&row).await? {
                thumbs.push(file.path);
            }
        }
    }
    if thumbs.is_empty() {
        return Err(Failure::new(Exit::Failure, "there are no thumbnails yet")
            .remedy("`vss index` a folder with pictures, then `vss run`"));
    }
    let sheet = contact_sheet::draw(&thumbs, columns)?;
    let mut png = std::io::Cursor::new(Vec::new());
    sheet
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| Failure::internal("encode the sheet", error))?;
    whole_file::write_new(out, png.get_ref())?;
    let document = SheetDocument {
        path: out.display().to_string(),
        pictures: thumbs.len(),
        width: sheet.width(),
        height: sheet.height(),
    };
    match global.json {
        true => output::json(&document),
        false => output::line(&format!(
            "{} pictures on {}",
            document.pictures, document.path
        )),
    }
    Ok(Exit::Done)
}
