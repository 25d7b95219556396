//! Databases that are locked, damaged, foreign or ahead of this program are refused by kind, and a
//! row that cannot have been written is reported by table, column and row.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed; this one damages files by hand"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use vss_core::plan::{Recipe, StillRecipe, WantedOutput};
use vss_core::{
    ContentUuid, Format, GeneratorRef, Kind, Priority, SidecarKey, Timestamp, Variant, layout,
};
use vss_ports::{
    EnqueueBatch, EnqueueItem, LeaseOwner, PortError, PortErrorKind, SidecarQueue, SidecarStore,
};
use vss_store_seaorm::{SeaOrmStore, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const CONTENT: ContentUuid = ContentUuid::from_bytes([0xab; 16]);

fn options() -> StoreOptions {
    StoreOptions {
        busy_timeout: Duration::from_millis(50),
        ..StoreOptions::default()
    }
}

fn chain(error: &PortError) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A connection that is bound by no CHECK, as a tool or a bit flip would be.
async fn vandal(path: &Path) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(format!("sqlite://{}", path.display()));
    options.max_connections(1);
    let db = Database::connect(options).await.unwrap();
    for pragma in ["ignore_check_constraints = ON", "foreign_keys = OFF"] {
        let sql = format!("PRAGMA {pragma}");
        db.execute_unprepared(&sql).await.unwrap();
    }
    db
}

async fn filled(path: &Path) -> SeaOrmStore {
    let store = SeaOrmStore::open(path, &options()).await.unwrap();
    let outputs = [Kind::THUMB, Kind::PROXY].map(|kind| WantedOutput {
        kind,
        variant: Variant::GRID_1X,
        format: Format::WEBP,
        recipe: Recipe::Still(StillRecipe {
            max_side: 1,
            quality: 1,
        }),
        generator: GeneratorRef {
            id: "image".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        },
    });
    let item = EnqueueItem {
        content: CONTENT,
        priority: Priority::New,
        outputs: outputs.to_vec(),
    };
    let batch = EnqueueBatch {
        items: vec![item],
        watermark: None,
    };
    store.enqueue(&batch, NOW).await.unwrap();
    store
}

