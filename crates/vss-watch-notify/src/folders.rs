//! Which folders are watched, and how each is called now. A folder knows its name and the folder it
//! is in, so that one that moves is called anew in one place, with all below it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A watched folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct FolderId(u32);

/// Where a folder is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A root, with its path.
    Root(PathBuf),
    /// In a watched folder, by this name.
    In(FolderId, OsString),
    /// On its way from one place to another.
    Moving,
}

struct Folder {
    place: Place,
    root: usize,
    number: i32,
    /// When something in it last changed, in seconds.
    heat: i64,
    children: u32,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Folders {
    folders: HashMap<FolderId, Folder>,
    by_number: HashMap<i32, FolderId>,
    by_name: BTreeMap<(FolderId, OsString), FolderId>,
    /// Those without watched folders in them, the one that was quiet longest first.
    coldest: BTreeSet<(i64, FolderId)>,
    /// How many there are below each root.
    counts: HashMap<usize, u64>,
    last: u32,
}

impl Folders {
    /// Adds a folder that is watched by a number.
    pub(crate) fn insert(&mut self, place: Place, root: usize, number: i32, heat: i64) -> FolderId {
        self.last += 1;
        let id = FolderId(self.last);
        self.folders.insert(
            id,
            Folder {
                place: Place::Moving,
                root,
                number,
                heat,
                children: 0,
            },
        );
        *self.counts.entry(root).or_default() += 1;
        self.by_number.insert(number, id);
        self.coldest.insert((heat, id));
        self.put(id, place);
        id
    }

    pub(crate) fn numbered(&self, number: i32) -> Option<FolderId> {
        self.by_number.get(&number).copied()
    }

    pub(crate) fn named(&self, parent: FolderId, name: &OsStr) -> Option<FolderId> {
        self.by_name.get(&(parent, name.to_owned())).copied()
    }

    pub(crate) fn root_of(&self, id: FolderId) -> Option<usize> {
        self.folders.get(&id).map(|folder| folder.root)
    }

    /// By which number it is watched.
    pub(crate) fn number_of(&self, id: FolderId) -> Option<i32> {
        self.folders.get(&id).map(|folder| folder.number)
    }

    pub(crate) fn is_root(&self, id: FolderId) -> bool {
        let place = self.folders.get(&id).map(|folder| &folder.place);
        matches!(place, Some(Place::Root(_)))
    }

    /// Its path; `None` while it, or what it is in, moves.
    pub(crate) fn path(&self, id: FolderId) -> Option<PathBuf> {
        let mut names: Vec<&OsStr> = Vec::new();
        let mut at = id;
        loop {
            match &self.folders.get(&at)?.place {
                Place::Root(path) => {
                    let mut path = path.clone();
                    path.extend(names.iter().rev());
                    return Some(path);
                }
                Place::In(parent, name) => {
                    names.push(name);
                    at = *parent;
                }
                Place::Moving => return None,
            }
        }
    }

    /// Gives a folder its place, or another one.
    pub(crate) fn put(&mut self, id: FolderId, place: Place) {
        if let Place::In(parent, name) = &place {
            self.by_name.insert((*parent, name.clone()), id);
            self.count_child(*parent, 1);
        }
        let Some(folder) = self.folders.get_mut(&id) else {
            return;
        };
        if let Place::In(parent, name) = std::mem::replace(&mut folder.place, place) {
            if self.by_name.get(&(parent, name.clone())) == Some(&id) {
                self.by_name.remove(&(parent, name));
            }
            self.count_child(parent, -1);
        }
    }

    fn count_child(&mut self, id: FolderId, by: i32) {
        if let Some(folder) = self.folders.get_mut(&id) {
            folder.children = folder.children.saturating_add_signed(by);
            match folder.children {
                0 => self.coldest.insert((folder.heat, id)),
                _ => self.coldest.remove(&(folder.heat, id)),
            };
        }
    }

    /// Something changed in a folder.
    pub(crate) fn warm(&mut self, id: FolderId, now: i64) {
        /// More exact need nobody be about what is cold.
        const STEP: i64 = 60;
        if let Some(folder) = self.folders.get_mut(&id)
            && now > folder.heat.saturating_add(STEP)
        {
            if self.coldest.remove(&(folder.heat, id)) {
                self.coldest.insert((now, id));
            }
            folder.heat = now;
        }
    }

