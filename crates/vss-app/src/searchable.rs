//! A picture or a document as a PDF whose words can be searched and copied.
//!
//! A JPEG goes in as it is, only without what cameras note of place and time (`jpeg`). Of every
//! other picture the worker of stills makes one, since no picture is decoded in this process
//! (`picture`). The words lie over it invisibly, each in its box (`document`), in a font that has
//! no shapes (`font`). A document keeps all it has, and gets the words of its recognised pages
//! behind what they show (`overlay`).

mod document;
mod font;
mod jpeg;
mod overlay;
mod picture;

use std::io::Read;

use vss_core::ContentUuid;
use vss_core::text::TextDocument;
use vss_ports::OpenOriginal;

use crate::failure::{Exit, Failure};
use crate::wiring::App;

const PDF: &str = "application/pdf";

/// A document that is larger is not held in memory.
const LARGEST_DOCUMENT: u64 = 512 << 20;

const OTHER_FORMATS: &str = "the other formats of `vss export` have its text too";

/// The PDF of a content whose text is known.
pub(crate) async fn export(
    app: &App,
    content: ContentUuid,
    text: &TextDocument,
) -> Result<Vec<u8>, Failure> {
    let Some(original) = app.engine.ports().catalog.open(content).await? else {
        let message = "no original is there as it was when it was indexed: a PDF shows it";
        return Err(Failure::new(Exit::Failure, message)
            .remedy("put the file back or `vss index` the folder it moved to"));
    };
    if original.media_type.as_str() == PDF {
        return with_words(original, text.clone()).await;
    }
    let Some(page) = text.pages.first() else {
        let message = format!("{} has no page", original.path.display());
        return Err(Failure::new(Exit::Failure, message));
    };
    let picture = picture::of(app, original, page).await?;
    Ok(document::write(page, &picture))
}

/// A document with the words that were recognised in it.
async fn with_words(original: OpenOriginal, text: TextDocument) -> Result<Vec<u8>, Failure> {
    let path = original.path.display().to_string();
    if original.size > LARGEST_DOCUMENT {
        let message = format!("{path} is larger than {LARGEST_DOCUMENT} bytes");
        return Err(Failure::new(Exit::Failure, message).remedy(OTHER_FORMATS));
    }
    let written = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        (&original.file)
            .take(LARGEST_DOCUMENT)
            .read_to_end(&mut bytes)?;
        overlay::write(bytes, &text)
    });
    let written = written
        .await
        .map_err(|death| Failure::internal("add words to a document", death))?;
    written.map_err(|why| {
        let message = format!("{path} cannot be given its words: {why}");
        Failure::new(Exit::Failure, message).remedy(OTHER_FORMATS)
    })
}
