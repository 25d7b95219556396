//! Writing to stdout: documents, lines and tables, and what people read numbers as.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::OnceLock;

use serde::Serialize;
use vss_core::Timestamp;

/// Prints one JSON document.
pub(crate) fn json(document: &impl Serialize) {
    match serde_json::to_string_pretty(document) {
        Ok(text) => line(&text),
        // Plain records of strings and numbers always have a JSON form.
        Err(error) => tracing::error!(%error, "a document could not be written as JSON"),
    }
}

/// Prints one JSON list, an entry at a time.
#[derive(Default)]
pub(crate) struct JsonList {
    has_begun: bool,
}

impl JsonList {
    pub(crate) fn push(&mut self, entry: &impl Serialize) {
        line(if self.has_begun { "," } else { "[" });
        self.has_begun = true;
        json(entry);
    }

    pub(crate) fn end(self) {
        line(if self.has_begun { "]" } else { "[]" });
    }
}

/// Prints a document on one line: one of several.
pub(crate) fn json_line(document: &impl Serialize) {
    match serde_json::to_string(document) {
        Ok(text) => line(&text),
        Err(error) => tracing::error!(%error, "a document could not be written as JSON"),
    }
}

/// The first error of stdout.
static UNWRITTEN: OnceLock<std::io::Error> = OnceLock::new();

/// Prints a line.
pub(crate) fn line(text: &str) {
    raw_line(text.as_bytes());
}

/// Prints a line that need not be text. A reader that went away (`vss ls .. | head`) wants no more, so
/// the program ends; what else goes wrong is told at its end.
fn raw_line(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes);
    let written = written.and_then(|()| stdout.write_all(b"\n"));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => drop(UNWRITTEN.set(error)),
    }
}

/// Prints a path as it is, whatever its bytes are.
pub(crate) fn path(path: &Path) {
    #[cfg(unix)]
    raw_line(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    #[cfg(not(unix))]
    line(&path.to_string_lossy());
}

/// What of the output could not be written.
pub(crate) fn unwritten() -> Option<String> {
    let flushed = std::io::stdout().lock().flush().err();
    let error = UNWRITTEN.get().map(ToString::to_string);
    error.or_else(|| flushed.map(|error| error.to_string()))
}

/// Prints columns, padded to the widest cell of each.
pub(crate) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            text.extend(std::iter::repeat_n(' ', padding));
        }
        line(text.trim_end());
    }
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A number with commas, as people read it.
pub(crate) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A point in time: RFC 3339, UTC.
pub(crate) fn time(at: Timestamp) -> Option<String> {
    use time::format_description::well_known::Rfc3339;
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    time.format(&Rfc3339).ok()
}
