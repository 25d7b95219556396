//! Folders with all that is in them, for whoever looks which originals belong together.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use sea_orm::{DbErr, QueryResult};
use vss_core::companion::{Entry, LiveId};
use vss_core::{ContentUuid, EntryId};
use vss_ports::{ChangeSeq, EntryRecord, FileIdentity, FolderRecord, HalfRecord, PortResult};

use crate::bind::List;
use crate::database::{Database, failed, rows};
use crate::facts;
use crate::read::{corrupt_row, media_type};

/// Identifiers asked for in one statement.
const ASKED: usize = 10_000;

/// Folders that changed after a number, with their entries.
pub(crate) async fn changed(
    db: &Database,
    ChangeSeq(after): ChangeSeq,
    limit: usize,
) -> PortResult<Vec<FolderRecord>> {
    let operation = "list changed folders";
    let fail = |error| failed(operation, error);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let locations = locations(db).await.map_err(fail)?;
    let found = rows(
        &db.readers,
        "SELECT id, path, seq FROM directories WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        [after.into(), limit.into()],
    )
    .await
    .map_err(fail)?;
    let mut folders = Vec::with_capacity(found.len());
    for row in found {
        let read = || -> Result<(i64, Vec<u8>, i64), DbErr> {
            Ok((
                row.try_get("", "id")?,
                row.try_get("", "path")?,
                row.try_get("", "seq")?,
            ))
        };
        let (id, path, seq) = read().map_err(fail)?;
        let path = PathBuf::from(OsString::from_vec(path));
        let columns = facts::COLUMNS;
        let found = rows(
            &db.readers,
            &format!(
                "SELECT e.id, e.name, c.content_uuid, m.name AS media_type, {columns}
                 FROM entries AS e
                 CROSS JOIN contents AS c ON c.id = e.content_id
                 JOIN media_types AS m ON m.id = c.media_type_id
                 LEFT JOIN content_facts AS f ON f.content_id = c.id
                 WHERE e.directory_id = ?1"
            ),
            [id.into()],
        )
        .await
        .map_err(fail)?;
        let entries = found.iter().map(|row| entry(row, operation));
        folders.push(FolderRecord {
            seq: ChangeSeq(seq),
            location: location(&locations, &path),
            entries: entries.collect::<PortResult<_>>()?,
            path,
        });
    }
    Ok(folders)
}

/// Every place of what carries one of the identifiers.
pub(crate) async fn halves(db: &Database, ids: &[LiveId]) -> PortResult<Vec<HalfRecord>> {
    let operation = "find the halves of live photos";
    let fail = |error| failed(operation, error);
    let locations = locations(db).await.map_err(fail)?;
    let mut halves = Vec::new();
    for chunk in ids.chunks(ASKED) {
        let list = List::of(chunk, |list, id| {
            list.hex(id.as_bytes());
        });
        let columns = facts::COLUMNS;
        let found = rows(
            &db.readers,
            &format!(
                "SELECT e.id, e.name, d.path, c.content_uuid, m.name AS media_type, {columns}
                 FROM (SELECT DISTINCT value FROM json_each(?1)) AS j
                 CROSS JOIN content_facts AS f ON f.live_id = unhex(j.value)
                 CROSS JOIN entries AS e ON e.content_id = f.content_id
                 JOIN directories AS d ON d.id = e.directory_id
                 JOIN contents AS c ON c.id = e.content_id
                 JOIN media_types AS m ON m.id = c.media_type_id"
            ),
            [list],
        )
        .await
        .map_err(fail)?;
        for row in &found {
            let path = row.try_get("", "path").map_err(fail)?;
            let path = PathBuf::from(OsString::from_vec(path));
            halves.push(HalfRecord {
                location: location(&locations, &path),
                entry: entry(row, operation)?,
                path,
            });
        }
    }
    Ok(halves)
}

/// What is known of originals at their places.
pub(crate) async fn entries(db: &Database, asked: &[EntryId]) -> PortResult<Vec<EntryRecord>> {
    let operation = "look up originals";
    let fail = |error| failed(operation, error);
    let locations = locations(db).await.map_err(fail)?;
    let mut records = Vec::with_capacity(asked.len());
    for chunk in asked.chunks(ASKED) {
        let list = List::of(chunk, |list, entry| {
            list.number(entry.0);
        });
        let columns = facts::COLUMNS;
        let found = rows(
            &db.readers,
            &format!(
                "SELECT e.id, e.name, e.size, e.mtime_ns, e.device, e.inode, d.path,
                        c.content_uuid, m.name AS media_type, {columns}
                 FROM (SELECT DISTINCT value FROM json_each(?1)) AS j
                 CROSS JOIN entries AS e ON e.id = j.value
                 JOIN directories AS d ON d.id = e.directory_id
                 JOIN contents AS c ON c.id = e.content_id
                 JOIN media_types AS m ON m.id = c.media_type_id
                 LEFT JOIN content_facts AS f ON f.content_id = c.id"
            ),
            [list],
        )
        .await
        .map_err(fail)?;
        for row in &found {
            let number = |column| row.try_get::<i64>("", column).map_err(fail);
            let folder = row.try_get("", "path").map_err(fail)?;
            let folder = PathBuf::from(OsString::from_vec(folder));
            let entry = entry(row, operation)?;
            records.push(EntryRecord {
                path: folder.join(OsString::from_vec(entry.name.clone())),
                location: location(&locations, &folder),
                identity: FileIdentity {
                    device: number("device")?.cast_unsigned(),
                    inode: number("inode")?.cast_unsigned(),
                    size: number("size")?.cast_unsigned(),
                    modified_ns: number("mtime_ns")?,
                },
                entry,
            });
        }
    }
    Ok(records)
}

/// The roots that were looked at: a handful.
async fn locations(db: &Database) -> Result<Vec<PathBuf>, DbErr> {
    let found = rows(&db.readers, "SELECT path FROM locations", []).await?;
    let path = |row: &QueryResult| {
        let path = row.try_get("", "path")?;
        Ok(PathBuf::from(OsString::from_vec(path)))
    };
    found.iter().map(path).collect()
}

fn location(locations: &[PathBuf], folder: &Path) -> PathBuf {
    let above = locations.iter().filter(|root| folder.starts_with(root));
    let nearest = above.max_by_key(|root| root.components().count());
    nearest.map_or(folder, PathBuf::as_path).to_path_buf()
}

fn entry(row: &QueryResult, operation: &str) -> PortResult<Entry> {
    let fail = |error| failed(operation, error);
    let uuid: Vec<u8> = row.try_get("", "content_uuid").map_err(fail)?;
    let uuid = <[u8; 16]>::try_from(uuid)
        .map_err(|_| corrupt_row(row, operation, "contents", "content_uuid", "16 bytes"))?;
    let facts = facts::read(row).map_err(fail)?.map_err(|column| {
        let wanted = "what a file can say";
        corrupt_row(row, operation, "content_facts", column, wanted)
    })?;
    Ok(Entry {
        entry: EntryId(row.try_get("", "id").map_err(fail)?),
        content: ContentUuid::from_bytes(uuid),
        name: row.try_get("", "name").map_err(fail)?,
        media_type: media_type(row, operation)?,
        facts,
    })
}
