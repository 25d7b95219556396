//! Listening to a watch until what was waited for is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use vss_ports::{Change, Coverage, Watch, WatchRequest};

use super::Ground;

/// What never comes is waited for this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A watch, and what it told.
pub(super) struct Ear {
    watch: Box<dyn Watch>,
    pub(super) heard: Vec<Change>,
}

impl Ear {
    /// Watches a root on a ground.
    pub(super) async fn at(ground: &dyn Ground, root: &Path) -> Self {
        Self::with(
            ground,
            WatchRequest {
                roots: vec![root.to_path_buf()],
                ..WatchRequest::default()
            },
        )
        .await
    }

    pub(super) async fn with(ground: &dyn Ground, request: WatchRequest) -> Self {
        let watch = ground.watcher().watch(&request).await.unwrap();
        let heard = Vec::new();
        Self { watch, heard }
    }

    /// Listens once.
    pub(super) async fn next(&mut self) -> Vec<Change> {
        let next = tokio::time::timeout(DEADLINE, self.watch.next());
        let told = next.await.expect("nothing was told").unwrap();
        let mut sorted = told.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), told.len(), "told twice at once: {told:?}");
        self.heard.extend(told.iter().cloned());
        told
    }

    /// Listens until something was told, and forgets what was told until then.
    pub(super) async fn until(&mut self, what: &Change) -> Vec<Change> {
        while !self.heard.contains(what) {
            self.next().await;
        }
        std::mem::take(&mut self.heard)
    }

    /// Listens until the change of a path was told, by itself or by a folder above it below `root`.
    pub(super) async fn until_changed(&mut self, root: &Path, path: &Path) -> Vec<PathBuf> {
        while !self.has_heard(root, path) {
            self.next().await;
        }
        let heard = std::mem::take(&mut self.heard);
        heard.iter().map(|change| change.path().clone()).collect()
    }

    pub(super) fn has_heard(&self, root: &Path, path: &Path) -> bool {
        self.heard.iter().any(|change| match change {
            Change::Changed(told) => path.starts_with(told) && told.starts_with(root),
            _ => false,
        })
    }

    /// Begins to listen and stops at once.
    pub(super) async fn glance(&mut self) {
        let glance = tokio::time::timeout(Duration::ZERO, self.watch.next());
        if let Ok(told) = glance.await {
            self.heard.extend(told.unwrap());
        }
    }

    /// Waits until the coverage is as wanted.
    pub(super) async fn covers(&self, wanted: impl Fn(&Coverage) -> bool) -> Coverage {
        let look = async {
            loop {
                let coverage = self.watch.coverage();
                assert_eq!(coverage.len(), 1);
                if let Some(found) = coverage.into_iter().find(&wanted) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let found = tokio::time::timeout(DEADLINE, look).await;
        found.expect("the coverage never was as wanted")
    }
}
