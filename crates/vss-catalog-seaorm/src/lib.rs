//! ContentCatalog on SQLite through sea-orm, fed by walking folders.
//!
//! A refresh is a straight line: `walk` meets files and hands them on in batches, `lookup` says
//! which of them are known and unchanged, `settle` finds the content of the others, `record`
//! writes a batch in one transaction, and at the end `sweep` removes what was not met. A revisit is
//! the same, for single places in the roots. Only `walk`,
//! `roots`, `rules`, `settle` and `original` touch the originals, and none of them writes.
#![expect(
    clippy::disallowed_methods,
    reason = "this crate walks and reads the folders of originals"
)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, Semaphore};
use vss_core::companion::LiveId;
use vss_core::{ContentUuid, EntryId, Timestamp};
use vss_ports::{
    CatalogCounts, ChangeSeq, ContentCatalog, ContentRecord, EntryRecord, FolderRecord, HalfRecord,
    Identified, LocationRecord, OpenOriginal, OriginalRecord, PortError, PortErrorKind, PortResult,
    RefreshObserver, RefreshOptions, RefreshReport, Revisit,
};

mod bind;
mod database;
mod facts;
mod folders;
mod location;
mod lookup;
mod original;
mod read;
mod record;
mod refresh;
mod roots;
mod rules;
mod seen;
mod settle;
mod sniff;
mod sweep;
mod walk;

use database::Database;
use original::Unread;
use refresh::{Look, blocking};
pub use vss_migrations::{DatabaseFault, Trouble};

/// The catalog in one `catalog.db`.
///
/// Everything that waits for the disk runs on the runtime's blocking threads; it needs a tokio
/// runtime with at least one worker.
pub struct SeaOrmCatalog {
    db: Database,
    readers: Arc<Semaphore>,
    /// Two refreshes at once would each take what only the other met for gone.
    refreshing: Mutex<()>,
}

/// How a catalog works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CatalogSettings {
    /// Threads that read files at the same time while a refresh goes on.
    pub readers: NonZeroUsize,
}

impl Default for CatalogSettings {
    /// A reader a core, and two at least: while one waits for the disk the other hashes.
    fn default() -> Self {
        let two = NonZeroUsize::MIN.saturating_add(1);
        Self {
            readers: std::thread::available_parallelism().map_or(two, |cores| cores.max(two)),
        }
    }
}

impl SeaOrmCatalog {
    /// Opens a catalog, makes it where there is none, and brings its schema up to date. Where it
    /// can be read and not written, every write is `ReadOnly`.
    ///
    /// # Errors
    /// `Rejected` when the file is from a newer version or cannot be opened, `Corrupt` when it is
    /// no whole database, `Unavailable` while another process holds it or its disk fails.
    pub async fn open(path: &Path, settings: CatalogSettings) -> PortResult<Self> {
        Ok(Self {
            db: Database::open(path).await?,
            readers: Arc::new(Semaphore::new(settings.readers.get())),
            refreshing: Mutex::new(()),
        })
    }

    /// Reads the whole database and compares what is in it, short of the order of its indexes.
    ///
    /// # Errors
    /// `Corrupt` with what is wrong, and as any read.
    pub async fn examine(&self) -> PortResult<()> {
        self.db.examine().await
    }
}

#[async_trait]
impl ContentCatalog for SeaOrmCatalog {
    async fn instance(&self) -> PortResult<String> {
        read::instance(&self.db).await
    }

    async fn refresh(
        &self,
        roots: &[PathBuf],
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        let look = Look {
            roots,
            places: None,
            options,
            now,
        };
        let _alone = self.refreshing.lock().await;
        refresh::refresh(&self.db, &self.readers, look, observer).await
    }

    async fn revisit(
        &self,
        revisit: &Revisit,
        options: &RefreshOptions,
        observer: &dyn RefreshObserver,
        now: Timestamp,
    ) -> PortResult<RefreshReport> {
        let look = Look {
            roots: &revisit.roots,
            places: Some(&revisit.places),
            options,
            now,
        };
        let _alone = self.refreshing.lock().await;
        refresh::refresh(&self.db, &self.readers, look, observer).await
    }

