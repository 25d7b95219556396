//! The states of a sidecar and the only table by which they change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The state of a sidecar row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Wanted, not made yet (or to be made anew; the old file is served meanwhile).
    Pending,
    /// Claimed by a worker under a lease.
    Running,
    /// The file is there and its digest is known.
    Ready,
    /// Cannot be made; tried again only when something changes.
    Failed,
    /// Set aside: it killed, starved or hung its worker too often.
    Quarantined,
    /// Was there and had to make room; made again when somebody asks for it.
    Evicted,
}

/// What can happen to a sidecar row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A worker takes it: attempt + 1, fence + 1, a lease.
    Claim,
    /// The worker's file is published, fence still valid.
    Commit,
    /// The worker failed and a later attempt may succeed.
    FailRetry,
    /// The worker failed and no attempt will succeed as things are.
    FailFinal,
    /// The worker was killed, starved or hung too often.
    FailQuarantine,
    /// The worker gives it back unmade, or its lease ran out, or its owner is dead.
    Release,
    /// The file is missing or corrupt, the generator is newer, or the user wants it anew.
    Invalidate,
    /// The user asks for another attempt.
    Retry,
    /// The version of its generator changed.
    GeneratorChanged,
    /// An original of a content whose originals were gone is there again.
    SourceReturned,
    /// A whole file was found in its place.
    Adopt,
    /// The user does not want it made.
    Cancel,
    /// The original that serves as the sidecar is not there any more.
    Lose,
    /// Its file makes room for others.
    Evict,
    /// Somebody asks for a sidecar that made room.
    Want,
}

/// An event that a state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sidecar that is {status} cannot take the event {event:?}")]
pub struct IllegalTransition {
    /// The state.
    pub status: Status,
    /// The event.
    pub event: Event,
}

/// Why a status was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a status")]
pub struct StatusError {
    /// What was given.
    pub text: String,
}

/// Every allowed change; what is not here is refused.
const TABLE: [(Status, Event, Status); 23] = [
    (Status::Pending, Event::Claim, Status::Running),
    (Status::Pending, Event::Adopt, Status::Ready),
    (Status::Pending, Event::Cancel, Status::Failed),
    // What waits out a back-off waits no longer.
    (Status::Pending, Event::Retry, Status::Pending),
    (Status::Running, Event::Commit, Status::Ready),
    (Status::Running, Event::FailRetry, Status::Pending),
    (Status::Running, Event::FailFinal, Status::Failed),
    (Status::Running, Event::FailQuarantine, Status::Quarantined),
    (Status::Running, Event::Release, Status::Pending),
    (Status::Running, Event::Cancel, Status::Failed),
    (Status::Ready, Event::Invalidate, Status::Pending),
    // Nobody can make a reference: it is ready again when its original is there again.
    (Status::Ready, Event::Lose, Status::Failed),
    (Status::Failed, Event::Retry, Status::Pending),
    (Status::Failed, Event::GeneratorChanged, Status::Pending),
    (Status::Failed, Event::SourceReturned, Status::Pending),
    (Status::Failed, Event::Adopt, Status::Ready),
    (Status::Quarantined, Event::Retry, Status::Pending),
    (
        Status::Quarantined,
        Event::GeneratorChanged,
        Status::Pending,
    ),
    (Status::Quarantined, Event::Adopt, Status::Ready),
    (Status::Ready, Event::Evict, Status::Evicted),
    (Status::Evicted, Event::Want, Status::Pending),
    (Status::Evicted, Event::Adopt, Status::Ready),
    // A reader that finds a different whole file than the row says takes the file's word.
    (Status::Ready, Event::Adopt, Status::Ready),
];

impl Status {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Ready,
        Self::Failed,
        Self::Quarantined,
        Self::Evicted,
    ];

    /// The spelling in rows, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::Evicted => "evicted",
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`] when this state does not allow the event.
    pub fn after(self, event: Event) -> Result<Self, IllegalTransition> {
        TABLE
            .iter()
            .find(|(from, on, _)| (*from, *on) == (self, event))
            .map(|row| row.2)
            .ok_or(IllegalTransition {
                status: self,
                event,
            })
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 15] = [
        Self::Claim,
        Self::Commit,
        Self::FailRetry,
        Self::FailFinal,
        Self::FailQuarantine,
        Self::Release,
        Self::Invalidate,
        Self::Retry,
        Self::GeneratorChanged,
        Self::SourceReturned,
        Self::Adopt,
        Self::Cancel,
        Self::Lose,
        Self::Evict,
        Self::Want,
    ];

    /// The states that allow this event: what a store's `WHERE status IN (..)` is made from.
    pub fn allowed_from(self) -> impl Iterator<Item = Status> {
        Status::ALL
            .into_iter()
            .filter(move |status| status.after(self).is_ok())
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| StatusError { text: text.into() })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole machine written out once more by hand: rows are states, columns are events in the
    /// order of [`Event::ALL`]; `.` is refused.
    const EXPECTED: [(Status, &str); 6] = [
        //                    Cl Co FR FF FQ Re In Rt GC SR Ad Ca Lo Ev Wa
        (
            Status::Pending,
            "    U  .  .  .  .  .  .  P  .  .  R  F  .  .  .",
        ),
        (
            Status::Running,
            "    .  R  P  F  Q  P  .  .  .  .  .  F  .  .  .",
        ),
        (
            Status::Ready,
            "      .  .  .  .  .  .  P  .  .  .  R  .  F  E  .",
        ),
        (
            Status::Failed,
            "     .  .  .  .  .  .  .  P  P  P  R  .  .  .  .",
        ),
        (
            Status::Quarantined,
            ".  .  .  .  .  .  .  P  P  .  R  .  .  .  .",
        ),
        (
            Status::Evicted,
            "    .  .  .  .  .  .  .  .  .  .  R  .  .  .  P",
        ),
    ];

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        let letter = |status| match status {
            Status::Pending => 'P',
            Status::Running => 'U',
            Status::Ready => 'R',
            Status::Failed => 'F',
            Status::Quarantined => 'Q',
            Status::Evicted => 'E',
        };
        for (status, row) in EXPECTED {
            let expected: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(expected.len(), Event::ALL.len());
            for (event, expected) in Event::ALL.into_iter().zip(expected) {
                let found = status.after(event).map_or('.', letter);
                assert_eq!(found.to_string(), expected, "{status} on {event:?}");
            }
        }
    }

    #[test]
    fn no_row_of_the_table_is_written_twice() {
        for (i, a) in TABLE.iter().enumerate() {
            assert!(
                TABLE.iter().skip(i + 1).all(|b| (a.0, a.1) != (b.0, b.1)),
                "{a:?}"
            );
        }
    }

    #[test]
    fn nothing_becomes_ready_but_by_a_file() {
        for status in Status::ALL {
            for event in Event::ALL {
                if status.after(event) == Ok(Status::Ready) {
                    assert!(matches!(event, Event::Commit | Event::Adopt));
                }
            }
        }
    }

    #[test]
    fn spellings_round_trip_and_nothing_unknown_is_defaulted() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("READY".parse::<Status>().is_err());
    }
}
