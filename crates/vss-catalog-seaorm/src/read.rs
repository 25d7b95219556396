//! The questions that are answered from the rows alone.

use std::collections::HashMap;

use sea_orm::{DbErr, QueryResult, Value};
use vss_core::{ContentUuid, EntryId, MediaType, Timestamp};
use vss_ports::{
    CatalogCounts, ChangeSeq, ContentRecord, OriginalRecord, PortError, PortErrorKind, PortResult,
};

use crate::bind::List;
use crate::database::{Database, failed, rows};
use crate::lookup;
use crate::original::FileStat;

/// Contents asked for in one statement.
const ASKED: usize = 10_000;

/// An original with what it was when it was hashed.
pub(crate) struct Original {
    pub(crate) record: OriginalRecord,
    pub(crate) mtime_ns: i64,
    pub(crate) media_type: MediaType,
}

impl Original {
    /// Whether a file has the size and the time of the one that was hashed.
    pub(crate) fn is(&self, stat: &FileStat) -> bool {
        (self.record.size, self.mtime_ns) == (stat.size, stat.mtime_ns)
    }
}

pub(crate) async fn instance(db: &Database) -> PortResult<String> {
    let operation = "read the catalog's name";
    let row = head(db, operation).await?;
    row.try_get("", "instance")
        .map_err(|error| failed(operation, error))
}

pub(crate) async fn counts(db: &Database) -> PortResult<CatalogCounts> {
    let operation = "count originals";
    let row = head(db, operation).await?;
    // There are few folders beside files, and an index that is no more than their numbers.
    let folders = rows(
        &db.readers,
        "SELECT count(*) AS folders FROM directories",
        [],
    )
    .await
    .map_err(|error| failed(operation, error))?
    .pop()
    .ok_or_else(|| corrupt(operation, "directories", "count", "a number"))?;
    Ok(CatalogCounts {
        contents: count(&row, "catalog", "contents", operation)?,
        originals: count(&row, "catalog", "originals", operation)?,
        folders: count(&folders, "directories", "folders", operation)?,
    })
}

async fn head(db: &Database, operation: &str) -> PortResult<QueryResult> {
    let text = "SELECT id, instance, contents, originals FROM catalog";
    rows(&db.readers, text, [])
        .await
        .map_err(|error| failed(operation, error))?
        .pop()
        .ok_or_else(|| corrupt(operation, "catalog", "id", "1, but there is no row"))
}

pub(crate) async fn changes(
    db: &Database,
    ChangeSeq(after): ChangeSeq,
    limit: usize,
) -> PortResult<Vec<ContentRecord>> {
    let operation = "list changed contents";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = rows(
        &db.readers,
        "SELECT c.id, c.content_uuid, c.size, m.name AS media_type, c.originals, c.seq, c.lost_at
         FROM contents AS c JOIN media_types AS m ON m.id = c.media_type_id
         WHERE c.seq > ?1 AND c.originals > 0 ORDER BY c.seq LIMIT ?2",
        [after.into(), limit.into()],
    )
    .await;
    contents(found, operation)
}

pub(crate) async fn find(db: &Database, asked: &[ContentUuid]) -> PortResult<Vec<ContentRecord>> {
    let operation = "find contents";
    let mut records = Vec::with_capacity(asked.len());
    for chunk in asked.chunks(ASKED) {
        let list = List::of(chunk, |list, content| {
            list.hex(content.as_bytes());
        });
        let found = rows(
            &db.readers,
            "SELECT c.id, c.content_uuid, c.size, m.name AS media_type, c.originals, c.seq, c.lost_at
             FROM (SELECT DISTINCT value FROM json_each(?1)) AS j
             CROSS JOIN contents AS c ON c.content_uuid = unhex(j.value)
             JOIN media_types AS m ON m.id = c.media_type_id",
            [list],
        )
        .await;
        records.append(&mut contents(found, operation)?);
    }
    Ok(records)
}

/// Contents between two uuids, in their order. Blobs compare byte by byte: an empty one is before
/// all uuids, seventeen times 0xff after.
pub(crate) async fn page(
    db: &Database,
    after: Option<ContentUuid>,
    until: Option<ContentUuid>,
    limit: usize,
) -> PortResult<Vec<ContentRecord>> {
    let after = after.map_or_else(Vec::new, |uuid| uuid.as_bytes().to_vec());
    let until = until.map_or_else(|| vec![0xff; 17], |uuid| uuid.as_bytes().to_vec());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let operation = "page through contents";
    // As one text: a row of its own costs the driver more than finding it costs the database.
    let found = rows(
        &db.readers,
        "SELECT string_agg(lower(hex(o.content_uuid)) || ' ' || o.size || ' ' || o.media_type_id
            || ' ' || o.originals || ' ' || o.seq || ' ' || coalesce(o.lost_at, '-'), ';') AS texts
         FROM (SELECT * FROM contents WHERE content_uuid > ?1 AND content_uuid <= ?2
               ORDER BY content_uuid LIMIT ?3) AS o",
        [after.into(), until.into(), limit.into()],
    )
    .await
    .map_err(|error| failed(operation, error))?;
    let text = match found.first() {
        Some(row) => row.try_get("", "texts"),
        None => Ok(None),
    };
    let text: Option<String> = text.map_err(|error| failed(operation, error))?;
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let types = media_types(db, operation).await?;
    let record = |text: &str| {
        let unreadable = || corrupt(operation, "contents", "a row", &format!("one: {text}"));
        listed(text, &types).ok_or_else(unreadable)
    };
    let mut records = text
        .split(';')
        .map(record)
        .collect::<PortResult<Vec<_>>>()?;
    records.sort_by_key(|record| record.content);
    Ok(records)
}

