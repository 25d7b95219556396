//! `vss link` and `vss unlink`: what a person says of which file belongs to which.

use std::path::Path;

use serde::Serialize;
use vss_core::EntryId;

use crate::cli::{Global, LinkArgs, UnlinkArgs};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::target::content_of;
use crate::wiring::App;

#[derive(Serialize)]
struct LinkDocument {
    relation: &'static str,
}

#[derive(Serialize)]
struct UnlinkDocument {
    unlinked: u64,
}

pub(super) async fn link(global: &Global, args: &LinkArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let of = entry(&app, &args.of).await?;
    let companion = entry(&app, &args.companion).await?;
    let relation = app.engine.link(of, companion).await?.as_str();
    if global.json {
        output::json(&LinkDocument { relation });
        return Ok(Exit::Done);
    }
    let (of, companion) = (args.of.display(), args.companion.display());
    output::line(&format!(
        "{companion} is the {relation} of {of} from now on"
    ));
    Ok(Exit::Done)
}

pub(super) async fn unlink(global: &Global, args: &UnlinkArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let of = entry(&app, &args.of).await?;
    let companion = match &args.companion {
        Some(companion) => entry(&app, companion).await?,
        None => of,
    };
    let unlinked = app.engine.unlink(of, companion).await?;
    if global.json {
        output::json(&UnlinkDocument { unlinked });
        return Ok(Exit::Done);
    }
    output::line(match unlinked {
        0 => "it was no sidecar of it, and will not become one",
        _ => "it is no sidecar of it any more; both files are as they were",
    });
    Ok(Exit::Done)
}

/// The original at a path.
async fn entry(app: &App, path: &Path) -> Result<EntryId, Failure> {
    let content = content_of(path.as_os_str(), &*app.engine.ports().catalog).await?;
    // The catalog names files without links.
    let real = std::fs::canonicalize(path).map_err(|error| {
        let message = format!("{} is no file that can be read", path.display());
        Failure::new(Exit::Usage, message).because(error)
    })?;
    let found = app.engine.entry_at(content, &real).await?;
    found.ok_or_else(|| {
        let message = format!("{} is not indexed as it is now", path.display());
        Failure::new(Exit::Usage, message).remedy("`vss index` the folder it is in")
    })
}
