//! A real folder, for watchers that watch real folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use vss_ports::Watcher;

use super::Ground;

/// A folder on a disk, with a link to it beside it.
pub struct Disk {
    folder: TempDir,
    watcher: Arc<dyn Watcher>,
}

impl Disk {
    /// An empty folder for a watcher.
    pub fn new(watcher: Arc<dyn Watcher>) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("top")).unwrap();
        std::os::unix::fs::symlink("top", folder.path().join("link")).unwrap();
        Self { folder, watcher }
    }
}

impl Ground for Disk {
    fn watcher(&self) -> Arc<dyn Watcher> {
        Arc::clone(&self.watcher)
    }

    fn top(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("top")
    }

    fn link(&self) -> Option<PathBuf> {
        Some(self.folder.path().join("link"))
    }

    fn write(&self, file: &Path, bytes: &[u8]) {
        std::fs::write(file, bytes).unwrap();
    }

    fn read(&self, file: &Path) {
        std::fs::read(file).unwrap();
        assert!(file.parent().unwrap().read_dir().unwrap().count() > 0);
    }

    fn make(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
    }

    fn rename(&self, from: &Path, to: &Path) {
        std::fs::rename(from, to).unwrap();
    }

    fn remove(&self, path: &Path) {
        match path.symlink_metadata().unwrap().is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
    }
}
