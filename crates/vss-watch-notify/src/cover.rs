//! Begins to watch folders. Each is watched before it is read, so that what comes into it in
//! between is told; and there are only as many watches as the system lets: the folders in which
//! something changed last get them, the others are looked at every so often.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::folders::{FolderId, Place};
use crate::keeper::Keeper;
use crate::notices::{Asked, What};
use crate::survey::{self, short};
use crate::watcher::{Polling, There};

/// Folders between two times that waiting notices are taken in.
const BREATH: usize = 64;

/// A folder to watch.
struct Wanted {
    path: PathBuf,
    /// The folder it is in; `None` for a root, and below a folder that is not watched.
    parent: Option<(FolderId, OsString)>,
    heat: i64,
    is_root: bool,
}

/// Whether a folder is watched.
enum Outcome {
    Watched(FolderId),
    /// It was before, and by the same name.
    Known(FolderId),
    Unwatched,
    Gone,
}

impl Keeper {
    /// Watches a folder and all below it, the upper ones first. One that is watched already is
    /// looked through again.
    pub(crate) fn cover(&mut self, root: usize, top: &Path, place: Option<(FolderId, OsString)>) {
        let polled = self.there(root).is_some_and(|there| there.polled.is_some());
        let mut wanted = VecDeque::from([Wanted {
            path: top.to_path_buf(),
            is_root: place.is_none(),
            parent: place,
            heat: i64::MAX,
        }]);
        let mut seen = 0;
        while let Some(folder) = wanted.pop_front() {
            seen += 1;
            if seen % BREATH == 0 {
                self.notices.drain(&mut self.backlog);
            }
            let outcome = self.watch(root, &folder);
            let id = match outcome {
                Outcome::Watched(id) | Outcome::Known(id) => Some(id),
                Outcome::Unwatched => None,
                Outcome::Gone => continue,
            };
            let look = survey::look(&folder.path, &self.rules, polled || id.is_none());
            if polled || id.is_none() {
                self.remember(root, &folder.path, look.print, id.is_none());
            }
            wanted.extend(look.inner.into_iter().map(|inner| Wanted {
                path: inner.path,
                parent: id.map(|id| (id, inner.name)),
                heat: inner.changed,
                is_root: false,
            }));
        }
    }

    fn watch(&mut self, root: usize, folder: &Wanted) -> Outcome {
        if self.settings.polling == Polling::Always || (folder.parent.is_none() && !folder.is_root)
        {
            return Outcome::Unwatched;
        }
        if self.is_at_limit() && !self.make_room(root, folder) {
            return Outcome::Unwatched;
        }
        let number = match self.notices.watch(&folder.path) {
            Asked::Watched(number) => number,
            Asked::Full => {
                self.is_full = true;
                return match self.make_room(root, folder) {
                    true => self.watch(root, folder),
                    false => Outcome::Unwatched,
                };
            }
            Asked::Gone => return Outcome::Gone,
            Asked::Refused => return Outcome::Unwatched,
        };
        if let Some(known) = self.folders.numbered(number) {
            if self.folders.path(known).as_ref() == Some(&folder.path) {
                return Outcome::Known(known);
            }
            // Mounted twice, or on the way: it is what it is called now.
            for number in self.folders.remove(known).into_iter().skip(1) {
                self.notices.leave(number);
            }
        }
        let place = match &folder.parent {
            Some((parent, name)) => {
                if let Some(old) = self.folders.named(*parent, name) {
                    self.forget(old);
                }
                Place::In(*parent, name.clone())
            }
            None => Place::Root(folder.path.clone()),
        };
        // A root is never given up, and what was just made is as warm as can be.
        let heat = folder.heat.min(crate::keeper::unix_seconds());
        Outcome::Watched(self.folders.insert(place, root, number, heat))
    }

    fn is_at_limit(&self) -> bool {
        let most = self.settings.most_watches;
        self.is_full || most.is_some_and(|most| self.folders.len() >= most)
    }

    /// Gives up the folder that was quiet longest, if that is longer than this one was.
    fn make_room(&mut self, root: usize, folder: &Wanted) -> bool {
        let Some((parent, _)) = folder.parent.clone() else {
            return folder.is_root && !self.is_full;
        };
        let Some(cold) = self.folders.colder_than(folder.heat, parent) else {
            return false;
        };
        let Some(path) = self.folders.path(cold) else {
            self.forget(cold);
            return true;
        };
        let its_root = self.folders.root_of(cold).unwrap_or(root);
        let number = self.folders.number_of(cold);
        // It is looked at while it is still listened to: what changes in between is in both.
        let print = survey::look(&path, &self.rules, true).print;
        self.forget(cold);
        self.remember(its_root, &path, print, true);
        self.notices.drain(&mut self.backlog);
        let mut waiting = self.backlog.iter();
        // By its number alone nobody knows any more which folder it was.
        if waiting.any(|notice| Some(notice.folder) == number && notice.what != What::Ended) {
            self.outbox.changed(its_root, path);
        }
        true
    }

    /// Remembers what a folder looks like that is looked at every so often.
    fn remember(&mut self, root: usize, folder: &Path, print: u64, is_unwatched: bool) {
        if let Some(there) = self.there_mut(root) {
            let is_new = there.prints.insert(short(folder), print).is_none();
            there.swept += u64::from(is_unwatched && is_new);
        }
    }

    /// Watches a folder that was not, because something changed in it, and those it is in.
    pub(crate) fn admit(&mut self, root: usize, folder: &Path) {
        let (Some(mut path), Some(mut at)) = (self.path_of(root), self.root_folder(root)) else {
            return;
        };
        let Ok(below) = folder.strip_prefix(path.clone()) else {
            return;
        };
        for name in below {
            path.push(name);
            if let Some(known) = self.folders.named(at, name) {
                at = known;
                continue;
            }
            let wanted = Wanted {
                path: path.clone(),
                parent: Some((at, name.to_owned())),
                heat: i64::MAX,
                is_root: false,
            };
            match self.watch(root, &wanted) {
                Outcome::Watched(id) => {
                    at = id;
                    // It is swept no more.
                    if let Some(there) = self.there_mut(root)
                        && there.prints.remove(&short(&path)).is_some()
                    {
                        there.swept = there.swept.saturating_sub(1);
                    }
                }
                Outcome::Known(id) => at = id,
                Outcome::Unwatched | Outcome::Gone => return,
            }
        }
    }

    /// The watched folder that is a root.
    pub(crate) fn root_folder(&self, root: usize) -> Option<FolderId> {
        let path = self.path_of(root)?;
        match self.notices.watch(&path) {
            Asked::Watched(number) => self.folders.numbered(number),
            Asked::Full | Asked::Gone | Asked::Refused => None,
        }
    }

    pub(crate) fn there(&self, root: usize) -> Option<&There> {
        self.roots.get(root)?.there.as_ref()
    }

    pub(crate) fn there_mut(&mut self, root: usize) -> Option<&mut There> {
        self.roots.get_mut(root)?.there.as_mut()
    }
}
