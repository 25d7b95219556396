//! Properties of making room: enough goes, no more than that, the cheapest and oldest first, and
//! nothing that may not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vss_core::eviction::{Eviction, Held, Quotas};
use vss_core::worth::cost;
use vss_core::{Kind, Timestamp};

#[derive(Clone, Debug)]
struct One {
    kind: Kind,
    bytes: u64,
    hour: i64,
    may_go: bool,
}

fn made(one: &One) -> Timestamp {
    Timestamp::from_millis(one.hour * 3_600_000 + 17)
}

fn one() -> impl Strategy<Value = One> {
    let kinds = [Kind::THUMB, Kind::PROXY, Kind::OCR, Kind::TRANSCRIPT];
    (
        prop::sample::select(kinds.to_vec()),
        1..5_000_u64,
        -3..40_i64,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(kind, bytes, hour, may_go)| One {
            kind,
            bytes,
            hour,
            may_go,
        })
}

fn quotas() -> impl Strategy<Value = Quotas> {
    let kinds = [Kind::THUMB, Kind::OCR, Kind::LIVE];
    let of_kinds =
        prop::collection::btree_map(prop::sample::select(kinds.to_vec()), 0..60_000_u64, 0..3);
    (prop::option::of(0..200_000_u64), of_kinds).prop_map(|(total, kinds)| Quotas { total, kinds })
}

fn sums(all: &[One]) -> BTreeMap<Kind, u64> {
    let mut sums = BTreeMap::new();
    for one in all {
        *sums.entry(one.kind.clone()).or_default() += one.bytes;
    }
    sums
}

fn held(all: &[One]) -> BTreeMap<Kind, Held> {
    let mut held: BTreeMap<Kind, Held> = BTreeMap::new();
    for one in all {
        let of_kind = held.entry(one.kind.clone()).or_default();
        of_kind.count(one.bytes, made(one), one.may_go);
    }
    held
}

/// Who goes and who stays.
fn parted(all: &[One], eviction: &mut Eviction) -> (Vec<One>, Vec<One>) {
    let goes = |one: &One| one.may_go && eviction.takes(&one.kind, one.bytes, made(one));
    all.iter().cloned().partition(goes)
}

proptest! {
    #[test]
    fn enough_goes_or_what_is_missing_is_told(all in prop::collection::vec(one(), 0..80), quotas in quotas()) {
        let mut eviction = quotas.evict(&held(&all));
        let (_, stays) = parted(&all, &mut eviction);
        let left = sums(&stays);
        for (kind, quota) in &quotas.kinds {
            let left = left.get(kind).copied().unwrap_or_default();
            let short = eviction.short.get(kind).copied().unwrap_or_default();
            prop_assert!(left <= quota + short, "{kind}: {left} left of {quota}, {short} short");
            // Told only where nothing of it could go any more.
            prop_assert!(short == 0 || stays.iter().all(|one| one.kind != *kind || !one.may_go));
        }
        if let Some(total) = quotas.total {
            prop_assert!(left.values().sum::<u64>() <= total + eviction.short_in_all);
            prop_assert!(eviction.short_in_all == 0 || stays.iter().all(|one| !one.may_go));
        }
    }

    #[test]
    fn nothing_goes_without_need(all in prop::collection::vec(one(), 0..80), quotas in quotas()) {
        let exceeded = quotas.exceeded_by(&sums(&all));
        let mut eviction = quotas.evict(&held(&all));
        let (goes, stays) = parted(&all, &mut eviction);
        prop_assert!(exceeded || goes.is_empty());
        // Less one, and it would be above the mark that it went down to.
        let left = sums(&stays);
        for kind in left.keys().chain(goes.iter().map(|one| &one.kind)) {
            let gone: Vec<_> = goes.iter().filter(|one| one.kind == *kind).collect();
            let Some(largest) = gone.iter().map(|one| one.bytes).max() else { continue };
            let of_kind = left.get(kind).copied().unwrap_or_default() + largest;
            let in_all = left.values().sum::<u64>() + goes.iter().map(|one| one.bytes).max().unwrap_or(0) * 4;
            let mark = |quota: u64| quota * 95 / 100;
            let by_kind = quotas.kinds.get(kind).is_some_and(|quota| of_kind >= mark(*quota));
            let by_total = quotas.total.is_some_and(|total| in_all >= mark(total));
            prop_assert!(by_kind || by_total, "{kind} went too far");
        }
    }

    #[test]
    fn the_oldest_of_a_kind_goes_first(all in prop::collection::vec(one(), 0..80), quotas in quotas()) {
        let mut eviction = quotas.evict(&held(&all));
        let (goes, stays) = parted(&all, &mut eviction);
        for gone in &goes {
            prop_assert!(gone.may_go);
            prop_assert!(stays.iter().all(|one| one.kind != gone.kind || !one.may_go || one.hour >= gone.hour));
        }
    }

    #[test]
    fn for_the_total_the_cheapest_kind_goes_first(all in prop::collection::vec(one(), 0..80), total in 0..200_000_u64) {
        let quotas = Quotas { total: Some(total), kinds: BTreeMap::new() };
        let mut eviction = quotas.evict(&held(&all));
        let (goes, stays) = parted(&all, &mut eviction);
        for gone in &goes {
            prop_assert!(stays.iter().all(|one| !one.may_go || cost(&one.kind) >= cost(&gone.kind)));
        }
    }
}

#[test]
fn down_to_a_little_below_the_quota_so_that_the_next_sidecar_does_not_exceed_it_again() {
    let all: Vec<_> = (0..100)
        .map(|hour| One {
            kind: Kind::THUMB,
            bytes: 10,
            hour,
            may_go: true,
        })
        .collect();
    let quotas = Quotas {
        total: None,
        kinds: BTreeMap::from([(Kind::THUMB, 800)]),
    };
    let mut eviction = quotas.evict(&held(&all));
    let (goes, stays) = parted(&all, &mut eviction);
    assert_eq!((goes.len(), stays.len()), (24, 76));
    assert!(quotas.evict(&held(&stays)).is_none());
}

#[test]
fn however_many_there_are_sums_stay_few_and_the_newest_stays() {
    // Each in a second of its own, over more than a day.
    let made = |n: i64| Timestamp::from_millis(n * 1_000);
    let mut held: BTreeMap<Kind, Held> = BTreeMap::new();
    for n in 0..100_000 {
        held.entry(Kind::THUMB)
            .or_default()
            .count(10, made(n), true);
    }
    let quotas = Quotas {
        total: Some(20),
        kinds: BTreeMap::new(),
    };
    let mut eviction = quotas.evict(&held);
    let stays: Vec<i64> = (0..100_000)
        .filter(|n| !eviction.takes(&Kind::THUMB, 10, made(*n)))
        .collect();
    assert_eq!(stays, [99_999]);
}
