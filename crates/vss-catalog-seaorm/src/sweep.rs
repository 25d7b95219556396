//! Removes the entries below the roots, or at and below single places, that a walk did not meet.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use vss_core::EntryId;

use crate::bind::List;
use crate::database::{Database, rows, sql};
use crate::record::{directories_of, prune, touch};
use crate::roots::Root;
use crate::seen::Seen;
use crate::walk::Unreadable;
use crate::{location, lookup};

/// Entries that are looked at in one statement.
const PAGE: i64 = 2_000;
/// Places that are asked for in one statement.
const PLACES: usize = 1_000;

/// Where a page ended: the last entry's folder and its name.
struct Cursor {
    directory: i64,
    path: Vec<u8>,
    name: Vec<u8>,
}

/// What a walk met, and what it could not look at.
pub(crate) struct Met<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) unreadable: &'a Unreadable,
    /// Gets the folders whose disk is not mounted: what was on it is kept.
    pub(crate) unmounted: &'a mut BTreeSet<PathBuf>,
}

/// Removes what lies at or below a root, was not seen and does not lie below what could not be
/// read or is not mounted. Answers how many entries that were.
pub(crate) async fn root(db: &Database, root: &Root, met: &mut Met<'_>) -> Result<u64, DbErr> {
    match root.is_folder {
        true => folder(db, &root.path, met).await,
        false => remove(db, &at(db, &[root.path.as_path()]).await?, met).await,
    }
}

/// The same for places that may be, or have been, files or folders.
pub(crate) async fn places(
    db: &Database,
    places: &[&Path],
    met: &mut Met<'_>,
) -> Result<u64, DbErr> {
    let mut removed = 0;
    for places in places.chunks(PLACES) {
        removed += remove(db, &at(db, places).await?, met).await?;
        for place in with_folders(db, places).await? {
            removed += folder(db, place, met).await?;
        }
    }
    Ok(removed)
}

async fn folder(db: &Database, folder: &Path, met: &mut Met<'_>) -> Result<u64, DbErr> {
    let mut removed = 0;
    // The subtree, in the order of the folders' paths and the names in each. A page may end inside
    // a folder; the rest of that folder comes before the next one, so that no folder is ever
    // sorted or skipped through.
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = match &cursor {
            None => below(db, folder, None).await?,
            Some(cursor) => {
                let rest = rest_of(db, cursor).await?;
                match rest.is_empty() {
                    true => below(db, folder, Some(&cursor.path)).await?,
                    false => rest,
                }
            }
        };
        let Some(last) = page.last() else {
            return Ok(removed);
        };
        cursor = Some(Cursor {
            directory: last.try_get("", "directory_id")?,
            path: last.try_get("", "path")?,
            name: last.try_get("", "name")?,
        });
        removed += remove(db, &page, met).await?;
    }
}

/// A page of entries below a root, in the folders after one.
async fn below(
    db: &Database,
    root: &Path,
    after: Option<&[u8]>,
) -> Result<Vec<QueryResult>, DbErr> {
    let root = root.as_os_str().as_bytes();
    if after.is_none() {
        // The root itself sorts apart from what is below it (`/a-b` lies between).
        let own = in_folder(db, root).await?;
        if !own.is_empty() {
            return Ok(own);
        }
    }
    let (first, end) = bounds(root);
    let after = match after {
        Some(after) if after != root => after.to_vec(),
        _ => first,
    };
    rows(
        &db.readers,
        "SELECT e.id AS id, e.device AS device, e.directory_id AS directory_id, d.path AS path, e.name AS name
         FROM directories AS d CROSS JOIN entries AS e ON e.directory_id = d.id
         WHERE d.path > ?1 AND d.path < ?2 ORDER BY d.path, e.name LIMIT ?3",
        [after.into(), end.into(), PAGE.into()],
    )
    .await
}

/// The first entries of one folder.
async fn in_folder(db: &Database, folder: &[u8]) -> Result<Vec<QueryResult>, DbErr> {
    rows(
        &db.readers,
        "SELECT e.id AS id, e.device AS device, e.directory_id AS directory_id, d.path AS path, e.name AS name
         FROM directories AS d CROSS JOIN entries AS e ON e.directory_id = d.id
         WHERE d.path = ?1 ORDER BY e.name LIMIT ?2",
        [folder.to_vec().into(), PAGE.into()],
    )
    .await
}

/// The next entries of the folder in which a page ended.
async fn rest_of(db: &Database, cursor: &Cursor) -> Result<Vec<QueryResult>, DbErr> {
    rows(
        &db.readers,
        "SELECT id, device, directory_id, ?3 AS path, name FROM entries
         WHERE directory_id = ?1 AND name > ?2 ORDER BY name LIMIT ?4",
        [
            cursor.directory.into(),
            cursor.name.clone().into(),
            cursor.path.clone().into(),
            PAGE.into(),
        ],
    )
    .await
}

