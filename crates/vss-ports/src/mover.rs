//! Moves an original into the vault, and back: the only thing in the whole system that touches an
//! original, and only when a person asked for it.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use vss_core::{Digest, Format, SidecarKey, Timestamp};

use crate::PortResult;

/// Moves single files between the place of an original and that of a managed sidecar.
///
/// At every moment of a move the whole file is at one of the two places, or in a folder of the
/// vault that nothing sweeps. A move that was interrupted is finished by asking for it again.
///
/// # Contract
/// - After `take` the file is managed: located with its bytes, in the manifest as converted, and no longer at its old place.
/// - After `give_back` the file is at its old place with its bytes and its time, and no longer managed.
/// - What was moved already is moved again without doing anything.
/// - A file that is not the one that was seen is a conflict, and stays where it is.
/// - A place in the vault that has other bytes is left as it is, and so is the original.
/// - A place outside that has other bytes is left as it is, and the sidecar stays managed.
/// - A link, a folder or a special file in the place of the original is never followed nor moved.
/// - A copy in the vault of what is still at its place is kept, and the original goes.
/// - A move that fails leaves the file where it was, and says so by `stays`.
/// - Nothing is taken out of, or put into, a place that is reached through a link.
#[async_trait]
pub trait Mover: Send + Sync {
    /// Moves an original to its managed place.
    ///
    /// # Errors
    /// [`MoveError`]; asking again finishes what was interrupted.
    async fn take(&self, file: &Move) -> Result<(), MoveError>;

    /// Moves a managed sidecar back to where it was an original.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    async fn give_back(&self, file: &Move) -> Result<(), MoveError>;

    /// Which file is at a place now; `None` when there is no regular file, or only through a link.
    ///
    /// # Errors
    /// When the file system fails.
    async fn identity(&self, place: &OriginalPlace) -> PortResult<Option<FileIdentity>>;
}

/// Why a file was not moved.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct MoveError {
    /// What went wrong; `Conflict` when it is not the file that was seen, `Rejected` when its
    /// place is taken.
    #[source]
    pub source: crate::PortError,
    /// Whether the file is known to be where it was before the move, and nowhere else. When not,
    /// the move has to be asked for again.
    pub stays: bool,
}

/// A file that is to be moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// Which sidecar it is; the managed place follows from it.
    pub key: SidecarKey,
    /// Its format.
    pub format: Format,
    /// Where it is as an original.
    pub place: OriginalPlace,
    /// Which file that was.
    pub identity: FileIdentity,
    /// Its digest.
    pub digest: Digest,
    /// When the sidecar was recorded, for the manifest.
    pub created_at: Timestamp,
}

/// Which file something is, and that it was not written to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileIdentity {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_ns: i64,
}

/// A place of an original: a folder that somebody indexed, and names below it. It is walked name by
/// name, and never through a link.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OriginalPlace {
    location: PathBuf,
    below: Vec<OsString>,
}

/// Why a path is no place of an original.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not an absolute path below {}", path.display(), location.display())]
pub struct OriginalPlaceError {
    location: PathBuf,
    path: PathBuf,
}

impl OriginalPlace {
    /// The place of an absolute path without `.` and `..`, below an absolute folder.
    ///
    /// # Errors
    /// [`OriginalPlaceError`] when it is not.
    pub fn new(location: &Path, path: &Path) -> Result<Self, OriginalPlaceError> {
        let refuse = || OriginalPlaceError {
            location: location.into(),
            path: path.into(),
        };
        let plain = |path: &Path| {
            let mut parts = path.components();
            parts.next() == Some(Component::RootDir)
                && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        let below = path.strip_prefix(location).map_err(|_| refuse())?;
        let below: Vec<_> = below.iter().map(OsString::from).collect();
        if !plain(location) || !plain(path) || below.is_empty() {
            return Err(refuse());
        }
        Ok(Self {
            location: location.into(),
            below,
        })
    }

    /// The folder that was indexed.
    pub fn location(&self) -> &Path {
        &self.location
    }

    /// The names below it, the file's own last; at least one.
    pub fn below(&self) -> &[OsString] {
        &self.below
    }

    /// The whole path, to name it to a person or to look it up.
    pub fn path(&self) -> PathBuf {
        let mut path = self.location.clone();
        path.extend(&self.below);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_below_its_location_and_never_climbs() {
        let place =
            |location: &str, path: &str| OriginalPlace::new(Path::new(location), Path::new(path));
        let found = place("/a", "/a/b/c.mov").unwrap();
        assert_eq!(found.below(), ["b", "c.mov"]);
        assert_eq!(found.path(), Path::new("/a/b/c.mov"));
        assert_eq!(place("/", "/c.mov").unwrap().below(), ["c.mov"]);
        for (location, path) in [
            ("/a", "/b/c"),
            ("/a", "/a"),
            ("/a", "/a/../b"),
            ("/a/../b", "/a/../b/c"),
            ("a", "a/b"),
            ("", "b"),
            ("/a", "/ab/c"),
        ] {
            assert!(place(location, path).is_err(), "{location} {path}");
        }
    }
}
