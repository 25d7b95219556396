//! What each notice means for the folders that are watched, and what is told of it.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use super::{IN_TRANSIT, Keeper, unix_seconds};
use crate::folders::{FolderId, Place};
use crate::notice::{Notice, What};

impl Keeper {
    pub(super) fn heed(&mut self, notice: Notice) {
        let Notice { what, .. } = notice;
        if what == What::Overflow {
            self.overflowed = true;
            return;
        }
        let Some(id) = self.folders.numbered(notice.folder) else {
            return;
        };
        let Some(root) = self.folders.root_of(id) else {
            return;
        };
        let Some(name) = notice.name else {
            return self.heed_folder(id, root, what);
        };
        self.folders.warm(id, unix_seconds());
        // In a folder that moves: the place where it arrives is told with all below it.
        let Some(path) = self.folders.path(id).map(|path| path.join(&name)) else {
            return;
        };
        if !notice.is_folder {
            return self.outbox.changed(root, path);
        }
        if !self.rules.leads_on(&path) {
            return;
        }
        match what {
            What::MovedFrom => {
                if let Some(moved) = self.folders.named(id, &name) {
                    self.folders.put(moved, Place::Moving);
                    self.transit.insert(notice.cookie, (moved, Instant::now()));
                }
            }
            What::MovedTo => self.arrive(notice.cookie, root, (id, name), &path),
            What::Created | What::Changed => self.cover(root, &path, Some((id, name))),
            What::Deleted => {
                if let Some(gone) = self.folders.named(id, &name) {
                    self.forget(gone);
                }
            }
            What::Left | What::Ended | What::Unmounted | What::Overflow => {}
        }
        self.outbox.changed(root, path);
    }

    /// Something about a watched folder itself.
    fn heed_folder(&mut self, id: FolderId, root: usize, what: What) {
        let is_root = self.folders.is_root(id);
        match what {
            What::Ended | What::Unmounted => {
                if what == What::Unmounted
                    && let Some(path) = self.folders.path(id)
                {
                    self.mounts.left(&path);
                }
                self.forget(id);
                // What is at its place now may look just like it, and has no watch.
                if is_root && let Some(there) = self.there_mut(root) {
                    there.ended = true;
                }
                self.roots_in_doubt |= is_root;
            }
            What::Left => self.roots_in_doubt |= is_root,
            // Of any other, the folder that it is in says the same.
            What::Changed if is_root => {
                if let Some(path) = self.folders.path(id) {
                    self.outbox.changed(root, path);
                }
            }
            _ => {}
        }
    }

    /// A folder has a new place: the one that left another place a moment ago, or one from outside.
    fn arrive(&mut self, cookie: u32, root: usize, at: (FolderId, OsString), path: &Path) {
        if let Some(replaced) = self.folders.named(at.0, &at.1) {
            self.forget(replaced);
        }
        if let Some((moved, _)) = self.transit.remove(&cookie) {
            if self.folders.root_of(moved) == Some(root) {
                return self.folders.put(moved, Place::In(at.0, at.1));
            }
            self.forget(moved);
        }
        self.cover(root, path, Some(at));
    }

    /// What left a place and came to no other has left for good.
    pub(super) fn end_transit(&mut self) {
        let now = Instant::now();
        let over = |since: &Instant| now.duration_since(*since) >= IN_TRANSIT;
        let gone: Vec<_> = self
            .transit
            .iter()
            .filter(|(_, (_, since))| over(since))
            .map(|(cookie, (id, _))| (*cookie, *id))
            .collect();
        for (cookie, id) in gone {
            self.transit.remove(&cookie);
            self.forget(id);
        }
    }
}
