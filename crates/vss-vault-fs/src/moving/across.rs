//! A move between two volumes: a copy that is proved before it has a name, and then what it was
//! copied from goes.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use vss_core::DigestHasher;
use vss_ports::{Move, PortErrorKind};

use super::inside::Inside;
use super::outside::{self, Outside};
use super::{Moved, Whether, held_name, taken};
use crate::folders::Folders;
use crate::placing::{self, Unplaced};
use crate::problem::{During, Problem, Step};
use crate::{native, staging, tree};

/// Bytes that are copied at a time.
const BUFFER: usize = 512 * 1024;

/// Copies an original to its managed place and removes it.
pub(super) fn take(
    folders: &Folders,
    file: &Move,
    inside: Inside,
    outside: &Outside,
    original: &File,
) -> Moved {
    let copy = || -> Step<()> {
        let staged = staging::stage(folders)?;
        let unplaced = Unplaced {
            file: &staged.file,
            name: staged.name.as_deref(),
        };
        let placed = copied(folders, file, original, &staged.file)
            .and_then(|()| still(outside, file))
            .and_then(|()| inside.put(folders, unplaced));
        if let (Err(_), Some(name)) = (&placed, &staged.name) {
            // The first failure is the one to report; what stays is swept.
            let _ = staging::forget(folders, &staged.file, name);
        }
        placed
    };
    if let Err(problem) = copy() {
        inside.discard(folders);
        return Err(problem).it_stays();
    }
    // From here on there are two whole copies; if one cannot go, the other one does.
    let settled = inside
        .note(folders)
        .and_then(|()| outside.remove(folders, file));
    match settled {
        Ok(()) => Ok(()),
        Err(problem) => {
            inside.discard(folders);
            match outside.open_file() {
                Ok(Some((_, identity))) if identity == file.identity => {
                    inside.remove(folders).it_may_have_moved()?;
                    Err(problem).it_stays()
                }
                _ => Err(problem).it_may_have_moved(),
            }
        }
    }
}

/// Copies a sidecar back to where it was an original, and removes it.
pub(super) fn give_back(
    folders: &Folders,
    file: &Move,
    inside: &Inside,
    outside: &Outside,
    managed: &File,
) -> Moved {
    // Not the name of an original that is taken away, which somebody's file may have got.
    let name = format!(".vss-copy-{}", held_name(file));
    let target = target(folders, outside, &name).it_stays()?;
    let link = || match target.named {
        true => {
            let from = (outside.folder(), name.as_str());
            placing::rename_new(folders, from, (outside.folder(), outside.name()))
        }
        false => native::link_nameless(target.file.as_fd(), outside.folder(), outside.name()),
    };
    let made = copied(folders, file, managed, &target.file);
    let forget = || {
        if target.named {
            // What stays is a copy too many beside the place, and goes with the next try.
            let _ = rustix::fs::unlinkat(outside.folder(), name.as_str(), AtFlags::empty());
        }
    };
    if let Err(problem) = made {
        forget();
        return Err(problem).it_stays();
    }
    match link() {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            forget();
            return Err(taken(file));
        }
        Err(errno) => {
            forget();
            return Err(errno).during("link a file").it_stays();
        }
    }
    let durable = folders.syncer.folder(outside.folder());
    durable
        .during("sync the original's folder")
        .and_then(|()| inside.remove(folders))
        .it_may_have_moved()
}

/// A new file in the folder of an original.
struct Target {
    file: File,
    /// Whether it has a name; else it is nameless until it is whole.
    named: bool,
}

fn target(folders: &Folders, outside: &Outside, name: &str) -> Step<Target> {
    if !folders.portable {
        match native::nameless(outside.folder(), tree::FILE_MODE) {
            Ok(file) => return Ok(Target { file, named: false }),
            Err(errno) if native::is_lacking(errno) || errno == Errno::ISDIR => {}
            Err(errno) => return Err(errno).during("make a file beside the original's place"),
        }
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let make = || rustix::fs::openat(outside.folder(), name, flags, tree::FILE_MODE);
    let made = match make() {
        // An interrupted copy left it: nothing else gets such a name.
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(outside.folder(), name, AtFlags::empty()).and_then(|()| make())
        }
        answer => answer,
    };
    let made = made.during("make a file beside the original's place")?;
    Ok(Target {
        file: made.into(),
        named: true,
    })
}

/// Copies the bytes, what says who may read them, and their time; makes them durable, and reads
/// them back.
fn copied(folders: &Folders, file: &Move, from: &File, to: &File) -> Step<()> {
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0_u8; BUFFER];
    let mut at = 0_u64;
    loop {
        let read = match from.read_at(&mut buffer, at) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).during("read a file to copy it"),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        hasher.update(bytes);
        to.write_all_at(bytes, at).during("write a copy")?;
        at += u64::try_from(read).unwrap_or(0);
    }
    if (at, hasher.finish()) != (file.identity.size, file.digest) {
        let reason = "it changed since it was indexed: index again, then look again";
        return Err(Problem::refused(PortErrorKind::Conflict, reason));
    }
    let stat = rustix::fs::fstat(from).during("look at a file")?;
    // Not every file system keeps these, and none of them is worth the file.
    let _ = rustix::fs::fchmod(to, Mode::from_raw_mode(stat.st_mode & 0o777));
    rustix::fs::futimens(to, &times(file.identity.modified_ns)).during("set a copy's time")?;
    folders.syncer.data(to).during("sync a copy")?;
    if staging::digest_of(to)? != (file.identity.size, file.digest) {
        let reason = "the copy does not read back as it was written: check the disk";
        return Err(Problem::refused(PortErrorKind::Unexpected, reason));
    }
    Ok(())
}

fn times(modified_ns: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: modified_ns.div_euclid(1_000_000_000),
        tv_nsec: modified_ns.rem_euclid(1_000_000_000),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// Whether the original is still the file that was opened.
fn still(outside: &Outside, file: &Move) -> Step<()> {
    match outside::open_in(outside.folder(), outside.name())? {
        Some((_, identity)) if identity == file.identity => Ok(()),
        _ => {
            let reason = "it changed while it was copied: index again, then look again";
            Err(Problem::refused(PortErrorKind::Conflict, reason))
        }
    }
}
