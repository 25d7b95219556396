//! A catalog and a folder of real files, and what the checks do with both.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use vss_core::{ContentUuid, IdentityHasher, Timestamp, sample_ranges};
use vss_ports::{
    ContentCatalog, ContentRecord, RefreshObserver, RefreshOptions, RefreshProblem, RefreshReport,
    Revisit,
};

use super::{CatalogHarness, Fresh};

/// Bytes that are a picture by their beginning.
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and no more of it";

/// What a refresh said besides its report.
#[derive(Default)]
struct Heard {
    problems: Mutex<Vec<RefreshProblem>>,
    progress: Mutex<Vec<(u64, u64)>>,
}

impl RefreshObserver for Heard {
    fn progress(&self, files: u64, hashed: u64) {
        self.progress.lock().unwrap().push((files, hashed));
    }

    fn problem(&self, problem: RefreshProblem) {
        self.problems.lock().unwrap().push(problem);
    }
}

/// One catalog that looks at one folder.
pub(super) struct Scene {
    pub(super) catalog: Arc<dyn ContentCatalog>,
    pub(super) options: RefreshOptions,
    folder: TempDir,
    _keep: Box<dyn std::any::Any + Send + Sync>,
}

impl Scene {
    pub(super) async fn new(harness: &dyn CatalogHarness) -> Self {
        let Fresh { catalog, keep } = harness.fresh().await;
        Self {
            catalog,
            options: RefreshOptions::default(),
            folder: TempDir::new().unwrap(),
            _keep: keep,
        }
    }

    /// A scene with files, looked at once.
    pub(super) async fn with(harness: &dyn CatalogHarness, files: &[(&str, &[u8])]) -> Self {
        let scene = Self::new(harness).await;
        for (name, bytes) in files {
            scene.write(name, bytes);
        }
        scene.refresh().await;
        scene
    }

    /// The folder as the catalog names it: without links.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Makes a file and its folders.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(self.path(from), to).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Gives a file another time of change.
    pub(super) fn set_time(&self, name: &str, since_epoch: Duration) {
        let file = std::fs::File::options()
            .write(true)
            .open(self.path(name))
            .unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + since_epoch)
            .unwrap();
    }

    pub(super) fn link(&self, target: &Path, name: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    pub(super) fn fifo(&self, name: &str) {
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, self.path(name), FileType::Fifo, mode, 0).unwrap();
    }

    /// Sets the permission bits; whether they bind this process, as they do not bind root.
    pub(super) fn forbid(&self, name: &str) -> bool {
        let path = self.path(name);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
        let binds = match path.is_dir() {
            true => path.read_dir().is_err(),
            false => std::fs::File::open(&path).is_err(),
        };
        if !binds {
            println!("skipped in part: permissions do not bind this user; run as another one");
        }
        binds
    }

    pub(super) fn permit(&self, name: &str) {
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o700)).unwrap();
    }

    /// Looks at the folder.
    pub(super) async fn refresh(&self) -> RefreshReport {
        let (report, problems) = self.look(&[self.root()]).await;
        assert_eq!(problems, [], "nothing is wrong with the folder");
        report
    }

    /// Looks at roots, and answers the problems too.
    pub(super) async fn look(&self, roots: &[PathBuf]) -> (RefreshReport, Vec<RefreshProblem>) {
        self.look_at(roots, Timestamp::from_millis(1)).await
    }

    /// The same at a point in time.
    pub(super) async fn look_at(
        &self,
        roots: &[PathBuf],
        now: Timestamp,
    ) -> (RefreshReport, Vec<RefreshProblem>) {
        let heard = Heard::default();
        let report = self
            .catalog
            .refresh(roots, &self.options, &heard, now)
            .await
            .unwrap();
        Self::heard(report, heard)
    }

    /// Looks again at places below the folder, and answers the problems too.
    pub(super) async fn revisit(&self, places: &[&str]) -> (RefreshReport, Vec<RefreshProblem>) {
        let revisit = Revisit {
            roots: vec![self.root()],
            places: places.iter().map(|place| self.path(place)).collect(),
        };
        self.revisit_at(&revisit, Timestamp::from_millis(1)).await
    }

    pub(super) async fn revisit_at(
        &self,
        revisit: &Revisit,
        now: Timestamp,
    ) -> (RefreshReport, Vec<RefreshProblem>) {
        let heard = Heard::default();
        let catalog = &self.catalog;
        let report = catalog.revisit(revisit, &self.options, &heard, now).await;
        Self::heard(report.unwrap(), heard)
    }

    fn heard(report: RefreshReport, heard: Heard) -> (RefreshReport, Vec<RefreshProblem>) {
        let problems = heard.problems.into_inner().unwrap();
        assert_eq!(report.problems, problems.len() as u64, "all are counted");
        let progress = heard.progress.into_inner().unwrap();
        assert!(progress.is_sorted(), "progress goes on: {progress:?}");
        if let Some(last) = progress.last() {
            assert_eq!(*last, (report.files, report.hashed), "progress ends whole");
        }
        (report, problems)
    }

    /// What is known of the content of bytes.
    pub(super) async fn find(&self, bytes: &[u8]) -> Option<ContentRecord> {
        let mut found = self.catalog.find(&[content_of(bytes)]).await.unwrap();
        assert!(found.len() <= 1, "{found:?}");
        found.pop()
    }

    /// Where the content of bytes is, below the folder.
    pub(super) async fn places(&self, bytes: &[u8]) -> Vec<String> {
        let originals = self.catalog.originals(content_of(bytes)).await.unwrap();
        let root = self.root();
        let name = |path: &Path| {
            path.strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        originals.iter().map(|found| name(&found.path)).collect()
    }
}

/// Which content bytes are.
pub(super) fn content_of(bytes: &[u8]) -> ContentUuid {
    let size = bytes.len() as u64;
    let mut hasher = IdentityHasher::new(size).unwrap();
    for range in sample_ranges(size) {
        let index = |at: u64| usize::try_from(at).unwrap();
        hasher.update(&bytes[index(range.start)..index(range.end)]);
    }
    hasher.finish().unwrap().uuid
}
