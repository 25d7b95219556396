//! What changed waits until it stands still. Pure: the time is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use vss_core::Timestamp;

/// How long changes wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settling {
    /// Nothing happened for this long.
    pub settle: Duration,
    /// What does not stop changing is looked at after this long all the same.
    pub at_most: Duration,
}

impl Default for Settling {
    /// A second, and ten at most.
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(1),
            at_most: Duration::from_secs(10),
        }
    }
}

/// Things that changed a moment ago.
#[derive(Debug)]
pub(crate) struct Debouncer<K> {
    settling: Settling,
    waiting: BTreeMap<K, Waiting>,
    /// Nothing stands still before this. It may turn out that nothing does even then.
    earliest: Option<Timestamp>,
    /// The latest time that was handed in.
    seen: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Since when it waits.
    since: Timestamp,
    /// When it has waited long enough, whatever happens.
    last_call: Timestamp,
    /// When it will stand still, if nothing happens.
    still: Timestamp,
}

impl Waiting {
    fn ready(&self) -> Timestamp {
        self.still.min(self.last_call)
    }

    /// Whether it waited long enough. A clock that was set back to before it began to wait no longer
    /// tells, and it does not wait until it is as late as that once more.
    fn is_over(&self, now: Timestamp) -> bool {
        now < self.since || self.ready() <= now
    }
}

impl<K: Ord + Clone> Debouncer<K> {
    pub(crate) fn new(settling: Settling) -> Self {
        Self {
            settling,
            waiting: BTreeMap::new(),
            earliest: None,
            seen: Timestamp::default(),
        }
    }

    /// Something changed. `longer` is added to both times: changes are told that much too late.
    pub(crate) fn note(&mut self, key: K, now: Timestamp, longer: Duration) {
        let Settling { settle, at_most } = self.settling;
        let still = now.plus(settle).plus(longer);
        let new = Waiting {
            since: now,
            last_call: now.plus(at_most.max(settle)).plus(longer),
            still,
        };
        let waiting = self.waiting.entry(key).or_insert(new);
        waiting.still = waiting.still.max(still);
        let ready = waiting.ready();
        self.earliest = Some(self.earliest.map_or(ready, |earliest| earliest.min(ready)));
        self.seen = self.seen.max(now);
    }

    /// When to ask again; `None` when nothing waits. What stands still a moment later, because the
    /// other half of it was told a moment later, is then ready as well.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        Some(self.earliest?.plus(self.settling.settle / 10))
    }

    /// Takes what stands still, in order; nothing before it is time.
    pub(crate) fn take(&mut self, now: Timestamp) -> Vec<K> {
        let was_set_back = now < self.seen;
        self.seen = now;
        if !was_set_back && self.wake_at().is_none_or(|at| now < at) {
            return Vec::new();
        }
        let ready = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.is_over(now));
        let ready: Vec<K> = ready.map(|(key, _)| key.clone()).collect();
        self.waiting.retain(|_, waiting| !waiting.is_over(now));
        self.earliest = self.waiting.values().map(Waiting::ready).min();
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn debouncer() -> Debouncer<&'static str> {
        Debouncer::new(Settling::default())
    }

    #[test]
    fn a_change_waits_until_nothing_happens_for_a_while() {
        let mut changes = debouncer();
        assert_eq!(changes.wake_at(), None);
        for now in [0, 400, 800] {
            changes.note("a", at(now), NONE);
        }
        assert_eq!(changes.take(at(1_700)), Vec::<&str>::new());
        // It was to be asked at 1,100 and is not ready then: now it is known when.
        assert_eq!(changes.take(at(1_100)), Vec::<&str>::new());
        assert_eq!(changes.wake_at(), Some(at(1_900)));
        assert_eq!(changes.take(at(1_900)), ["a"]);
        assert_eq!(changes.wake_at(), None);
        assert_eq!(changes.take(at(9_999)), Vec::<&str>::new());
    }

    #[test]
    fn both_ends_of_a_move_that_were_told_one_after_the_other_come_together() {
        let mut changes = debouncer();
        changes.note("from", at(0), NONE);
        changes.note("to", at(60), NONE);
        assert_eq!(changes.take(at(1_050)), Vec::<&str>::new());
        let at_last = changes.wake_at().unwrap();
        assert_eq!(changes.take(at_last), ["from", "to"]);
    }

    #[test]
    fn what_never_stands_still_is_taken_after_a_while_and_holds_nobody_up() {
        let mut changes = debouncer();
        changes.note("quiet", at(0), NONE);
        let mut taken = Vec::new();
        for now in (0..25_000).step_by(100) {
            changes.note("busy", at(now), NONE);
            taken.extend(changes.take(at(now)).into_iter().map(|key| (key, now)));
        }
        assert_eq!(
            taken,
            [("quiet", 1_100), ("busy", 10_100), ("busy", 20_300)]
        );
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_waiting() {
        let mut changes = debouncer();
        changes.note("before", at(3_600_000), NONE);
        changes.note("both", at(3_600_000), NONE);
        changes.note("both", at(0), NONE);
        changes.note("after", at(0), NONE);
        assert_eq!(changes.take(at(100)), ["before", "both"]);
        assert_eq!(changes.wake_at(), Some(at(1_100)));
        assert_eq!(changes.take(at(1_100)), ["after"]);
    }

    #[test]
    fn what_is_told_late_waits_longer() {
        let mut changes = debouncer();
        changes.note("remote", at(0), Duration::from_secs(60));
        changes.note("local", at(0), NONE);
        assert_eq!(changes.take(at(1_100)), ["local"]);
        // It is still being copied: the next look sees it grow.
        changes.note("remote", at(60_000), Duration::from_secs(60));
        assert_eq!(changes.take(at(61_500)), Vec::<&str>::new());
        assert_eq!(changes.take(changes.wake_at().unwrap()), ["remote"]);
    }
}
