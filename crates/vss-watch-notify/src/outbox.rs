//! What was told and not heard yet: each path once, and not without end.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use vss_ports::{Change, Coverage};

/// Between the thread that watches and whoever listens.
pub(crate) struct Outbox {
    state: Mutex<State>,
    news: Notify,
    /// Paths a root that are kept.
    kept: usize,
}

struct State {
    roots: Vec<Told>,
    coverage: Vec<Coverage>,
    /// Nobody tells anything any more.
    is_over: bool,
}

/// What is to be told of a root.
#[derive(Default)]
struct Told {
    root: PathBuf,
    changed: HashSet<PathBuf>,
    missed: bool,
    /// In the order in which it went and came.
    presence: Vec<Change>,
}

impl Outbox {
    pub(crate) fn new(roots: &[PathBuf], kept: usize) -> Self {
        let told = |root: &PathBuf| Told {
            root: root.clone(),
            ..Told::default()
        };
        Self {
            state: Mutex::new(State {
                roots: roots.iter().map(told).collect(),
                coverage: Vec::new(),
                is_over: false,
            }),
            news: Notify::new(),
            kept,
        }
    }

    /// A path below a root changed.
    pub(crate) fn changed(&self, root: usize, path: PathBuf) {
        self.tell(root, |told, kept| {
            if told.missed {
                return;
            }
            if told.changed.len() >= kept && !told.changed.contains(&path) {
                told.changed = HashSet::new();
                told.missed = true;
                return;
            }
            told.changed.insert(path);
        });
    }

    /// More changed below a root than is known.
    pub(crate) fn missed(&self, root: usize) {
        self.tell(root, |told, _| {
            told.changed = HashSet::new();
            told.missed = true;
        });
    }

    pub(crate) fn lost(&self, root: usize) {
        self.tell(root, |told, _| {
            told.changed = HashSet::new();
            told.missed = false;
            told.presence.push(Change::Lost(told.root.clone()));
        });
    }

    pub(crate) fn found(&self, root: usize) {
        self.tell(root, |told, _| {
            told.presence.push(Change::Found(told.root.clone()));
        });
    }

    pub(crate) fn cover(&self, coverage: Vec<Coverage>) {
        self.state().coverage = coverage;
    }

    pub(crate) fn coverage(&self) -> Vec<Coverage> {
        self.state().coverage.clone()
    }

    pub(crate) fn end(&self) {
        self.state().is_over = true;
        self.news.notify_one();
    }

    /// Waits for news and takes all there are; `None` when there will be none.
    pub(crate) async fn take(&self) -> Option<Vec<Change>> {
        loop {
            let mut changes = Vec::new();
            {
                let mut state = self.state();
                for told in &mut state.roots {
                    changes.append(&mut told.presence);
                    if std::mem::take(&mut told.missed) {
                        changes.push(Change::Missed(told.root.clone()));
                    }
                    changes.extend(told.changed.drain().map(Change::Changed));
                }
                if changes.is_empty() && state.is_over {
                    return None;
                }
            }
            if !changes.is_empty() {
                return Some(changes);
            }
            self.news.notified().await;
        }
    }

    fn tell(&self, root: usize, tell: impl FnOnce(&mut Told, usize)) {
        if let Some(told) = self.state().roots.get_mut(root) {
            tell(told, self.kept);
        }
        self.news.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A listener or teller that died in between left whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_than_is_kept_is_told_as_missed_and_counting_begins_anew() {
        let roots = ["/a", "/b"].map(PathBuf::from);
        let outbox = Outbox::new(&roots, 2);
        for path in ["/a/1", "/a/1", "/a/2", "/b/1"] {
            outbox.changed(usize::from(path.starts_with("/b")), path.into());
        }
        let mut told = outbox.take().await.unwrap();
        told.sort();
        let changed = ["/a/1", "/a/2", "/b/1"].map(|path| Change::Changed(path.into()));
        assert_eq!(told, changed);
        for path in ["/a/1", "/a/2", "/a/3", "/a/4"] {
            outbox.changed(0, path.into());
        }
        assert_eq!(outbox.take().await.unwrap(), [Change::Missed("/a".into())]);
        outbox.changed(0, "/a/5".into());
        assert_eq!(
            outbox.take().await.unwrap(),
            [Change::Changed("/a/5".into())]
        );
        outbox.end();
        assert_eq!(outbox.take().await, None);
    }
}
