//! Which sidecars make room for others when there are more than a person allows: a pure decision
//! over sums, so that no list of sidecars has to be held.

use std::collections::BTreeMap;

use crate::worth::cost;
use crate::{Kind, Timestamp};

/// How many bytes of managed sidecars there may be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quotas {
    /// Of all kinds together.
    pub total: Option<u64>,
    /// Of single kinds.
    pub kinds: BTreeMap<Kind, u64>,
}

/// Of a quota that is exceeded, so many per cent are left: the next few sidecars shall not exceed it
/// again at once, since looking for what can go reads every row.
const LEFT_PERCENT: u64 = 95;

/// So many ages are told apart. They begin with a millisecond, so that what somebody just asked for
/// is newer than all else, and get twice as long whenever there are more.
const MOST_AGES: usize = 1 << 15;

/// What there is of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Bytes of all of it.
    pub bytes: u64,
    /// Milliseconds that count as one age.
    step: i64,
    /// Bytes of what may go, by age.
    by_age: BTreeMap<i64, u64>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            bytes: 0,
            step: 1,
            by_age: BTreeMap::new(),
        }
    }
}

impl Held {
    /// Counts one sidecar; `made` is when its row last changed, `may_go` whether it can be made
    /// again and nobody wants it kept.
    pub fn count(&mut self, bytes: u64, made: Timestamp, may_go: bool) {
        self.bytes += bytes;
        if !may_go {
            return;
        }
        let age = made.as_millis().div_euclid(self.step);
        *self.by_age.entry(age).or_default() += bytes;
        while self.by_age.len() > MOST_AGES {
            self.step *= 2;
            let finer = std::mem::take(&mut self.by_age);
            for (age, bytes) in finer {
                *self.by_age.entry(age.div_euclid(2)).or_default() += bytes;
            }
        }
    }

    fn may_go(&self) -> u64 {
        self.by_age.values().sum()
    }

    /// Up to which age all goes to free this many bytes, and what then is missing.
    fn cut(&self, bytes: u64) -> Cut {
        let mut missing = bytes;
        let mut ages = self.by_age.iter();
        let last = ages.find(|(_, sum)| match missing.checked_sub(**sum) {
            Some(rest) if rest > 0 => {
                missing = rest;
                false
            }
            _ => true,
        });
        Cut {
            step: self.step,
            age: last.map_or(i64::MAX, |(age, _)| *age),
            missing,
        }
    }
}

/// How far the eviction of a kind goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cut {
    /// Milliseconds that count as one age.
    step: i64,
    /// All that is older than this goes.
    age: i64,
    /// Of this age, so many bytes.
    missing: u64,
}

/// What makes room.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Eviction {
    cuts: BTreeMap<Kind, Cut>,
    /// Bytes above the quotas of kinds that stay, because too little of the kind may go.
    pub short: BTreeMap<Kind, u64>,
    /// Bytes above the total quota that stay.
    pub short_in_all: u64,
}

impl Eviction {
    /// Whether nothing has to go, or nothing can.
    pub fn is_none(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Whether this sidecar goes, one of those that [may](Held::count). To be asked once of each.
    pub fn takes(&mut self, kind: &Kind, bytes: u64, made: Timestamp) -> bool {
        let Some(cut) = self.cuts.get_mut(kind) else {
            return false;
        };
        let age = made.as_millis().div_euclid(cut.step);
        match age.cmp(&cut.age) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal if cut.missing > 0 => {
                cut.missing = cut.missing.saturating_sub(bytes);
                true
            }
            _ => false,
        }
    }
}

impl Quotas {
    /// Whether anything is limited at all.
    pub fn is_none(&self) -> bool {
        self.total.is_none() && self.kinds.is_empty()
    }

    /// Whether these sums by kind exceed any quota.
    pub fn exceeded_by(&self, bytes: &BTreeMap<Kind, u64>) -> bool {
        let of = |kind| bytes.get(kind).copied().unwrap_or_default();
        self.total
            .is_some_and(|total| bytes.values().sum::<u64>() > total)
            || self.kinds.iter().any(|(kind, quota)| of(kind) > *quota)
    }

    /// What makes room: of each kind above its quota the oldest; then, for the total, of the kinds
    /// that cost least to make again a byte, the oldest.
    pub fn evict(&self, held: &BTreeMap<Kind, Held>) -> Eviction {
        let mut eviction = Eviction::default();
        let mut free: BTreeMap<&Kind, u64> = BTreeMap::new();
        for (kind, quota) in &self.kinds {
            let Some(of_kind) = held.get(kind).filter(|of_kind| of_kind.bytes > *quota) else {
                continue;
            };
            let wanted = of_kind.bytes - left_of(*quota);
            let freed = wanted.min(of_kind.may_go());
            free.insert(kind, freed);
            let above = (of_kind.bytes - freed).saturating_sub(*quota);
            if above > 0 {
                eviction.short.insert(kind.clone(), above);
            }
        }
        let all: u64 = held.values().map(|of_kind| of_kind.bytes).sum();
        let mut left = all - free.values().sum::<u64>();
        if let Some(total) = self.total.filter(|total| left > *total) {
            let mut kinds: Vec<_> = held.iter().collect();
            kinds.sort_by_key(|(kind, _)| cost(kind));
            for (kind, of_kind) in kinds {
                let freed = free.entry(kind).or_default();
                let more = left.saturating_sub(left_of(total));
                let more = more.min(of_kind.may_go() - *freed);
                *freed += more;
                left -= more;
            }
            eviction.short_in_all = left.saturating_sub(total);
        }
        for (kind, bytes) in free.into_iter().filter(|(_, bytes)| *bytes > 0) {
            if let Some(of_kind) = held.get(kind) {
                eviction.cuts.insert(kind.clone(), of_kind.cut(bytes));
            }
        }
        eviction
    }
}

fn left_of(quota: u64) -> u64 {
    quota / 100 * LEFT_PERCENT + quota % 100 * LEFT_PERCENT / 100
}
