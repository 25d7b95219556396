//! Reads what the checkout holds: the files that git tracks or would track, as text.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// One text file, by its path from the root with `/`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

/// Every file that is committed or waits to be; one that is no UTF-8 has an empty text.
pub(super) fn read(root: &Path) -> Result<Vec<File>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("tidy asks git which files count, and cannot start it")?;
    if !output.status.success() {
        bail!(
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let listing = String::from_utf8(output.stdout).context("a file name is no UTF-8")?;
    let mut paths: Vec<&str> = listing
        .split('\0')
        .filter(|path| !path.is_empty())
        .collect();
    paths.sort_unstable();
    let mut files = Vec::new();
    for path in paths {
        let whole = root.join(path);
        // Deleted but not yet committed so, or a link to a folder.
        if !whole.is_file() {
            continue;
        }
        let bytes = std::fs::read(&whole).with_context(|| format!("cannot read {path}"))?;
        files.push(File {
            path: path.to_owned(),
            text: String::from_utf8(bytes).unwrap_or_default(),
        });
    }
    Ok(files)
}

/// Whether `path` is a file, or a folder with a file in it.
pub(super) fn exists(files: &[File], path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty()
        || files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&folder))
}

/// The text of one file.
pub(super) fn text<'a>(files: &'a [File], path: &str) -> Option<&'a str> {
    files
        .iter()
        .find(|file| file.path == path)
        .map(|file| file.text.as_str())
}

/// The files directly inside `folder`, with the names they have there.
pub(super) fn inside<'a>(
    files: &'a [File],
    folder: &'a str,
) -> impl Iterator<Item = (&'a str, &'a File)> {
    files.iter().filter_map(move |file| {
        let name = file.path.strip_prefix(folder)?.strip_prefix('/')?;
        (!name.contains('/')).then_some((name, file))
    })
}

/// A tree for a test, from pairs of path and text.
#[cfg(test)]
pub(super) fn of(pairs: &[(&str, &str)]) -> Vec<File> {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    pairs.iter().map(file).collect()
}
