//! ContentCatalog in memory. It looks at real folders, all of them at once, or is given originals
//! to keep in temporary files of its own.
#![expect(
    clippy::disallowed_methods,
    reason = "the originals are real files, as they are for the real catalog"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tempfile::TempDir;
use vss_core::companion::{LiveId, MediaFacts};
use vss_core::{ContentUuid, EntryId, IdentityHasher, MediaType, Timestamp, sample_ranges};
use vss_ports::{
    CatalogCounts, ChangeSeq, ContentCatalog, ContentRecord, EntryRecord, FolderRecord, HalfRecord,
    Identified, LocationRecord, OpenOriginal, OriginalRecord, PortError, PortErrorKind, PortResult,
    RefreshObserver, RefreshOptions, RefreshReport, Revisit,
};

mod known;
mod listing;
mod refresh;
mod stat;

use known::{Entry, Known};
use refresh::{Refresh, resolve};
use stat::Stat;

static INSTANCES: AtomicU64 = AtomicU64::new(1);

/// A catalog without a database.
pub struct MemoryCatalog {
    instance: String,
    /// Where [`MemoryCatalog::add`] puts bytes.
    folder: TempDir,
    known: Mutex<Known>,
    /// How many originals more are not found where they are.
    misses: AtomicU64,
}

impl Default for MemoryCatalog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCatalog {
    /// A catalog that knows nothing.
    pub fn new() -> Self {
        Self {
            instance: format!("memory-{}", INSTANCES.fetch_add(1, Ordering::Relaxed)),
            folder: TempDir::new().unwrap(),
            known: Mutex::default(),
            misses: AtomicU64::new(0),
        }
    }

