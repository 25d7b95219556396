//! Files that have no place yet: made, hashed, made durable.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use rustix::fs::AtFlags;
use rustix::io::Errno;
use vss_core::{Digest, DigestHasher};
use vss_ports::{PortErrorKind, Sealed, Staged};

use crate::folders::{Folders, named_file};
use crate::problem::{During, Problem, Step};
use crate::{native, tree};

/// Bytes that are hashed at a time: BLAKE3 costs three times as much with small buffers.
const BUFFER: usize = 256 * 1024;

/// A new empty file: nameless where the file system can, else with a name in the staging folder.
pub(crate) fn stage(folders: &Folders) -> Step<Staged> {
    if !folders.portable {
        let staging = folders.staging().during("open the staging folder")?;
        match native::nameless(staging.as_fd(), tree::FILE_MODE) {
            Ok(file) => return Ok(Staged { file, name: None }),
            // EISDIR is what a kernel says that does not know nameless files at all.
            Err(errno) if native::is_lacking(errno) || errno == Errno::ISDIR => {}
            Err(errno) => return Err(errno).during("make a staging file"),
        }
    }
    let (file, name) = named_file(folders)?;
    Ok(Staged {
        file,
        name: Some(name),
    })
}

/// Hashes a staged file from its beginning, wherever its writer's position is.
pub(crate) fn seal(folders: &Folders, staged: Staged) -> Step<Sealed> {
    match digest_of(&staged.file) {
        Ok((size, digest)) if size > 0 => Ok(Sealed {
            staged,
            size,
            digest,
        }),
        answer => {
            if let Some(name) = &staged.name {
                forget(folders, &staged.file, name)?;
            }
            answer?;
            let reason = "the file is empty, and an empty file is no sidecar";
            Err(Problem::refused(PortErrorKind::Rejected, reason))
        }
    }
}

/// The size and digest of an open file.
pub(crate) fn digest_of(file: &File) -> Step<(u64, Digest)> {
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0_u8; BUFFER];
    let mut size = 0_u64;
    loop {
        match file.read_at(&mut buffer, size) {
            Ok(0) => return Ok((size, hasher.finish())),
            Ok(read) => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                size += u64::try_from(read).unwrap_or(0);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).during("read a file to hash it"),
        }
    }
}

/// Makes the bytes of files durable.
pub(crate) fn settle(folders: &Folders, files: &[File]) -> Step<()> {
    if folders.syncer.at_once(files.len()) {
        return folders
            .syncer
            .everything(folders.tree.root())
            .during("sync the vault's file system");
    }
    for file in files {
        folders.syncer.data(file).during("sync a staged file")?;
    }
    Ok(())
}

/// Whether a name in the staging folder is that of an open file. The name comes with the file
/// from outside, so it is proved, not believed.
pub(crate) fn prove(folders: &Folders, file: &File, name: &str) -> Step<()> {
    let refuse = |reason| Err(Problem::refused(PortErrorKind::Rejected, reason));
    if name.contains('/') || name.starts_with('.') {
        return refuse("the staged file's name is none that the vault gave");
    }
    let own = rustix::fs::fstat(file.as_fd()).during("look at a staged file")?;
    let staging = folders.staging().during("open the staging folder")?;
    match rustix::fs::statat(staging, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) if (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino) => Ok(()),
        Ok(_) | Err(Errno::NOENT) => refuse("the staged file is not where it was staged"),
        Err(errno) => Err(errno).during("look at a staged file"),
    }
}

/// Takes a named staging file away again.
pub(crate) fn forget(folders: &Folders, file: &File, name: &str) -> Step<()> {
    prove(folders, file, name)?;
    let staging = folders.staging().during("open the staging folder")?;
    match rustix::fs::unlinkat(staging, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno).during("remove a staged file"),
    }
}