#[tokio::test]
async fn a_value_that_cannot_have_been_written_is_reported_with_its_place() {
    let key = SidecarKey::new(CONTENT, Kind::THUMB, Variant::GRID_1X);
    for (damage, place) in [
        ("UPDATE sidecars SET status = 9", "sidecars.status"),
        (
            "UPDATE sidecars SET checksum = x'0102'",
            "sidecars.checksum",
        ),
        ("UPDATE sidecars SET size = -1", "sidecars.size"),
        ("UPDATE sidecars SET priority = 77", "sidecars.priority"),
        (
            "UPDATE sidecars SET failure_class = 'bored'",
            "sidecars.failure_class",
        ),
        ("UPDATE sidecars SET format_id = 99", "formats.format"),
        ("UPDATE formats SET format = 'WEBP!'", "formats.format"),
        (
            "UPDATE generators SET version = 'one'",
            "generators.version",
        ),
        (
            "UPDATE generators SET source = 'No One'",
            "generators.source",
        ),
        (
            "UPDATE slots SET kind = 'Thumb' WHERE kind = 'thumb'",
            "slots.kind",
        ),
        ("UPDATE slots SET variant = '../x'", "slots.variant"),
        (
            "UPDATE contents SET content_uuid = x'abab'",
            "contents.content_uuid",
        ),
        (
            "UPDATE contents SET source_digest = x'00'",
            "contents.source_digest",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sidecars.db");
        let store = filled(&path).await;
        // Two slots may not share a name.
        let vandal = vandal(&path).await;
        if damage.contains("slots") {
            let one = "DELETE FROM sidecars WHERE slot_id > 1";
            vandal.execute_unprepared(one).await.unwrap();
            let one = "DELETE FROM slots WHERE id > 1";
            vandal.execute_unprepared(one).await.unwrap();
        }
        vandal.execute_unprepared(damage).await.unwrap();
        let error = store.page(None, None, 9).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Corrupt, "{damage}");
        let told = chain(&error);
        assert!(told.contains(place), "{damage}: {told}");
        if place.starts_with("sidecars.") {
            assert!(told.contains("grid@1x"), "{damage}: {told}");
            let error = store.find(&key).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Corrupt, "{damage}");
        }
        if damage.contains("status = 9") {
            let all = store.presence(&[CONTENT], &Kind::THUMB, &[Variant::GRID_1X]);
            let error = all.await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Corrupt);
            assert!(chain(&error).contains(&key.to_string()), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    fs::write(
        &path,
        "This is a shopping list, not a database. ".repeat(200),
    )
    .unwrap();
    let error = SeaOrmStore::open(&path, &options()).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Corrupt, "{}", chain(&error));
    assert!(chain(&error).contains("sidecars.db"));
    assert!(
        chain(&error).contains("not a database"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_hole_that_no_answer_needs_is_found_by_whoever_examines_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let store = filled(&path).await;
    store.examine().await.unwrap();
    store.close().await.unwrap();
    // The table of attempts, of which nobody has made any.
    let vandal = vandal(&path).await;
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'sidecar_attempts'";
    let page = sea_orm::Statement::from_string(vandal.get_database_backend(), page);
    let page = vandal.query_one_raw(page).await.unwrap().unwrap();
    let page: i64 = page.try_get_by_index(0).unwrap();
    vandal.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let page = usize::try_from(page - 1).unwrap() * 4096;
    bytes[page..page + 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let store = SeaOrmStore::open(&path, &options()).await.unwrap();
    let error = store.examine().await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Corrupt);
    let told = chain(&error);
    assert!(told.contains("sidecars.db: it is damaged"), "{told}");
}

#[tokio::test]
async fn a_truncated_database_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    filled(&path).await.close().await.unwrap();
    let whole = fs::read(&path).unwrap();
    for keep in [whole.len() / 2, 4096 * 3, 700] {
        fs::write(&path, &whole[..keep]).unwrap();
        let error = SeaOrmStore::open(&path, &options()).await.unwrap_err();
        let told = chain(&error);
        assert_eq!(error.kind, PortErrorKind::Corrupt, "{keep}: {told}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    filled(&path).await.close().await.unwrap();
    let vandal = vandal(&path).await;
    let future = "INSERT INTO seaql_migrations VALUES ('m20990101_000001_dreams', 0)";
    vandal.execute_unprepared(future).await.unwrap();
    vandal.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = SeaOrmStore::open(&path, &options()).await.unwrap_err();
    let told = chain(&error);
    assert_eq!(error.kind, PortErrorKind::Rejected, "{told}");
    assert!(
        told.contains("update vss") && told.contains("dreams"),
        "{told}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_locked_database_is_unavailable_after_its_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let store = filled(&path).await;
    let other = vandal(&path).await;
    other.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
    let owner = LeaseOwner::new("a");
    let error = store.renew(&owner, NOW).await.unwrap_err();
    let told = chain(&error);
    assert_eq!(error.kind, PortErrorKind::Unavailable, "{told}");
    assert!(
        told.contains("sidecars.db: another program holds it"),
        "{told}"
    );
    assert!(error.is_retryable());
    // Whoever only reads is not kept waiting, nor is whoever comes now.
    store.page(None, None, 9).await.unwrap();
    let late = SeaOrmStore::open(&path, &options()).await.unwrap();
    assert_eq!(late.page(None, None, 9).await.unwrap().len(), 2);
    other.execute_unprepared("ROLLBACK").await.unwrap();
    assert_eq!(store.renew(&owner, NOW).await.unwrap(), 0);
}

#[tokio::test]
async fn opening_an_existing_database_makes_none_and_migrates_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let error = SeaOrmStore::open_existing(&path, &options()).await;
    assert_eq!(error.unwrap_err().kind, PortErrorKind::Rejected);
    assert!(!path.exists());
    filled(&path).await.close().await.unwrap();
    let store = SeaOrmStore::open_existing(&path, &options()).await.unwrap();
    assert_eq!(store.page(None, None, 9).await.unwrap().len(), 2);
    store.close().await.unwrap();
    let vandal = vandal(&path).await;
    let older = "DELETE FROM seaql_migrations WHERE version LIKE '%views'";
    vandal.execute_unprepared(older).await.unwrap();
    vandal.close().await.unwrap();
    let error = SeaOrmStore::open_existing(&path, &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Rejected);
    assert!(chain(&error).contains("older version"), "{}", chain(&error));
}

#[tokio::test]
async fn the_view_says_in_words_what_the_rows_say_in_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecars.db");
    let store = filled(&path).await;
    let text = |kind: &Kind, column: &str| {
        let kind = kind.as_str().to_owned();
        let sql = format!("SELECT {column} FROM sidecars_view WHERE kind = '{kind}'");
        let path = path.clone();
        async move {
            let db = vandal(&path).await;
            let backend = db.get_database_backend();
            let query = sea_orm::Statement::from_string(backend, sql);
            let row = db.query_one_raw(query).await.unwrap().unwrap();
            row.try_get_by_index::<Option<String>>(0).unwrap()
        }
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(text(&Kind::THUMB, "status").await, some("pending"));
    assert_eq!(text(&Kind::THUMB, "priority").await, some("new"));
    let time = some("2026-01-01T00:00:00.000Z");
    assert_eq!(text(&Kind::THUMB, "created_at").await, time);
    assert_eq!(
        text(&Kind::THUMB, "content_uuid").await,
        some(&CONTENT.to_string())
    );
    for null in ["checksum", "source_digest", "lease_until", "failure_detail"] {
        assert_eq!(text(&Kind::THUMB, null).await, None, "{null}");
    }
    // Paths are those of the layout, for every kind that has a folder of its own.
    let db = vandal(&path).await;
    for kind in Kind::ALL {
        // Slot 2 is the proxy already.
        if kind != Kind::PROXY {
            let rename = format!("UPDATE slots SET kind = '{kind}' WHERE id = 1");
            db.execute_unprepared(&rename).await.unwrap();
        }
        let key = SidecarKey::new(CONTENT, kind.clone(), Variant::GRID_1X);
        let expected = layout::sidecar_path(&key, &Format::WEBP);
        assert_eq!(text(&kind, "rel_path").await, some(expected.as_str()));
    }
    drop(store);
}
