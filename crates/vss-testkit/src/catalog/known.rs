//! What a catalog in memory knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vss_core::companion::{self, MediaFacts};
use vss_core::{ContentUuid, EntryId, MediaType, Timestamp};
use vss_ports::{ChangeSeq, ContentRecord, OpenOriginal};

use super::stat::Stat;

#[derive(Default)]
pub(super) struct Known {
    pub(super) entries: BTreeMap<PathBuf, Entry>,
    pub(super) contents: HashMap<ContentUuid, ContentRecord>,
    pub(super) facts: HashMap<ContentUuid, MediaFacts>,
    pub(super) folders: BTreeMap<PathBuf, ChangeSeq>,
    pub(super) roots: BTreeSet<PathBuf>,
    /// Of the last refresh.
    pub(super) now: Timestamp,
    pub(super) last_entry: i64,
    pub(super) last_seq: i64,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) id: EntryId,
    pub(super) content: ContentUuid,
    pub(super) stat: Stat,
}

impl Known {
    pub(super) fn places(&self, content: ContentUuid) -> Vec<PathBuf> {
        let of_content = self.entries.iter().filter(|(_, e)| e.content == content);
        of_content.map(|(path, _)| path.clone()).collect()
    }

    /// Notes a file; whether its content was not known or had no original.
    pub(super) fn put(
        &mut self,
        path: PathBuf,
        content: ContentUuid,
        stat: Stat,
        sort: MediaType,
    ) -> bool {
        self.last_entry += 1;
        let id = match self.entries.get(&path) {
            Some(entry) => entry.id,
            None => EntryId(self.last_entry),
        };
        let next = ChangeSeq(self.last_seq + 1);
        let record = self.contents.entry(content).or_insert(ContentRecord {
            content,
            seq: ChangeSeq(0),
            size: stat.size,
            media_type: sort,
            originals: 0,
            lost_at: None,
        });
        let fresh = record.originals == 0;
        if fresh {
            record.seq = next;
            self.last_seq = next.0;
        }
        record.originals += 1;
        record.lost_at = None;
        self.take(&path);
        self.touch(&path);
        self.entries.insert(path, Entry { id, content, stat });
        fresh
    }

    pub(super) fn take(&mut self, path: &Path) -> Option<Entry> {
        let entry = self.entries.remove(path)?;
        self.touch(path);
        let record = self.contents.get_mut(&entry.content).unwrap();
        record.originals -= 1;
        record.lost_at = (record.originals == 0).then_some(self.now);
        Some(entry)
    }

    /// Gives the folder of a file its next number.
    pub(super) fn touch(&mut self, path: &Path) {
        self.last_seq += 1;
        let folder = path.parent().unwrap().to_path_buf();
        self.folders.insert(folder, ChangeSeq(self.last_seq));
    }

    /// Opens what is at a path, if it is what it was.
    pub(super) fn open(&self, path: &Path) -> Option<OpenOriginal> {
        let entry = &self.entries[path];
        let stat = Stat::of(&path.symlink_metadata().ok().filter(Metadata::is_file)?);
        let same = (stat.size, stat.mtime) == (entry.stat.size, entry.stat.mtime);
        Some(OpenOriginal {
            file: same.then(|| std::fs::File::open(path).ok())??,
            size: stat.size,
            media_type: self.contents[&entry.content].media_type.clone(),
            path: path.to_path_buf(),
            entry: entry.id,
        })
    }

    /// The nearest root above a folder.
    pub(super) fn location(&self, folder: &Path) -> PathBuf {
        let above = self.roots.iter().filter(|root| folder.starts_with(root));
        let nearest = above.max_by_key(|root| root.components().count());
        nearest.map_or(folder, PathBuf::as_path).to_path_buf()
    }

    pub(super) fn named(&self, path: &Path, entry: &Entry) -> companion::Entry {
        companion::Entry {
            entry: entry.id,
            content: entry.content,
            name: path.file_name().unwrap().as_bytes().to_vec(),
            media_type: self.contents[&entry.content].media_type.clone(),
            facts: self.facts[&entry.content],
        }
    }

    /// The entry of a file that was somewhere else before.
    pub(super) fn moved_from(&self, stat: Stat) -> Option<PathBuf> {
        let left = |path: &Path| match path.symlink_metadata() {
            Ok(metadata) => Stat::of(&metadata).inode != stat.inode,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let same = self.entries.iter().filter(|(_, e)| e.stat == stat);
        same.map(|(path, _)| path).find(|path| left(path)).cloned()
    }
}
