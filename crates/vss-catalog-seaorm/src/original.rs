//! Reads one original from the disk: opened so that nothing but a regular file ever is, and
//! identified by the bytes of one moment.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use vss_core::companion::MediaFacts;
use vss_core::{ContentUuid, IdentityHasher, SAMPLED_ABOVE, sample_ranges};
use vss_ports::RefreshProblem;
use vss_probe::{Limits, Source, probe};

use crate::sniff::{Sniffed, sniff};

/// What tells without reading whether a file is still the one that was hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileStat {
    pub(crate) size: u64,
    /// Nanoseconds since the epoch, stopping at the ends of what 64 bits hold.
    pub(crate) mtime_ns: i64,
    /// The bits of `st_dev`.
    pub(crate) device: i64,
    /// The bits of `st_ino`.
    pub(crate) inode: i64,
}

impl FileStat {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            mtime_ns: metadata
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.mtime_nsec()),
            device: metadata.dev().cast_signed(),
            inode: metadata.ino().cast_signed(),
        }
    }

    /// Whether a file that was like this is still the same. The number of a device is left out: it
    /// may be another one after each mount.
    pub(crate) fn unchanged(&self, now: &Self) -> bool {
        (self.size, self.mtime_ns, self.inode) == (now.size, now.mtime_ns, now.inode)
    }
}

/// A regular file that the walk met.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) directory: Arc<Path>,
    pub(crate) name: OsString,
    pub(crate) stat: FileStat,
}

impl Found {
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

/// What a file was when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) stat: FileStat,
    pub(crate) content: ContentUuid,
    pub(crate) sniffed: Sniffed,
    pub(crate) facts: MediaFacts,
}

/// Why a file has no content.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It has no bytes.
    Empty,
    /// It is not, or no longer, a regular file.
    NotRegular,
    /// It changed while it was read, twice.
    Changing,
    /// The system refused.
    Io(io::Error),
}

impl Unread {
    /// As a line for a person, with what to do.
    pub(crate) fn problem(&self, path: PathBuf) -> RefreshProblem {
        let (class, detail) = match self {
            Self::Empty => (
                "empty",
                "the file has no bytes: restore it or remove it".into(),
            ),
            Self::NotRegular => (
                "vanished",
                "another thing took its place while it was looked at: index again".into(),
            ),
            Self::Changing => (
                "changing",
                "the file is being written: index again when that is done".into(),
            ),
            Self::Io(error) => io_problem(error),
        };
        RefreshProblem {
            path,
            class,
            detail,
        }
    }
}

/// The class of an I/O error, and a line for a person.
pub(crate) fn io_problem(error: &io::Error) -> (&'static str, String) {
    match error.kind() {
        io::ErrorKind::PermissionDenied => (
            "permission",
            format!("may not be read: give this user read permission ({error})"),
        ),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (
            "vanished",
            format!("gone while it was looked at: index again ({error})"),
        ),
        io::ErrorKind::InvalidFilename => (
            "io",
            format!("its path is too long to open: move it nearer to the root ({error})"),
        ),
        _ => (
            "io",
            format!("cannot be read: check the disk, its cable and its mount ({error})"),
        ),
    }
}

