//! What running jobs share: memory for decoded pixels, and the reading side of each volume.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vss_ports::CancelToken;

/// How often a job that waits for memory looks whether it was told to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Memory for decoded pixels, in bytes, granted in the order in which it was asked for, so that a
/// large picture is not overtaken for ever by small ones.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    total: u64,
    state: Mutex<Memory>,
    changed: Condvar,
}

#[derive(Debug)]
struct Memory {
    free: u64,
    next_ticket: u64,
    waiting: VecDeque<u64>,
}

/// Granted memory, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Grant {
    budget: Arc<MemoryBudget>,
    bytes: u64,
}

impl MemoryBudget {
    pub(crate) fn new(total: u64) -> Arc<Self> {
        Arc::new(Self {
            total,
            state: Mutex::new(Memory {
                free: total,
                next_ticket: 0,
                waiting: VecDeque::new(),
            }),
            changed: Condvar::new(),
        })
    }

    /// Waits for its turn and for room. More than there is in all is granted alone. `None` when it
    /// was told to stop waiting.
    pub(crate) fn take(self: &Arc<Self>, bytes: u64, stop: &CancelToken) -> Option<Grant> {
        let bytes = bytes.min(self.total);
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(ticket);
        loop {
            let granted = state.waiting.front() == Some(&ticket) && state.free >= bytes;
            if granted || stop.is_cancelled() {
                state.waiting.retain(|other| *other != ticket);
                if granted {
                    state.free -= bytes;
                }
                // Whoever is next may have room too.
                self.changed.notify_all();
                return granted.then(|| Grant {
                    budget: Arc::clone(self),
                    bytes,
                });
            }
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.lock().free += self.bytes;
        self.budget.changed.notify_all();
    }
}

/// A few readers a volume: a disk with a head answers one sequential reader faster than ten.
#[derive(Debug)]
pub(crate) struct VolumeLanes {
    lanes: usize,
    volumes: Mutex<BTreeMap<u64, Arc<Semaphore>>>,
}

impl VolumeLanes {
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            lanes: lanes.max(1),
            volumes: Mutex::default(),
        }
    }

    /// Waits for a lane of the volume that the file is on; it is free again when the answer is
    /// dropped.
    pub(crate) async fn enter(&self, file: &File) -> Option<OwnedSemaphorePermit> {
        let volume = volume_of(file);
        let lane = {
            let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
            let lanes = volumes.entry(volume);
            Arc::clone(lanes.or_insert_with(|| Arc::new(Semaphore::new(self.lanes))))
        };
        // Nobody closes it.
        lane.acquire_owned().await.ok()
    }
}

/// The number of the device; where files do not tell, all are on one.
#[cfg(unix)]
fn volume_of(file: &File) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map_or(0, |metadata| metadata.dev())
}

#[cfg(not(unix))]
fn volume_of(_: &File) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn memory_is_granted_while_there_is_room_and_given_back() {
        let budget = MemoryBudget::new(100);
        let go = CancelToken::new();
        let first = budget.take(60, &go).unwrap();
        let (told, heard) = mpsc::channel();
        let waiting = thread::spawn({
            let (budget, go) = (Arc::clone(&budget), go.clone());
            move || {
                told.send(()).unwrap();
                budget.take(60, &go).is_some()
            }
        });
        heard.recv().unwrap();
        assert_eq!(budget.lock().free, 40);
        drop(first);
        assert!(waiting.join().unwrap());
        assert_eq!(budget.lock().free, 100);
    }

    #[test]
    fn more_than_there_is_gets_all_of_it_alone() {
        let budget = MemoryBudget::new(100);
        let grant = budget.take(5_000, &CancelToken::new()).unwrap();
        assert_eq!(budget.lock().free, 0);
        drop(grant);
        assert_eq!(budget.lock().free, 100);
    }

    #[test]
    fn a_small_request_does_not_overtake_a_large_one() {
        let budget = MemoryBudget::new(100);
        let go = CancelToken::new();
        let held = budget.take(50, &go).unwrap();
        let ask = |bytes| {
            let (budget, go) = (Arc::clone(&budget), go.clone());
            thread::spawn(move || budget.take(bytes, &go))
        };
        let large = ask(80);
        while budget.lock().waiting.is_empty() {
            thread::yield_now();
        }
        let small = ask(10);
        while budget.lock().waiting.len() < 2 {
            thread::yield_now();
        }
        assert_eq!(budget.lock().free, 50, "the small one waits behind it");
        drop(held);
        let large = large.join().unwrap().unwrap();
        assert!(small.join().unwrap().is_some());
        drop(large);
        assert_eq!(budget.lock().free, 100);
    }

    #[test]
    fn who_is_told_to_stop_waits_no_longer_and_holds_nobody_up() {
        let budget = MemoryBudget::new(100);
        let (go, stop) = (CancelToken::new(), CancelToken::new());
        let held = budget.take(100, &go).unwrap();
        stop.cancel();
        assert!(budget.take(10, &stop).is_none());
        drop(held);
        assert!(budget.take(100, &go).is_some());
    }

    #[tokio::test]
    async fn a_volume_has_so_many_lanes_and_no_more() {
        let lanes = VolumeLanes::new(1);
        let file = tempfile::tempfile().unwrap();
        let first = lanes.enter(&file).await;
        let mut second = Box::pin(lanes.enter(&file));
        assert!(futures_poll_is_pending(&mut second));
        drop(first);
        assert!(second.await.is_some());
    }

    fn futures_poll_is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::Pin::new(future).poll(&mut context).is_pending()
    }
}
