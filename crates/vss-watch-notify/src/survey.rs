//! Reads one folder: which folders in it are to be looked into, and what it looks like, so that a
//! later look tells whether anything in it changed.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is left out wherever it is met.
pub(crate) struct Rules {
    pub(crate) hidden: bool,
    /// Without links.
    pub(crate) excluded: HashSet<PathBuf>,
}

impl Rules {
    /// Whether a folder below a root is looked into.
    pub(crate) fn leads_on(&self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default();
        let is_hidden = name.as_encoded_bytes().first() == Some(&b'.');
        (self.hidden || !is_hidden) && !self.excluded.contains(folder)
    }
}

/// A folder in another.
pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) name: OsString,
    /// When an entry in it last came or went, in seconds since the epoch.
    pub(crate) changed: i64,
}

/// What a folder looks like.
#[derive(Default)]
pub(crate) struct Look {
    /// Folders to look into, the one that changed last first.
    pub(crate) inner: Vec<Inner>,
    /// A number that is another one after any change in the folder itself.
    pub(crate) print: u64,
}

/// Reads a folder; its print only when it is `wanted`, because that looks at each file. Of one that
/// cannot be read nothing is known, and the print says so.
pub(crate) fn look(folder: &Path, rules: &Rules, wanted: bool) -> Look {
    let mut look = Look::default();
    let Ok(entries) = folder.read_dir() else {
        return look;
    };
    look.print = 1;
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let metadata = match wanted || kind.is_dir() {
            true => entry.metadata().ok(),
            false => None,
        };
        let path = entry.path();
        if kind.is_dir() {
            if !rules.leads_on(&path) {
                continue;
            }
            look.inner.push(Inner {
                path,
                name: entry.file_name(),
                changed: metadata.as_ref().map_or(0, MetadataExt::mtime),
            });
        }
        if wanted {
            let print = print(&entry.file_name(), kind.is_dir(), metadata.as_ref());
            // A sum, since the order of the entries means nothing.
            look.print = look.print.wrapping_add(print);
        }
    }
    look.inner
        .sort_by_key(|inner| std::cmp::Reverse(inner.changed));
    look
}

/// How many folders there are at and below one that would be watched, counted up to a limit.
pub fn count_folders(top: &Path, most: u64) -> u64 {
    let rules = Rules {
        hidden: false,
        excluded: HashSet::new(),
    };
    let mut folders = vec![top.to_path_buf()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        count += 1;
        if count >= most {
            break;
        }
        let inner = look(&folder, &rules, false).inner;
        folders.extend(inner.into_iter().map(|inner| inner.path));
    }
    count
}

fn print(name: &OsString, is_folder: bool, metadata: Option<&Metadata>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, is_folder).hash(&mut hasher);
    if let Some(file) = metadata.filter(|_| !is_folder) {
        let of_file = (file.ino(), file.size(), file.mtime(), file.mtime_nsec());
        of_file.hash(&mut hasher);
    }
    hasher.finish()
}

/// A name for a path that takes eight bytes: of two among ten million it is the same once in a
/// hundred thousand machines.
pub(crate) fn short(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_changes_with_everything_in_the_folder_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let rules = Rules {
            hidden: false,
            excluded: HashSet::from([at("library")]),
        };
        let print = || look(folder.path(), &rules, true).print;
        for name in ["a", "b"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::fs::create_dir(at("in")).unwrap();
        let mut seen = vec![print()];
        std::fs::create_dir(at(".hidden")).unwrap();
        std::fs::create_dir(at("library")).unwrap();
        std::fs::write(at("in/deep"), "deep").unwrap();
        assert_eq!(
            print(),
            seen[0],
            "what is left out and what lies deeper is not looked at"
        );
        let mut changed = |what: &str| {
            let now = print();
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        std::fs::write(at("a"), "longer").unwrap();
        changed("another size");
        std::fs::rename(at("a"), at("c")).unwrap();
        changed("another name");
        std::fs::write(at("new"), "c").unwrap();
        std::fs::rename(at("new"), at("b")).unwrap();
        changed("another file of the same name and size");
        std::fs::remove_file(at("b")).unwrap();
        changed("gone");
        std::fs::remove_dir_all(at("in")).unwrap();
        changed("a folder gone");
    }
}
