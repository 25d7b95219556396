//! What became of a file since its digest was recorded: still whole, or damaged, and by what.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Timestamp};

/// What was recorded of a file when it was whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// When that was recorded: at its commit or its adoption.
    pub at: Timestamp,
}

/// What a file is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Examined {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// When it was last written to, as the file system says.
    pub modified: Timestamp,
}

/// Why a file is not served any more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Of the same size and not written to since it was recorded, and yet of other bytes.
    BitRot,
    /// Written to since it was recorded, by somebody who is not us.
    Edited,
    /// Of another size, although nobody wrote to it since: cut short, or another file in its place.
    Replaced,
    /// It could not be read to its end.
    Unreadable,
    /// No row vouches for it, and it is not what its format or its manifest says.
    Unvouched,
}

impl Damage {
    /// Every sort.
    pub const ALL: [Self; 5] = [
        Self::BitRot,
        Self::Edited,
        Self::Replaced,
        Self::Unreadable,
        Self::Unvouched,
    ];

    /// The spelling in logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BitRot => "bit_rot",
            Self::Edited => "edited",
            Self::Replaced => "replaced",
            Self::Unreadable => "unreadable",
            Self::Unvouched => "unvouched",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened to a file; `None` when it is whole. The digest alone decides whether something
/// did: a time that changed under the same bytes is no damage.
pub fn judge(recorded: &Recorded, now: &Examined) -> Option<Damage> {
    if (now.size, now.digest) == (recorded.size, recorded.digest) {
        return None;
    }
    Some(if now.modified > recorded.at {
        Damage::Edited
    } else if now.size == recorded.size {
        Damage::BitRot
    } else {
        Damage::Replaced
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(size: u64, bytes: &[u8], modified: i64) -> Option<Damage> {
        let recorded = Recorded {
            size: 3,
            digest: Digest::of(b"abc"),
            at: Timestamp::from_millis(1_000),
        };
        let now = Examined {
            size,
            digest: Digest::of(bytes),
            modified: Timestamp::from_millis(modified),
        };
        judge(&recorded, &now)
    }

    #[test]
    fn rot_is_told_from_an_edit_by_the_time() {
        assert_eq!(judged(3, b"abd", 900), Some(Damage::BitRot));
        assert_eq!(judged(3, b"abd", 1_000), Some(Damage::BitRot));
        assert_eq!(judged(3, b"abd", 1_001), Some(Damage::Edited));
        assert_eq!(judged(4, b"abcd", 1_001), Some(Damage::Edited));
        assert_eq!(judged(2, b"ab", 900), Some(Damage::Replaced));
    }

    #[test]
    fn the_same_bytes_are_whole_whatever_the_time_says() {
        for modified in [0, 1_000, i64::MAX] {
            assert_eq!(judged(3, b"abc", modified), None);
        }
    }

    #[test]
    fn every_sort_has_one_spelling() {
        for damage in Damage::ALL {
            let json = format!("\"{damage}\"");
            assert_eq!(serde_json::from_str::<Damage>(&json).unwrap(), damage);
        }
    }
}
