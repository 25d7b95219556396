//! Running `vss` against a library of the test's own, away from the user's configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use image::{Rgb, RgbImage};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::Value;
use tempfile::TempDir;

/// A library in a temporary folder, with a folder for originals beside it.
pub(crate) struct Library {
    folder: TempDir,
    /// The URL of a schema for its rows, when they are not in the library.
    database: Option<String>,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error} in {:?}, stderr {:?}", self.out, self.err))
    }
}

/// A ready row, as the database itself says.
pub(crate) struct ReadyRow {
    pub(crate) rel_path: String,
    pub(crate) size: u64,
    pub(crate) checksum: String,
}

impl Library {
    /// A fresh library.
    pub(crate) fn new() -> Self {
        let library = Self::unmade();
        let said = library.vss(["init"]);
        assert_eq!(said.code, 0, "{}", said.err);
        library
    }

    /// A fresh library whose rows are on the server of the tests, or a line that says what is
    /// skipped.
    pub(crate) fn on_server(test: &str) -> Option<Self> {
        let Ok(server) = std::env::var("VSS_TEST_POSTGRES") else {
            eprintln!("skipped: {test} needs a PostgreSQL server in VSS_TEST_POSTGRES");
            return None;
        };
        let schema = format!("e2e_{test}_{}", std::process::id());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let database = Database::connect(&server).await.unwrap();
            let make = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
            database.execute_unprepared(&make).await.unwrap();
            database.close().await.unwrap();
        });
        let joint = if server.contains('?') { '&' } else { '?' };
        let library = Self {
            database: Some(format!("{server}{joint}options=-csearch_path%3D{schema}")),
            ..Self::unmade()
        };
        let said = library.vss(["init"]);
        assert_eq!(said.code, 0, "{}", said.err);
        Some(library)
    }

    /// The rows' address with `HOST` for the folder of the server's socket, and that socket; `None`
    /// when the server is reached by another way.
    pub(crate) fn server_socket(&self) -> Option<(String, PathBuf)> {
        let url = self.database.as_ref()?;
        let (before, rest) = url.split_once("host=/")?;
        let (folder, after) = rest.split_once('&').unwrap_or((rest, ""));
        let socket = PathBuf::from(format!("/{folder}/.s.PGSQL.5432"));
        Some((format!("{before}host=HOST&{after}"), socket))
    }

    /// A place for a library that is not made yet.
    pub(crate) fn unmade() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("originals")).unwrap();
        Self {
            folder,
            database: None,
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("test.sdlibrary")
    }

    pub(crate) fn originals(&self) -> PathBuf {
        self.folder.path().join("originals")
    }

    pub(crate) fn sidecars(&self) -> PathBuf {
        self.root().join("sidecars")
    }

    /// A command, ready to be started.
    pub(crate) fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env("VSS_LIBRARY", self.root())
            .env("XDG_CONFIG_HOME", self.folder.path().join(".config"))
            .env("XDG_STATE_HOME", self.folder.path().join(".state"))
            .env("XDG_RUNTIME_DIR", self.folder.path().join(".runtime"))
            .env_remove("VSS_LOG")
            .env_remove("VSS_WORKERS")
            .env_remove("VSS_DATABASE")
            .envs(self.database.iter().map(|url| ("VSS_DATABASE", url)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn vss<I, S>(&self, arguments: I) -> Said
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        said(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed and answer JSON.
    pub(crate) fn json<I, S>(&self, arguments: I) -> Value
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = self.command(arguments);
        let said = said(command.arg("--json").output().unwrap());
        assert_eq!(said.code, 0, "stdout {} stderr {}", said.out, said.err);
        said.json()
    }

    /// The only sidecar of a kind that a file is listed to have.
    pub(crate) fn listed(&self, file: &Path, kind: &str) -> Value {
        let listed = self.json([Path::new("ls"), file]);
        let rows = listed.as_array().unwrap().iter();
        let mut rows: Vec<_> = rows.filter(|row| row["kind"] == kind).cloned().collect();
        assert_eq!(rows.len(), 1, "{kind}: {listed}");
        rows.remove(0)
    }

    /// Indexes the originals and makes everything.
    pub(crate) fn index_and_run(&self) -> (Value, Value) {
        let index = self.json([Path::new("index"), &self.originals()]);
        (index, self.json(["run"]))
    }

    /// Every sidecar file in the vault.
    pub(crate) fn sidecar_files(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.sidecars().join("content"));
        let about = ["manifest.json", "B3SUMS"].map(|name| Some(name.as_ref()));
        files.retain(|file| !about.contains(&file.file_name()));
        files
    }

    /// The ready rows, read from the database without the program.
    pub(crate) fn ready_rows(&self) -> Vec<ReadyRow> {
        let sql = "SELECT rel_path, size, checksum FROM sidecars_view \
                   WHERE status = 'ready' AND source <> 'reference'";
        self.query(sql)
            .iter()
            .map(|row| ReadyRow {
                rel_path: row.try_get("", "rel_path").unwrap(),
                size: u64::try_from(row.try_get::<i64>("", "size").unwrap()).unwrap(),
                checksum: row.try_get("", "checksum").unwrap(),
            })
            .collect()
    }

    /// Every original that the catalog knows: where it is, its size and its content, in the order
    /// of the paths.
    pub(crate) fn catalog(&self) -> Vec<(String, u64, String)> {
        let sql = "SELECT path, size, content_uuid FROM originals_view ORDER BY path";
        let file = self.root().join("catalog.db");
        let rows = ask(&format!("sqlite://{}?mode=rw", file.display()), sql);
        let original = |row: &sea_orm::QueryResult| {
            let size: i64 = row.try_get("", "size").unwrap();
            let text = |column: &str| row.try_get::<String>("", column).unwrap();
            (
                text("path"),
                u64::try_from(size).unwrap(),
                text("content_uuid"),
            )
        };
        rows.iter().map(original).collect()
    }

    /// Asks the sidecar database something.
    pub(crate) fn query(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let url = match &self.database {
            Some(url) => url.clone(),
            None => {
                let file = self.root().join("sidecars.db");
                format!("sqlite://{}?mode=rw", file.display())
            }
        };
        ask(&url, sql)
    }

    /// Fails unless every ready row has exactly the file it vouches for.
    pub(crate) fn assert_every_ready_row_has_its_whole_file(&self) -> usize {
        let rows = self.ready_rows();
        for row in &rows {
            let path = self.sidecars().join(&row.rel_path);
            let bytes = std::fs::read(&path)
                .unwrap_or_else(|error| panic!("a ready row without a file: {path:?}: {error}"));
            assert_eq!(bytes.len() as u64, row.size, "{path:?}");
            assert_eq!(
                blake3::hash(&bytes).to_hex().as_str(),
                row.checksum,
                "{path:?}"
            );
        }
        rows.len()
    }
}

