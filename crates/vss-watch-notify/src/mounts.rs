//! Disks that are mounted or taken away below a root. No notice tells of the one; after the other
//! the folders that were watched are none that can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::folders::FolderId;
use crate::keeper::Keeper;
use crate::patrol::identify;
use crate::watcher::Root;

/// Where Linux tells what is mounted, as proc_pid_mountinfo(5) describes it.
const TABLE: &str = "/proc/self/mountinfo";

/// What is mounted below the roots.
pub(crate) struct Mounts {
    /// Says that something was mounted or taken away; `None` where nothing does.
    table: Option<File>,
    /// Device and inode of the folder at each place; `None` where it is none.
    seen: BTreeMap<PathBuf, Option<(u64, u64)>>,
    /// Places that are not watched any more, whatever is there now.
    left: BTreeSet<PathBuf>,
    /// The table may say something else now.
    pub(crate) are_in_doubt: bool,
}

impl Mounts {
    pub(crate) fn begin() -> Self {
        Self {
            table: File::open(TABLE).ok(),
            seen: BTreeMap::new(),
            left: BTreeSet::new(),
            are_in_doubt: true,
        }
    }

    /// What has an exceptional condition once the table changed.
    pub(crate) fn table(&self) -> Option<BorrowedFd<'_>> {
        self.table.as_ref().map(AsFd::as_fd)
    }

    /// The disk that a folder was on is not mounted there any more, even if it is again by now.
    pub(crate) fn left(&mut self, folder: &Path) {
        // The last one that holds it is the innermost.
        let mut places = self.seen.keys();
        let left = places.rfind(|place| folder.starts_with(place)).cloned();
        self.left.extend(left);
        self.are_in_doubt = true;
    }
}

impl Keeper {
    /// Watches what lies now where a disk was mounted or taken away below a root, and tells of it.
    /// `at_first`, before anything is watched, it is only noted.
    pub(crate) fn look_for_mounts(&mut self, at_first: bool) {
        self.mounts.are_in_doubt = false;
        let Ok(table) = std::fs::read(TABLE) else {
            return;
        };
        let top = |root: &Root| match &root.there {
            Some(there) => Some(there.path.clone()),
            None => identify(&root.asked).map(|(path, _)| path),
        };
        let tops: Vec<_> = self.roots.iter().map(top).collect();
        let is_below = |place: &PathBuf| {
            let mut tops = tops.iter().flatten();
            tops.any(|top| place.starts_with(top) && place != top)
        };
        let mounted: BTreeSet<_> = places(&table).filter(is_below).collect();
        let before = std::mem::take(&mut self.mounts.seen);
        let left = std::mem::take(&mut self.mounts.left);
        let mut all: BTreeSet<_> = before.keys().filter(|place| is_below(place)).collect();
        all.extend(&mounted);
        for place in all {
            let identity = identify(place).map(|(_, identity)| identity);
            let is_same = before.get(place) == Some(&identity) && !left.contains(place);
            if !at_first && !is_same {
                self.cover_anew(&tops, place);
            }
            if mounted.contains(place) {
                self.mounts.seen.insert(place.clone(), identity);
            }
        }
    }

    fn cover_anew(&mut self, tops: &[Option<PathBuf>], place: &Path) {
        for (root, top) in tops.iter().enumerate() {
            let Some(below) = top.as_ref().and_then(|top| place.strip_prefix(top).ok()) else {
                continue;
            };
            let mut way = place.ancestors().take(below.iter().count());
            if way.any(|folder| !self.rules.leads_on(folder)) {
                continue;
            }
            // In a folder that is not watched it is looked at every so often, as that folder is.
            if let Some((parent, name)) = self.watched_above(root, below) {
                if let Some(old) = self.folders.named(parent, &name) {
                    self.forget(old);
                }
                self.cover(root, place, Some((parent, name)));
            }
            self.outbox.changed(root, place.to_path_buf());
        }
    }

    /// The watched folder in which a path below a root ends, and the name in it.
    fn watched_above(&self, root: usize, below: &Path) -> Option<(FolderId, OsString)> {
        let mut at = self.root_folder(root)?;
        for name in below.parent()? {
            at = self.folders.named(at, name)?;
        }
        Some((at, below.file_name()?.to_owned()))
    }
}

/// The places in the table: the fifth field of each line, in which blanks and the like are octal.
fn places(table: &[u8]) -> impl Iterator<Item = PathBuf> {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let place = line.split(|byte| *byte == b' ').nth(4)?;
        Some(PathBuf::from(OsString::from_vec(unescaped(place))))
    })
}

fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        match octal(*first, rest) {
            Some((byte, rest)) => {
                plain.push(byte);
                text = rest;
            }
            None => {
                plain.push(*first);
                text = rest;
            }
        }
    }
    plain
}

/// The byte that `\` and three octal digits stand for, and what follows them.
fn octal(first: u8, rest: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = rest.split_at_checked(3).filter(|_| first == b'\\')?;
    let digits = str::from_utf8(digits).ok()?;
    Some((u8::from_str_radix(digits, 8).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_a_table_are_read_whatever_they_are_called() {
        let table = br"25 1 8:2 / / rw,noatime shared:1 - ext4 /dev/sda2 rw
41 25 8:17 / /mnt/my\040disk\134\011x rw - vfat /dev/sdb1 rw
42 25 0:35 /a /mnt/bound rw - tmpfs tmpfs rw
";
        let places: Vec<_> = places(table).collect();
        let expected = ["/", "/mnt/my disk\\\tx", "/mnt/bound"];
        assert_eq!(places, expected.map(PathBuf::from));
        assert_eq!(unescaped(br"\9\04"), br"\9\04");
        assert_eq!(unescaped(br"\400"), br"\400", "no byte");
    }

    #[test]
    fn of_the_disks_that_a_folder_may_have_been_on_it_is_the_innermost() {
        let mut mounts = Mounts::begin();
        let places = ["/r/a", "/r/a/b", "/r/a/b-c", "/r/d"];
        mounts.seen = places.map(|place| (place.into(), Some((1, 2)))).into();
        mounts.left(Path::new("/r/a/b/deep"));
        mounts.left(Path::new("/elsewhere"));
        assert_eq!(mounts.left, [PathBuf::from("/r/a/b")].into());
    }
}
