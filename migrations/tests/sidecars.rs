//! The schema of `sidecars.db`, in a file and on a server, goes up, down and up again on filled tables, and is what the
//! snapshot says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "postgres")]
#[path = "../../crates/vss-store-seaorm/tests/server/mod.rs"]
mod server;

use expect_test::expect_file;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use sea_orm_migration::MigratorTrait;
use vss_migrations::sidecars::SidecarsMigrator;
use vss_migrations::{MigrateError, check, migrate};

const FILL: &str = "
INSERT INTO contents VALUES (1, x'000102030405060708090a0b0c0d0e0f', 5, zeroblob(32));
INSERT INTO slots VALUES (1, 'thumb', 'grid@1x'), (33, 'proxy', 'scrub');
INSERT INTO formats VALUES (1, 'webp');
INSERT INTO generators VALUES (1, 'image', '1.0.0', 'thumb'), (2, 'image', '1.0.0', 'proxy');
INSERT INTO lease_owners VALUES (1, 'somebody');
INSERT INTO devices VALUES (1, zeroblob(16), 1000, 7);
INSERT INTO sidecars VALUES
    (1, 1, 2, 1, 1, 0, 1, 0, 0, 9, zeroblob(32), NULL, NULL, NULL, NULL, NULL),
    (1, 33, 1, 1, 2, 2, 2, 0, 0, NULL, NULL, 2, NULL, 1, 99, 'crash');
INSERT INTO sidecar_details (content_id, slot_id, failure_detail) VALUES (1, 33, 'it died');
INSERT INTO sidecar_attempts VALUES (1, 1, 33, 1, 1, 2, 1, 0, 5, 'crash', 'it died', 5, 9, NULL);
INSERT INTO paused_kinds VALUES ('ocr', 7);
INSERT INTO sidecar_availability VALUES (1, 1, 0, 2), (1, 1, 1, 2);
INSERT INTO counters VALUES ('thumb', 2, 1, 9);
INSERT INTO watermarks VALUES ('planned', '1');
";

async fn memory() -> DatabaseConnection {
    let mut options = ConnectOptions::new("sqlite::memory:");
    // Every connection to memory has a database of its own.
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let query = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(query).await.unwrap();
    let text = |row: &sea_orm::QueryResult| row.try_get_by_index::<String>(0).unwrap();
    rows.iter().map(text).collect()
}

async fn schema(db: &DatabaseConnection) -> String {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => POSTGRES_SCHEMA,
        _ => {
            "SELECT sql FROM sqlite_schema \
             WHERE sql IS NOT NULL AND name NOT LIKE 'seaql%' ORDER BY type, name"
        }
    };
    texts(db, sql).await.join(";\n\n") + ";\n"
}

/// What the server makes of our words, one text a table, function and view; without the schema,
/// and without what differs between versions of the server.
const POSTGRES_SCHEMA: &str = "
WITH parts AS (
    SELECT c.oid, 1 AS part, attnum AS number, '    ' || attname || ' '
        || format_type(atttypid, atttypmod)
        || CASE WHEN attcollation = '\"C\"'::regcollation THEN ' COLLATE C' ELSE '' END
        || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN attidentity = 'd' THEN ' IDENTITY' ELSE '' END AS text
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')
    UNION ALL
    SELECT conrelid, 2, row_number() OVER (ORDER BY pg_get_constraintdef(oid) COLLATE \"C\"),
        '    ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype IN ('c', 'f', 'p', 'u')
    UNION ALL
    SELECT indrelid, 3, row_number() OVER (ORDER BY indexrelid::regclass::text COLLATE \"C\"),
        '    ' || replace(pg_get_indexdef(indexrelid), current_schema() || '.', '')
    FROM pg_index JOIN pg_class ON oid = indrelid
    WHERE relnamespace = current_schema()::regnamespace
)
SELECT text FROM (
    SELECT relname || E'\\n' || string_agg(parts.text, E'\\n' ORDER BY part, number) AS text
    FROM pg_class c JOIN parts USING (oid) WHERE relname NOT LIKE 'seaql%' GROUP BY c.oid, relname
    UNION ALL
    SELECT 'FUNCTION ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')' || prosrc
    FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
) texts ORDER BY text COLLATE \"C\"";

/// Bytes as the database spells them.
fn spelled(db: &DatabaseConnection, sql: &str) -> String {
    if db.get_database_backend() != DbBackend::Postgres {
        return sql.to_owned();
    }
    let mut parts = sql.split(" x'");
    let first = parts.next().unwrap_or_default().to_owned();
    let bytes = parts.fold(first, |text, part| {
        text + r" '\x" + &part.replacen('\'', "'::bytea", 1)
    });
    bytes
        .replace("zeroblob(32)", "decode(repeat('00', 32), 'hex')")
        .replace("zeroblob(16)", "decode(repeat('00', 16), 'hex')")
}

/// Each test in a file, and on the server where there is one.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::memory().await).await;
            })+
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            use super::server;

            $(#[tokio::test]
            async fn $name() {
                let Some(url) = server::url() else { return };
                let url = server::schema(&url).await;
                super::$name(server::connect(&url).await).await;
            })+
        }
    };
}

