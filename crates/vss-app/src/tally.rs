//! How far each kind is: beside the bar of all work, where several kinds are made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use vss_core::{Kind, Status};
use vss_ports::SidecarCounts;

/// Work done and to be done by kind.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<Kind, Share>);

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    done: u64,
    total: u64,
}

impl Tally {
    /// Of what is pending or running now.
    pub(crate) fn of(counts: &SidecarCounts) -> Self {
        let total = |rows: &BTreeMap<Status, u64>| {
            let of = |status| rows.get(&status).copied().unwrap_or_default();
            of(Status::Pending) + of(Status::Running)
        };
        let share = |(kind, rows): (&Kind, _)| {
            let total = total(rows);
            (total > 0).then(|| (kind.clone(), Share { done: 0, total }))
        };
        Self(counts.rows.iter().filter_map(share).collect())
    }

    /// All kinds together.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().map(|share| share.total).sum()
    }

    /// One more of a kind is done.
    pub(crate) fn add_one(&mut self, kind: &Kind) {
        self.0.entry(kind.clone()).or_default().done += 1;
    }

    /// `ocr 12/300, 2.0/s, 144 s left; thumb ..`: nothing where there is one kind, of which the bar
    /// says it all.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people needs no 53 bits"
    )]
    pub(crate) fn note(&self, elapsed: Duration) -> String {
        let mut note = String::new();
        if self.0.len() < 2 {
            return note;
        }
        for (kind, share) in &self.0 {
            let rate = share.done as f64 / elapsed.as_secs_f64().max(0.001);
            let left = share.total.saturating_sub(share.done);
            let separator = if note.is_empty() { "" } else { "; " };
            // Writing to a string cannot fail.
            let _ = write!(note, "{separator}{kind} {}/{}", share.done, share.total);
            if rate > 0.0 && left > 0 {
                let _ = write!(note, ", {rate:.1}/s, {:.0} s left", left as f64 / rate);
            }
        }
        note
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(kinds: &[(Kind, u64)]) -> SidecarCounts {
        let rows = kinds.iter().map(|(kind, pending)| {
            (
                kind.clone(),
                BTreeMap::from([(Status::Pending, *pending), (Status::Ready, 7)]),
            )
        });
        SidecarCounts {
            rows: rows.collect(),
            ..SidecarCounts::default()
        }
    }

    #[test]
    fn each_kind_has_its_own_rate_and_time_left() {
        let mut tally = Tally::of(&counts(&[(Kind::THUMB, 30), (Kind::OCR, 10)]));
        assert_eq!(tally.total(), 40);
        (0..20).for_each(|_| tally.add_one(&Kind::THUMB));
        let note = tally.note(Duration::from_secs(10));
        assert_eq!(note, "ocr 0/10; thumb 20/30, 2.0/s, 5 s left");
    }

    #[test]
    fn one_kind_needs_no_note() {
        let tally = Tally::of(&counts(&[(Kind::THUMB, 30), (Kind::OCR, 0)]));
        assert_eq!(tally.note(Duration::from_secs(1)), "");
    }
}
