//! How one file gets its name: never over another file that is not meant, never with a moment in
//! which a reader finds nothing, and so that it can be taken back until it is durable.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use rustix::path::Arg;
use vss_core::{ContentUuid, Digest};
use vss_ports::PortErrorKind;

use crate::folders::Folders;
use crate::problem::{During, Problem, Step};
use crate::{native, staging, tree};

/// Names that are tried before giving up on finding a free one.
const NAMES: u32 = 100_000;

/// Times that a place is looked at anew when another process is publishing to it as well.
const LOOKS: usize = 16;

/// A file that looks for a name.
#[derive(Clone, Copy)]
pub(crate) struct Unplaced<'a> {
    /// The file.
    pub(crate) file: &'a File,
    /// Its name in the staging folder, if it has one.
    pub(crate) name: Option<&'a str>,
}

/// What became of a placing, and what has to be done to take it back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// The same bytes were there; nothing was changed.
    AlreadyThere,
    /// The name was free.
    New,
    /// What was there may go; until the new file is durable it is kept in the staging folder.
    Replaced { old: String },
    /// What was there is kept in the quarantine folder.
    SetAside { old: String },
}

/// Where what was at a name is kept.
#[derive(Clone, Copy)]
pub(crate) enum Aside<'a> {
    /// In the staging folder, until it is removed.
    UntilDurable,
    /// In the quarantine folder, under a name that says what it was.
    ForGood(&'a QuarantineName<'a>),
}

/// How a file is called in quarantine: `{content}.{stem}.{n}.{extension}`, with the first free n.
/// 36 + 32 + 64 + 12 bytes, a number and dots: below the 255 of every file system.
pub(crate) struct QuarantineName<'a> {
    /// The content.
    pub(crate) content: ContentUuid,
    /// Kind and variant, `thumb.grid@1x`.
    pub(crate) stem: String,
    /// The format, so that people can open it.
    pub(crate) extension: &'a str,
}

impl Aside<'_> {
    fn folder(&self, folders: &Folders) -> rustix::io::Result<OwnedFd> {
        match self {
            Self::UntilDurable => folders.staging(),
            Self::ForGood(_) => folders.quarantine(),
        }
    }

    fn candidate(&self, folders: &Folders, n: u32) -> String {
        match self {
            Self::UntilDurable => folders.draw_name(),
            Self::ForGood(name) => {
                format!("{}.{}.{n}.{}", name.content, name.stem, name.extension)
            }
        }
    }

    /// Runs `take` with names until it finds one that nothing has.
    pub(crate) fn with_free_name(
        &self,
        folders: &Folders,
        take: impl Fn(&str) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<String> {
        for n in 0..NAMES {
            let name = self.candidate(folders, n);
            match take(&name) {
                Err(Errno::EXIST) => {}
                answer => return answer.map(|()| name),
            }
        }
        Err(Errno::EXIST)
    }
}

