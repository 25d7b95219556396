//! How soon pending work should be done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Classes of work, the most urgent first. Rows hold [`Priority::rank`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody waits for exactly this.
    Interactive,
    /// On somebody's screen.
    Visible,
    /// A content that was just found.
    New,
    /// Was there once, or should have been.
    Missing,
    /// There, but to be made anew.
    Regenerate,
}

/// Why a priority was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a priority")]
pub struct PriorityError {
    /// What was given.
    pub text: String,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Interactive,
        Self::Visible,
        Self::New,
        Self::Missing,
        Self::Regenerate,
    ];

    /// The spelling in logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Visible => "visible",
            Self::New => "new",
            Self::Missing => "missing",
            Self::Regenerate => "regenerate",
        }
    }

    /// 0 for the most urgent, as rows hold it.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Interactive => 0,
            Self::Visible => 1,
            Self::New => 2,
            Self::Missing => 3,
            Self::Regenerate => 4,
        }
    }

    /// Whether somebody is waiting for it now.
    pub const fn is_awaited(self) -> bool {
        matches!(self, Self::Interactive | Self::Visible)
    }

    /// The priority of a rank; `None` for a rank no priority has.
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }
}

impl FromStr for Priority {
    type Err = PriorityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == text)
            .ok_or_else(|| PriorityError { text: text.into() })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_order() {
        for (rank, priority) in (0..).zip(Priority::ALL) {
            assert_eq!(priority.rank(), rank);
            assert_eq!(Priority::from_rank(rank), Some(priority));
            assert_eq!(priority.as_str().parse(), Ok(priority));
        }
        assert_eq!(Priority::from_rank(5), None);
    }
}
