//! How a command ends: the exit codes that scripts rely on, and errors that say what to do.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use vss_engine::{
    ConvertError, EmptyVault, EvictError, ExplainError, GcError, IndexError, LinkError, PathError,
    PresenceError, QueueError, ReconcileError, RegenError, RunError, ScrubError,
};
use vss_ports::{PortError, PortErrorKind};
use vss_store_seaorm::DatabaseFault;

use crate::cli::Global;
use crate::{databases, output};

/// The exit codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Done, or ready.
    Done,
    /// Something went wrong.
    Failure,
    /// The command line is wrong.
    Usage,
    /// On its way.
    Pending,
    /// The sidecar cannot be made.
    SidecarFailed,
    /// The library is not there, not one, too new or in use.
    Library,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::SidecarFailed => 4,
            Self::Library => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What could not be done, naming the file.
    pub(crate) message: String,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
    /// What to do next.
    pub(crate) remedy: Option<String>,
    /// What is the matter, without the words that differ each time.
    pub(crate) about: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            source: None,
            remedy: None,
            about: None,
        }
    }

    pub(crate) fn internal(what: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Failure, format!("could not {what}")).because(source)
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut causes = vec![self.message.clone()];
        let mut cause = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(source) = cause {
            causes.push(source.to_string());
            cause = source.source();
        }
        f.write_str(&in_words(causes))
    }
}

/// Says what went wrong on stderr, or as JSON on stdout when JSON was asked for.
#[expect(
    clippy::print_stderr,
    reason = "this is where the program says what went wrong"
)]
pub(crate) fn report(failure: &Failure, global: &Global) -> ExitCode {
    if global.json {
        output::json(&output::ErrorDocument {
            error: failure.to_string(),
            remedy: failure.remedy.clone(),
            exit_code: failure.exit.code(),
        });
    }
    eprintln!("error: {failure}");
    if let Some(remedy) = &failure.remedy {
        eprintln!("  what to do: {remedy}");
    }
    failure.exit.into()
}

/// The first port error among an error and its causes decides what to do; where it is about a
/// database, what is the matter with that.
fn from_engine(error: &(dyn Error + 'static)) -> Failure {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    let port = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<PortError>());
    let fault = port.and_then(|port| port.source.downcast_ref::<DatabaseFault>());
    let (exit, remedy) = match fault {
        Some(fault) => (databases::exit_of(fault), databases::remedy(fault)),
        None => of_kind(port.map(|port| port.kind)),
    };
    let mut failure = Failure::new(exit, in_words(causes.iter().map(ToString::to_string)));
    failure.remedy = remedy;
    match fault {
        Some(fault) => failure.about(databases::about(fault)),
        None => failure,
    }
}

fn of_kind(kind: Option<PortErrorKind>) -> (Exit, Option<String>) {
    let (exit, remedy) = match kind {
        Some(PortErrorKind::Rejected) => (Exit::Usage, None),
        Some(PortErrorKind::Full) => (
            Exit::Failure,
            Some("free space where the library is, then do it again"),
        ),
        Some(PortErrorKind::ReadOnly) => (
            Exit::Failure,
            Some("make the library's file system writable, after a look at why it is not"),
        ),
        Some(PortErrorKind::Corrupt) => (
            Exit::Failure,
            Some("`vss doctor` names the damaged part and what makes it again"),
        ),
        Some(PortErrorKind::Unavailable) => (
            Exit::Failure,
            Some("something else is using it, or the disk does not answer: try again"),
        ),
        _ => (Exit::Failure, None),
    };
    (exit, remedy.map(str::to_owned))
}

/// An error and its causes. Some say their cause themselves.
fn in_words(causes: impl IntoIterator<Item = String>) -> String {
    let mut words = String::new();
    for cause in causes {
        if words.is_empty() {
            words = cause;
        } else if !words.ends_with(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

macro_rules! failures {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                from_engine(&error)
            }
        })*
    };
}
failures!(
    ConvertError,
    ExplainError,
    IndexError,
    PresenceError,
    QueueError,
    RegenError,
    RunError,
    PortError
);

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Port(_) => from_engine(&error),
            _ => Self::new(Exit::Usage, error.to_string()),
        }
    }
}

impl From<EmptyVault> for Failure {
    fn from(empty: EmptyVault) -> Self {
        Self::new(Exit::Library, empty.to_string()).remedy(
            "mount the disk that it was on; if they were deleted on purpose: `vss regen --all`, \
             then `vss run`",
        )
    }
}

impl From<ReconcileError> for Failure {
    fn from(error: ReconcileError) -> Self {
        match error {
            ReconcileError::Empty(empty) => empty.into(),
            _ => from_engine(&error),
        }
    }
}

impl From<GcError> for Failure {
    fn from(error: GcError) -> Self {
        let remedy = match &error {
            GcError::Missing { .. } => {
                "mount it, then do this again; if it is gone for good, `--despite-missing` goes on, \
                 and what was in it is kept"
            }
            GcError::NotShown => "look first: `vss gc`",
            GcError::Empty(empty) => return (*empty).into(),
            _ => return from_engine(&error),
        };
        Self::new(Exit::Failure, format!("nothing was deleted: {error}")).remedy(remedy)
    }
}

impl From<EvictError> for Failure {
    fn from(error: EvictError) -> Self {
        match error {
            EvictError::Empty(empty) => empty.into(),
            _ => from_engine(&error),
        }
    }
}

impl From<ScrubError> for Failure {
    fn from(error: ScrubError) -> Self {
        match error {
            ScrubError::Empty(empty) => empty.into(),
            ScrubError::Failing => Self::new(Exit::Failure, error.to_string())
                .remedy("save what is on it, look at the disk, then scrub again"),
            _ => from_engine(&error),
        }
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        match error {
            PathError::UnknownContent(_) | PathError::Plan(_) => {
                Self::new(Exit::Usage, error.to_string())
            }
            _ => from_engine(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_once_and_the_remedy_follows_the_kind() {
        let port = PortError::new(PortErrorKind::Full, "publish", "no space left");
        let failure = Failure::from(RunError::Commit(port));
        assert_eq!(
            failure.to_string(),
            "finished sidecars could not be recorded: could not publish: no space left"
        );
        assert!(
            failure
                .remedy
                .is_some_and(|remedy| remedy.starts_with("free space"))
        );
    }
}
