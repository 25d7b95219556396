//! What a walk leaves out: by the names that other programs give to their own folders, and by the
//! patterns of a `.vssignore` file.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use vss_ports::RefreshProblem;

use crate::original::{Unread, io_problem, open_regular};

/// The file with patterns, in the syntax of `.gitignore`. It is no original itself.
pub(crate) const IGNORE_FILE: &str = ".vssignore";
/// Bytes of patterns that are read; a file that is longer is not one.
const IGNORE_FILE_LIMIT: u64 = 1 << 20;
/// A folder that holds this wants to be left out (Android's convention).
const NO_MEDIA: &str = ".nomedia";
/// What makes a folder with [`LIBRARY_SUFFIX`] a library, ours or somebody else's.
const LIBRARY_FILE: &str = "library.json";
const LIBRARY_SUFFIX: &[u8] = b".sdlibrary";
/// What Jellyfin makes from videos.
const TRICKPLAY_SUFFIX: &[u8] = b".trickplay";
const TRASH_PREFIX: &[u8] = b".Trash-";

/// Folders that other programs fill: thumbnails of Synology, bins of Synology and QNAP, what fsck
/// found, snapshots, and the marks and versions of Syncthing.
const FOREIGN_FOLDERS: &[&str] = &[
    "@eaDir",
    "#recycle",
    "lost+found",
    ".snapshots",
    ".stfolder",
    ".stversions",
];

pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

/// Whether what lies at a path decides what else in its folder is left out.
pub(crate) fn is_rule(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let marks_library = || path.parent().is_some_and(is_library_name);
    name == IGNORE_FILE || name == NO_MEDIA || (name == LIBRARY_FILE && marks_library())
}

/// Whether a folder is left out for its name, hidden ones aside.
pub(crate) fn is_foreign(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    FOREIGN_FOLDERS.iter().any(|foreign| name == *foreign)
        || bytes.starts_with(TRASH_PREFIX)
        || bytes.ends_with(TRICKPLAY_SUFFIX)
}

/// Whether a folder is left out for what lies in it: a request, or a library.
pub(crate) fn declines(folder: &Path) -> bool {
    let holds = |name: &str| folder.join(name).symlink_metadata().is_ok();
    holds(NO_MEDIA) || (is_library_name(folder) && holds(LIBRARY_FILE))
}

fn is_library_name(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().ends_with(LIBRARY_SUFFIX))
}

/// The patterns of a folder, with what is wrong with them. `None` where it has none.
///
/// # Errors
/// When there are patterns that cannot be read: what they hide must not be indexed then.
pub(crate) fn patterns(
    folder: &Path,
) -> Result<Option<(Gitignore, Vec<RefreshProblem>)>, RefreshProblem> {
    let path = folder.join(IGNORE_FILE);
    let refuse = |error: &io::Error| {
        let (class, detail) = io_problem(error);
        let detail = format!("the folder is left out until this file can be read: {detail}");
        RefreshProblem {
            path: path.clone(),
            class,
            detail,
        }
    };
    let file = match open_regular(&path) {
        Ok((file, _)) => file,
        // A folder or a FIFO of that name is not ours to read.
        Err(Unread::NotRegular) => return Ok(None),
        Err(Unread::Io(error)) if is_absence(&error) => return Ok(None),
        // Nothing in the folder may be looked at, not just this: the walk will say so.
        Err(Unread::Io(_)) if path.symlink_metadata().is_err() => return Ok(None),
        Err(Unread::Io(error)) => return Err(refuse(&error)),
        Err(Unread::Empty | Unread::Changing) => return Ok(None),
    };
    let mut text = Vec::new();
    file.take(IGNORE_FILE_LIMIT)
        .read_to_end(&mut text)
        .map_err(|error| refuse(&error))?;
    let mut builder = GitignoreBuilder::new(folder);
    let mut problems = Vec::new();
    let wrong = |detail: String| RefreshProblem {
        path: path.clone(),
        class: "rule",
        detail,
    };
    for (number, line) in (1_u32..).zip(text.split(|byte| *byte == b'\n')) {
        let added = match std::str::from_utf8(line) {
            Ok(line) => builder.add_line(None, line.trim_end_matches('\r')).err(),
            Err(_) => {
                problems.push(wrong(format!("line {number} is not UTF-8: rewrite it")));
                None
            }
        };
        if let Some(error) = added {
            problems.push(wrong(format!("line {number} is no pattern: {error}")));
        }
    }
    match builder.build() {
        Ok(rules) => Ok(Some((rules, problems))),
        Err(error) => Err(refuse(&io::Error::other(error))),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