/// Opens a regular file for reading. Never waits for a FIFO, never wakes a device, never follows a
/// link that took the file's place; leaves the time of access alone where it may.
pub(crate) fn open_regular(path: &Path) -> Result<(File, FileStat), Unread> {
    // Opening a FIFO or a device can already do something, so their type is looked at before. What
    // takes the file's place in between is caught by the flags, and below.
    let listed = path.symlink_metadata().map_err(Unread::Io)?;
    if !listed.is_file() {
        return Err(Unread::NotRegular);
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(path, flags | QUIET, Mode::empty()) {
        // Only the owner may ask for that.
        Err(rustix::io::Errno::PERM) => rustix::fs::open(path, flags, Mode::empty()),
        opened => opened,
    };
    let file = match opened {
        Ok(descriptor) => File::from(descriptor),
        // A link, and a socket, cannot be opened like this.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Err(Unread::NotRegular),
        Err(error) => return Err(Unread::Io(error.into())),
    };
    let metadata = file.metadata().map_err(Unread::Io)?;
    if !metadata.is_file() {
        return Err(Unread::NotRegular);
    }
    Ok((file, FileStat::of(&metadata)))
}

#[cfg(target_os = "linux")]
const QUIET: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const QUIET: OFlags = OFlags::empty();

/// Opens and identifies a file. `buffer` is scratch space that a thread uses again and again.
pub(crate) fn read(path: &Path, buffer: &mut Vec<u8>) -> Result<Reading, Unread> {
    let (file, _) = open_regular(path)?;
    identify(&file, path, buffer, || {})
}

/// Identifies an open file by the bytes of one moment: its size and time must be the same before
/// and after. One that changed is tried once more. `meanwhile` runs after the reading, for tests.
fn identify(
    file: &File,
    path: &Path,
    buffer: &mut Vec<u8>,
    mut meanwhile: impl FnMut(),
) -> Result<Reading, Unread> {
    let look = || file.metadata().map(|seen| FileStat::of(&seen));
    let mut before = look().map_err(Unread::Io)?;
    for _ in 0..2 {
        if before.size == 0 {
            return Err(Unread::Empty);
        }
        let read = hash(file, path, before.size, buffer).map_err(Unread::Io)?;
        let facts = match &read {
            Some((_, sniffed)) => said(file, before.size, sniffed, buffer),
            None => MediaFacts::default(),
        };
        meanwhile();
        let after = look().map_err(Unread::Io)?;
        match read {
            Some((content, sniffed)) if before == after => {
                return Ok(Reading {
                    stat: after,
                    content,
                    sniffed,
                    facts,
                });
            }
            _ => before = after,
        }
    }
    Err(Unread::Changing)
}

/// The content and the type of the first `size` bytes; `None` when the file turned out shorter.
fn hash(
    file: &File,
    path: &Path,
    size: u64,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(ContentUuid, Sniffed)>> {
    let Some(mut hasher) = IdentityHasher::new(size) else {
        return Ok(None);
    };
    let mut sniffed = None;
    for range in sample_ranges(size) {
        // A range is at most the size up to which files are read whole.
        let length = usize::try_from((range.end - range.start).min(SAMPLED_ABOVE))
            .map_err(io::Error::other)?;
        buffer.resize(length, 0);
        match file.read_exact_at(buffer, range.start) {
            Ok(()) => hasher.update(buffer),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        // The first range begins with the first byte.
        sniffed.get_or_insert_with(|| sniff(buffer, path.file_name()));
    }
    Ok(hasher.finish().map(|identity| identity.uuid).zip(sniffed))
}

/// What the file says of itself. A small one was read whole, and still is in the buffer.
fn said(file: &File, size: u64, sniffed: &Sniffed, buffer: &[u8]) -> MediaFacts {
    let media_type = &sniffed.media_type;
    match size <= SAMPLED_ABOVE {
        true => probe(media_type, &mut &*buffer, Limits::default()),
        false => probe(media_type, &mut Opened { file, size }, Limits::default()),
    }
}

/// An open file as far as it was there when it was hashed.
struct Opened<'a> {
    file: &'a File,
    size: u64,
}

impl Source for Opened<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self.file, buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_file_is_identified_by_spacedrives_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let large: Vec<u8> = (0..1_048_576)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        for (bytes, uuid) in [
            (
                b"hello world".as_slice(),
                "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062",
            ),
            (large.as_slice(), "8d0a9117-265a-5f97-b006-0df664ed2592"),
        ] {
            let path = at(&folder, "file", bytes);
            let reading = read(&path, &mut Vec::new()).unwrap();
            assert_eq!(reading.content.to_string(), uuid);
            assert_eq!(reading.stat.size, bytes.len() as u64);
        }
    }

    #[test]
    fn a_file_that_changes_once_while_it_is_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = at(&folder, "file", b"before");
        let (file, _) = open_regular(&path).unwrap();
        let mut writes = 0;
        let reading = identify(&file, &path, &mut Vec::new(), || {
            writes += 1;
            if writes == 1 {
                std::fs::write(&path, b"hello world").unwrap();
            }
        })
        .unwrap();
        assert_eq!(
            reading.content.to_string(),
            "0b5bfc05-63f1-5c92-ab6e-2dca9d3df062"
        );
    }

    #[test]
    fn a_file_that_keeps_changing_is_said_to_be_changing() {
        let folder = tempfile::tempdir().unwrap();
        let path = at(&folder, "file", b"a");
        let (file, _) = open_regular(&path).unwrap();
        let mut length = 1;
        let outcome = identify(&file, &path, &mut Vec::new(), || {
            length += 1;
            std::fs::write(&path, vec![b'a'; length]).unwrap();
        });
        assert!(matches!(outcome, Err(Unread::Changing)), "{outcome:?}");
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_not_identified_by_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = at(&folder, "file", b"short");
        let (file, _) = open_regular(&path).unwrap();
        assert!(
            hash(&file, &path, 200_000, &mut Vec::new())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_link_is_not_followed_and_an_empty_file_has_no_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = at(&folder, "file", b"a");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(
            read(&link, &mut Vec::new()),
            Err(Unread::NotRegular)
        ));
        let empty = at(&folder, "empty", b"");
        assert!(matches!(read(&empty, &mut Vec::new()), Err(Unread::Empty)));
    }

    #[test]
    fn each_errno_has_the_class_scripts_look_for() {
        for (errno, class) in [
            (rustix::io::Errno::ACCESS, "permission"),
            (rustix::io::Errno::PERM, "permission"),
            (rustix::io::Errno::NOENT, "vanished"),
            (rustix::io::Errno::NOTDIR, "vanished"),
            (rustix::io::Errno::IO, "io"),
            (rustix::io::Errno::STALE, "io"),
            (rustix::io::Errno::NAMETOOLONG, "io"),
        ] {
            assert_eq!(io_problem(&errno.into()).0, class, "{errno}");
        }
    }
}
