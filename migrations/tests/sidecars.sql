CREATE INDEX conversions_unfinished ON conversions (id) WHERE phase <> 'managed';

CREATE INDEX sidecar_attempts_of ON sidecar_attempts (content_id, slot_id);

CREATE INDEX sidecar_details_by_entry ON sidecar_details (source_entry_id)
    WHERE source_entry_id IS NOT NULL;

CREATE INDEX sidecars_due ON sidecars (priority, generator_id, not_before) WHERE status = 0;

CREATE INDEX sidecars_evicted ON sidecars (generator_id) WHERE status = 5;

CREATE INDEX sidecars_failed ON sidecars (generator_id) WHERE status = 3;

CREATE INDEX sidecars_leased ON sidecars (lease_until) WHERE status = 1;

CREATE INDEX sidecars_quarantined ON sidecars (generator_id) WHERE status = 4;

CREATE TABLE contents (
    id            INTEGER PRIMARY KEY,
    content_uuid  BLOB NOT NULL UNIQUE CHECK (length(content_uuid) = 16),
    source_size   INTEGER CHECK (source_size >= 0),
    source_digest BLOB CHECK (length(source_digest) = 32),
    CHECK ((source_size IS NULL) = (source_digest IS NULL))
) STRICT;

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

CREATE TABLE counters (
    kind      TEXT NOT NULL,
    status    INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (kind, status)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE devices (
    id             INTEGER PRIMARY KEY,
    device_uuid    BLOB NOT NULL UNIQUE CHECK (length(device_uuid) = 16),
    last_seen_at   INTEGER,
    inventory_seq  INTEGER
) STRICT;

CREATE TABLE fence_floor (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL CHECK (fence >= 0)
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

CREATE TABLE paused_kinds (
    kind      TEXT PRIMARY KEY,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE sidecar_availability (
    content_id INTEGER NOT NULL REFERENCES contents (id),
    device_id  INTEGER NOT NULL REFERENCES devices (id),
    page       INTEGER NOT NULL CHECK (page >= 0),
    mask       INTEGER NOT NULL CHECK (mask BETWEEN 1 AND 4294967295),
    PRIMARY KEY (content_id, device_id, page)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE slots (
    id      INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    variant TEXT NOT NULL,
    UNIQUE (kind, variant)
) STRICT;

CREATE TABLE watermarks (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW contents_view AS
SELECT id, lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4) || '-'
               || substr(h, 17, 4) || '-' || substr(h, 21)) AS content_uuid,
       source_size, nullif(lower(hex(digest)), '') AS source_digest
FROM (SELECT id, hex(content_uuid) AS h, source_size, source_digest AS digest FROM contents);

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
