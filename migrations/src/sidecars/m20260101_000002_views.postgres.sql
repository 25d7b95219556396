-- The views on PostgreSQL: the same columns with the same spellings.

CREATE VIEW contents_view AS
SELECT id, encode(content_uuid, 'hex')::uuid::text AS content_uuid, source_size,
       encode(source_digest, 'hex') AS source_digest
FROM contents;

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
       d.source_entry_id, s.size, encode(s.checksum, 'hex') AS checksum,
       CASE s.status WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'ready'
                     WHEN 3 THEN 'failed' WHEN 4 THEN 'quarantined'
                     WHEN 5 THEN 'evicted' END AS status,
       g.source, nullif(g.version, '') AS version,
       to_char(to_timestamp(s.created_at / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at,
       to_char(to_timestamp(s.updated_at / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS updated_at,
       CASE s.priority WHEN 0 THEN 'interactive' WHEN 1 THEN 'visible' WHEN 2 THEN 'new'
                       WHEN 3 THEN 'missing' WHEN 4 THEN 'regenerate' END AS priority,
       s.attempt,
       to_char(to_timestamp(s.not_before / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS not_before,
       o.owner AS lease_owner,
       to_char(to_timestamp(s.lease_until / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS lease_until,
       s.fence, s.failure_class,
       CASE WHEN s.failure_class IS NOT NULL THEN d.failure_detail END AS failure_detail,
       coalesce(encode(d.source_digest, 'hex'), c.source_digest) AS source_digest
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
       to_char(to_timestamp(a.started_at / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started_at,
       to_char(to_timestamp(a.ended_at / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ended_at,
       coalesce(a.outcome, 'ready') AS outcome, a.detail, a.duration_ms, a.cpu_us, a.peak_memory
FROM sidecar_attempts a
JOIN contents_view c ON c.id = a.content_id
JOIN slots l ON l.id = a.slot_id
LEFT JOIN generators g ON g.id = a.generator_id
LEFT JOIN lease_owners o ON o.id = a.lease_owner;

CREATE VIEW sidecar_availability_view AS
SELECT c.content_uuid, l.kind, l.variant, encode(v.device_uuid, 'hex')::uuid::text AS device_uuid,
       1 AS has,
       to_char(to_timestamp(v.last_seen_at / 1000.0) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS last_seen_at
FROM sidecar_availability a
JOIN contents_view c ON c.id = a.content_id
JOIN devices v ON v.id = a.device_id
JOIN slots l ON l.id / 32 = a.page AND (a.mask >> (l.id % 32)::int) & 1 = 1;
