//! `FILE|UUID` on the command line: a file always means the content of that file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use vss_core::ContentUuid;
use vss_ports::{ContentCatalog, PortErrorKind};

use crate::failure::{Exit, Failure};

/// Finds out which content is meant. A text that is both the name of a file and a uuid is a uuid:
/// write `./NAME` for the file.
pub(crate) async fn content_of(
    target: &OsStr,
    catalog: &dyn ContentCatalog,
) -> Result<ContentUuid, Failure> {
    if let Some(Ok(content)) = target.to_str().map(str::parse) {
        return Ok(content);
    }
    let path = absolute(Path::new(target))?;
    match catalog.identify(&path).await {
        Ok(Some(identified)) => Ok(identified.content),
        Ok(None) => {
            let message = format!("{} is empty: an empty file has no content", path.display());
            Err(Failure::new(Exit::Usage, message))
        }
        Err(error) if error.kind == PortErrorKind::Rejected => {
            let message = format!("{} is no file that can be read", path.display());
            Err(Failure::new(Exit::Usage, message).because(error.source))
        }
        Err(error) => Err(error.into()),
    }
}

/// The contents of several targets, in order.
pub(crate) async fn contents_of(
    targets: &[OsString],
    catalog: &dyn ContentCatalog,
) -> Result<Vec<ContentUuid>, Failure> {
    let mut contents = Vec::with_capacity(targets.len());
    for target in targets {
        contents.push(content_of(target, catalog).await?);
    }
    Ok(contents)
}

/// A path that stays right when the working folder changes.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::internal(&format!("resolve {}", path.display()), error))
}
