//! A picture as a PDF whose words can be searched and copied.
//!
//! A JPEG goes in as it is, only without what cameras note of place and time (`jpeg`). Of every
//! other picture the worker of stills makes one, since nothing is decoded in this process
//! (`picture`). The words lie over it invisibly, each in its box (`document`), in a font that has
//! no shapes (`font`).

mod document;
mod font;
mod jpeg;
mod picture;

use vss_core::ContentUuid;
use vss_core::text::TextDocument;

use crate::failure::{Exit, Failure};
use crate::wiring::App;

const PDF: &str = "application/pdf";

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
        let message = format!("{} is a PDF already", original.path.display());
        return Err(Failure::new(Exit::Usage, message).remedy(
            "`--as pdf` is for pictures; the other formats have the text of documents too",
        ));
    }
    let Some(page) = text.pages.first() else {
        let message = format!("{} has no page", original.path.display());
        return Err(Failure::new(Exit::Failure, message));
    };
    let picture = picture::of(app, original, page).await?;
    Ok(document::write(page, &picture))
}