on_both!(
    the_schema_is_what_the_snapshot_says,
    filled_tables_go_down_and_up_again,
    each_migration_can_be_undone_by_itself_with_its_rows_kept,
    attempts_go_with_their_sidecar,
    a_database_from_a_newer_version_is_refused_unchanged,
    rows_that_contradict_themselves_are_refused,
);

async fn the_schema_is_what_the_snapshot_says(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    let snapshot = match db.get_database_backend() {
        DbBackend::Postgres => expect_file!["sidecars.postgres.txt"],
        _ => expect_file!["sidecars.sql"],
    };
    snapshot.assert_eq(&schema(&db).await);
}

async fn filled_tables_go_down_and_up_again(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    let before = schema(&db).await;
    db.execute_unprepared(&spelled(&db, FILL)).await.unwrap();
    SidecarsMigrator::down(&db, None).await.unwrap();
    assert_eq!(schema(&db).await, ";\n");
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    assert_eq!(schema(&db).await, before);
    db.execute_unprepared(&spelled(&db, FILL)).await.unwrap();
    // Opened once more, it stays as it is.
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    assert_eq!(texts(&db, "SELECT value FROM watermarks").await, ["1"]);
}

async fn each_migration_can_be_undone_by_itself_with_its_rows_kept(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    db.execute_unprepared(&spelled(&db, FILL)).await.unwrap();
    SidecarsMigrator::down(&db, Some(1)).await.unwrap();
    let lacking = check::<SidecarsMigrator>(&db).await.unwrap_err();
    assert!(matches!(lacking, MigrateError::Older { missing } if missing.len() == 1));
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    check::<SidecarsMigrator>(&db).await.unwrap();
    let view = "SELECT kind || ' ' || status || ' ' || coalesce(failure_detail, '-') \
                FROM sidecars_view ORDER BY kind";
    let expected = ["proxy running it died", "thumb ready -"];
    assert_eq!(texts(&db, view).await, expected);
    // Bit 1 of page 0 is slot 1, bit 1 of page 1 is slot 33.
    let view = "SELECT kind || ' ' || content_uuid || ' ' || last_seen_at \
                FROM sidecar_availability_view ORDER BY kind";
    let uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f 1970-01-01T00:00:01.000Z";
    let expected = [format!("proxy {uuid}"), format!("thumb {uuid}")];
    assert_eq!(texts(&db, view).await, expected);
    let view = "SELECT kind || ' ' || source || ' ' || owner || ' ' || outcome || ' ' || ended_at \
                FROM sidecar_attempts_view";
    let expected = ["proxy image somebody crash 1970-01-01T00:00:00.005Z"];
    assert_eq!(texts(&db, view).await, expected);
}

async fn attempts_go_with_their_sidecar(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    db.execute_unprepared(&spelled(&db, FILL)).await.unwrap();
    let gone = "DELETE FROM sidecars WHERE slot_id = 33";
    db.execute_unprepared(gone).await.unwrap();
    let left = "SELECT detail FROM sidecar_attempts";
    assert!(texts(&db, left).await.is_empty());
}

async fn a_database_from_a_newer_version_is_refused_unchanged(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    let future = "INSERT INTO seaql_migrations VALUES ('m20990101_000001_dreams', 0);
                  DELETE FROM seaql_migrations WHERE version LIKE '%views';
                  DROP VIEW sidecars_view";
    db.execute_unprepared(future).await.unwrap();
    let before = schema(&db).await;
    let refused = migrate::<SidecarsMigrator>(&db).await.unwrap_err();
    assert!(refused.to_string().contains("update vss"), "{refused}");
    assert!(refused.to_string().contains("dreams"), "{refused}");
    assert_eq!(schema(&db).await, before);
}

async fn rows_that_contradict_themselves_are_refused(db: DatabaseConnection) {
    migrate::<SidecarsMigrator>(&db).await.unwrap();
    db.execute_unprepared(&spelled(&db, FILL)).await.unwrap();
    for wrong in [
        "UPDATE sidecars SET status = 5",
        "UPDATE sidecars SET priority = NULL WHERE status = 1",
        "UPDATE sidecars SET not_before = 1 WHERE status = 2",
        "UPDATE sidecars SET lease_owner = NULL WHERE status = 1",
        "UPDATE sidecars SET checksum = x'00' WHERE status = 2",
        "UPDATE sidecars SET status = 3, priority = NULL, failure_class = NULL, \
            lease_owner = NULL, lease_until = NULL WHERE status = 1",
        "UPDATE sidecars SET size = 'big'",
        "UPDATE contents SET source_size = NULL",
        "INSERT INTO contents VALUES (2, x'00', NULL, NULL)",
        "INSERT INTO generators VALUES (3, 'image', '1.0.0', 'thumb')",
        "UPDATE sidecar_attempts SET duration_ms = -1",
        "UPDATE sidecar_attempts SET attempt = 0",
        "UPDATE sidecar_attempts SET slot_id = 77",
        "INSERT INTO sidecar_availability VALUES (1, 1, 3, 0)",
    ] {
        assert!(
            db.execute_unprepared(&spelled(&db, wrong)).await.is_err(),
            "{wrong}"
        );
    }
}
