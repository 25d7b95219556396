//! `vss export`: the text of a content in a format that other programs read.

use std::fs;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;
use vss_core::text::{self, TEXT_VERSION, TextDocument};
use vss_core::{ContentUuid, Kind};
use vss_engine::PathAnswer;

use super::path;
use crate::cli::{ExportArgs, ExportFormat, Global, PathArgs};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::searchable;
use crate::whole_file;
use crate::wiring::App;

#[derive(Serialize)]
struct ExportDocument {
    path: String,
    size: u64,
    pages: usize,
    words: usize,
    empty: bool,
}

pub(super) async fn export(global: &Global, args: &ExportArgs) -> Result<Exit, Failure> {
    check(global, args)?;
    let wanted = PathArgs {
        target: args.target.clone(),
        kind: args.kind.clone(),
        variant: args.variant.clone(),
        wait: args.wait,
        extract: false,
    };
    args.out.as_deref().map_or(Ok(()), whole_file::is_free)?;
    let (app, content, answer) = path::look(global, &wanted).await?;
    let PathAnswer::Ready { file, .. } = answer else {
        return path::print(global, &app, &wanted, content, answer).await;
    };
    let document = read(&file.path)?;
    let bytes = exported(&app, content, &document, args.format).await?;
    let Some(out) = &args.out else {
        let mut stdout = std::io::stdout().lock();
        return match stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Exit::Done),
            // A reader that went away is no error.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
            Err(error) => Err(Failure::new(
                Exit::Failure,
                format!("the text could not be written: {error}"),
            )
            .remedy("make room, or name another place with --out")),
        };
    };
    whole_file::write_new(out, &bytes)?;
    let said = ExportDocument {
        path: out.display().to_string(),
        size: bytes.len() as u64,
        pages: document.pages.len(),
        words: document.pages.iter().map(|page| page.words().count()).sum(),
        empty: document.empty,
    };
    match global.json {
        true => output::json(&said),
        false => output::line(&format!(
            "{} words of {} pages in {}",
            said.words, said.pages, said.path
        )),
    }
    Ok(Exit::Done)
}

/// What is wrong with the command whatever the library holds.
fn check(global: &Global, args: &ExportArgs) -> Result<(), Failure> {
    let usage = |message: String, remedy: &str| {
        Err(Failure::new(Exit::Usage, message).remedy(remedy.to_owned()))
    };
    if args.kind != Kind::OCR {
        let message = format!("{} is not exported, only ocr is", args.kind);
        return usage(message, "`vss path` says where the file of any sidecar is");
    }
    if args.out.is_none() && global.json {
        return usage(
            "--json would mix with what is exported".into(),
            "add --out FILE",
        );
    }
    let terminal = args.out.is_none() && std::io::stdout().is_terminal();
    if args.format == ExportFormat::Pdf && terminal {
        return usage(
            "a PDF is nothing for a terminal".into(),
            "add --out FILE.pdf",
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<TextDocument, Failure> {
    let damaged = |why: String| {
        let message = format!("{} cannot be read: {why}", path.display());
        Failure::new(Exit::Failure, message)
            .remedy("`vss regen --corrupt`, then `vss run`, makes it again")
    };
    let json = fs::read(path).map_err(|error| damaged(error.to_string()))?;
    let document: TextDocument =
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    if document.version > TEXT_VERSION {
        let message = format!(
            "{} is of version {}, and this program reads {TEXT_VERSION}",
            path.display(),
            document.version
        );
        return Err(Failure::new(Exit::Failure, message).remedy("use the program that made it"));
    }
    Ok(document)
}

async fn exported(
    app: &App,
    content: ContentUuid,
    document: &TextDocument,
    format: ExportFormat,
) -> Result<Vec<u8>, Failure> {
    Ok(match format {
        ExportFormat::Txt => text::plain(document).into_bytes(),
        ExportFormat::Tsv => text::tsv(document).into_bytes(),
        ExportFormat::Hocr => text::hocr(document, &name_of(app, content).await?).into_bytes(),
        ExportFormat::Alto => text::alto(document, &name_of(app, content).await?).into_bytes(),
        ExportFormat::Pdf => searchable::export(app, content, document).await?,
    })
}

/// What its first original is called; its uuid where there is none any more.
async fn name_of(app: &App, content: ContentUuid) -> Result<String, Failure> {
    let originals = app.engine.ports().catalog.originals(content).await?;
    let name = originals
        .first()
        .and_then(|original| original.path.file_name());
    Ok(name.map_or_else(
        || content.to_string(),
        |name| name.to_string_lossy().into_owned(),
    ))
}
