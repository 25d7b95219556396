//! Roots, folders, originals and contents, with the counters that triggers keep exact.
//!
//! Names are BLOBs: a file name is any bytes but NUL and `/`, and need not be UTF-8. A folder's
//! path stands once, in `directories`; an entry is a name in it. `entries.id` is never given twice
//! (AUTOINCREMENT), because a reference sidecar may still hold it.
//!
//! Counting the rows of a large table takes seconds, so `catalog` holds the counts and triggers
//! keep them: whoever changes `entries`, also by hand, cannot forget it. The change number of a
//! content grows in the same triggers. A folder's grows when its `seq` is set to zero, which whoever
//! writes a batch does once a folder.
//!
//! What a file says of itself belongs to its content; most contents say nothing, and have no row.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The first schema.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20260101_000001_originals"
    }
}

const UP: &[&str] = &[
    "CREATE TABLE catalog (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        instance  TEXT    NOT NULL CHECK (length(instance) = 32),
        last_seq  INTEGER NOT NULL CHECK (last_seq >= 0),
        now       INTEGER NOT NULL,
        contents  INTEGER NOT NULL CHECK (contents >= 0),
        originals INTEGER NOT NULL CHECK (originals >= 0)
    ) STRICT",
    "INSERT INTO catalog VALUES (1, lower(hex(randomblob(16))), 0, 0, 0, 0)",
    "CREATE TABLE locations (
        id           INTEGER PRIMARY KEY,
        path         BLOB    NOT NULL UNIQUE CHECK (length(path) > 0),
        device       INTEGER NOT NULL,
        refreshed_at INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE directories (
        id   INTEGER PRIMARY KEY,
        path BLOB    NOT NULL UNIQUE CHECK (length(path) > 0),
        seq  INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0)
    ) STRICT",
    "CREATE INDEX directories_by_seq ON directories (seq)",
    "CREATE TABLE media_types (
        id   INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT",
    "CREATE TABLE contents (
        id            INTEGER PRIMARY KEY,
        content_uuid  BLOB    NOT NULL UNIQUE CHECK (length(content_uuid) = 16),
        size          INTEGER NOT NULL CHECK (size > 0),
        media_type_id INTEGER NOT NULL REFERENCES media_types (id),
        evidence      INTEGER NOT NULL CHECK (evidence BETWEEN 0 AND 3),
        originals     INTEGER NOT NULL CHECK (originals >= 0),
        seq           INTEGER NOT NULL CHECK (seq >= 0),
        lost_at       INTEGER CHECK (lost_at IS NULL OR originals = 0)
    ) STRICT",
    "CREATE INDEX contents_by_seq ON contents (seq) WHERE originals > 0",
    "CREATE TABLE content_facts (
        content_id    INTEGER PRIMARY KEY REFERENCES contents (id),
        live_id       BLOB CHECK (length(live_id) = 16),
        captured_ms   INTEGER,
        captured_as   INTEGER CHECK (captured_as BETWEEN 0 AND 2),
        captured_zone INTEGER,
        duration_ms   INTEGER CHECK (duration_ms >= 0),
        motion_offset INTEGER CHECK (motion_offset > 0),
        motion_length INTEGER CHECK (motion_length > 0),
        CHECK ((captured_ms IS NULL) = (captured_as IS NULL)),
        CHECK ((captured_zone IS NULL) = (coalesce(captured_as, 0) <> 2)),
        CHECK ((motion_offset IS NULL) = (motion_length IS NULL))
    ) STRICT",
    "CREATE INDEX content_facts_by_live_id ON content_facts (live_id) WHERE live_id IS NOT NULL",
    "CREATE TABLE entries (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        directory_id INTEGER NOT NULL REFERENCES directories (id),
        name         BLOB    NOT NULL CHECK (length(name) > 0),
        content_id   INTEGER NOT NULL REFERENCES contents (id),
        size         INTEGER NOT NULL CHECK (size > 0),
        mtime_ns     INTEGER NOT NULL,
        device       INTEGER NOT NULL,
        inode        INTEGER NOT NULL,
        UNIQUE (directory_id, name)
    ) STRICT",
    "CREATE INDEX entries_by_content ON entries (content_id)",
    "CREATE INDEX entries_by_inode ON entries (inode)",
    "CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
        UPDATE catalog SET
            originals = originals + 1,
            contents = contents + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id),
            last_seq = last_seq + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id);
        UPDATE contents SET
            seq = CASE originals WHEN 0 THEN (SELECT last_seq FROM catalog) ELSE seq END,
            originals = originals + 1,
            lost_at = NULL
            WHERE id = NEW.content_id;
    END",
    "CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
        UPDATE contents SET
            originals = originals - 1,
            lost_at = CASE originals WHEN 1 THEN (SELECT now FROM catalog) END
            WHERE id = OLD.content_id;
        UPDATE catalog SET
            originals = originals - 1,
            contents = contents - (SELECT originals = 0 FROM contents WHERE id = OLD.content_id);
    END",
    "CREATE TRIGGER entry_edited AFTER UPDATE OF content_id ON entries
    WHEN OLD.content_id <> NEW.content_id BEGIN
        UPDATE catalog SET
            contents = contents + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id),
            last_seq = last_seq + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id);
        UPDATE contents SET
            seq = CASE originals WHEN 0 THEN (SELECT last_seq FROM catalog) ELSE seq END,
            originals = originals + 1,
            lost_at = NULL
            WHERE id = NEW.content_id;
        UPDATE contents SET
            originals = originals - 1,
            lost_at = CASE originals WHEN 1 THEN (SELECT now FROM catalog) END
            WHERE id = OLD.content_id;
        UPDATE catalog SET
            contents = contents - (SELECT originals = 0 FROM contents WHERE id = OLD.content_id);
    END",
    "CREATE TRIGGER content_retyped AFTER UPDATE OF media_type_id ON contents
    WHEN OLD.media_type_id <> NEW.media_type_id AND NEW.originals > 0 BEGIN
        UPDATE catalog SET last_seq = last_seq + 1;
        UPDATE contents SET seq = (SELECT last_seq FROM catalog) WHERE id = NEW.id;
    END",
    "CREATE TRIGGER directory_touched AFTER UPDATE OF seq ON directories WHEN NEW.seq = 0 BEGIN
        UPDATE catalog SET last_seq = last_seq + 1;
        UPDATE directories SET seq = (SELECT last_seq FROM catalog) WHERE id = NEW.id;
    END",
    "CREATE VIEW originals_view AS
        SELECT e.id AS entry_id,
               CAST(CASE d.path WHEN x'2f' THEN x'' ELSE d.path END || x'2f' || e.name AS TEXT)
                   AS path,
               lower(hex(c.content_uuid)) AS content_uuid,
               e.size AS size,
               m.name AS media_type,
               c.seq AS seq
        FROM entries AS e
        JOIN directories AS d ON d.id = e.directory_id
        JOIN contents AS c ON c.id = e.content_id
        JOIN media_types AS m ON m.id = c.media_type_id",
];

const DOWN: &[&str] = &[
    "DROP VIEW originals_view",
    "DROP TABLE entries",
    "DROP TABLE content_facts",
    "DROP TABLE contents",
    "DROP TABLE media_types",
    "DROP TABLE directories",
    "DROP TABLE locations",
    "DROP TABLE catalog",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        // A process that dies half-way must leave all of it or nothing.
        Some(true)
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager
            .get_connection()
            .execute_unprepared(statement)
            .await?;
    }
    Ok(())
}