/// Asks a database something, without the program.
pub(crate) fn ask(url: &str, sql: &str) -> Vec<sea_orm::QueryResult> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::connect(url).await.unwrap();
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let rows = database.query_all_raw(statement).await.unwrap();
        database.close().await.unwrap();
        rows
    })
}

/// The content of bytes, as the catalog spells it.
pub(crate) fn content_of(bytes: &[u8]) -> String {
    let size = bytes.len() as u64;
    let mut hasher = vss_core::IdentityHasher::new(size).unwrap();
    for range in vss_core::sample_ranges(size) {
        let index = |at: u64| usize::try_from(at).unwrap();
        hasher.update(&bytes[index(range.start)..index(range.end)]);
    }
    let content = hasher.finish().unwrap().uuid;
    content
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where cargo put the program: beside this test's own folder.
pub(crate) fn program() -> PathBuf {
    built("vss")
}

/// Whether a program of this workspace was built: some need libraries of the system.
pub(crate) fn is_built(name: &str) -> bool {
    place_of(name).exists()
}

fn place_of(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    profile.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A program of this workspace.
pub(crate) fn built(name: &str) -> PathBuf {
    let program = place_of(name);
    assert!(
        program.exists(),
        "build it first: cargo build --workspace --all-targets (looked at {program:?})"
    );
    program
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every regular file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// Every file below a folder: name, size, digest, time.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u64, String, SystemTime)> {
    let describe = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        let time = path.metadata().unwrap().modified().unwrap();
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let name = path.strip_prefix(folder).unwrap().to_owned();
        (name, (bytes.len() as u64, digest, time))
    };
    files_below(folder).into_iter().map(describe).collect()
}

/// A picture that no other seed gives.
pub(crate) fn picture(seed: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: u32, b: u32| u8::try_from((x * a + y * b + seed * 37) / 7 % 256).unwrap();
        Rgb([wave(1, 2), wave(3, 1 + seed % 5), wave(2, 5)])
    })
}

/// Writes a JPEG that no other seed gives.
pub(crate) fn write_jpeg(path: &Path, seed: u32) {
    picture(seed, 640, 480)
        .save_with_format(path, image::ImageFormat::Jpeg)
        .unwrap();
}

/// The corpus of real media, or a line that says what is skipped.
pub(crate) fn corpus(test: &str) -> Option<PathBuf> {
    match std::env::var_os("VSS_CORPUS") {
        Some(folder) => Some(folder.into()),
        None => {
            eprintln!("skipped: {test} needs real media; set VSS_CORPUS to the corpus folder");
            None
        }
    }
}
