//! How much a worker is confined, as one word that can be asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much a worker is confined. A higher level includes the lower ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum SandboxLevel {
    /// No process of its own: the generator works in the program that asks, as a host may wire it
    /// that only has engines in pure Rust. The `vss` program never does.
    L0,
    /// A process of its own with deadlines.
    L1,
    /// And resource limits and a list of system calls.
    L2,
    /// And no file system, no network, no other process in reach: Landlock.
    L3,
}

/// Why a level was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a sandbox level: L0, L1, L2 or L3")]
pub struct SandboxLevelError {
    /// What was given.
    pub text: String,
}

impl SandboxLevel {
    /// Every level, from the least.
    pub const ALL: [Self; 4] = [Self::L0, Self::L1, Self::L2, Self::L3];

    /// The spelling in configuration and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        }
    }
}

impl FromStr for SandboxLevel {
    type Err = SandboxLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| SandboxLevelError { text: text.into() })
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_round_trip_and_nothing_unknown_is_defaulted() {
        for level in SandboxLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        for text in ["", "l3", "L", "L4", "L3 "] {
            assert!(text.parse::<SandboxLevel>().is_err(), "{text:?}");
        }
        assert!(SandboxLevel::ALL.is_sorted());
    }
}
