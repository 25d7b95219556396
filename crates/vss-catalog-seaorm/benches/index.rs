//! What it costs to index 100,000 small files, and to look at them again; the same for files that
//! say when they were taken: `cargo bench -p vss-catalog-seaorm --bench index`.
//!
//! The files are made once, below the target folder. Each figure stands beside its aim. CPU seconds
//! are those of the whole process (getrusage), memory is its peak (VmHWM).
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it makes the files it measures with, reads the clock and prints what it found"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sea_orm::ConnectionTrait;
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::Timestamp;
use vss_core::companion::{Decisions, in_folder};
use vss_ports::{
    ChangeSeq, ContentCatalog, RefreshObserver, RefreshOptions, RefreshProblem, RefreshReport,
};

const FILES: u32 = 100_000;
const A_FOLDER: u32 = 1_000;

struct Deaf;

impl RefreshObserver for Deaf {
    fn progress(&self, _files: u64, _hashed: u64) {}
    fn problem(&self, problem: RefreshProblem) {
        panic!("{problem:?}");
    }
}

/// What photos begin with: nothing to read, or EXIF that says when they were taken.
const PLAIN: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const SAYING: &[u8] = b"\xff\xd8\xff\xe1\0\x48Exif\0\0MM\0*\0\0\0\x08\
    \0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0\
    \0\x01\x90\x03\0\x02\0\0\0\x14\0\0\0\x2c\0\0\0\0\
    2016:12:07 11:44:58\0\xff\xda";

/// Makes the files, of 200 to 4,300 bytes, unless they are there.
fn files(name: &str, head: &[u8]) -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let (folder, done) = (base.join(name), base.join(format!("{name}.done")));
    if done.exists() {
        return folder;
    }
    println!("making {FILES} files below {}", folder.display());
    for n in 0..FILES {
        let below = folder.join(format!("{:03}", n / A_FOLDER));
        if n % A_FOLDER == 0 {
            std::fs::create_dir_all(&below).expect("a folder");
        }
        let mut bytes = head.to_vec();
        bytes.extend(std::iter::repeat_n(n.to_le_bytes(), 50 + (n % 1_024) as usize).flatten());
        std::fs::write(below.join(format!("IMG_{n:06}.jpg")), bytes).expect("a file");
    }
    std::fs::write(done, b"").expect("a mark");
    folder
}

/// User and system seconds of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process's times");
    let after_name = stat.rsplit(')').next().expect("fields after the name");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks");
    // Fields 14 and 15 of proc(5), counted from the one after the name; 100 ticks a second.
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's memory");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<f64>().expect("a number") / 1_024.0
}

async fn refresh(catalog: &SeaOrmCatalog, folder: &Path, name: &str, aim: f64) -> RefreshReport {
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let report = catalog
        .refresh(
            &[folder.to_path_buf()],
            &RefreshOptions::default(),
            &Deaf,
            Timestamp::from_millis(1),
        )
        .await
        .expect("a refresh");
    let (cpu, wall) = (cpu_seconds() - cpu, started.elapsed().as_secs_f64());
    println!(
        "{name}: {cpu:.2} CPU s (aim {aim}), {wall:.2} s, {:.0} files/s, peak {:.0} MiB (aim 100)",
        f64::from(FILES) / wall,
        peak_mib()
    );
    report
}

#[tokio::main]
async fn main() {
    measure("small-files", PLAIN).await;
    measure("photos", SAYING).await;
}

async fn measure(name: &str, head: &[u8]) {
    println!("{name}");
    let folder = files(name, head);
    let keep = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a place for the catalog");
    let path = keep.path().join("catalog.db");
    let open = async || {
        SeaOrmCatalog::open(&path, CatalogSettings::default())
            .await
            .expect("a catalog")
    };
    let catalog = open().await;
    let first = refresh(&catalog, &folder, "first index", 10.0).await;
    assert_eq!(first.hashed, u64::from(FILES));
    let again = refresh(&catalog, &folder, "unchanged index", 2.0).await;
    assert_eq!((again.unchanged, again.hashed), (u64::from(FILES), 0));
    let (cpu, mut after, mut contents) = (cpu_seconds(), ChangeSeq(0), 0);
    loop {
        let page = catalog.changes(after, 10_000).await.expect("changes");
        let Some(last) = page.last() else { break };
        after = last.seq;
        contents += page.len();
    }
    println!(
        "list of {contents} changes: {:.2} CPU s (aim 1)",
        cpu_seconds() - cpu
    );
    let (cpu, mut after, mut entries) = (cpu_seconds(), ChangeSeq(0), 0);
    loop {
        let page = catalog.folders(after, 32).await.expect("folders");
        let Some(last) = page.last() else { break };
        after = last.seq;
        let none = Decisions::default();
        for folder in &page {
            entries += folder.entries.len();
            black_box(in_folder(&folder.entries, &none));
        }
    }
    println!(
        "companions among {entries} entries, read from the catalog: {:.2} CPU s (aim 2)",
        cpu_seconds() - cpu
    );
    drop(catalog);
    // What is still in the log belongs into the file.
    let db = sea_orm::Database::connect(format!("sqlite://{}", path.display()))
        .await
        .expect("the file");
    db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .expect("a checkpoint");
    let bytes = path.metadata().expect("the file").len();
    println!(
        "catalog.db: {} bytes an entry (aim 250)",
        bytes / u64::from(FILES)
    );
}
