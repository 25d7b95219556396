//! A notice: what the system says of a watched folder.

use std::ffi::OsString;

/// What the system said.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// By which number the folder is watched.
    pub(crate) folder: i32,
    pub(crate) what: What,
    /// Whether it is about a folder in the watched one.
    pub(crate) is_folder: bool,
    /// The same for both ends of a move.
    pub(crate) cookie: u32,
    /// What in the folder it is about; the folder itself when `None`.
    pub(crate) name: Option<OsString>,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Created,
    Changed,
    Deleted,
    MovedFrom,
    MovedTo,
    /// The folder itself is not where it was.
    Left,
    /// The folder is not watched any more.
    Ended,
    /// The same, because its disk is not mounted any more.
    Unmounted,
    /// Notices were lost.
    Overflow,
}