/// Gives a file its place. `same` is its size and digest, `replaces` the digest of what may be
/// replaced; anything else that is there is set aside.
pub(crate) fn place(
    folders: &Folders,
    file: Unplaced<'_>,
    (size, digest): (u64, Digest),
    replaces: Option<Digest>,
    (folder, name): (BorrowedFd<'_>, &str),
    stranger: &QuarantineName<'_>,
) -> Step<Placed> {
    for _ in 0..LOOKS {
        match put(folders, file, folder, name) {
            Err(Errno::EXIST) => {}
            answer => return answer.during("link a file").map(|()| Placed::New),
        }
        let there = match what_is(folder, name)? {
            Occupant::Nothing => continue,
            Occupant::Bytes(there, file) if there == (size, digest) => {
                // Whoever put it there may have died before it was durable.
                folders.syncer.data(&file).during("sync a file")?;
                return Ok(Placed::AlreadyThere);
            }
            Occupant::Bytes((_, there), _) => Some(there),
            Occupant::Stranger => None,
        };
        if there.is_some() && there == replaces {
            let old = put_over(folders, file, (folder, name), Aside::UntilDurable)?;
            return Ok(Placed::Replaced { old });
        }
        let old = put_over(folders, file, (folder, name), Aside::ForGood(stranger))?;
        tracing::warn!(
            content = %stranger.content, sidecar = stranger.stem, moved_to = old,
            "set aside a file that nobody vouches for"
        );
        return Ok(Placed::SetAside { old });
    }
    Err(Problem::refused(
        PortErrorKind::Conflict,
        "its place kept changing under the vault's hands",
    ))
}

/// Takes a placing back: what was there is there again and the new file is gone.
pub(crate) fn take_back(
    folders: &Folders,
    placed: &Placed,
    (folder, name): (BorrowedFd<'_>, &str),
) -> Step<()> {
    let (aside, old) = match placed {
        Placed::AlreadyThere => return Ok(()),
        Placed::New => {
            return rustix::fs::unlinkat(folder, name, AtFlags::empty())
                .during("take a published file back");
        }
        Placed::Replaced { old } => (folders.staging(), old),
        Placed::SetAside { old } => (folders.quarantine(), old),
    };
    let aside = aside.during("open one of the vault's own folders")?;
    let back = match rustix::fs::renameat(&aside, old.as_str(), folder, name) {
        // A folder was there, and no rename puts one over a file.
        Err(Errno::NOTDIR) => rustix::fs::unlinkat(folder, name, AtFlags::empty())
            .and_then(|()| rustix::fs::renameat(&aside, old.as_str(), folder, name)),
        answer => answer,
    };
    back.during("take a published file back")
}

/// Gives a file a name that nothing has.
pub(crate) fn put(
    folders: &Folders,
    file: Unplaced<'_>,
    folder: BorrowedFd<'_>,
    name: &str,
) -> rustix::io::Result<()> {
    match file.name {
        None => native::link_nameless(file.file.as_fd(), folder, name),
        Some(staged) => {
            let staging = folders.staging()?;
            rename_new(folders, (staging.as_fd(), staged), (folder, name))
        }
    }
}

/// Renames to a name that nothing has, with a link where the file system has no such rename.
pub(crate) fn rename_new(
    folders: &Folders,
    from: (BorrowedFd<'_>, impl Arg + Copy),
    to: (BorrowedFd<'_>, impl Arg + Copy),
) -> rustix::io::Result<()> {
    if let Some(answer) = renamed_at_once(folders, from, to) {
        return answer;
    }
    match rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
        Ok(()) => rustix::fs::unlinkat(from.0, from.1, AtFlags::empty()),
        // A folder cannot have two names, and no rename puts one over a file.
        Err(Errno::PERM | Errno::MLINK) if is_folder(from) => rename_if_free(from, to),
        Err(errno) => Err(errno),
    }
}

/// Renames what somebody else may write to at any moment to a name that nothing has and that only
/// the vault gives. Without the one call for it, that name is looked at first: a link and then an
/// unlink would delete what is saved at the old name in between.
pub(crate) fn rename_to_own(
    folders: &Folders,
    from: (BorrowedFd<'_>, impl Arg + Copy),
    to: (BorrowedFd<'_>, impl Arg + Copy),
) -> rustix::io::Result<()> {
    renamed_at_once(folders, from, to).unwrap_or_else(|| rename_if_free(from, to))
}

/// One call that overwrites nothing; `None` where there is none.
fn renamed_at_once(
    folders: &Folders,
    (from, old): (BorrowedFd<'_>, impl Arg + Copy),
    (to, new): (BorrowedFd<'_>, impl Arg + Copy),
) -> Option<rustix::io::Result<()>> {
    if folders.portable {
        return None;
    }
    match native::rename_new(from, old, to, new) {
        Err(errno) if native::is_lacking(errno) => None,
        answer => Some(answer),
    }
}

fn rename_if_free(
    (from, old): (BorrowedFd<'_>, impl Arg + Copy),
    (to, new): (BorrowedFd<'_>, impl Arg + Copy),
) -> rustix::io::Result<()> {
    match rustix::fs::statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rustix::fs::renameat(from, old, to, new),
        Ok(_) => Err(Errno::EXIST),
        Err(errno) => Err(errno),
    }
}

fn is_folder((folder, name): (BorrowedFd<'_>, impl Arg)) -> bool {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// Puts a file over whatever has the name, and answers where that is now. Readers find the one or
/// the other, never neither, except over a folder on a file system that cannot exchange names.
pub(crate) fn put_over(
    folders: &Folders,
    file: Unplaced<'_>,
    (folder, name): (BorrowedFd<'_>, &str),
    aside: Aside<'_>,
) -> Step<String> {
    let beside = aside.folder(folders);
    let beside = beside.during("open one of the vault's own folders")?;
    let beside = beside.as_fd();
    // The new file waits in the very place where the old one will be kept, so that one exchange
    // does both; a crash before it leaves a copy too many and loses nothing.
    let waiting = aside
        .with_free_name(folders, |free| put(folders, file, beside, free))
        .during("link a file")?;
    let swapped = swap(folders, &waiting, beside, (folder, name), aside);
    if swapped.is_err() {
        // The first failure is the one to report; what stays behind is only a copy too many.
        let _ = rustix::fs::unlinkat(beside, waiting.as_str(), AtFlags::empty());
    }
    swapped.during("exchange a file")
}

fn swap(
    folders: &Folders,
    waiting: &str,
    beside: BorrowedFd<'_>,
    (folder, name): (BorrowedFd<'_>, &str),
    aside: Aside<'_>,
) -> rustix::io::Result<String> {
    if !folders.portable {
        match native::exchange(beside, waiting, folder, name) {
            Err(errno) if native::is_lacking(errno) => {}
            answer => return answer.map(|()| waiting.to_owned()),
        }
    }
    let linked = aside.with_free_name(folders, |free| {
        rustix::fs::linkat(folder, name, beside, free, AtFlags::empty())
    });
    let old = match linked {
        // A folder cannot have two names.
        Err(Errno::PERM | Errno::MLINK) => aside.with_free_name(folders, |free| {
            rename_if_free((folder, name), (beside, free))
        })?,
        answer => answer?,
    };
    rustix::fs::renameat(beside, waiting, folder, name)?;
    Ok(old)
}

/// What has a name.
pub(crate) enum Occupant {
    Nothing,
    /// A regular file that can be read: its size and digest.
    Bytes((u64, Digest), File),
    /// Anything else.
    Stranger,
}

/// Looks at a name, and reads what has it.
pub(crate) fn what_is(folder: BorrowedFd<'_>, name: &str) -> Step<Occupant> {
    match tree::file_in(folder, name) {
        Ok(Some(file)) => Ok(match staging::digest_of(&file) {
            Ok(known) => Occupant::Bytes(known, file),
            // A file that cannot be read back vouches for nothing.
            Err(_) => Occupant::Stranger,
        }),
        Ok(None) => match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(Occupant::Nothing),
            answer => answer.during("look at a file").map(|_| Occupant::Stranger),
        },
        Err(Errno::ACCESS | Errno::PERM | Errno::IO | Errno::NODEV) => Ok(Occupant::Stranger),
        Err(errno) => Err(errno).during("open a file"),
    }
}
