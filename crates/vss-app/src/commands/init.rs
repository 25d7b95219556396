//! `vss init`: an empty library.

use std::path::Path;

use serde::Serialize;
use vss_core::LibraryId;
use vss_system::OsEntropy;
use vss_vault_fs::{FsVault, FsVaultOptions};

use crate::cli::Global;
use crate::device::random_uuid;
use crate::failure::{Exit, Failure};
use crate::library::Library;
use crate::output;
use crate::wiring::App;

#[derive(Serialize)]
struct InitDocument {
    library_id: String,
    name: String,
    path: String,
}

pub(super) async fn init(global: &Global, place: Option<&Path>) -> Result<Exit, Failure> {
    let Some(place) = place.or(global.library.as_deref()) else {
        return Err(Failure::new(Exit::Usage, "where?").remedy("vss init LIBRARY"));
    };
    let vault = |folder: &Path| {
        FsVault::create(folder, FsVaultOptions::default())?;
        Ok(())
    };
    let library = Library::create(place, LibraryId::new(random_uuid(&OsEntropy)), vault)?;
    // Opening it once makes both databases and proves that it can be opened.
    let app = App::open(Some(&library.root)).await?;
    let path = app.library.root.display().to_string();
    if global.json {
        let (library_id, name) = (
            app.library.file.id.to_string(),
            app.library.file.name.clone(),
        );
        output::json(&InitDocument {
            library_id,
            name,
            path,
        });
    } else {
        output::line(&format!("made the library {path}"));
        output::line(&format!(
            "next: vss --library {path} index FOLDER, then: vss run"
        ));
    }
    Ok(Exit::Done)
}
