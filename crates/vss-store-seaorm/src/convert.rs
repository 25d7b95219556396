//! How values of the domain are spelled in rows. Nothing else in this crate knows a code.

#[cfg(unix)]
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::Value;
use serde::Serialize;
use vss_core::{ContentUuid, Digest, Event, FailureClassError, Kind, Priority, Status};
use vss_ports::{AttemptOutcome, PortError, PortErrorKind, PortResult};

/// The code of a status. The views and CHECKs of the migrations spell the same.
pub(crate) const fn status_code(status: Status) -> i64 {
    match status {
        Status::Pending => 0,
        Status::Running => 1,
        Status::Ready => 2,
        Status::Failed => 3,
        Status::Quarantined => 4,
        Status::Evicted => 5,
    }
}

/// The status of a code; `None` for a code no status has.
pub(crate) fn status_of(code: i64) -> Option<Status> {
    Status::ALL.into_iter().find(|s| status_code(*s) == code)
}

/// The code of a priority.
pub(crate) fn priority_code(priority: Priority) -> i64 {
    i64::from(priority.rank())
}

/// The priority of a code; `None` for a code no priority has.
pub(crate) fn priority_of(code: i64) -> Option<Priority> {
    u8::try_from(code).ok().and_then(Priority::from_rank)
}

/// The one state that an event leads to and the states that allow it.
///
/// # Errors
/// `Unexpected` when the event leads to none or to several: then no single statement can do it.
pub(crate) fn transition(event: Event) -> PortResult<(Vec<Status>, Status)> {
    let from: Vec<Status> = event.allowed_from().collect();
    let mut to: Vec<Status> = from.iter().filter_map(|s| s.after(event).ok()).collect();
    to.dedup();
    match to[..] {
        [one] => Ok((from, one)),
        _ => Err(PortError::new(
            PortErrorKind::Unexpected,
            "read the table of transitions",
            format!("{event:?} leads to {to:?}"),
        )),
    }
}

/// `0, 3, 4`: the codes for an `IN (..)`.
pub(crate) fn codes(statuses: &[Status]) -> String {
    let codes: Vec<String> = statuses
        .iter()
        .map(|status| status_code(*status).to_string())
        .collect();
    codes.join(", ")
}

/// A size as a row holds it.
///
/// # Errors
/// `Rejected` above 2^63 - 1.
pub(crate) fn size_value(size: u64) -> PortResult<i64> {
    i64::try_from(size)
        .map_err(|error| PortError::new(PortErrorKind::Rejected, "record a size", error))
}

/// Upper-case hex, as `unhex` reads it back.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// A JSON array of contents in hex: one bind for any number of them.
pub(crate) fn contents_json<'a>(contents: impl IntoIterator<Item = &'a ContentUuid>) -> Value {
    let mut json = String::from("[");
    for content in contents {
        json.push_str(if json.len() == 1 { "\"" } else { ",\"" });
        json.push_str(&hex(content.as_bytes()));
        json.push('"');
    }
    json.push(']');
    json.into()
}

/// A duration in whole milliseconds.
pub(crate) fn millis_value(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

const RELEASED: &str = "released";

/// The outcome of an attempt as a row holds it.
pub(crate) fn outcome_text(outcome: AttemptOutcome) -> Option<&'static str> {
    match outcome {
        AttemptOutcome::Ready => None,
        AttemptOutcome::Failed(class) => Some(class.as_str()),
        AttemptOutcome::Released => Some(RELEASED),
    }
}

/// The outcome that a row holds.
///
/// # Errors
/// When the text is no outcome.
pub(crate) fn outcome_of(text: Option<&str>) -> Result<AttemptOutcome, FailureClassError> {
    Ok(match text {
        None => AttemptOutcome::Ready,
        Some(RELEASED) => AttemptOutcome::Released,
        Some(class) => AttemptOutcome::Failed(class.parse()?),
    })
}

/// A JSON array of kinds.
pub(crate) fn kinds_json(kinds: &[Kind]) -> Value {
    let kinds: Vec<&str> = kinds.iter().map(Kind::as_str).collect();
    serde_json::Value::from(kinds).to_string().into()
}

/// A value of the domain that is kept as JSON.
///
/// # Errors
/// `Unexpected` when it cannot be written so.
pub(crate) fn as_json(value: &impl Serialize) -> PortResult<String> {
    serde_json::to_string(value)
        .map_err(|error| PortError::new(PortErrorKind::Unexpected, "write a value as JSON", error))
}

/// A path as the bytes of a row: those that the file system uses.
pub(crate) fn path_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    return path.to_string_lossy().into_owned().into_bytes();
}

/// The path that a row holds; `None` for bytes that no path has.
pub(crate) fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    #[cfg(unix)]
    return Some(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into());
    #[cfg(not(unix))]
    return String::from_utf8(bytes).ok().map(PathBuf::from);
}

/// A digest as JSON carries it.
pub(crate) fn digest_hex(digest: &Digest) -> String {
    hex(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_unknown_ones_are_refused() {
        for status in Status::ALL {
            assert_eq!(status_of(status_code(status)), Some(status));
        }
        for priority in Priority::ALL {
            assert_eq!(priority_of(priority_code(priority)), Some(priority));
        }
        assert_eq!(status_of(6), None);
        assert_eq!(status_of(-1), None);
        assert_eq!(priority_of(256), None);
        assert_eq!(hex(&[0, 0xab, 0x7f]), "00AB7F");
    }

    #[test]
    fn what_one_statement_does_leads_to_one_state() {
        for event in [
            Event::Claim,
            Event::Release,
            Event::Retry,
            Event::Invalidate,
            Event::GeneratorChanged,
            Event::SourceReturned,
            Event::Cancel,
        ] {
            assert!(transition(event).is_ok(), "{event:?}");
        }
    }
}
