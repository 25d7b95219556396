//! `catalog.db` as a file: opened again, from a newer program, damaged, killed half-way.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the tests are the user whose files are looked at"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait, Database};
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::Timestamp;
use vss_ports::{
    ChangeSeq, ContentCatalog, PortErrorKind, PortResult, RefreshObserver, RefreshOptions,
    RefreshProblem, Revisit,
};

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _files: u64, _hashed: u64) {}
    fn problem(&self, _problem: RefreshProblem) {}
}

async fn open(path: &Path) -> PortResult<SeaOrmCatalog> {
    SeaOrmCatalog::open(path, CatalogSettings::default()).await
}

async fn execute(path: &Path, statement: &str) {
    let url = format!("sqlite://{}", path.display());
    let db = Database::connect(url).await.unwrap();
    db.execute_unprepared(statement).await.unwrap();
    db.close().await.unwrap();
}

async fn refresh(catalog: &SeaOrmCatalog, root: PathBuf) -> PortResult<vss_ports::RefreshReport> {
    let options = RefreshOptions::default();
    catalog
        .refresh(&[root], &options, &Deaf, Timestamp::from_millis(7))
        .await
}

#[tokio::test]
async fn a_catalog_is_the_same_when_it_is_opened_again() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("odd ?name#%20.db");
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), b"one").unwrap();
    let first = open(&path).await.unwrap();
    refresh(&first, folder.clone()).await.unwrap();
    let (instance, changes) = (first.instance().await, first.changes(ChangeSeq(0), 9).await);
    drop(first);
    assert!(path.exists(), "a path is no address");
    let again = open(&path).await.unwrap();
    assert_eq!(again.instance().await.unwrap(), instance.unwrap());
    let known = again.changes(ChangeSeq(0), 9).await.unwrap();
    assert_eq!(known, changes.unwrap());
    assert_eq!(refresh(&again, folder).await.unwrap().unchanged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_open_a_new_catalog_at_once_all_have_it() {
    for _ in 0..20 {
        let keep = tempfile::tempdir().unwrap();
        let path = keep.path().join("catalog.db");
        let opening = std::iter::repeat_with(|| {
            let path = path.clone();
            tokio::spawn(async move { open(&path).await.unwrap().instance().await.unwrap() })
        });
        let instances = futures::future::join_all(opening.take(8)).await;
        let instances: std::collections::BTreeSet<_> =
            instances.into_iter().map(Result::unwrap).collect();
        assert_eq!(instances.len(), 1);
    }
}

#[tokio::test]
async fn a_catalog_from_a_newer_program_is_refused_with_what_to_do() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    drop(open(&path).await.unwrap());
    execute(
        &path,
        "INSERT INTO seaql_migrations VALUES ('m20990101_000001_later', 0)",
    )
    .await;
    let refused = open(&path).await.err().unwrap();
    assert_eq!(refused.kind, PortErrorKind::Rejected);
    assert!(refused.operation.contains("catalog.db"), "{refused:?}");
    assert!(
        refused.source.to_string().contains("update vss"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_damaged_catalog_is_said_to_be_corrupt_and_named() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    std::fs::write(&path, vec![b'x'; 10_000]).unwrap();
    let refused = open(&path).await.err().unwrap();
    assert_eq!(refused.kind, PortErrorKind::Corrupt, "{refused:?}");
    assert_eq!(
        refused.source.to_string(),
        "catalog.db: it is damaged (file is not a database, code 26)"
    );
    // Good at its beginning, and a hole further on.
    std::fs::remove_file(&path).unwrap();
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..2_000 {
        std::fs::write(folder.join(n.to_string()), n.to_string()).unwrap();
    }
    let catalog = open(&path).await.unwrap();
    refresh(&catalog, folder.clone()).await.unwrap();
    drop(catalog);
    execute(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096 * 12..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let outcome = async {
        let catalog = open(&path).await?;
        refresh(&catalog, folder).await
    };
    let refused = outcome.await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Corrupt, "{refused:?}");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_reported_by_its_place() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    let catalog = open(&path).await.unwrap();
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), b"one").unwrap();
    refresh(&catalog, folder).await.unwrap();
    execute(&path, "UPDATE media_types SET name = 'No Type'").await;
    let refused = catalog.changes(ChangeSeq(0), 9).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Corrupt);
    let said = refused.source.to_string();
    assert!(
        said.contains("media_types.name") && said.contains("row 1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_a_read_only_file_cannot_hold_a_catalog() {
    let keep = tempfile::tempdir().unwrap();
    let refused = open(&keep.path().join("no/catalog.db"))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind, PortErrorKind::Rejected, "{refused:?}");
    assert!(
        refused.source.to_string().contains("it cannot be opened"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_empty_mount_point_is_not_a_deleted_collection() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    let catalog = open(&path).await.unwrap();
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), b"one").unwrap();
    refresh(&catalog, folder.clone()).await.unwrap();
    std::fs::remove_file(folder.join("a")).unwrap();
    // As if the folder had been on another disk the last time.
    execute(&path, "UPDATE locations SET device = device + 1").await;
    let refused = refresh(&catalog, folder.clone()).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Rejected);
    assert!(
        refused.source.to_string().contains("mount the disk"),
        "{refused:?}"
    );
    assert_eq!(catalog.counts().await.unwrap().originals, 1);
    // On the same disk, it was emptied.
    execute(&path, "UPDATE locations SET device = device - 1").await;
    assert_eq!(refresh(&catalog, folder).await.unwrap().vanished, 1);
}

