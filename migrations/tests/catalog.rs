//! The schema of `catalog.db`: what it is, that it can be taken back, and what its triggers count.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use expect_test::expect;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use vss_migrations::catalog::CatalogMigrator;

async fn database() -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    vss_migrations::migrate::<CatalogMigrator>(&db)
        .await
        .unwrap();
    db
}

/// The schema as SQLite holds it, white space collapsed.
async fn schema(db: &DatabaseConnection) -> String {
    let query = "SELECT sql AS line FROM sqlite_schema
         WHERE sql IS NOT NULL AND name NOT LIKE 'seaql%' AND name NOT LIKE 'sqlite%'
         ORDER BY rowid";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let found = db.query_all_raw(statement).await.unwrap();
    let lines = found.iter().map(|row| {
        let sql: String = row.try_get("", "line").unwrap();
        sql.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn fill(db: &DatabaseConnection) {
    for statement in [
        "INSERT INTO media_types VALUES (1, 'image/png'), (2, 'image/jpeg')",
        "INSERT INTO directories (id, path) VALUES (1, CAST('/a' AS BLOB)), (2, CAST('/' AS BLOB))",
        "INSERT INTO contents VALUES (1, zeroblob(16), 5, 1, 2, 0, 0, NULL)",
        "INSERT INTO contents VALUES (2, randomblob(16), 6, 1, 2, 0, 0, NULL)",
        "INSERT INTO entries VALUES (1, 1, x'ff', 1, 5, 1, 1, 1), (2, 2, x'61', 1, 5, 1, 1, 2)",
        "INSERT INTO entries VALUES (3, 1, x'62', 2, 6, 1, 1, 3)",
        "INSERT INTO content_facts VALUES (1, randomblob(16), 5, 2, -60, 9, 8, 7)",
        "INSERT INTO locations VALUES (1, CAST('/a' AS BLOB), 1, 1)",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
}

async fn counted(db: &DatabaseConnection) -> (i64, i64, i64, String) {
    let query = "SELECT contents, originals, last_seq,
             (SELECT group_concat(originals || ':' || seq, ' ') FROM contents) AS each
         FROM catalog";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    let number = |name: &str| row.try_get("", name).unwrap();
    let each = row.try_get("", "each").unwrap();
    (
        number("contents"),
        number("originals"),
        number("last_seq"),
        each,
    )
}

#[tokio::test]
async fn the_schema_is_as_it_was_released() {
    expect![[r#"
        CREATE TABLE catalog ( id INTEGER PRIMARY KEY CHECK (id = 1), instance TEXT NOT NULL CHECK (length(instance) = 32), last_seq INTEGER NOT NULL CHECK (last_seq >= 0), now INTEGER NOT NULL, contents INTEGER NOT NULL CHECK (contents >= 0), originals INTEGER NOT NULL CHECK (originals >= 0) ) STRICT
        CREATE TABLE locations ( id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE CHECK (length(path) > 0), device INTEGER NOT NULL, refreshed_at INTEGER NOT NULL ) STRICT
        CREATE TABLE directories ( id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE CHECK (length(path) > 0), seq INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0) ) STRICT
        CREATE INDEX directories_by_seq ON directories (seq)
        CREATE TABLE media_types ( id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE ) STRICT
        CREATE TABLE contents ( id INTEGER PRIMARY KEY, content_uuid BLOB NOT NULL UNIQUE CHECK (length(content_uuid) = 16), size INTEGER NOT NULL CHECK (size > 0), media_type_id INTEGER NOT NULL REFERENCES media_types (id), evidence INTEGER NOT NULL CHECK (evidence BETWEEN 0 AND 3), originals INTEGER NOT NULL CHECK (originals >= 0), seq INTEGER NOT NULL CHECK (seq >= 0), lost_at INTEGER CHECK (lost_at IS NULL OR originals = 0) ) STRICT
        CREATE INDEX contents_by_seq ON contents (seq) WHERE originals > 0
        CREATE TABLE content_facts ( content_id INTEGER PRIMARY KEY REFERENCES contents (id), live_id BLOB CHECK (length(live_id) = 16), captured_ms INTEGER, captured_as INTEGER CHECK (captured_as BETWEEN 0 AND 2), captured_zone INTEGER, duration_ms INTEGER CHECK (duration_ms >= 0), motion_offset INTEGER CHECK (motion_offset > 0), motion_length INTEGER CHECK (motion_length > 0), CHECK ((captured_ms IS NULL) = (captured_as IS NULL)), CHECK ((captured_zone IS NULL) = (coalesce(captured_as, 0) <> 2)), CHECK ((motion_offset IS NULL) = (motion_length IS NULL)) ) STRICT
        CREATE INDEX content_facts_by_live_id ON content_facts (live_id) WHERE live_id IS NOT NULL
        CREATE TABLE entries ( id INTEGER PRIMARY KEY AUTOINCREMENT, directory_id INTEGER NOT NULL REFERENCES directories (id), name BLOB NOT NULL CHECK (length(name) > 0), content_id INTEGER NOT NULL REFERENCES contents (id), size INTEGER NOT NULL CHECK (size > 0), mtime_ns INTEGER NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL, UNIQUE (directory_id, name) ) STRICT
        CREATE INDEX entries_by_content ON entries (content_id)
        CREATE INDEX entries_by_inode ON entries (inode)
        CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN UPDATE catalog SET originals = originals + 1, contents = contents + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id), last_seq = last_seq + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id); UPDATE contents SET seq = CASE originals WHEN 0 THEN (SELECT last_seq FROM catalog) ELSE seq END, originals = originals + 1, lost_at = NULL WHERE id = NEW.content_id; END
        CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN UPDATE contents SET originals = originals - 1, lost_at = CASE originals WHEN 1 THEN (SELECT now FROM catalog) END WHERE id = OLD.content_id; UPDATE catalog SET originals = originals - 1, contents = contents - (SELECT originals = 0 FROM contents WHERE id = OLD.content_id); END
        CREATE TRIGGER entry_edited AFTER UPDATE OF content_id ON entries WHEN OLD.content_id <> NEW.content_id BEGIN UPDATE catalog SET contents = contents + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id), last_seq = last_seq + (SELECT originals = 0 FROM contents WHERE id = NEW.content_id); UPDATE contents SET seq = CASE originals WHEN 0 THEN (SELECT last_seq FROM catalog) ELSE seq END, originals = originals + 1, lost_at = NULL WHERE id = NEW.content_id; UPDATE contents SET originals = originals - 1, lost_at = CASE originals WHEN 1 THEN (SELECT now FROM catalog) END WHERE id = OLD.content_id; UPDATE catalog SET contents = contents - (SELECT originals = 0 FROM contents WHERE id = OLD.content_id); END
        CREATE TRIGGER content_retyped AFTER UPDATE OF media_type_id ON contents WHEN OLD.media_type_id <> NEW.media_type_id AND NEW.originals > 0 BEGIN UPDATE catalog SET last_seq = last_seq + 1; UPDATE contents SET seq = (SELECT last_seq FROM catalog) WHERE id = NEW.id; END
        CREATE TRIGGER directory_touched AFTER UPDATE OF seq ON directories WHEN NEW.seq = 0 BEGIN UPDATE catalog SET last_seq = last_seq + 1; UPDATE directories SET seq = (SELECT last_seq FROM catalog) WHERE id = NEW.id; END
        CREATE VIEW originals_view AS SELECT e.id AS entry_id, CAST(CASE d.path WHEN x'2f' THEN x'' ELSE d.path END || x'2f' || e.name AS TEXT) AS path, lower(hex(c.content_uuid)) AS content_uuid, e.size AS size, m.name AS media_type, c.seq AS seq FROM entries AS e JOIN directories AS d ON d.id = e.directory_id JOIN contents AS c ON c.id = e.content_id JOIN media_types AS m ON m.id = c.media_type_id"#]].assert_eq(&schema(&database().await).await);
}

#[tokio::test]
async fn filled_tables_go_down_and_come_up_again() {
    let db = database().await;
    let before = schema(&db).await;
    fill(&db).await;
    CatalogMigrator::down(&db, None).await.unwrap();
    assert_eq!(schema(&db).await, "");
    CatalogMigrator::up(&db, None).await.unwrap();
    assert_eq!(schema(&db).await, before);
    fill(&db).await;
    assert_eq!(counted(&db).await, (2, 3, 2, "2:1 1:2".into()));
}

#[tokio::test]
async fn triggers_count_every_way_an_entry_changes() {
    let db = database().await;
    fill(&db).await;
    let run = async |statement: &str| {
        db.execute_unprepared(statement).await.unwrap();
        counted(&db).await
    };
    // An edit that leaves one content without originals, one back, a deletion, a new type.
    let edited = run("UPDATE entries SET content_id = 1 WHERE id = 3").await;
    assert_eq!(edited, (1, 3, 2, "3:1 0:2".into()));
    let back = run("UPDATE entries SET content_id = 2 WHERE id = 3").await;
    assert_eq!(back, (2, 3, 3, "2:1 1:3".into()));
    let same = run("UPDATE entries SET content_id = 2, size = 7 WHERE id = 3").await;
    assert_eq!(same, back);
    let removed = run("DELETE FROM entries WHERE id = 1").await;
    assert_eq!(removed, (2, 2, 3, "1:1 1:3".into()));
    let last = run("DELETE FROM entries WHERE id = 2").await;
    assert_eq!(last, (1, 1, 3, "0:1 1:3".into()));
    let unused = run("UPDATE contents SET media_type_id = 2 WHERE id = 1").await;
    assert_eq!(unused, last, "without originals there is nothing to plan");
    let retyped = run("UPDATE contents SET media_type_id = 2 WHERE id = 2").await;
    assert_eq!(retyped, (1, 1, 4, "0:1 1:4".into()));
}

#[tokio::test]
async fn a_folder_that_is_touched_gets_the_next_number() {
    let db = database().await;
    fill(&db).await;
    for _ in 0..2 {
        db.execute_unprepared("UPDATE directories SET seq = 0")
            .await
            .unwrap();
    }
    let query = "SELECT group_concat(seq, ' ' ORDER BY id) AS each FROM directories";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "each").unwrap(), "5 6");
    assert_eq!(counted(&db).await.2, 6);
}