    async fn changes(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<ContentRecord>> {
        read::changes(&self.db, after, limit).await
    }

    async fn find(&self, contents: &[ContentUuid]) -> PortResult<Vec<ContentRecord>> {
        read::find(&self.db, contents).await
    }

    async fn page(
        &self,
        after: Option<ContentUuid>,
        until: Option<ContentUuid>,
        limit: usize,
    ) -> PortResult<Vec<ContentRecord>> {
        read::page(&self.db, after, until, limit).await
    }

    async fn locations(&self) -> PortResult<Vec<LocationRecord>> {
        location::all(&self.db).await
    }

    async fn originals(&self, content: ContentUuid) -> PortResult<Vec<OriginalRecord>> {
        let originals = read::originals(&self.db, content).await?;
        Ok(originals.into_iter().map(|found| found.record).collect())
    }

    async fn open(&self, content: ContentUuid) -> PortResult<Option<OpenOriginal>> {
        let originals = read::originals(&self.db, content).await?;
        blocking(move || {
            originals.into_iter().find_map(|original| {
                let (file, stat) = original::open_regular(&original.record.path).ok()?;
                original.is(&stat).then_some(OpenOriginal {
                    file,
                    size: stat.size,
                    media_type: original.media_type,
                    path: original.record.path,
                    entry: original.record.entry,
                })
            })
        })
        .await
    }

    async fn identify(&self, path: &Path) -> PortResult<Option<Identified>> {
        let path = path.to_path_buf();
        blocking(move || identify(&path)).await?
    }

    async fn folders(&self, after: ChangeSeq, limit: usize) -> PortResult<Vec<FolderRecord>> {
        folders::changed(&self.db, after, limit).await
    }

    async fn halves(&self, ids: &[LiveId]) -> PortResult<Vec<HalfRecord>> {
        folders::halves(&self.db, ids).await
    }

    async fn entries(&self, entries: &[EntryId]) -> PortResult<Vec<EntryRecord>> {
        folders::entries(&self.db, entries).await
    }

    async fn open_entry(&self, entry: EntryId) -> PortResult<Option<OpenOriginal>> {
        let mut found = folders::entries(&self.db, &[entry]).await?;
        let Some(record) = found.pop() else {
            return Ok(None);
        };
        blocking(move || {
            let (file, stat) = original::open_regular(&record.path).ok()?;
            let seen = &record.identity;
            let same = (stat.size, stat.mtime_ns) == (seen.size, seen.modified_ns);
            same.then_some(OpenOriginal {
                file,
                size: stat.size,
                media_type: record.entry.media_type,
                path: record.path,
                entry,
            })
        })
        .await
    }

    async fn counts(&self) -> PortResult<CatalogCounts> {
        read::counts(&self.db).await
    }
}

/// What the file at a path is now. A link that a person names is followed.
fn identify(path: &Path) -> PortResult<Option<Identified>> {
    let error =
        |kind, cause: String| PortError::new(kind, format!("identify {}", path.display()), cause);
    let read = path
        .canonicalize()
        .map_err(Unread::Io)
        .and_then(|path| original::read(&path, &mut Vec::new()));
    match read {
        Ok(reading) => Ok(Some(Identified {
            content: reading.content,
            size: reading.stat.size,
            media_type: reading.sniffed.media_type,
        })),
        Err(Unread::Empty) => Ok(None),
        Err(Unread::NotRegular) => Err(error(
            PortErrorKind::Rejected,
            "it is no regular file: name one".into(),
        )),
        Err(unread @ Unread::Changing) => Err(error(
            PortErrorKind::Unavailable,
            unread.problem(path.to_path_buf()).detail,
        )),
        Err(unread) => Err(error(
            PortErrorKind::Rejected,
            unread.problem(path.to_path_buf()).detail,
        )),
    }
}
