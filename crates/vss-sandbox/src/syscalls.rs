//! The system calls that a worker may make. Everything else fails with EPERM.
//!
//! The lists were found by running the engines and removing what none of them misses. Not among
//! them: `fstat` (sizes come with the job), `read` (all reads are positional), `rt_sigaction`,
//! `nanosleep`, and whatever opens, starts, connects or looks anything up. `stat` in all its forms
//! stays out because Landlock does not restrict it.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Compare,
    SeccompCondition as Condition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::profile::Profile;

/// For every profile, whatever their arguments.
const ALL: [libc::c_long; 18] = [
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_exit_group,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_gettid,
    libc::SYS_getpid,
];

/// For engines that start threads.
const THREADS: [libc::c_long; 5] = [
    libc::SYS_exit,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
];

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

/// The filters of a profile, in the order in which they are applied. The kernel asks all of them,
/// and the strictest answer counts.
///
/// # Errors
/// A machine that the filters cannot be made for.
pub(crate) fn filters(profile: Profile) -> Result<Vec<BpfProgram>, String> {
    let mut filters = Vec::new();
    if profile == Profile::Av {
        // The C library takes this for an old kernel and calls `clone`, whose flags can be seen.
        // First, because the list after it does not have the call that applies a filter.
        let clone3 = Rules::from([(libc::SYS_clone3, Vec::new())]);
        let enosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        filters.push(program(clone3, SeccompAction::Allow, enosys)?);
    }
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    filters.push(program(allowed(profile)?, eperm, SeccompAction::Allow)?);
    Ok(filters)
}

/// What may be called with which arguments.
fn allowed(profile: Profile) -> Result<Rules, String> {
    let mut rules: Rules = ALL.map(|call| (call, Vec::new())).into();
    let not_executable = || {
        let bit = number(libc::PROT_EXEC);
        rule(2, Width::Dword, Compare::MaskedEq(bit), 0)
    };
    rules.insert(libc::SYS_mmap, not_executable()?);
    rules.insert(libc::SYS_mprotect, not_executable()?);
    let stderr = number(libc::STDERR_FILENO);
    rules.insert(libc::SYS_write, rule(0, Width::Dword, Compare::Eq, stderr)?);
    // What `abort` does.
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, rule(0, Width::Dword, Compare::Eq, own)?);
    if profile == Profile::Av {
        rules.extend(THREADS.map(|call| (call, Vec::new())));
        let thread = number(libc::CLONE_THREAD);
        let only_threads = rule(0, Width::Qword, Compare::MaskedEq(thread), thread)?;
        rules.insert(libc::SYS_clone, only_threads);
        let name = number(libc::PR_SET_NAME);
        rules.insert(libc::SYS_prctl, rule(0, Width::Dword, Compare::Eq, name)?);
    }
    // The filter below answers these; this one must not answer EPERM in its place.
    if profile == Profile::Av {
        rules.insert(libc::SYS_clone3, Vec::new());
    }
    Ok(rules)
}

fn rule(
    argument: u8,
    width: Width,
    compare: Compare,
    value: u64,
) -> Result<Vec<SeccompRule>, String> {
    let condition = Condition::new(argument, width, compare, value);
    let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
    Ok(vec![rule.map_err(|error| error.to_string())?])
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    let filter = SeccompFilter::new(rules, otherwise, matching, arch);
    filter
        .and_then(TryInto::try_into)
        .map_err(|error| error.to_string())
}

fn number(flag: i32) -> u64 {
    u64::from(flag.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stills_have_22_calls_and_video_29_beside_the_refused_one() {
        assert_eq!(allowed(Profile::Image).unwrap().len(), 22);
        assert_eq!(allowed(Profile::Ocr).unwrap().len(), 22);
        let mut av = allowed(Profile::Av).unwrap();
        assert!(av.remove(&libc::SYS_clone3).is_some());
        assert_eq!(av.len(), 29);
        assert_eq!(filters(Profile::Image).unwrap().len(), 1);
        assert_eq!(filters(Profile::Av).unwrap().len(), 2);
    }

    #[test]
    fn nothing_that_opens_starts_or_connects_is_on_a_list() {
        let never = [
            libc::SYS_openat,
            libc::SYS_statx,
            libc::SYS_newfstatat,
            libc::SYS_execve,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_prlimit64,
            libc::SYS_seccomp,
            libc::SYS_memfd_create,
            libc::SYS_io_uring_setup,
            libc::SYS_rt_sigaction,
        ];
        for profile in [Profile::Image, Profile::Ocr, Profile::Av] {
            let rules = allowed(profile).unwrap();
            assert!(never.iter().all(|call| !rules.contains_key(call)));
        }
    }
}
