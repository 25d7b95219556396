//! Systems whose notices are not listened to yet: nothing can be watched, and everything is swept.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

pub(crate) use crate::notice::{Notice, What};

/// No notices.
pub(crate) struct Notices;

/// What became of the wish to watch a folder.
pub(crate) enum Asked {
    Watched(i32),
    Full,
    Gone,
    Refused,
}

impl Notices {
    pub(crate) fn begin() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn readable(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    pub(crate) fn watch(&self, _: &Path) -> Asked {
        Asked::Refused
    }

    pub(crate) fn leave(&self, _: i32) {}

    pub(crate) fn drain(&self, _: &mut VecDeque<Notice>) {}
}
