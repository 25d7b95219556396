//! What can go wrong on a disk, and what each of it means to a caller of the port.

use rustix::io::Errno;
use vss_ports::{PortError, PortErrorKind};

use crate::native;

/// A failed step. Cheap to copy, because one failure can be the answer to several publications.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The system refused a step.
    #[error("could not {doing}")]
    System {
        /// The step, as a lower-case fragment.
        doing: &'static str,
        /// What the system said.
        #[source]
        errno: Errno,
    },
    /// The vault refuses.
    #[error("{reason}")]
    Refused {
        /// What the caller may do.
        kind: PortErrorKind,
        /// Why, as a lower-case fragment.
        reason: String,
    },
}

/// What the steps in this crate answer.
pub(crate) type Step<T> = Result<T, Problem>;

impl Problem {
    /// A refusal.
    pub(crate) fn refused(kind: PortErrorKind, reason: impl Into<String>) -> Self {
        Self::Refused {
            kind,
            reason: reason.into(),
        }
    }

    /// Whether it says something of the place that was looked at, and nothing of this process or of
    /// the whole disk.
    pub(crate) fn is_of_the_place(&self) -> bool {
        let of_the_place = |errno: &Errno| {
            let bad = [Errno::ACCESS, Errno::PERM, Errno::IO, Errno::BADMSG];
            bad.contains(errno) || native::is_damage(*errno)
        };
        matches!(self, Self::System { errno, .. } if of_the_place(errno))
    }

    /// What went wrong and why, for a person to read.
    pub(crate) fn in_full(&self) -> String {
        match self {
            Self::System { errno, .. } => format!("{self} ({errno})"),
            Self::Refused { .. } => self.to_string(),
        }
    }

    /// The error of the port, for the operation that failed.
    pub(crate) fn during(self, operation: impl Into<String>) -> PortError {
        let kind = match &self {
            Self::System { errno, .. } => kind_of(*errno),
            Self::Refused { kind, .. } => *kind,
        };
        PortError::new(kind, operation, self)
    }
}

/// Names the step that a system call was for.
pub(crate) trait During<T> {
    fn during(self, doing: &'static str) -> Step<T>;
}

impl<T> During<T> for rustix::io::Result<T> {
    fn during(self, doing: &'static str) -> Step<T> {
        self.map_err(|errno| Problem::System { doing, errno })
    }
}

impl<T> During<T> for std::io::Result<T> {
    fn during(self, doing: &'static str) -> Step<T> {
        self.map_err(|error| Problem::System {
            doing,
            errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
        })
    }
}

/// What a caller may do about an error number.
fn kind_of(errno: Errno) -> PortErrorKind {
    match errno {
        Errno::NOSPC | Errno::DQUOT => PortErrorKind::Full,
        Errno::ROFS => PortErrorKind::ReadOnly,
        Errno::ACCESS
        | Errno::PERM
        | Errno::AGAIN
        | Errno::BUSY
        | Errno::INTR
        | Errno::MFILE
        | Errno::NFILE
        | Errno::NOLCK
        | Errno::NOMEM
        | Errno::STALE
        | Errno::TIMEDOUT => PortErrorKind::Unavailable,
        // A link or a file where a folder has to be: nothing that the vault made.
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => PortErrorKind::Corrupt,
        _ => PortErrorKind::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_one_are_told_apart() {
        let kind = |errno| {
            Problem::System {
                doing: "test",
                errno,
            }
            .during("test")
            .kind
        };
        assert_eq!(kind(Errno::NOSPC), PortErrorKind::Full);
        assert_eq!(kind(Errno::DQUOT), PortErrorKind::Full);
        assert_eq!(kind(Errno::ROFS), PortErrorKind::ReadOnly);
        assert_eq!(kind(Errno::ACCESS), PortErrorKind::Unavailable);
        assert_eq!(kind(Errno::LOOP), PortErrorKind::Corrupt);
        assert_eq!(kind(Errno::IO), PortErrorKind::Unexpected);
    }
}