    /// The folder that was quiet longest, if it was quiet for longer than another one: no root, and
    /// not the one that the other is in.
    pub(crate) fn colder_than(&self, heat: i64, parent: FolderId) -> Option<FolderId> {
        let cold = self.coldest.range(..(heat, FolderId(0)));
        let mut cold = cold.map(|(_, id)| *id);
        cold.find(|id| *id != parent && !self.is_root(*id))
    }

    /// Removes a folder and all below it; the numbers by which they were watched.
    pub(crate) fn remove(&mut self, id: FolderId) -> Vec<i32> {
        self.put(id, Place::Moving);
        let mut numbers = Vec::new();
        let mut doomed = vec![id];
        while let Some(id) = doomed.pop() {
            let inside = self.by_name.range((id, OsString::new())..);
            let inside = inside.take_while(|((parent, _), _)| *parent == id);
            let inside: Vec<_> = inside.map(|(key, child)| (key.clone(), *child)).collect();
            for (key, child) in inside {
                self.by_name.remove(&key);
                doomed.push(child);
            }
            if let Some(folder) = self.folders.remove(&id) {
                if let Some(count) = self.counts.get_mut(&folder.root) {
                    *count -= 1;
                }
                self.coldest.remove(&(folder.heat, id));
                if self.by_number.get(&folder.number) == Some(&id) {
                    self.by_number.remove(&folder.number);
                }
                numbers.push(folder.number);
            }
        }
        numbers
    }

    /// A folder of a root that is in no other one: the root itself, or one that moves.
    pub(crate) fn any_root_of(&self, root: usize) -> Option<FolderId> {
        let of_root =
            |folder: &Folder| folder.root == root && !matches!(folder.place, Place::In(..));
        let mut all = self.folders.iter();
        all.find(|(_, folder)| of_root(folder)).map(|(id, _)| *id)
    }

    /// How many there are below a root.
    pub(crate) fn count(&self, root: usize) -> u64 {
        self.counts.get(&root).copied().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.folders.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (Folders, [FolderId; 4]) {
        let mut folders = Folders::default();
        let root = folders.insert(Place::Root("/r".into()), 0, 1, 50);
        let a = folders.insert(Place::In(root, "a".into()), 0, 2, 10);
        let b = folders.insert(Place::In(a, "b".into()), 0, 3, 20);
        let c = folders.insert(Place::In(root, "c".into()), 0, 4, 30);
        (folders, [root, a, b, c])
    }

    #[test]
    fn a_folder_that_moves_is_called_anew_with_all_below_it() {
        let (mut folders, [root, a, b, c]) = tree();
        assert_eq!(folders.path(b), Some("/r/a/b".into()));
        folders.put(a, Place::Moving);
        assert_eq!(folders.path(b), None);
        assert_eq!(folders.named(root, OsStr::new("a")), None);
        folders.put(a, Place::In(c, "d".into()));
        assert_eq!(folders.path(b), Some("/r/c/d/b".into()));
        assert_eq!(folders.named(c, OsStr::new("d")), Some(a));
    }

    #[test]
    fn what_is_removed_is_gone_with_all_below_it() {
        let (mut folders, [root, a, _, c]) = tree();
        let mut numbers = folders.remove(a);
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3]);
        assert_eq!((folders.len(), folders.count(0)), (2, 2));
        assert_eq!(folders.numbered(3), None);
        assert_eq!(folders.named(root, OsStr::new("c")), Some(c));
    }

    #[test]
    fn the_coldest_is_a_folder_without_watched_ones_in_it() {
        let (mut folders, [root, a, b, c]) = tree();
        assert_eq!(
            folders.colder_than(25, root),
            Some(b),
            "a is colder, and holds b"
        );
        assert_eq!(folders.colder_than(25, b), None, "it is where the other is");
        assert_eq!(folders.colder_than(20, root), None, "none is colder");
        folders.warm(b, 99);
        assert_eq!(folders.colder_than(90, root), Some(c));
        folders.remove(b);
        assert_eq!(folders.colder_than(25, root), Some(a));
    }
}
