//! Writes what was found out about a batch, in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Value};
use vss_core::EntryId;

use crate::bind::List;
use crate::database::{Database, rows, sql};
use crate::facts;
use crate::lookup::directories;
use crate::original::{Found, Reading};

/// What changed in a batch.
#[derive(Default)]
pub(crate) struct Changes {
    /// New or edited files, as they were read.
    pub(crate) read: Vec<(Found, Reading)>,
    /// Known files at another path.
    pub(crate) moved: Vec<(EntryId, Found)>,
    /// Known files whose device has another number now.
    pub(crate) renumbered: Vec<(EntryId, i64)>,
}

/// What was written.
#[derive(Default)]
pub(crate) struct Recorded {
    /// The entries of the files that were read.
    pub(crate) entries: Vec<EntryId>,
    /// Contents that were not known or had no original.
    pub(crate) new_contents: u64,
    /// Entries that are no more, because another file was moved onto theirs.
    pub(crate) replaced: Vec<EntryId>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.read.is_empty() && self.moved.is_empty() && self.renumbered.is_empty()
    }
}

/// Writes all of it or nothing.
pub(crate) async fn record(db: &Database, changes: &Changes) -> Result<Recorded, DbErr> {
    if changes.is_empty() {
        return Ok(Recorded::default());
    }
    let write = db.write().await?;
    let replaced = relocate(&write, &changes.moved).await?;
    let (entries, new_contents) = insert(&write, &changes.read).await?;
    renumber(&write, &changes.renumbered).await?;
    write.commit().await?;
    Ok(Recorded {
        entries,
        new_contents,
        replaced,
    })
}

async fn insert(
    write: &DatabaseTransaction,
    read: &[(Found, Reading)],
) -> Result<(Vec<EntryId>, u64), DbErr> {
    if read.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let ids = make_directories(write, read.iter().map(|(found, _)| found)).await?;
    let new_contents = insert_contents(write, read).await?;
    facts::insert(write, read).await?;
    let list = List::of(read, |list, (found, reading)| {
        list.row(|row| {
            row.number(directory(&ids, found))
                .hex(found.name.as_bytes())
                .hex(reading.content.as_bytes())
                .number(reading.stat.size.cast_signed())
                .number(reading.stat.mtime_ns)
                .number(reading.stat.device)
                .number(reading.stat.inode);
        });
    });
    let entries = rows(
        write,
        "INSERT INTO entries (directory_id, name, content_id, size, mtime_ns, device, inode)
         SELECT j.value ->> 0, unhex(j.value ->> 1), c.id, j.value ->> 3, j.value ->> 4,
                j.value ->> 5, j.value ->> 6
         FROM json_each(?1) AS j
         CROSS JOIN contents AS c ON c.content_uuid = unhex(j.value ->> 2)
         WHERE true
         ON CONFLICT (directory_id, name) DO UPDATE SET
             content_id = excluded.content_id, size = excluded.size,
             mtime_ns = excluded.mtime_ns, device = excluded.device, inode = excluded.inode
         RETURNING id",
        [list],
    )
    .await?
    .iter()
    .map(|row| row.try_get("", "id").map(EntryId))
    .collect::<Result<_, _>>()?;
    touch(write, ids.into_values()).await?;
    Ok((entries, new_contents))
}

/// Makes the contents known, and their types: one that rests on more replaces one that rests on
/// less. Of two that rest on a name alone the first stays, so that copies with different names do
/// not change it to and fro.
async fn insert_contents(
    write: &DatabaseTransaction,
    read: &[(Found, Reading)],
) -> Result<u64, DbErr> {
    let types: BTreeSet<&str> = read
        .iter()
        .map(|(_, reading)| reading.sniffed.media_type.as_str())
        .collect();
    let names = List::of(types, |list, name| {
        list.hex(name.as_bytes());
    });
    let insert = "INSERT INTO media_types (name)
         SELECT CAST(unhex(value) AS TEXT) FROM json_each(?1) WHERE true
         ON CONFLICT (name) DO NOTHING";
    write.execute_raw(sql(insert, [names])).await?;
    let list = List::of(read, |list, (_, reading)| {
        list.row(|row| {
            row.hex(reading.content.as_bytes())
                .number(reading.stat.size.cast_signed())
                .hex(reading.sniffed.media_type.as_str().as_bytes())
                .number(reading.sniffed.evidence as u8);
        });
    });
    let new = rows(
        write,
        "SELECT count(DISTINCT j.value ->> 0) AS new FROM json_each(?1) AS j
         WHERE NOT EXISTS (SELECT 1 FROM contents AS c
             WHERE c.content_uuid = unhex(j.value ->> 0) AND c.originals > 0)",
        [list.clone()],
    )
    .await?
    .first()
    .map_or(Ok(0), |row| row.try_get::<i64>("", "new"))?;
    let upsert =
        "INSERT INTO contents (content_uuid, size, media_type_id, evidence, originals, seq)
         SELECT unhex(j.value ->> 0), j.value ->> 1, m.id, j.value ->> 3, 0, 0
         FROM json_each(?1) AS j
         CROSS JOIN media_types AS m ON m.name = CAST(unhex(j.value ->> 2) AS TEXT)
         WHERE true
         ON CONFLICT (content_uuid) DO UPDATE SET
             media_type_id = excluded.media_type_id, evidence = excluded.evidence
         WHERE excluded.evidence > evidence
            OR (excluded.evidence = evidence AND evidence >= 2
                AND excluded.media_type_id <> media_type_id)";
    write.execute_raw(sql(upsert, [list])).await?;
    Ok(new.cast_unsigned())
}

