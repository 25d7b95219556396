//! A host that is asked for memory once, however many decoders have a try at a file.

use std::sync::{Mutex, PoisonError};

use vss_ports::{GenerateFailure, JobHost, JobUsage};
use vss_raster::failure::{Outcome, out_of_memory};

/// The host of a job, of which the first request counts: what fits into it is granted to those that
/// come later, and nothing beyond.
pub(crate) struct Once<'a> {
    host: &'a dyn JobHost,
    asked: Mutex<Asked>,
}

#[derive(Clone, Debug)]
enum Asked {
    Nothing,
    Granted(u64),
    Refused(GenerateFailure),
}

impl<'a> Once<'a> {
    /// Of a host that was asked for nothing yet.
    pub(crate) const fn new(host: &'a dyn JobHost) -> Self {
        Self {
            host,
            asked: Mutex::new(Asked::Nothing),
        }
    }

    /// Whether there is memory to work with.
    pub(crate) fn has_granted(&self) -> bool {
        matches!(self.asked(), Asked::Granted(_))
    }

    /// Why the job ends, when the host refused.
    pub(crate) fn refusal(&self) -> Option<GenerateFailure> {
        match self.asked() {
            Asked::Refused(why) => Some(why),
            Asked::Nothing | Asked::Granted(_) => None,
        }
    }

    fn asked(&self) -> Asked {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

impl JobHost for Once<'_> {
    fn reserve(&self, bytes: u64) -> Outcome<()> {
        match self.asked() {
            Asked::Nothing => {
                let answer = self.host.reserve(bytes);
                let asked = match &answer {
                    Ok(()) => Asked::Granted(bytes),
                    Err(why) => Asked::Refused(why.clone()),
                };
                *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                answer
            }
            Asked::Granted(granted) if bytes <= granted => Ok(()),
            Asked::Granted(granted) => Err(out_of_memory(format!(
                "needs {bytes} bytes after the job was granted {granted}"
            ))),
            Asked::Refused(why) => Err(why),
        }
    }

    fn progressed(&self) {
        self.host.progressed();
    }

    fn used(&self, usage: JobUsage) {
        self.host.used(usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use vss_core::FailureClass;

    /// Has so many bytes, and counts what it is asked for.
    struct Bank(u64, AtomicU64);

    impl JobHost for Bank {
        fn reserve(&self, bytes: u64) -> Outcome<()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            (bytes <= self.0)
                .then_some(())
                .ok_or_else(|| out_of_memory("the bank is empty"))
        }

        fn progressed(&self) {}

        fn used(&self, _: JobUsage) {}
    }

    #[test]
    fn the_host_is_asked_once_and_no_more_is_taken_than_it_gave() {
        let bank = Bank(100, AtomicU64::new(0));
        let once = Once::new(&bank);
        assert!(!once.has_granted());
        once.reserve(90).unwrap();
        once.reserve(90).unwrap();
        let beyond = once.reserve(91).unwrap_err();
        assert_eq!(beyond.class, FailureClass::OutOfMemory);
        assert!(once.has_granted() && once.refusal().is_none());
        assert_eq!(bank.1.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_refusal_is_remembered() {
        let bank = Bank(100, AtomicU64::new(0));
        let once = Once::new(&bank);
        let refused = once.reserve(101).unwrap_err();
        assert_eq!(once.reserve(1), Err(refused.clone()));
        assert_eq!(once.refusal(), Some(refused));
        assert_eq!(bank.1.load(Ordering::Relaxed), 1);
    }
}
