//! The one error of all ports. Its kind says what the caller may do about it; everything else is
//! for a person to read.

use std::error::Error;
use std::fmt;

/// What a caller may do about a [`PortError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum PortErrorKind {
    /// Somebody else got there first: look again.
    Conflict,
    /// What was read back is not what can have been written: repair or report it.
    Corrupt,
    /// The request itself is wrong: do not repeat it.
    Rejected,
    /// This adapter cannot do it.
    Unsupported,
    /// No space is left: wait until there is.
    Full,
    /// Nothing can be written: mend that first.
    ReadOnly,
    /// Busy, locked or unreachable for now: try again later.
    Unavailable,
    /// Anything else: report it.
    Unexpected,
}

/// A failed call of a port.
#[derive(Debug)]
pub struct PortError {
    /// What the caller may do.
    pub kind: PortErrorKind,
    /// What was being done, as a lower-case fragment: `"publish content/ab/.."`.
    pub operation: String,
    /// The cause.
    pub source: Box<dyn Error + Send + Sync>,
}

/// What a port answers.
pub type PortResult<T> = Result<T, PortError>;

impl PortError {
    /// An error with its cause, which may also be a text.
    pub fn new(
        kind: PortErrorKind,
        operation: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            operation: operation.into(),
            source: source.into(),
        }
    }

    /// What failed and each of its causes, in a line.
    #[must_use]
    pub fn in_full(&self) -> String {
        let mut words = self.to_string();
        let mut cause = Some(&*self.source as &dyn Error);
        while let Some(next) = cause {
            let said = next.to_string();
            // Some say their cause themselves.
            if !words.ends_with(&said) {
                words.push_str(": ");
                words.push_str(&said);
            }
            cause = next.source();
        }
        words
    }

    /// Whether the same call may succeed later without anything being changed by hand.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            PortErrorKind::Conflict | PortErrorKind::Unavailable | PortErrorKind::Full
        )
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.operation)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
