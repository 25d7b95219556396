//! Making a manifest and its sums say what is so, without touching a sidecar.

use vss_core::{ContentUuid, Manifest, layout};
use vss_ports::{Amendment, PortErrorKind};

use crate::folders::Folders;
use crate::manifest_file::{self, Found, Lock};
use crate::problem::{During, Problem, Step};

/// Amends the manifest of a content; whether anything was written.
pub(crate) fn amend(folders: &Folders, content: ContentUuid, amendment: &Amendment) -> Step<bool> {
    let path = layout::content_folder(content);
    let opened = folders.tree.open_folder(path.as_str());
    let Some(folder) = opened.during("open a content's folder")? else {
        return Ok(false);
    };
    let lock = Lock::take(folder)?;
    if lock.is_of_nothing()? {
        return Ok(false);
    }
    let before = manifest_file::read(lock.folder(), content)?;
    let mut manifest = match &before {
        Found::Manifest(manifest) => manifest.clone(),
        Found::Absent | Found::Broken(_) => Manifest::empty(content),
        Found::Newer(version) => {
            let reason = format!("its manifest is of version {version}, which is newer");
            return Err(Problem::refused(PortErrorKind::Unsupported, reason));
        }
    };
    amendment.apply(&mut manifest);
    let said = match &before {
        Found::Manifest(before) => *before == manifest,
        // Nothing to say needs no manifest.
        Found::Absent => manifest == Manifest::empty(content),
        Found::Broken(_) | Found::Newer(_) => false,
    };
    if said && manifest_file::sums_match(lock.folder(), &manifest)? {
        return Ok(false);
    }
    let draft = manifest_file::draft(folders, &manifest)?;
    draft.sync(folders)?;
    let over_stranger = matches!(before, Found::Broken(_));
    draft.install(folders, lock.folder(), content, over_stranger)?;
    let synced = folders.syncer.folder(lock.folder());
    synced.during("sync a folder")?;
    Ok(true)
}
