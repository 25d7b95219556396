//! The tables of `sidecars.db`: one small row a sidecar, clustered by content.
//!
//! Nine million rows have to stay near one gigabyte and a presence query within milliseconds, so
//! whatever repeats is a number into a dictionary, whatever is rare stands in a table of its own,
//! and whatever follows from the key (path, row uuid) is not stored.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

const UP: &str = "
-- Every content that has, or should have, a sidecar, and the original its sidecars were made from.
CREATE TABLE contents (
    id            INTEGER PRIMARY KEY,
    content_uuid  BLOB NOT NULL UNIQUE CHECK (length(content_uuid) = 16),
    source_size   INTEGER CHECK (source_size >= 0),
    source_digest BLOB CHECK (length(source_digest) = 32),
    CHECK ((source_size IS NULL) = (source_digest IS NULL))
) STRICT;

-- Dictionaries.
CREATE TABLE slots (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    variant TEXT NOT NULL,
    UNIQUE (kind, variant)
) STRICT;
CREATE TABLE formats (
    id     INTEGER PRIMARY KEY,
    format TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE generators (
    id      INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    version TEXT NOT NULL, -- '' where the source has none
    kind    TEXT NOT NULL, -- so that the id tells the kind, and a claim can leave kinds out
    UNIQUE (source, version, kind)
) STRICT;
CREATE TABLE lease_owners (
    id    INTEGER PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE devices (
    id             INTEGER PRIMARY KEY,
    device_uuid    BLOB NOT NULL UNIQUE CHECK (length(device_uuid) = 16),
    last_seen_at   INTEGER,
    inventory_seq  INTEGER
) STRICT;

-- One row a sidecar; the queue is the row itself. Times are milliseconds since 1970, UTC.
-- status: 0 pending, 1 running, 2 ready, 3 failed, 4 quarantined, 5 evicted.
-- priority: 0 interactive, 1 visible, 2 new, 3 missing, 4 regenerate.
CREATE TABLE sidecars (
    content_id    INTEGER NOT NULL REFERENCES contents (id),
    slot_id       INTEGER NOT NULL REFERENCES slots (id),
    status        INTEGER NOT NULL CHECK (status BETWEEN 0 AND 5),
    format_id     INTEGER NOT NULL REFERENCES formats (id),
    generator_id  INTEGER NOT NULL REFERENCES generators (id),
    attempt       INTEGER NOT NULL CHECK (attempt >= 0),
    fence         INTEGER NOT NULL CHECK (fence >= 0),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    size          INTEGER CHECK (size >= 0),
    checksum      BLOB CHECK (length(checksum) = 32),
    priority      INTEGER CHECK (priority BETWEEN 0 AND 4),
    not_before    INTEGER,
    lease_owner   INTEGER REFERENCES lease_owners (id),
    lease_until   INTEGER,
    failure_class TEXT,
    PRIMARY KEY (content_id, slot_id),
    CHECK ((priority IS NOT NULL) = (status IN (0, 1))),
    CHECK ((not_before IS NOT NULL) = (status = 0)),
    CHECK ((lease_owner IS NOT NULL) = (status = 1) AND (lease_until IS NOT NULL) = (status = 1)),
    CHECK (failure_class IS NOT NULL OR status NOT IN (3, 4))
) STRICT, WITHOUT ROWID;

-- What a claim looks for, what a recovery looks for, what a retry looks for. One state an index:
-- `status = 3` is not seen to imply `status IN (3, 4)`, and the whole table would be scanned.
CREATE INDEX sidecars_due ON sidecars (priority, generator_id, not_before) WHERE status = 0;
CREATE INDEX sidecars_leased ON sidecars (lease_until) WHERE status = 1;
CREATE INDEX sidecars_failed ON sidecars (generator_id) WHERE status = 3;
CREATE INDEX sidecars_quarantined ON sidecars (generator_id) WHERE status = 4;
CREATE INDEX sidecars_evicted ON sidecars (generator_id) WHERE status = 5;

-- What few rows have: what a reference refers to, the words of a failure, an original of its own.
-- relation and evidence are JSON.
CREATE TABLE sidecar_details (
    content_id      INTEGER NOT NULL,
    slot_id         INTEGER NOT NULL,
    source_entry_id INTEGER,
    companion_uuid  BLOB CHECK (length(companion_uuid) = 16),
    relation        TEXT,
    evidence        TEXT,
    failure_detail  TEXT,
    source_digest   BLOB CHECK (length(source_digest) = 32),
    PRIMARY KEY (content_id, slot_id),
    FOREIGN KEY (content_id, slot_id) REFERENCES sidecars (content_id, slot_id) ON DELETE CASCADE,
    CHECK ((companion_uuid IS NULL) = (source_entry_id IS NULL)
        AND (relation IS NULL) = (source_entry_id IS NULL)
        AND (evidence IS NULL) = (source_entry_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sidecar_details_by_entry ON sidecar_details (source_entry_id)
    WHERE source_entry_id IS NOT NULL;

-- What people said of which original belongs to which; relation is JSON, NULL where it does not.
CREATE TABLE decisions (
    id                INTEGER PRIMARY KEY,
    catalog           TEXT    NOT NULL, -- the instance whose entries are named
    of_entry          INTEGER NOT NULL,
    of_content        BLOB    NOT NULL CHECK (length(of_content) = 16),
    companion_entry   INTEGER NOT NULL,
    companion_content BLOB    NOT NULL CHECK (length(companion_content) = 16),
    relation          TEXT,
    decided_at        INTEGER NOT NULL,
    UNIQUE (catalog, of_entry, companion_entry)
) STRICT;

-- Originals that were moved into the vault, or are on their way: written before a file is touched.
CREATE TABLE conversions (
    id             INTEGER PRIMARY KEY,
    content_uuid   BLOB    NOT NULL CHECK (length(content_uuid) = 16),
    kind           TEXT    NOT NULL,
    variant        TEXT    NOT NULL,
    format         TEXT    NOT NULL,
    phase          TEXT    NOT NULL CHECK (phase IN ('taking', 'managed', 'giving_back')),
    location       BLOB    NOT NULL CHECK (length(location) > 0),
    below          BLOB    NOT NULL CHECK (length(below) > 0), -- names with / between them
    device         INTEGER NOT NULL,
    inode          INTEGER NOT NULL,
    size           INTEGER NOT NULL CHECK (size >= 0),
    modified_ns    INTEGER NOT NULL,
    checksum       BLOB    NOT NULL CHECK (length(checksum) = 32),
    created_at     INTEGER NOT NULL, -- of the sidecar
    begun_at       INTEGER NOT NULL,
    catalog        TEXT    NOT NULL, -- the instance whose entry it was
    entry_id       INTEGER NOT NULL,
    companion_uuid BLOB    NOT NULL CHECK (length(companion_uuid) = 16),
    relation       TEXT    NOT NULL,
    evidence       TEXT    NOT NULL,
    UNIQUE (content_uuid, kind, variant)
) STRICT;
CREATE INDEX conversions_unfinished ON conversions (id) WHERE phase <> 'managed';

-- How attempts ended: all that failed or were taken back, and those that succeeded when they were
-- not the first. Only ever added to; they go with their sidecar. A row's attempts since the last
-- decision from outside are those with fence > its fence - its attempt.
-- outcome: NULL ready, 'released', or a failure class.
CREATE TABLE sidecar_attempts (
    id           INTEGER PRIMARY KEY,
    content_id   INTEGER NOT NULL,
    slot_id      INTEGER NOT NULL,
    fence        INTEGER NOT NULL CHECK (fence >= 1),
    attempt      INTEGER NOT NULL CHECK (attempt >= 1),
    generator_id INTEGER NOT NULL REFERENCES generators (id),
    lease_owner  INTEGER NOT NULL REFERENCES lease_owners (id),
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    outcome      TEXT,
    detail       TEXT NOT NULL,
    duration_ms  INTEGER NOT NULL CHECK (duration_ms >= 0),
    cpu_us       INTEGER CHECK (cpu_us >= 0),
    peak_memory  INTEGER CHECK (peak_memory >= 0),
    FOREIGN KEY (content_id, slot_id) REFERENCES sidecars (content_id, slot_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sidecar_attempts_of ON sidecar_attempts (content_id, slot_id);

-- Kinds that are not claimed until somebody lets them go on.
CREATE TABLE paused_kinds (
    kind      TEXT PRIMARY KEY,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which slots of a content a remote device has: bit n of page p is slot 32 p + n.
CREATE TABLE sidecar_availability (
    content_id INTEGER NOT NULL REFERENCES contents (id),
    device_id  INTEGER NOT NULL REFERENCES devices (id),
    page       INTEGER NOT NULL CHECK (page >= 0),
    mask       INTEGER NOT NULL CHECK (mask BETWEEN 1 AND 4294967295),
    PRIMARY KEY (content_id, device_id, page)
) STRICT, WITHOUT ROWID;

-- Rows and bytes by kind and status, kept in the transaction that changes them.
CREATE TABLE counters (
    kind      TEXT NOT NULL,
    status    INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (kind, status)
) STRICT, WITHOUT ROWID;

-- How far somebody got through something.
CREATE TABLE watermarks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The highest fence of any row that was removed: a row that comes back starts above what a late
-- worker may still hold.
CREATE TABLE fence_floor (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL CHECK (fence >= 0)
) STRICT;
INSERT INTO fence_floor (id, fence) VALUES (1, 0);
";

const DOWN: &str = "
DROP TABLE conversions;
DROP TABLE decisions;
DROP TABLE fence_floor;
DROP TABLE watermarks;
DROP TABLE counters;
DROP TABLE sidecar_availability;
DROP TABLE paused_kinds;
DROP TABLE sidecar_attempts;
DROP TABLE sidecar_details;
DROP TABLE sidecars;
DROP TABLE devices;
DROP TABLE lease_owners;
DROP TABLE generators;
DROP TABLE formats;
DROP TABLE slots;
DROP TABLE contents;
";

const UP_POSTGRES: &str = include_str!("m20260101_000001_tables.postgres.sql");

/// After [`DOWN`]: what only PostgreSQL has.
const DOWN_POSTGRES: &str = "
DROP FUNCTION unhex(jsonb);
DROP FUNCTION unhex(text);
DROP FUNCTION json_each(text);
";

/// Creates and drops the tables.
pub(super) struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &str {
        "m20260101_000001_tables"
    }
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let up = match manager.get_database_backend() {
            DbBackend::Postgres => UP_POSTGRES,
            _ => UP,
        };
        manager.get_connection().execute_unprepared(up).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(DOWN).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared(DOWN_POSTGRES).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