    /// Lets the next original that is opened not be found, as if it were just being moved.
    pub fn miss_next(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    fn misses(&self) -> bool {
        let fewer = |misses: u64| misses.checked_sub(1);
        let relaxed = Ordering::Relaxed;
        self.misses.fetch_update(relaxed, relaxed, fewer).is_ok()
    }

    /// Adds an original with these bytes, which must be some, and says what it is. Adding the same
    /// bytes again adds an original to the same content.
    pub fn add(&self, bytes: &[u8], media_type: MediaType) -> ContentUuid {
        let mut known = self.known.lock().unwrap();
        let path = self.folder.path().join((known.last_entry + 1).to_string());
        std::fs::write(&path, bytes).unwrap();
        let stat = Stat::of(&path.metadata().unwrap());
        let content = identity(bytes).expect("an original has bytes");
        known.facts.insert(content, said(bytes, &media_type));
        known.put(path, content, stat, media_type);
        content
    }

    /// Notes a root as if it had been looked at.
    pub fn note_location(&self, root: &Path) {
        self.known.lock().unwrap().roots.insert(root.to_path_buf());
    }

    /// Takes every original of a content away, and its files; noticed at the beginning of time.
    pub fn remove(&self, content: ContentUuid) {
        self.remove_at(content, Timestamp::default());
    }

    /// The same, noticed at a point in time.
    pub fn remove_at(&self, content: ContentUuid, now: Timestamp) {
        let mut known = self.known.lock().unwrap();
        known.now = now;
        for path in known.places(content) {
            known.take(&path);
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn identity(bytes: &[u8]) -> Option<ContentUuid> {
    let size = bytes.len() as u64;
    let mut hasher = IdentityHasher::new(size)?;
    for range in sample_ranges(size) {
        let index = |at: u64| usize::try_from(at).unwrap();
        hasher.update(&bytes[index(range.start)..index(range.end)]);
    }
    Some(hasher.finish()?.uuid)
}

fn sniff(bytes: &[u8]) -> MediaType {
    let text = match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        _ => return MediaType::unknown(),
    };
    text.parse().unwrap()
}

fn said(bytes: &[u8], media_type: &MediaType) -> MediaFacts {
    vss_probe::probe(media_type, &mut &*bytes, vss_probe::Limits::default())
}

fn rejected(path: &Path, cause: impl Into<String>) -> PortError {
    let operation = format!("look at {}", path.display());
    PortError::new(PortErrorKind::Rejected, operation, cause.into())
}

#[async_trait]
impl ContentCatalog for MemoryCatalog {
    async fn instance(&self) -> PortResult<String> {
        Ok(self.instance.clone())
    }

    async fn refresh(
        &self,
        roots: &[PathBuf],
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        let mut refresh = Refresh::new(resolve(roots)?, options, now);
        for root in refresh.roots() {
            refresh.look(root);
        }
        let mut known = self.known.lock().unwrap();
        known.now = now;
        known.roots.extend(refresh.roots());
        let roots = refresh.roots();
        Ok(refresh.apply(&mut known, &roots, observer))
    }

    async fn revisit(
        &self,
        revisit: &Revisit,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        let mut refresh = Refresh::new(resolve(&revisit.roots)?, options, now);
        let resolve = |place: &PathBuf| match revisit.roots.contains(place) {
            true => place.canonicalize().unwrap(),
            false => place.clone(),
        };
        let places: Vec<_> = revisit.places.iter().map(resolve).collect();
        let places = refresh.revisit(&places);
        let known = &mut self.known.lock().unwrap();
        known.now = now;
        Ok(refresh.apply(known, &places, observer))
    }

    async fn changes(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<ContentRecord>> {
        Ok(self.known.lock().unwrap().changes(after, limit))
    }

    async fn find(&self, contents: &[ContentUuid]) -> PortResult<Vec<ContentRecord>> {
        Ok(self.known.lock().unwrap().find(contents))
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentRecord>> {
        Ok(self.known.lock().unwrap().page(after, until, limit))
    }

    async fn locations(&self) -> PortResult<Vec<LocationRecord>> {
        let known = self.known.lock().unwrap();
        let location = |path: &PathBuf| LocationRecord {
            missing: path.read_dir().err().map(|error| error.to_string()),
            path: path.clone(),
        };
        Ok(known.roots.iter().map(location).collect())
    }

    async fn originals(&self, content: ContentUuid) -> PortResult<Vec<OriginalRecord>> {
        let known = self.known.lock().unwrap();
        let of_content = known.entries.iter().filter(|(_, e)| e.content == content);
        let record = |(path, entry): (&PathBuf, &Entry)| OriginalRecord {
            entry: entry.id,
            path: path.clone(),
            size: entry.stat.size,
        };
        Ok(of_content.map(record).collect())
    }

    async fn open(&self, content: ContentUuid) -> PortResult<Option<OpenOriginal>> {
        if self.misses() {
            return Ok(None);
        }
        let known = self.known.lock().unwrap();
        let mut places = known.places(content).into_iter();
        Ok(places.find_map(|path| known.open(&path)))
    }

    async fn identify(&self, path: &Path) -> PortResult<Option<Identified>> {
        if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(rejected(path, "it is no regular file"));
        }
        let bytes = std::fs::read(path).map_err(|error| rejected(path, error.to_string()))?;
        Ok(identity(&bytes).map(|content| Identified {
            content,
            size: bytes.len() as u64,
            media_type: sniff(&bytes),
        }))
    }

    async fn folders(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<FolderRecord>> {
        let known = self.known.lock().unwrap();
        let changed = known.folders.iter().filter(|(_, seq)| **seq > after);
        let folder = |(path, seq): (&PathBuf, &ChangeSeq)| {
            let inside = known.entries.iter();
            let inside = inside.filter(|(file, _)| file.parent() == Some(path.as_path()));
            FolderRecord {
                seq: *seq,
                path: path.clone(),
                location: known.location(path),
                entries: inside
                    .map(|(file, entry)| known.named(file, entry))
                    .collect(),
            }
        };
        let mut folders: Vec<_> = changed.map(folder).collect();
        folders.retain(|folder| !folder.entries.is_empty());
        folders.sort_by_key(|folder| folder.seq);
        folders.truncate(limit);
        Ok(folders)
    }

    async fn halves(&self, ids: &[LiveId]) -> PortResult<Vec<HalfRecord>> {
        let known = self.known.lock().unwrap();
        let half = |(file, entry): (&PathBuf, &Entry)| {
            let path = file.parent().unwrap().to_path_buf();
            HalfRecord {
                location: known.location(&path),
                path,
                entry: known.named(file, entry),
            }
        };
        let carries =
            |half: &HalfRecord| half.entry.facts.live_id.is_some_and(|id| ids.contains(&id));
        Ok(known.entries.iter().map(half).filter(carries).collect())
    }

    async fn entries(&self, entries: &[EntryId]) -> PortResult<Vec<EntryRecord>> {
        let known = self.known.lock().unwrap();
        let asked = known.entries.iter();
        let asked = asked.filter(|(_, entry)| entries.contains(&entry.id));
        let record = |(path, entry): (&PathBuf, &Entry)| EntryRecord {
            entry: known.named(path, entry),
            location: known.location(path.parent().unwrap()),
            path: path.clone(),
            identity: entry.stat.identity(),
        };
        Ok(asked.map(record).collect())
    }

    async fn open_entry(&self, entry: EntryId) -> PortResult<Option<OpenOriginal>> {
        if self.misses() {
            return Ok(None);
        }
        let known = self.known.lock().unwrap();
        let place = known.entries.iter().find(|(_, e)| e.id == entry);
        Ok(place.and_then(|(path, _)| known.open(path)))
    }

    async fn counts(&self) -> PortResult<CatalogCounts> {
        let known = self.known.lock().unwrap();
        let with_originals = known.contents.values().filter(|c| c.originals > 0);
        let folders: BTreeSet<_> = known.entries.keys().map(|path| path.parent()).collect();
        Ok(CatalogCounts {
            contents: with_originals.count() as u64,
            originals: known.entries.len() as u64,
            folders: folders.len() as u64,
        })
    }
}
