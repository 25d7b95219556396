//! Ways out of a worker. Each reaches for something that only somebody outside may have, and
//! harms nothing if it gets it.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::ptr::{null, null_mut};

/// A way out; gets the original of the job.
pub(crate) type Escape = fn(&File) -> Result<()>;

/// All of them by name.
pub(crate) const ALL: &[(&str, Escape)] = &[
    ("read_a_file", |_| open(c"/etc/passwd", libc::O_RDONLY)),
    ("write_a_file", |_| open(c"/dev/null", libc::O_WRONLY)),
    ("create_a_file", |_| {
        open(c"/tmp", libc::O_WRONLY | libc::O_TMPFILE)
    }),
    ("list_a_folder", |_| {
        open(c"/", libc::O_RDONLY | libc::O_DIRECTORY)
    }),
    ("look_at_a_file", |_| {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: a string that ends in 0, and room for the answer.
        done(unsafe { libc::stat(c"/etc/passwd".as_ptr(), stat.as_mut_ptr()) })
    }),
    ("ask_for_access", |_| {
        // SAFETY: a string that ends in 0.
        done(unsafe { libc::access(c"/etc/passwd".as_ptr(), libc::R_OK) })
    }),
    ("remove_a_file", |_| {
        // SAFETY: a string that ends in 0; no such file exists.
        done(unsafe { libc::unlink(c"/tmp/vss-there-is-no-such-file".as_ptr()) })
    }),
    ("write_the_original", |source| source.write_all_at(b"!", 0)),
    ("internet_socket", |_| socket(libc::AF_INET)),
    ("unix_socket", |_| socket(libc::AF_UNIX)),
    ("netlink_socket", |_| socket(libc::AF_NETLINK)),
    ("socket_pair", |_| {
        let mut ends = [0; 2];
        let (family, kind) = (libc::AF_UNIX, libc::SOCK_STREAM);
        // SAFETY: room for two numbers.
        done(unsafe { libc::socketpair(family, kind, 0, ends.as_mut_ptr()) })
    }),
    ("start_a_program", |_| {
        let path = c"/vss-there-is-no-such-program".as_ptr();
        let arguments = [path, null()];
        // SAFETY: lists that end in a null pointer; there is no such program.
        done(unsafe { libc::execve(path, arguments.as_ptr(), [null()].as_ptr()) })
    }),
    ("fork", |_| {
        // SAFETY: the child makes one system call and is gone.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child without running anything.
            unsafe { libc::_exit(0) };
        }
        done(child)
    }),
    ("start_a_thread", |_| {
        let thread = std::thread::Builder::new().spawn(|| {})?;
        thread.join().map_err(|_| Error::other("it panicked"))
    }),
    ("trace_the_parent", |_| {
        let nothing = null_mut::<libc::c_void>();
        // SAFETY: no address of ours is passed; the tracee is not stopped.
        let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, parent(), nothing, nothing) };
        call(traced)
    }),
    ("signal_the_parent", |_| {
        // SAFETY: signal 0 only asks whether one could be sent.
        done(unsafe { libc::kill(parent(), 0) })
    }),
    ("signal_a_thread_of_the_parent", |_| {
        // SAFETY: takes numbers; signal 0 only asks.
        call(unsafe { libc::syscall(libc::SYS_tgkill, parent(), parent(), 0) })
    }),
    ("memory_of_the_parent", |_| {
        let path = format!("/proc/{}/mem\0", parent());
        let path = CStr::from_bytes_with_nul(path.as_bytes()).map_err(Error::other)?;
        open(path, libc::O_RDONLY)
    }),
    ("read_from_the_parent", |_| {
        let mut buffer = [0_u8; 8];
        let local = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        let remote = libc::iovec {
            iov_base: null_mut(),
            iov_len: 8,
        };
        // SAFETY: the local half is a local; the remote half is not ours.
        call(unsafe {
            libc::process_vm_readv(parent(), &raw const local, 1, &raw const remote, 1, 0)
        } as i64)
    }),
    ("hold_the_parent", |_| {
        // SAFETY: takes numbers.
        call(unsafe { libc::syscall(libc::SYS_pidfd_open, parent(), 0) })
    }),
    ("executable_memory", |_| {
        let executable = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        map(executable).map(drop)
    }),
    ("memory_made_executable", |_| {
        let page = map(libc::PROT_READ | libc::PROT_WRITE)?;
        // SAFETY: the page was just made and nothing else uses it.
        done(unsafe { libc::mprotect(page, 4_096, libc::PROT_READ | libc::PROT_EXEC) })
    }),
    ("file_in_memory", |_| {
        // SAFETY: a string that ends in 0.
        done(unsafe { libc::memfd_create(c"vss".as_ptr(), 0) })
    }),
    ("io_uring", |_| {
        let mut parameters = [0_u8; 120];
        // SAFETY: the structure has 120 bytes.
        call(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
    }),
    ("new_namespace", |_| {
        // SAFETY: takes a number; the process ends soon.
        done(unsafe { libc::unshare(libc::CLONE_NEWUSER) })
    }),
    ("mount", |_| {
        let (none, path) = (c"none".as_ptr(), c"/vss-there-is-no-such-folder".as_ptr());
        // SAFETY: strings that end in 0; there is no such folder.
        done(unsafe { libc::mount(none, path, c"tmpfs".as_ptr(), 0, null()) })
    }),
    ("more_memory_for_itself", |_| {
        let limit = libc::rlimit {
            rlim_cur: 1 << 40,
            rlim_max: 1 << 40,
        };
        // SAFETY: the structure is a local.
        done(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) })
    }),
    ("outlive_the_parent", |_| {
        // SAFETY: takes numbers.
        done(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) })
    }),
    ("load_a_bpf_program", |_| {
        // SAFETY: an empty structure of no size is refused for its shape.
        call(unsafe { libc::syscall(libc::SYS_bpf, 5, null::<u8>(), 0) })
    }),
    ("another_user", |_| {
        // SAFETY: takes a number, the one that it has.
        done(unsafe { libc::setuid(libc::getuid()) })
    }),
];