/// Gives moved entries their new names. They may form a chain or a ring (a to b, b to a), so each
/// first takes a name that no file can have.
async fn relocate(
    write: &DatabaseTransaction,
    moved: &[(EntryId, Found)],
) -> Result<Vec<EntryId>, DbErr> {
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let ids = make_directories(write, moved.iter().map(|(_, found)| found)).await?;
    let list: Value = List::of(moved, |list, (entry, found)| {
        list.row(|row| {
            row.number(entry.0)
                .number(directory(&ids, found))
                .hex(found.name.as_bytes())
                .number(found.stat.device);
        });
    });
    let left = directories_of(write, moved.iter().map(|(entry, _)| *entry)).await?;
    let step_aside = "UPDATE entries SET name = CAST('/' || id AS BLOB)
         WHERE id IN (SELECT value ->> 0 FROM json_each(?1))";
    write.execute_raw(sql(step_aside, [list.clone()])).await?;
    let make_way = "DELETE FROM entries WHERE id IN (
             SELECT e.id FROM json_each(?1) AS j CROSS JOIN entries AS e
             ON e.directory_id = j.value ->> 1 AND e.name = unhex(j.value ->> 2))
         RETURNING id";
    let replaced = rows(write, make_way, [list.clone()])
        .await?
        .iter()
        .map(|row| row.try_get("", "id").map(EntryId))
        .collect::<Result<_, _>>()?;
    let settle = "UPDATE entries SET directory_id = j.value ->> 1,
             name = unhex(j.value ->> 2), device = j.value ->> 3
         FROM json_each(?1) AS j WHERE entries.id = j.value ->> 0";
    write.execute_raw(sql(settle, [list])).await?;
    touch(write, left.iter().copied().chain(ids.into_values())).await?;
    prune(write, left).await?;
    Ok(replaced)
}

async fn renumber(write: &DatabaseTransaction, renumbered: &[(EntryId, i64)]) -> Result<(), DbErr> {
    if renumbered.is_empty() {
        return Ok(());
    }
    let list = List::of(renumbered, |list, (entry, device)| {
        list.row(|row| {
            row.number(entry.0).number(*device);
        });
    });
    let update = "UPDATE entries SET device = j.value ->> 1
         FROM json_each(?1) AS j WHERE entries.id = j.value ->> 0";
    write.execute_raw(sql(update, [list])).await?;
    Ok(())
}

/// The folders' ids, made where they are not there yet.
async fn make_directories<'a>(
    write: &DatabaseTransaction,
    files: impl Iterator<Item = &'a Found> + Clone,
) -> Result<HashMap<Arc<Path>, i64>, DbErr> {
    let mut paths: Vec<&Arc<Path>> = files.clone().map(|file| &file.directory).collect();
    paths.dedup();
    let list = List::of(paths, |list, path| {
        list.hex(path.as_os_str().as_bytes());
    });
    let insert = "INSERT INTO directories (path)
         SELECT DISTINCT unhex(value) FROM json_each(?1) WHERE true
         ON CONFLICT (path) DO NOTHING";
    write.execute_raw(sql(insert, [list])).await?;
    directories(write, files).await
}

fn directory(ids: &HashMap<Arc<Path>, i64>, found: &Found) -> i64 {
    // They were all made a moment ago; zero would be refused by the foreign key.
    ids.get(&found.directory).copied().unwrap_or(0)
}

/// The folders that entries are in.
pub(crate) async fn directories_of(
    write: &DatabaseTransaction,
    entries: impl Iterator<Item = EntryId>,
) -> Result<Vec<i64>, DbErr> {
    let list = List::of(entries, |list, entry| {
        list.number(entry.0);
    });
    let found = rows(
        write,
        "SELECT DISTINCT directory_id AS id FROM entries
         WHERE id IN (SELECT value FROM json_each(?1))",
        [list],
    )
    .await?;
    found.iter().map(|row| row.try_get("", "id")).collect()
}

/// Gives folders their next change number.
pub(crate) async fn touch(
    write: &DatabaseTransaction,
    directories: impl IntoIterator<Item = i64>,
) -> Result<(), DbErr> {
    let list = List::of(directories, |list, id| {
        list.number(id);
    });
    let update = "UPDATE directories SET seq = 0 WHERE id IN (SELECT value FROM json_each(?1))";
    write.execute_raw(sql(update, [list])).await?;
    Ok(())
}

/// Removes those of the folders that nothing is in any more.
pub(crate) async fn prune(write: &DatabaseTransaction, directories: Vec<i64>) -> Result<(), DbErr> {
    let directories = List::of(directories, |list, id| {
        list.number(id);
    });
    let delete = "DELETE FROM directories
         WHERE id IN (SELECT value FROM json_each(?1))
           AND NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.directory_id = directories.id)";
    write.execute_raw(sql(delete, [directories])).await?;
    Ok(())
}
