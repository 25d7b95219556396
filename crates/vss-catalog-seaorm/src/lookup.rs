//! What the catalog knows of the files of a batch: by their path, and by what else tells a file
//! that was moved.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr};
use vss_core::EntryId;

use crate::bind::List;
use crate::database::rows;
use crate::original::{FileStat, Found};

/// Entries of one inode that are tried as the old place of a file: more would only be hard links.
const PLACES: i64 = 8;

/// An entry as it was last seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) entry: EntryId,
    pub(crate) stat: FileStat,
}

/// Another place where a file may have been.
#[derive(Clone, Debug)]
pub(crate) struct OldPlace {
    pub(crate) entry: EntryId,
    pub(crate) path: PathBuf,
}

/// The ids of those of the files' folders that have one.
pub(crate) async fn directories<'a>(
    db: &impl ConnectionTrait,
    files: impl Iterator<Item = &'a Found>,
) -> Result<HashMap<Arc<Path>, i64>, DbErr> {
    let mut paths: Vec<&Arc<Path>> = files.map(|file| &file.directory).collect();
    // The walk hands on a folder's files in runs, so few are left.
    paths.dedup();
    let list = List::of(&paths, |list, path| {
        list.hex(path.as_os_str().as_bytes());
    });
    let found = rows(
        db,
        "SELECT j.key AS at, d.id AS id
         FROM json_each(?1) AS j CROSS JOIN directories AS d ON d.path = unhex(j.value)",
        [list],
    )
    .await?;
    let mut ids = HashMap::with_capacity(found.len());
    for row in found {
        if let Some(path) = index(row.try_get("", "at")?).and_then(|at| paths.get(at)) {
            ids.insert(Arc::clone(path), row.try_get("", "id")?);
        }
    }
    Ok(ids)
}

/// For each file of a batch, what is known at its path.
pub(crate) async fn known(
    db: &impl ConnectionTrait,
    files: &[Found],
) -> Result<Vec<Option<Known>>, DbErr> {
    let mut known = vec![None; files.len()];
    let directories = directories(db, files.iter()).await?;
    if directories.is_empty() {
        return Ok(known);
    }
    let list = List::of(files, |list, file| {
        list.row(|row| {
            // Folders count from one, so that zero is none.
            row.number(directories.get(&file.directory).copied().unwrap_or(0))
                .hex(file.name.as_bytes());
        });
    });
    let found = rows(
        db,
        "SELECT j.key AS at, e.id AS id, e.size AS size, e.mtime_ns AS mtime_ns,
                e.device AS device, e.inode AS inode
         FROM json_each(?1) AS j
         CROSS JOIN entries AS e
             ON e.directory_id = j.value ->> 0 AND e.name = unhex(j.value ->> 1)",
        [list],
    )
    .await?;
    for row in found {
        let size: i64 = row.try_get("", "size")?;
        if let Some(slot) = index(row.try_get("", "at")?).and_then(|at| known.get_mut(at)) {
            *slot = Some(Known {
                entry: EntryId(row.try_get("", "id")?),
                stat: FileStat {
                    size: size.cast_unsigned(),
                    mtime_ns: row.try_get("", "mtime_ns")?,
                    device: row.try_get("", "device")?,
                    inode: row.try_get("", "inode")?,
                },
            });
        }
    }
    Ok(known)
}

/// For each file, entries elsewhere of the same device, inode, size and time.
pub(crate) async fn old_places(
    db: &impl ConnectionTrait,
    files: &[Found],
) -> Result<Vec<Vec<OldPlace>>, DbErr> {
    let mut places = vec![Vec::new(); files.len()];
    let list = List::of(files, |list, Found { stat, .. }| {
        list.row(|row| {
            row.number(stat.inode)
                .number(stat.device)
                .number(stat.size.cast_signed())
                .number(stat.mtime_ns);
        });
    });
    let found = rows(
        db,
        "SELECT j.key AS at, e.id AS id, d.path AS path, e.name AS name
         FROM json_each(?1) AS j
         CROSS JOIN entries AS e ON e.id IN (
             SELECT id FROM entries
             WHERE inode = j.value ->> 0 AND device = j.value ->> 1
               AND size = j.value ->> 2 AND mtime_ns = j.value ->> 3
             LIMIT ?2)
         JOIN directories AS d ON d.id = e.directory_id",
        [list, PLACES.into()],
    )
    .await?;
    for row in found {
        if let Some(slot) = index(row.try_get("", "at")?).and_then(|at| places.get_mut(at)) {
            slot.push(OldPlace {
                entry: EntryId(row.try_get("", "id")?),
                path: path(row.try_get("", "path")?, row.try_get("", "name")?),
            });
        }
    }
    Ok(places)
}

/// The path of an entry, from the bytes of its row.
pub(crate) fn path(directory: Vec<u8>, name: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(directory)).join(OsString::from_vec(name))
}

fn index(key: i64) -> Option<usize> {
    usize::try_from(key).ok()
}
