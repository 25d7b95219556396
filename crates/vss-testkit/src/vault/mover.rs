//! The port Mover between real files outside and the vault in memory.
#![expect(
    clippy::disallowed_methods,
    reason = "the originals are real files, as they are for the real mover"
)]

use std::fs::{File, FileTimes, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use vss_core::{Digest, Manifest, ManifestEntry, SidecarSource};
use vss_ports::{
    FileIdentity, Move, MoveError, Mover, OriginalPlace, PortError, PortErrorKind, PortResult,
};

use super::{MemoryVault, read_all};

#[async_trait]
impl Mover for MemoryVault {
    async fn take(&self, file: &Move) -> Result<(), MoveError> {
        let mut state = self.state();
        let at = (file.key.clone(), file.format.clone());
        let path = file.place.path();
        let here = identity(&path);
        match state.files.get(&at).map(|kept| Digest::of(&kept.bytes)) {
            Some(digest) if digest == file.digest => {}
            Some(_) => return Err(stays(PortErrorKind::Rejected, "its place is taken")),
            None => {
                if here != Some(file.identity) {
                    return Err(stays(PortErrorKind::Conflict, "it is another file"));
                }
                let bytes = read_all(&File::open(&path).unwrap());
                if Digest::of(&bytes) != file.digest {
                    return Err(stays(PortErrorKind::Conflict, "it has other bytes"));
                }
                state.put(at, bytes);
            }
        }
        let manifests = state.manifests.entry(file.key.content);
        let manifest = manifests.or_insert_with(|| Manifest::empty(file.key.content));
        manifest.set(entry(file));
        if here == Some(file.identity) {
            std::fs::remove_file(path).unwrap();
        }
        Ok(())
    }

    async fn give_back(&self, file: &Move) -> Result<(), MoveError> {
        let mut state = self.state();
        let at = (file.key.clone(), file.format.clone());
        let path = file.place.path();
        let here = identity(&path).map(|_| read_all(&File::open(&path).unwrap()));
        let is_back = here.is_some_and(|bytes| Digest::of(&bytes) == file.digest);
        match state.files.get(&at) {
            Some(_) if is_back => {}
            None if is_back => return Ok(()),
            Some(kept) => {
                if !is_plain(&path) {
                    return Err(stays(PortErrorKind::Rejected, "its folder is not there"));
                }
                let made = OpenOptions::new().write(true).create_new(true).open(&path);
                let Ok(mut made) = made else {
                    return Err(stays(PortErrorKind::Rejected, "its place is taken"));
                };
                made.write_all(&kept.bytes).unwrap();
                let age = Duration::from_nanos(file.identity.modified_ns.cast_unsigned());
                let time = SystemTime::UNIX_EPOCH + age;
                made.set_times(FileTimes::new().set_modified(time)).unwrap();
            }
            None => {
                let source = PortError::new(PortErrorKind::Corrupt, "move", "it is nowhere");
                return Err(MoveError {
                    source,
                    stays: false,
                });
            }
        }
        state.files.remove(&at);
        if let Some(manifest) = state.manifests.get_mut(&file.key.content) {
            manifest.remove(&file.key.kind, &file.key.variant);
        }
        Ok(())
    }

    async fn identity(&self, place: &OriginalPlace) -> PortResult<Option<FileIdentity>> {
        Ok(identity(&place.path()))
    }
}

fn stays(kind: PortErrorKind, cause: &str) -> MoveError {
    MoveError {
        source: PortError::new(kind, "move a file", cause),
        stays: true,
    }
}

/// Whether the folder of a path is there, and no link leads to it.
fn is_plain(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    folder.canonicalize().is_ok_and(|real| real == folder)
}

fn identity(path: &Path) -> Option<FileIdentity> {
    let stat = path.symlink_metadata().ok()?;
    (stat.is_file() && is_plain(path)).then(|| FileIdentity {
        device: stat.dev(),
        inode: stat.ino(),
        size: stat.len(),
        modified_ns: stat.mtime() * 1_000_000_000 + stat.mtime_nsec(),
    })
}

fn entry(file: &Move) -> ManifestEntry {
    ManifestEntry {
        kind: file.key.kind.clone(),
        variant: file.key.variant.clone(),
        format: file.format.clone(),
        size: file.identity.size,
        blake3: file.digest,
        source: SidecarSource::Converted,
        generator_version: None,
        created_at: file.created_at,
    }
}