/// `/a/` is before everything below `/a`, and `/a0` is after it: 0 follows the slash.
fn bounds(folder: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut first = folder.to_vec();
    if !first.ends_with(b"/") {
        first.push(b'/');
    }
    let mut end = first.clone();
    if let Some(slash) = end.last_mut() {
        *slash = b'0';
    }
    (first, end)
}

/// The entries at exactly these paths.
async fn at(db: &Database, paths: &[&Path]) -> Result<Vec<QueryResult>, DbErr> {
    let bytes = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().as_bytes().to_vec();
    let list = List::of(paths, |list, path| {
        list.row(|row| {
            row.hex(&bytes(path.parent().map(Path::as_os_str)))
                .hex(&bytes(path.file_name()));
        });
    });
    rows(
        &db.readers,
        "SELECT e.id AS id, e.device AS device, e.directory_id AS directory_id, d.path AS path, e.name AS name
         FROM json_each(?1) AS j
         CROSS JOIN directories AS d ON d.path = unhex(j.value ->> 0)
         CROSS JOIN entries AS e ON e.directory_id = d.id AND e.name = unhex(j.value ->> 1)",
        [list],
    )
    .await
}

/// Those of the paths that are known as folders, or to hold some.
async fn with_folders<'a>(db: &Database, paths: &[&'a Path]) -> Result<Vec<&'a Path>, DbErr> {
    let list = List::of(paths, |list, path| {
        let path = path.as_os_str().as_bytes();
        let (first, end) = bounds(path);
        list.row(|row| {
            row.hex(path).hex(&first).hex(&end);
        });
    });
    let found = rows(
        &db.readers,
        "SELECT j.key AS at FROM json_each(?1) AS j
         WHERE EXISTS (SELECT 1 FROM directories WHERE path = unhex(j.value ->> 0))
            OR EXISTS (SELECT 1 FROM directories
                WHERE path > unhex(j.value ->> 1) AND path < unhex(j.value ->> 2))",
        [list],
    )
    .await?;
    let mut folders = Vec::with_capacity(found.len());
    for row in found {
        let at: i64 = row.try_get("", "at")?;
        folders.extend(usize::try_from(at).ok().and_then(|at| paths.get(at)));
    }
    Ok(folders)
}

/// Removes those of a page that were not seen.
async fn remove(db: &Database, page: &[QueryResult], met: &mut Met<'_>) -> Result<u64, DbErr> {
    let mut gone = Vec::new();
    for row in page {
        let entry = EntryId(row.try_get("", "id")?);
        if met.seen.contains(entry) {
            continue;
        }
        let path = lookup::path(row.try_get("", "path")?, row.try_get("", "name")?);
        if !met.unreadable.covers(&path) {
            gone.push((entry, path, row.try_get("", "device")?));
        }
    }
    let gone = without_unmounted(gone, met.unmounted).await?;
    if gone.is_empty() {
        return Ok(0);
    }
    let write = db.write().await?;
    let left = directories_of(&write, gone.iter().copied()).await?;
    let list = List::of(&gone, |list, entry| {
        list.number(entry.0);
    });
    let delete = "DELETE FROM entries WHERE id IN (SELECT value FROM json_each(?1))";
    let removed = write.execute_raw(sql(delete, [list])).await?;
    touch(&write, left.iter().copied()).await?;
    prune(&write, left).await?;
    write.commit().await?;
    Ok(removed.rows_affected())
}

/// Leaves out what was on a disk that is not mounted now: the folder that is left of the way to it
/// is empty, and on another disk than the file was.
async fn without_unmounted(
    gone: Vec<(EntryId, PathBuf, i64)>,
    unmounted: &mut BTreeSet<PathBuf>,
) -> Result<Vec<EntryId>, DbErr> {
    let looked = tokio::task::spawn_blocking(move || {
        let mut left: HashMap<PathBuf, Option<(PathBuf, i64)>> = HashMap::new();
        let mut bare = BTreeSet::new();
        let mut entries = Vec::with_capacity(gone.len());
        for (entry, path, device) in gone {
            let folder = path.parent().unwrap_or(&path).to_path_buf();
            let end = left.entry(folder).or_insert_with_key(|f| bare_end_of(f));
            match end {
                Some((place, now)) if *now != device => drop(bare.insert(place.clone())),
                _ => entries.push(entry),
            }
        }
        (entries, bare)
    });
    let (entries, bare) = looked
        .await
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    unmounted.extend(bare);
    Ok(entries)
}

/// What is left of the way to a folder, with its device, if that is an empty folder.
fn bare_end_of(folder: &Path) -> Option<(PathBuf, i64)> {
    let mut above = folder.ancestors();
    let (place, metadata) =
        above.find_map(|place| Some((place, place.symlink_metadata().ok()?)))?;
    location::is_bare(place).then(|| (place.to_path_buf(), metadata.dev().cast_signed()))
}