/// One word, and why. Denied is what the lock answers; any other error came from behind it.
pub(crate) fn outcome(attempt: &Result<()>) -> String {
    let Err(error) = attempt else {
        return "escaped".into();
    };
    let by_the_lock = [libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EBADF];
    let denied = error
        .raw_os_error()
        .is_some_and(|code| by_the_lock.contains(&code));
    format!("{} {error}", if denied { "denied" } else { "escaped" })
}

/// What stands for the original outside of a worker.
pub(crate) fn scratch_file() -> Result<File> {
    // SAFETY: a string that ends in 0.
    let descriptor = unsafe { libc::memfd_create(c"original".as_ptr(), 0) };
    done(descriptor)?;
    // SAFETY: it was just made.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }.into())
}

fn parent() -> libc::pid_t {
    // SAFETY: takes nothing. The lock denies it; then it is process 1, which is nobody's to touch.
    unsafe { libc::getppid() }.max(1)
}

fn open(path: &CStr, flags: i32) -> Result<()> {
    // SAFETY: a string that ends in 0, and a mode for the flags that want one.
    done(unsafe { libc::open(path.as_ptr(), flags, 0o600) })
}

fn socket(family: i32) -> Result<()> {
    // SAFETY: takes numbers.
    done(unsafe { libc::socket(family, libc::SOCK_DGRAM, 0) })
}

fn map(protection: i32) -> Result<*mut libc::c_void> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new page, at no given address.
    let page = unsafe { libc::mmap(null_mut(), 4_096, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(Error::last_os_error());
    }
    Ok(page)
}

fn done(answer: i32) -> Result<()> {
    call(answer.into())
}

fn call(answer: i64) -> Result<()> {
    if answer == -1 {
        return Err(Error::last_os_error());
    }
    Ok(())
}
