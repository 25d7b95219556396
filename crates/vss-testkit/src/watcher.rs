//! Watcher that hears of what a test says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::Notify;
use vss_ports::{Change, Coverage, PortResult, Watch, WatchRequest, Watcher};

/// A watcher of folders that exist only in what it is told. It watches no disk: a test that also
/// changes files says so itself.
#[derive(Clone)]
pub struct MemoryWatcher {
    world: Arc<World>,
    kept: usize,
}

#[derive(Default)]
struct World {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    folders: BTreeSet<PathBuf>,
    watches: Vec<Listener>,
}

/// One watch.
struct Listener {
    request: WatchRequest,
    lost: BTreeSet<PathBuf>,
    told: Vec<Change>,
}

impl Default for MemoryWatcher {
    fn default() -> Self {
        Self::new(65_536)
    }
}

impl MemoryWatcher {
    /// A watcher that keeps so many paths.
    pub fn new(kept: usize) -> Self {
        let world = Arc::default();
        Self { world, kept }
    }

    /// A folder was made, with those it is in.
    pub fn made(&self, folder: &Path) {
        let above = folder.ancestors().map(Path::to_path_buf);
        self.state().folders.extend(above);
        self.settle_roots();
        self.changed(folder);
    }

    /// Something came, changed or went at a path.
    pub fn changed(&self, path: &Path) {
        let mut state = self.state();
        for listener in &mut state.watches {
            listener.hear(path, self.kept);
        }
        drop(state);
        self.world.news.notify_waiters();
    }

    /// A file or folder moved.
    pub fn moved(&self, from: &Path, to: &Path) {
        let mut state = self.state();
        let inside = state
            .folders
            .iter()
            .filter(|folder| folder.starts_with(from));
        let inside: Vec<_> = inside.cloned().collect();
        for folder in inside {
            state.folders.remove(&folder);
            let below = folder.strip_prefix(from).unwrap();
            let there = if below == Path::new("") {
                to.to_path_buf()
            } else {
                to.join(below)
            };
            state.folders.insert(there);
        }
        drop(state);
        self.settle_roots();
        self.changed(from);
        self.changed(to);
    }

    /// A file, or a folder with all in it, was removed.
    pub fn removed(&self, path: &Path) {
        self.state()
            .folders
            .retain(|folder| !folder.starts_with(path));
        self.settle_roots();
        self.changed(path);
    }

    /// Says anything to every watch.
    pub fn tell(&self, change: &Change) {
        let mut state = self.state();
        for listener in &mut state.watches {
            listener.told.push(change.clone());
        }
        drop(state);
        self.world.news.notify_waiters();
    }

    /// Tells which roots went and came.
    fn settle_roots(&self) {
        let state = &mut *self.state();
        for listener in &mut state.watches {
            listener.look_for_roots(&state.folders);
        }
        self.world.news.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.world.state.lock().unwrap()
    }
}

impl Listener {
    fn hear(&mut self, path: &Path, kept: usize) {
        let WatchRequest {
            roots,
            hidden,
            excluded,
        } = &self.request;
        let there = roots.iter().filter(|root| !self.lost.contains(*root));
        let Some(root) = there.into_iter().find(|root| path.starts_with(root)) else {
            return;
        };
        let below = path.strip_prefix(root).unwrap();
        let folders = below.parent().unwrap_or(Path::new(""));
        let in_hidden = folders
            .iter()
            .any(|name| name.to_string_lossy().starts_with('.'));
        if (in_hidden && !hidden) || excluded.iter().any(|left_out| path.starts_with(left_out)) {
            return;
        }
        let (missed, changed) = (Change::Missed(root.clone()), Change::Changed(path.into()));
        if self.told.contains(&missed) || self.told.contains(&changed) {
            return;
        }
        if self.told.len() >= kept {
            self.told = vec![missed];
        } else {
            self.told.push(changed);
        }
    }

    fn look_for_roots(&mut self, folders: &BTreeSet<PathBuf>) {
        for root in &self.request.roots {
            match folders.contains(root) {
                true if self.lost.remove(root) => self.told.push(Change::Found(root.clone())),
                false if self.lost.insert(root.clone()) => {
                    self.told.push(Change::Lost(root.clone()));
                }
                _ => {}
            }
        }
    }

    fn covers(&self, folder: &Path, root: &Path) -> bool {
        let Ok(below) = folder.strip_prefix(root) else {
            return false;
        };
        let is_hidden = below
            .iter()
            .any(|name| name.to_string_lossy().starts_with('.'));
        let excluded = self.request.excluded.iter();
        (!is_hidden || self.request.hidden) && !excluded.into_iter().any(|e| folder.starts_with(e))
    }
}

#[async_trait]
impl Watcher for MemoryWatcher {
    async fn watch(&self, request: &WatchRequest) -> PortResult<Box<dyn Watch>> {
        let state = &mut *self.state();
        let mut listener = Listener {
            request: request.clone(),
            lost: BTreeSet::new(),
            told: Vec::new(),
        };
        listener.look_for_roots(&state.folders);
        state.watches.push(listener);
        Ok(Box::new(MemoryWatch {
            world: Arc::clone(&self.world),
            index: state.watches.len() - 1,
        }))
    }
}

struct MemoryWatch {
    world: Arc<World>,
    index: usize,
}

#[async_trait]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> PortResult<Vec<Change>> {
        loop {
            let news = self.world.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let told =
                std::mem::take(&mut self.world.state.lock().unwrap().watches[self.index].told);
            if !told.is_empty() {
                return Ok(told);
            }
            news.await;
        }
    }

    fn coverage(&self) -> Vec<Coverage> {
        let state = self.world.state.lock().unwrap();
        let listener = &state.watches[self.index];
        let coverage = |root: &PathBuf| {
            let inside = state
                .folders
                .iter()
                .filter(|folder| listener.covers(folder, root));
            Coverage {
                root: root.clone(),
                is_there: !listener.lost.contains(root),
                watched: inside.count() as u64,
                ..Coverage::default()
            }
        };
        listener.request.roots.iter().map(coverage).collect()
    }
}
