//! Small files of the program's own: there and whole, or not there, also after a power cut.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};

/// Makes a file with some text, durable when it returns, and answers whether it is ours: another
/// process may have been first, and its file stays. The folder has to be there.
///
/// # Errors
/// When it cannot be written; then there is none.
pub(crate) fn make(place: &Path, text: &str) -> io::Result<bool> {
    let staged = staged(place);
    // Of a dead process with this number; never written over, because it may be the file itself.
    match fs::remove_file(&staged) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::create_new(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let is_ours = match fs::hard_link(&staged, place) {
        Ok(()) => {
            fs::remove_file(&staged)?;
            true
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(&staged)?;
            false
        }
        // A file system without links.
        Err(_) => {
            fs::rename(&staged, place)?;
            true
        }
    };
    place.parent().map_or(Ok(()), sync_folder)?;
    Ok(is_ours)
}

/// Writes a file that was not there, for somebody who named it: what is there may be an original.
///
/// # Errors
/// When something is there, or it cannot be written; then there is none.
pub(crate) fn write_new(out: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = File::create_new(out).map_err(|error| unwritten(out, error))?;
    file.write_all(bytes).map_err(|error| {
        // Half of it would be taken for all of it.
        let _gone = fs::remove_file(out);
        unwritten(out, error)
    })
}

/// Whether a name that somebody gave for a new file is free, to be asked before the work.
///
/// # Errors
/// When something is there.
pub(crate) fn is_free(out: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(out) {
        Ok(_) => Err(unwritten(out, ErrorKind::AlreadyExists.into())),
        Err(_) => Ok(()),
    }
}

fn unwritten(out: &Path, error: io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::AlreadyExists => "nothing is overwritten: name another file",
        _ => "name a file in a folder that is there and may be written to",
    };
    let message = format!("{} could not be written", out.display());
    Failure::new(Exit::Failure, message)
        .because(error)
        .remedy(remedy)
}

/// Whether a name is one that a file has until it is whole.
pub(crate) fn is_staged(name: &str, place: &str) -> bool {
    let process = name.strip_prefix(&format!(".{place}."));
    let process = process.and_then(|rest| rest.strip_suffix(".new"));
    process.is_some_and(|process| process.parse::<u32>().is_ok())
}

fn staged(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

/// Makes a folder and those above it that are not there; durable when it returns.
///
/// # Errors
/// When one of them cannot be made.
pub(crate) fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| *above != Path::new(""));
    if let Some(above) = above {
        make_folders(above)?;
    }
    match fs::create_dir(folder) {
        // Another process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        answer => answer?,
    }
    sync_folder(above.unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems have no such call; their names are durable at once.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_first_keeps_the_place_and_nothing_half_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new/device");
        make_folders(place.parent().unwrap()).unwrap();
        fs::write(staged(&place), "what a dead process left").unwrap();
        assert!(make(&place, "first\n").unwrap());
        // It died before the second name went.
        fs::hard_link(&place, staged(&place)).unwrap();
        assert!(!make(&place, "second\n").unwrap());
        assert_eq!(fs::read_to_string(&place).unwrap(), "first\n");
        let names = fs::read_dir(place.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1);
    }

    #[test]
    fn a_name_for_the_time_being_is_known_by_its_form() {
        let staged = staged(Path::new("a/library.json"));
        let name = staged.file_name().unwrap().to_str().unwrap();
        assert!(is_staged(name, "library.json"));
        for other in ["library.json", ".library.json.new", ".library.json.x.new"] {
            assert!(!is_staged(other, "library.json"), "{other}");
        }
    }
}
