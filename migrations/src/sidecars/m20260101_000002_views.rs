//! Views of `sidecars.db` for people: `SELECT * FROM sidecars_view` says everything in words.
//!
//! The columns have the names of the design document. The row's uuid is left out: it follows from
//! content, kind and variant and SQLite cannot compute a UUIDv5.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

const UP: &str = "
CREATE VIEW contents_view AS
SELECT id, lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4) || '-'
               || substr(h, 17, 4) || '-' || substr(h, 21)) AS content_uuid,
       source_size, nullif(lower(hex(digest)), '') AS source_digest
FROM (SELECT id, hex(content_uuid) AS h, source_size, source_digest AS digest FROM contents);

CREATE VIEW sidecars_view AS
SELECT c.content_uuid, l.kind, l.variant, f.format,
       CASE g.source WHEN 'reference' THEN ''
       ELSE 'content/' || substr(c.content_uuid, 1, 2) || '/' || substr(c.content_uuid, 3, 2)
            || '/' || c.content_uuid || '/'
            || CASE l.kind WHEN 'thumb' THEN 'thumbs' WHEN 'thumbstrip' THEN 'thumbstrips'
                           WHEN 'thumbstrip_map' THEN 'thumbstrips'
                           WHEN 'proxy' THEN 'proxies' WHEN 'waveform' THEN 'waveforms'
                           ELSE l.kind END
            || '/' || l.variant || '.' || f.format
       END AS rel_path,
       d.source_entry_id, s.size, nullif(lower(hex(s.checksum)), '') AS checksum,
       CASE s.status WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'ready'
                     WHEN 3 THEN 'failed' WHEN 4 THEN 'quarantined'
                     WHEN 5 THEN 'evicted' END AS status,
       g.source, nullif(g.version, '') AS version,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.updated_at / 1000.0, 'unixepoch') AS updated_at,
       CASE s.priority WHEN 0 THEN 'interactive' WHEN 1 THEN 'visible' WHEN 2 THEN 'new'
                       WHEN 3 THEN 'missing' WHEN 4 THEN 'regenerate' END AS priority,
       s.attempt,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.not_before / 1000.0, 'unixepoch') AS not_before,
       o.owner AS lease_owner,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.lease_until / 1000.0, 'unixepoch') AS lease_until,
       s.fence, s.failure_class,
       CASE WHEN s.failure_class IS NOT NULL THEN d.failure_detail END AS failure_detail,
       coalesce(nullif(lower(hex(d.source_digest)), ''), c.source_digest) AS source_digest
FROM sidecars s
JOIN contents_view c ON c.id = s.content_id
JOIN slots l ON l.id = s.slot_id
LEFT JOIN formats f ON f.id = s.format_id
LEFT JOIN generators g ON g.id = s.generator_id
LEFT JOIN lease_owners o ON o.id = s.lease_owner
LEFT JOIN sidecar_details d ON d.content_id = s.content_id AND d.slot_id = s.slot_id;

CREATE VIEW sidecar_attempts_view AS
SELECT c.content_uuid, l.kind, l.variant, a.fence, a.attempt, g.source,
       nullif(g.version, '') AS version, o.owner,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at / 1000.0, 'unixepoch') AS ended_at,
       coalesce(a.outcome, 'ready') AS outcome, a.detail, a.duration_ms, a.cpu_us, a.peak_memory
FROM sidecar_attempts a
JOIN contents_view c ON c.id = a.content_id
JOIN slots l ON l.id = a.slot_id
LEFT JOIN generators g ON g.id = a.generator_id
LEFT JOIN lease_owners o ON o.id = a.lease_owner;

CREATE VIEW sidecar_availability_view AS
SELECT c.content_uuid, l.kind, l.variant,
       lower(substr(hex(v.device_uuid), 1, 8) || '-' || substr(hex(v.device_uuid), 9, 4) || '-'
             || substr(hex(v.device_uuid), 13, 4) || '-' || substr(hex(v.device_uuid), 17, 4)
             || '-' || substr(hex(v.device_uuid), 21)) AS device_uuid,
       1 AS has,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.last_seen_at / 1000.0, 'unixepoch') AS last_seen_at
FROM sidecar_availability a
JOIN contents_view c ON c.id = a.content_id
JOIN devices v ON v.id = a.device_id
JOIN slots l ON l.id / 32 = a.page AND (a.mask >> (l.id % 32)) & 1;
";

const DOWN: &str = "
DROP VIEW sidecar_availability_view;
DROP VIEW sidecar_attempts_view;
DROP VIEW sidecars_view;
DROP VIEW contents_view;
";

const UP_POSTGRES: &str = include_str!("m20260101_000002_views.postgres.sql");

/// Creates and drops the views.
pub(super) struct Views;

impl MigrationName for Views {
    fn name(&self) -> &str {
        "m20260101_000002_views"
    }
}

#[async_trait]
impl MigrationTrait for Views {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let up = match manager.get_database_backend() {
            DbBackend::Postgres => UP_POSTGRES,
            _ => UP,
        };
        manager.get_connection().execute_unprepared(up).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(DOWN).await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