#[tokio::test]
async fn what_files_say_is_whole_or_refused() {
    let db = database().await;
    fill(&db).await;
    for wrong in [
        "2, x'00', NULL, NULL, NULL, NULL, NULL, NULL",
        "2, NULL, 5, NULL, NULL, NULL, NULL, NULL",
        "2, NULL, 5, 2, NULL, NULL, NULL, NULL",
        "2, NULL, 5, 1, 60, NULL, NULL, NULL",
        "2, NULL, NULL, NULL, 60, NULL, NULL, NULL",
        "2, NULL, NULL, NULL, NULL, NULL, 5, NULL",
        "3, NULL, 5, 0, NULL, NULL, NULL, NULL",
    ] {
        let insert = format!("INSERT INTO content_facts VALUES ({wrong})");
        assert!(db.execute_unprepared(&insert).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_person_can_read_the_view() {
    let db = database().await;
    fill(&db).await;
    let query = "SELECT entry_id || ' ' || hex(path) || ' ' || media_type AS line
         FROM originals_view ORDER BY entry_id";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let found = db.query_all_raw(statement).await.unwrap();
    let lines: Vec<String> = found
        .iter()
        .map(|row| row.try_get("", "line").unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "1 2F612FFF image/png",
            "2 2F61 image/png",
            "3 2F612F62 image/png"
        ]
    );
}

#[tokio::test]
async fn an_entry_id_is_never_given_twice() {
    let db = database().await;
    fill(&db).await;
    for statement in [
        "DELETE FROM entries WHERE id = 3",
        "INSERT INTO entries (directory_id, name, content_id, size, mtime_ns, device, inode)
         VALUES (1, x'63', 2, 6, 1, 1, 3)",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
    let statement = Statement::from_string(DbBackend::Sqlite, "SELECT max(id) AS id FROM entries");
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "id").unwrap(), 4);
}
