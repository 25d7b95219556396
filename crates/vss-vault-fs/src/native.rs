//! The calls that not every Unix has. Where one is missing it answers `NOSYS`, and its caller does
//! the work in the portable way, as it does on a Linux file system that lacks the call.

use rustix::io::Errno;

/// Whether an error says that the kernel or this file system cannot do such a thing at all.
pub(crate) fn is_lacking(errno: Errno) -> bool {
    // The last two are one number on Linux, and two elsewhere.
    let lacking = [Errno::NOSYS, Errno::INVAL, Errno::OPNOTSUPP, Errno::NOTSUP];
    lacking.contains(&errno)
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{
    LOOK, SYNCS_FILE_SYSTEMS, is_damage, link_nameless, nameless, open_beneath, sync_data,
    sync_file_system, sync_names,
};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    LOOK, SYNCS_FILE_SYSTEMS, is_damage, link_nameless, nameless, open_beneath, sync_data,
    sync_file_system, sync_names,
};
pub(crate) use renames::{exchange, rename_new};

/// Linux and Apple's systems rename without overwriting, and swap two names.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod renames {
    use std::os::fd::BorrowedFd;

    use rustix::fs::RenameFlags;
    use rustix::io;
    use rustix::path::Arg;

    /// Renames to a name that nothing has.
    pub(crate) fn rename_new(
        from: BorrowedFd<'_>,
        old: impl Arg,
        to: BorrowedFd<'_>,
        new: impl Arg,
    ) -> io::Result<()> {
        rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE)
    }

    /// Swaps two names in one step.
    pub(crate) fn exchange(
        here: BorrowedFd<'_>,
        this: &str,
        there: BorrowedFd<'_>,
        that: &str,
    ) -> io::Result<()> {
        rustix::fs::renameat_with(here, this, there, that, RenameFlags::EXCHANGE)
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod renames {
    use std::os::fd::BorrowedFd;

    use rustix::io::{self, Errno};
    use rustix::path::Arg;

    pub(crate) fn rename_new(
        _: BorrowedFd<'_>,
        _: impl Arg,
        _: BorrowedFd<'_>,
        _: impl Arg,
    ) -> io::Result<()> {
        Err(Errno::NOSYS)
    }

    pub(crate) fn exchange(
        _: BorrowedFd<'_>,
        _: &str,
        _: BorrowedFd<'_>,
        _: &str,
    ) -> io::Result<()> {
        Err(Errno::NOSYS)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
    use rustix::io::{self, Errno};
    use rustix::path::Arg;

    /// How a descriptor is opened that is only looked at.
    pub(crate) const LOOK: OFlags = OFlags::PATH;

    /// Whether one call makes a whole file system durable.
    pub(crate) const SYNCS_FILE_SYSTEMS: bool = true;

    /// Times that a walk is tried again when a rename elsewhere kept the kernel from proving that
    /// it stayed below.
    const RACES: usize = 64;

    /// Opens what lies below a folder and is reached through no symbolic link.
    pub(crate) fn open_beneath(
        folder: BorrowedFd<'_>,
        path: &str,
        flags: OFlags,
    ) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..RACES {
            match rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    }

    /// A file without a name in the file system of a folder.
    pub(crate) fn nameless(folder: BorrowedFd<'_>, mode: Mode) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        rustix::fs::openat(folder, ".", flags, mode).map(File::from)
    }

    /// Gives a nameless file a name that nothing has.
    pub(crate) fn link_nameless(
        file: BorrowedFd<'_>,
        folder: BorrowedFd<'_>,
        name: impl Arg + Copy,
    ) -> io::Result<()> {
        let at_proc = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        match rustix::fs::linkat(CWD, at_proc, folder, name, AtFlags::SYMLINK_FOLLOW) {
            // Without /proc; needs CAP_DAC_READ_SEARCH before Linux 6.10. A file that once had a
            // name and lost it is refused here too.
            Err(Errno::NOENT) => rustix::fs::linkat(file, "", folder, name, AtFlags::EMPTY_PATH),
            answer => answer,
        }
    }

    /// Whether an error says that the file system is damaged at this place.
    pub(crate) fn is_damage(errno: Errno) -> bool {
        errno == Errno::UCLEAN
    }

    /// Makes the bytes of a file durable.
    pub(crate) fn sync_data(file: &File) -> io::Result<()> {
        rustix::fs::fdatasync(file)
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_names(folder: BorrowedFd<'_>) -> io::Result<()> {
        rustix::fs::fsync(folder)
    }

    /// Makes everything in the file system of a folder durable.
    pub(crate) fn sync_file_system(folder: BorrowedFd<'_>) -> io::Result<()> {
        rustix::fs::syncfs(folder)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::fs::File;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::fs::{Mode, OFlags};
    use rustix::io::{self, Errno};
    use rustix::path::Arg;

    pub(crate) const LOOK: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK);

    pub(crate) const SYNCS_FILE_SYSTEMS: bool = false;

    pub(crate) fn open_beneath(_: BorrowedFd<'_>, _: &str, _: OFlags) -> io::Result<OwnedFd> {
        Err(Errno::NOSYS)
    }

    pub(crate) fn nameless(_: BorrowedFd<'_>, _: Mode) -> io::Result<File> {
        Err(Errno::NOSYS)
    }

    pub(crate) fn link_nameless(
        _: BorrowedFd<'_>,
        _: BorrowedFd<'_>,
        _: impl Arg + Copy,
    ) -> io::Result<()> {
        Err(Errno::NOSYS)
    }

    pub(crate) fn is_damage(_: Errno) -> bool {
        false
    }

    pub(crate) fn sync_data(file: &File) -> io::Result<()> {
        sync(file.as_fd())
    }

    pub(crate) fn sync_names(folder: BorrowedFd<'_>) -> io::Result<()> {
        sync(folder)
    }

    /// Apple's fsync(2) leaves in the disk's cache what it was given; a call of fcntl(2) does not.
    #[cfg(target_vendor = "apple")]
    fn sync(fd: BorrowedFd<'_>) -> io::Result<()> {
        match rustix::fs::fcntl_fullfsync(fd) {
            // A network disk has no such cache.
            Err(errno) if errno == Errno::NOTTY || super::is_lacking(errno) => {
                rustix::fs::fsync(fd)
            }
            answer => answer,
        }
    }

    #[cfg(not(target_vendor = "apple"))]
    fn sync(fd: BorrowedFd<'_>) -> io::Result<()> {
        rustix::fs::fsync(fd)
    }

    pub(crate) fn sync_file_system(_: BorrowedFd<'_>) -> io::Result<()> {
        Err(Errno::NOSYS)
    }
}
