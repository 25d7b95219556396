//! Looks every so often: whether the roots are there, and at folders whose changes nobody tells.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::folders::FolderId;
use crate::keeper::Keeper;
use crate::network::network_name;
use crate::survey::{self, short};
use crate::watcher::{Polling, There};

/// How often a root that is not there is looked for, at least.
const LOST_EVERY: Duration = Duration::from_secs(1);
/// Folders between two times that waiting notices are taken in.
const BREATH: usize = 64;

impl Keeper {
    /// Looks whether each root is there and is what it was. `at_first`, those that are there need
    /// not be told.
    pub(crate) fn look_for_roots(&mut self, at_first: bool) {
        self.roots_in_doubt = false;
        let mut is_one_lost = false;
        for index in 0..self.roots.len() {
            let Some(root) = self.roots.get(index) else {
                continue;
            };
            let found = identify(&root.asked);
            let is_same = match (&root.there, &found) {
                (Some(there), Some((path, identity))) => {
                    !there.ended && there.path == *path && there.identity == *identity
                }
                (None, None) => !at_first,
                _ => false,
            };
            is_one_lost |= found.is_none();
            if is_same {
                continue;
            }
            let was_there = root.there.is_some();
            self.lose(index);
            if was_there || found.is_none() {
                self.outbox.lost(index);
            }
            if let Some((path, identity)) = found {
                self.find(index, path, identity);
                if !at_first {
                    self.outbox.found(index);
                }
            }
        }
        let every = match is_one_lost {
            true => self.settings.roots_every.min(LOST_EVERY),
            false => self.settings.roots_every,
        };
        self.next_roots = Instant::now() + every;
    }

    fn lose(&mut self, root: usize) {
        while let Some(folder) = self.folders.any_root_of(root) {
            self.forget(folder);
        }
        if let Some(root) = self.roots.get_mut(root) {
            root.there = None;
        }
    }

    fn find(&mut self, index: usize, path: PathBuf, identity: (u64, u64)) {
        let polled = match self.settings.polling {
            Polling::Auto => network_name(&path).map(str::to_owned),
            Polling::Always => Some("configured".to_owned()),
            Polling::Never => None,
        };
        if let Some(root) = self.roots.get_mut(index) {
            root.there = Some(There {
                path: path.clone(),
                identity,
                ended: false,
                polled,
                prints: HashMap::new(),
                swept: 0,
                next_look: Instant::now(),
            });
        }
        self.cover(index, &path, None);
        self.plan_look(index);
    }

    /// Whether a root has folders that are looked at every so often.
    pub(crate) fn is_looked_at(&self, there: &There) -> bool {
        there.polled.is_some() || there.swept > 0
    }

    fn plan_look(&mut self, root: usize) {
        let (poll, sweep) = (self.settings.poll_every, self.settings.sweep_every);
        if let Some(there) = self.there_mut(root) {
            let every = if there.polled.is_some() { poll } else { sweep };
            there.next_look = Instant::now() + every;
        }
    }

    /// Looks at what is due.
    pub(crate) fn patrol(&mut self, now: Instant) {
        for root in 0..self.roots.len() {
            let is_due = self
                .there(root)
                .is_some_and(|there| self.is_looked_at(there) && now >= there.next_look);
            if is_due {
                self.look_at(root);
                self.plan_look(root);
            }
        }
    }

    fn look_at(&mut self, root: usize) {
        let Some(there) = self.there_mut(root) else {
            return;
        };
        let (top, is_polled) = (there.path.clone(), there.polled.is_some());
        let before = std::mem::take(&mut there.prints);
        let mut prints = HashMap::with_capacity(before.len());
        let (mut seen, mut swept, mut changed) = (0, 0, Vec::new());
        let mut folders: Vec<(PathBuf, Option<FolderId>)> = vec![(top, self.root_folder(root))];
        while let Some((path, id)) = folders.pop() {
            seen += 1;
            if seen % BREATH == 0 {
                self.notices.drain(&mut self.backlog);
            }
            let is_wanted = is_polled || id.is_none();
            let look = survey::look(&path, &self.rules, is_wanted);
            for inner in look.inner {
                let known = id.and_then(|id| self.folders.named(id, &inner.name));
                folders.push((inner.path, known));
            }
            if is_wanted {
                swept += u64::from(id.is_none());
                let short = short(&path);
                prints.insert(short, look.print);
                if before.get(&short) != Some(&look.print) {
                    changed.push((path, id.is_none()));
                }
            }
        }
        if let Some(there) = self.there_mut(root) {
            there.prints = prints;
            there.swept = swept;
        }
        for (path, is_unwatched) in changed {
            if is_unwatched {
                self.admit(root, &path);
            }
            self.outbox.changed(root, path);
        }
        tracing::debug!(seen, swept, "looked at what is not watched");
    }
}

/// Where a folder is, and which folder of which disk it is.
pub(crate) fn identify(root: &Path) -> Option<(PathBuf, (u64, u64))> {
    let path = root.canonicalize().ok()?;
    let metadata = path.symlink_metadata().ok()?;
    let identity = (metadata.dev(), metadata.ino());
    metadata.is_dir().then_some((path, identity))
}