#[tokio::test]
async fn a_device_with_another_number_is_noted_and_nothing_is_hashed() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    let catalog = open(&path).await.unwrap();
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), b"one").unwrap();
    refresh(&catalog, folder.clone()).await.unwrap();
    execute(&path, "UPDATE entries SET device = device + 1").await;
    let report = refresh(&catalog, folder.clone()).await.unwrap();
    assert_eq!((report.hashed, report.unchanged), (0, 1));
    // The move is only seen where the number was put right.
    std::fs::rename(folder.join("a"), folder.join("b")).unwrap();
    let report = refresh(&catalog, folder).await.unwrap();
    assert_eq!((report.moved, report.hashed), (1, 0));
}

const CHILD: &str = "VSS_TEST_REFRESH";

struct Telling;

impl RefreshObserver for Telling {
    fn progress(&self, files: u64, _hashed: u64) {
        println!("progress {files}");
    }
    fn problem(&self, problem: RefreshProblem) {
        println!("problem {problem:?}");
    }
}

/// The process that is killed: this test binary, running this test with a folder to look at.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let catalog = open(&folder.join("../catalog.db")).await.unwrap();
    let options = RefreshOptions::default();
    catalog
        .refresh(&[folder], &options, &Telling, Timestamp::default())
        .await
        .unwrap();
    println!("done");
}

#[tokio::test]
async fn a_refresh_that_was_killed_is_completed_by_the_next() {
    let keep = tempfile::tempdir().unwrap();
    let folder = keep.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..6_000 {
        std::fs::write(folder.join(n.to_string()), format!("content {n}")).unwrap();
    }
    for kill_at in 1..4_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(CHILD, &folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let batches = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("progress"));
        assert!(batches.take(usize::try_from(kill_at).unwrap()).count() > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        let catalog = open(&keep.path().join("catalog.db")).await.unwrap();
        let counts = catalog.counts().await.unwrap();
        assert!(
            counts.originals >= 1_000,
            "whole batches are kept: {counts:?}"
        );
        assert_eq!(counts.originals, counts.contents, "{counts:?}");
    }
    let catalog = open(&keep.path().join("catalog.db")).await.unwrap();
    let report = refresh(&catalog, folder.clone()).await.unwrap();
    assert_eq!(
        (report.files, report.vanished, report.problems),
        (6_000, 0, 0)
    );
    assert!(report.unchanged >= 1_000, "{report:?}");
    assert_eq!(catalog.counts().await.unwrap().originals, 6_000);
    assert_eq!(
        catalog.changes(ChangeSeq(0), 9_999).await.unwrap().len(),
        6_000
    );
    assert_eq!(refresh(&catalog, folder).await.unwrap().hashed, 0);
}

async fn revisit(
    catalog: &SeaOrmCatalog,
    root: &Path,
    place: &Path,
) -> PortResult<vss_ports::RefreshReport> {
    let revisit = Revisit {
        roots: vec![root.to_owned()],
        places: vec![place.to_owned()],
    };
    let options = RefreshOptions::default();
    let now = Timestamp::from_millis(8);
    catalog.revisit(&revisit, &options, &Deaf, now).await
}

#[tokio::test]
async fn a_disk_that_went_away_is_no_deleted_folder_to_whoever_looks_at_one_place() {
    let keep = tempfile::tempdir().unwrap();
    let path = keep.path().join("catalog.db");
    let catalog = open(&path).await.unwrap();
    let folder = keep.path().canonicalize().unwrap().join("folder");
    let inner = folder.join("inner");
    std::fs::create_dir_all(&inner).unwrap();
    let (own, on_it) = (folder.join("a"), inner.join("b"));
    std::fs::write(&own, b"one").unwrap();
    std::fs::write(&on_it, b"two").unwrap();
    refresh(&catalog, folder.clone()).await.unwrap();
    // As if the folder below had been on another disk the last time.
    let elsewhere = "UPDATE entries SET device = device + 1 WHERE name = x'62'";
    execute(&path, elsewhere).await;
    std::fs::remove_file(&on_it).unwrap();
    for place in [&on_it, &inner, &folder] {
        let report = revisit(&catalog, &folder, place).await.unwrap();
        assert_eq!(
            (report.vanished, report.problems),
            (0, 1),
            "{place:?}: {report:?}"
        );
    }
    assert_eq!(catalog.counts().await.unwrap().originals, 2);
    // As if all of it had been.
    std::fs::remove_dir(&inner).unwrap();
    std::fs::remove_file(&own).unwrap();
    execute(&path, "UPDATE locations SET device = device + 1").await;
    for place in [&own, &folder] {
        let refused = revisit(&catalog, &folder, place).await.unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Rejected, "{place:?}");
        assert!(refused.source.to_string().contains("mount the disk"));
    }
    assert_eq!(catalog.counts().await.unwrap().originals, 2);
    // On the same disk, it was emptied.
    execute(&path, "UPDATE locations SET device = device - 1").await;
    let report = revisit(&catalog, &folder, &own).await.unwrap();
    assert_eq!(report.vanished, 1);
}
