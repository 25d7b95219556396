//! `vss presence`: which sidecars of many contents are here.

use std::collections::BTreeMap;

use vss_core::Status;

use crate::cli::{Global, PresenceArgs};
use crate::failure::{Exit, Failure};
use crate::output::{self, PresenceEntry};
use crate::target::contents_of;
use crate::wiring::App;

pub(super) async fn presence(global: &Global, args: &PresenceArgs) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let contents = contents_of(&args.targets, &*app.engine.ports().catalog).await?;
    let answers = app
        .engine
        .presence(&contents, &args.kind, &args.variant, true)
        .await?;
    let mut document: BTreeMap<String, BTreeMap<String, PresenceEntry>> = BTreeMap::new();
    for (content, variants) in answers {
        let of_content = document.entry(content.to_string()).or_default();
        for (variant, answer) in variants {
            let entry = PresenceEntry {
                local: answer.local,
                path: answer.path.map(|path| path.to_string_lossy().into_owned()),
                status: answer.status,
                devices: answer.devices.iter().map(ToString::to_string).collect(),
            };
            of_content.insert(variant.to_string(), entry);
        }
    }
    if global.json {
        output::json(&document);
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for (content, variants) in document {
        for (variant, entry) in variants {
            let status = entry
                .status
                .map_or("never wanted", Status::as_str)
                .to_owned();
            let place = entry.path.unwrap_or_else(|| "-".into());
            rows.push(vec![content.clone(), variant, status, place]);
        }
    }
    output::table(&rows);
    Ok(Exit::Done)
}
