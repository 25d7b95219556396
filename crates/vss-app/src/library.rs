//! The library folder: `library.json` says that it is one, lock files say who works in it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vss_core::{LibraryId, layout};

use crate::failure::{Exit, Failure};
use crate::whole_file;

/// The layout this program writes. A greater one is refused, never guessed at.
const VERSION: u32 = 1;
const EXTENSION: &str = "sdlibrary";
/// Says that a folder is a library.
const MARKER: &str = "library.json";
/// The vault's folder.
const SIDECARS: &str = "sidecars";

/// What `library.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LibraryFile {
    pub(crate) id: LibraryId,
    pub(crate) name: String,
    pub(crate) version: u32,
}

/// An opened library folder.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) root: PathBuf,
    pub(crate) file: LibraryFile,
}

/// What a lock is for: two of one sort never hold at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// Making sidecars, or comparing files with rows.
    Vault,
    /// Looking at folders.
    Index,
    /// Moving originals into the library and back.
    Move,
}

/// Held until it is dropped; the operating system drops it when the process dies.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "holding the file holds the lock")] File);

impl Library {
    /// Makes an empty library; `vault` makes its folder for sidecars. The marker comes last: what a
    /// crash leaves is no library, and can be made one.
    pub(crate) fn create(
        place: &Path,
        id: LibraryId,
        vault: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let root = with_extension(place).ok_or_else(|| {
            let message = format!("{} is no name for a library", place.display());
            Failure::new(Exit::Usage, message).remedy("name it, as in `vss init Photos`")
        })?;
        let name = root
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let already = |root: &Path| {
            let message = format!("{} is a library already", root.display());
            Failure::new(Exit::Library, message)
                .remedy("use it with --library, or choose another name")
        };
        if root.join(MARKER).exists() {
            return Err(already(&root));
        }
        if fs::read_dir(&root).is_ok_and(|entries| !entries.flatten().all(|one| is_begun(&one))) {
            let message = format!("{} is not empty and not a library", root.display());
            return Err(Failure::new(Exit::Library, message).remedy("choose another name"));
        }
        let made = |error: std::io::Error| {
            let message = format!("the library {} could not be made", root.display());
            Failure::new(Exit::Library, message).because(error)
        };
        whole_file::make_folders(&root).map_err(made)?;
        let root = fs::canonicalize(&root).map_err(made)?;
        let file = LibraryFile {
            id,
            name,
            version: VERSION,
        };
        let text = serde_json::to_string_pretty(&file).map_err(|e| made(e.into()))?;
        let library = Self { root, file };
        vault(&library.sidecars_root())?;
        let marker = library.root.join(MARKER);
        match whole_file::make(&marker, &(text + "\n")).map_err(made)? {
            true => Ok(library),
            false => Err(already(&library.root)),
        }
    }

    /// Opens a library.
    pub(crate) fn open(place: Option<&Path>) -> Result<Self, Failure> {
        let Some(place) = place else {
            return Err(Failure::new(Exit::Usage, "which library?")
                .remedy("give --library FOLDER or set VSS_LIBRARY; `vss init` makes one"));
        };
        // A folder of originals may have the name that the library has without its ending.
        let meant = with_extension(place).filter(|named| {
            !place.is_dir() || !place.join(MARKER).exists() && named.join(MARKER).exists()
        });
        let place = meant.unwrap_or_else(|| place.to_owned());
        let root = fs::canonicalize(&place).map_err(|error| {
            let message = format!("no library at {}", place.display());
            Failure::new(Exit::Library, message)
                .because(error)
                .remedy("is its disk mounted? `vss init` makes a new one")
        })?;
        let marker = root.join(MARKER);
        let text = fs::read_to_string(&marker).map_err(|error| {
            let message = format!(
                "{} is not a library: it has no library.json",
                root.display()
            );
            let failure = Failure::new(Exit::Library, message);
            match error.kind() {
                ErrorKind::NotFound => {
                    failure.remedy("is its disk mounted? `vss init` makes a new one")
                }
                _ => failure.because(error),
            }
        })?;
        let file: LibraryFile = serde_json::from_str(&text).map_err(|error| {
            let message = format!("{} is damaged", marker.display());
            Failure::new(Exit::Library, message)
                .because(error)
                .remedy("restore it from a backup: id, name and version in JSON")
        })?;
        if file.version > VERSION {
            let message = format!(
                "{} was made by a newer vss (layout {}, this one knows {VERSION})",
                root.display(),
                file.version
            );
            return Err(Failure::new(Exit::Library, message).remedy("update vss"));
        }
        Ok(Self { root, file })
    }

    pub(crate) fn sidecars_root(&self) -> PathBuf {
        self.root.join(SIDECARS)
    }

    pub(crate) fn sidecars_db(&self) -> PathBuf {
        self.root.join("sidecars.db")
    }

    pub(crate) fn catalog_db(&self) -> PathBuf {
        self.root.join("catalog.db")
    }

    /// Takes a lock, or says who is in the way.
    pub(crate) fn lock(&self, work: Work) -> Result<Lock, Failure> {
        self.take(work, File::try_lock)
    }

    /// Takes a lock together with others who share it.
    pub(crate) fn share(&self, work: Work) -> Result<Lock, Failure> {
        self.take(work, File::try_lock_shared)
    }

    fn take(
        &self,
        work: Work,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Lock, Failure> {
        let (name, doing) = match work {
            Work::Vault => ("run.lock", "running or reconciling"),
            Work::Index => ("index.lock", "indexing"),
            Work::Move => ("move.lock", "moving files"),
        };
        let path = self.root.join(name);
        let failed = |error: std::io::Error| {
            let message = format!("{} could not be locked", path.display());
            Failure::new(Exit::Library, message)
                .because(error)
                .remedy("is the library writable, and may you write it?")
        };
        let made = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        // A lock is had of a file that can only be read as well: whoever only looks needs no more,
        // and whoever would write hears of the database that it cannot be.
        let file = made
            .or_else(|error| match error.kind() {
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                    File::open(&path).map_err(|_| error)
                }
                _ => Err(error),
            })
            .map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is locked: another vss is {doing}", self.root.display());
                Err(Failure::new(Exit::Library, message)
                    .remedy("wait for it, or stop it with Ctrl-C or SIGTERM"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Whether this is what making a library leaves when it does not come to its end.
fn is_begun(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let vault_is_new = || !entry.path().join(layout::CONTENT_ROOT).exists();
    whole_file::is_staged(&name.to_string_lossy(), MARKER) || name == SIDECARS && vault_is_new()
}

/// The folder that is meant by a name without its ending, and with or without a slash behind it;
/// `None` where there is no name, as in `..`.
fn with_extension(place: &Path) -> Option<PathBuf> {
    let mut name = place.file_name()?.to_owned();
    if place.extension().is_some_and(|ending| ending == EXTENSION) {
        return Some(place.to_owned());
    }
    name.push(".");
    name.push(EXTENSION);
    Some(place.with_file_name(name))
}