/// One content of a page; nothing when it cannot be one.
fn listed(text: &str, types: &HashMap<i64, MediaType>) -> Option<ContentRecord> {
    let mut parts = text.split(' ');
    let uuid = parts.next().filter(|digits| digits.len() == 32)?;
    let uuid = u128::from_str_radix(uuid, 16).ok()?.to_be_bytes();
    let size = parts.next()?.parse().ok()?;
    let media_type = types.get(&parts.next()?.parse().ok()?)?.clone();
    let originals = parts.next()?.parse().ok()?;
    let seq = ChangeSeq(parts.next()?.parse().ok()?);
    let lost_at = match parts.next()? {
        "-" => None,
        millis => Some(Timestamp::from_millis(millis.parse().ok()?)),
    };
    Some(ContentRecord {
        content: ContentUuid::from_bytes(uuid),
        seq,
        size,
        media_type,
        originals,
        lost_at,
    })
}

/// What the numbers of media types stand for: they are few, and a refresh may add to them.
async fn media_types(db: &Database, operation: &str) -> PortResult<HashMap<i64, MediaType>> {
    let found = rows(
        &db.readers,
        "SELECT id, name AS media_type FROM media_types",
        [],
    );
    let found = found.await.map_err(|error| failed(operation, error))?;
    let named = found.iter().map(|row| {
        let id = row
            .try_get("", "id")
            .map_err(|error| failed(operation, error))?;
        Ok((id, media_type(row, operation)?))
    });
    named.collect()
}

/// Every original of a content, ordered by path.
pub(crate) async fn originals(db: &Database, content: ContentUuid) -> PortResult<Vec<Original>> {
    let operation = format!("list the originals of {content}");
    let found = rows(
        &db.readers,
        "SELECT e.id, d.path, e.name, e.size, e.mtime_ns, m.name AS media_type
         FROM contents AS c
         CROSS JOIN entries AS e ON e.content_id = c.id
         JOIN directories AS d ON d.id = e.directory_id
         JOIN media_types AS m ON m.id = c.media_type_id
         WHERE c.content_uuid = ?1",
        [Value::from(content.as_bytes().to_vec())],
    )
    .await
    .map_err(|error| failed(operation.clone(), error))?;
    let original = |row: &QueryResult| {
        let read = || -> Result<_, DbErr> {
            let path = lookup::path(row.try_get("", "path")?, row.try_get("", "name")?);
            Ok((
                path,
                EntryId(row.try_get("", "id")?),
                row.try_get("", "mtime_ns")?,
            ))
        };
        let (path, entry, mtime_ns) = read().map_err(|error| failed(operation.clone(), error))?;
        Ok(Original {
            record: OriginalRecord {
                entry,
                path,
                size: count(row, "entries", "size", &operation)?,
            },
            mtime_ns,
            media_type: media_type(row, &operation)?,
        })
    };
    let mut originals = found.iter().map(original).collect::<PortResult<Vec<_>>>()?;
    originals.sort_by(|one, other| one.record.path.cmp(&other.record.path));
    Ok(originals)
}

fn contents(
    found: Result<Vec<QueryResult>, DbErr>,
    operation: &str,
) -> PortResult<Vec<ContentRecord>> {
    found
        .map_err(|error| failed(operation, error))?
        .iter()
        .map(|row| content(row, operation))
        .collect()
}

fn content(row: &QueryResult, operation: &str) -> PortResult<ContentRecord> {
    let uuid: Vec<u8> = row
        .try_get("", "content_uuid")
        .map_err(|error| failed(operation, error))?;
    let uuid = <[u8; 16]>::try_from(uuid)
        .map_err(|_| corrupt_row(row, operation, "contents", "content_uuid", "16 bytes"))?;
    let seq: i64 = row
        .try_get("", "seq")
        .map_err(|error| failed(operation, error))?;
    let lost_at: Option<i64> = row
        .try_get("", "lost_at")
        .map_err(|error| failed(operation, error))?;
    Ok(ContentRecord {
        content: ContentUuid::from_bytes(uuid),
        seq: ChangeSeq(seq),
        size: count(row, "contents", "size", operation)?,
        media_type: media_type(row, operation)?,
        originals: count(row, "contents", "originals", operation)?,
        lost_at: lost_at.map(Timestamp::from_millis),
    })
}

pub(crate) fn media_type(row: &QueryResult, operation: &str) -> PortResult<MediaType> {
    let text: String = row
        .try_get("", "media_type")
        .map_err(|error| failed(operation, error))?;
    text.parse()
        .map_err(|_| corrupt_row(row, operation, "media_types", "name", "a media type"))
}

fn count(row: &QueryResult, table: &str, column: &str, operation: &str) -> PortResult<u64> {
    let number: i64 = row
        .try_get("", column)
        .map_err(|error| failed(operation, error))?;
    u64::try_from(number).map_err(|_| corrupt_row(row, operation, table, column, "a count"))
}

pub(crate) fn corrupt_row(
    row: &QueryResult,
    operation: &str,
    table: &str,
    column: &str,
    wanted: &str,
) -> PortError {
    let id: i64 = row.try_get("", "id").unwrap_or_default();
    corrupt(operation, table, column, &format!("{wanted} in row {id}"))
}

fn corrupt(operation: &str, table: &str, column: &str, wanted: &str) -> PortError {
    PortError::new(
        PortErrorKind::Corrupt,
        operation,
        format!("{table}.{column} is not {wanted}: remove catalog.db and index again"),
    )
}
