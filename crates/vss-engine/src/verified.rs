//! Which files were found whole since this engine began: a bounded memory, so that a sidecar is
//! hashed when it is first read and not each time. Another one of the same kind holds what this
//! engine published, so that being told of it is no reason to hash it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vss_core::{SidecarKey, SidecarUuid};
use vss_ports::FileStamp;

/// Files remembered in each of two generations: some 6 MB for both.
const GENERATION: usize = 1 << 16;

/// Remembers by row which file was whole. Two generations: when the younger one is full it becomes
/// the older one and the older one is forgotten, so that what is read now and then stays.
#[derive(Default)]
pub(crate) struct Verified(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<SidecarUuid, FileStamp>,
    old: HashMap<SidecarUuid, FileStamp>,
}

impl Verified {
    /// Whether this very file was whole, and nobody touched it since.
    pub(crate) fn knows(&self, key: &SidecarKey, stamp: &FileStamp) -> bool {
        let (row, mut known) = (key.row_uuid(), self.generations());
        if known.young.get(&row) == Some(stamp) {
            return true;
        }
        let aged = known.old.get(&row) == Some(stamp);
        if aged {
            known.insert(row, *stamp);
        }
        aged
    }

    /// Remembers that a file is whole. The stamp must be from before it was hashed, so that
    /// whatever happens meanwhile makes another one.
    pub(crate) fn remember(&self, key: &SidecarKey, stamp: FileStamp) {
        self.generations().insert(key.row_uuid(), stamp);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        // It holds no promise between two fields that a panic could break.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, row: SidecarUuid, stamp: FileStamp) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(row, stamp);
    }
}

#[cfg(test)]
mod tests {
    use vss_core::{ContentUuid, Kind, Variant};

    use super::*;

    fn key(number: usize) -> SidecarKey {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        SidecarKey::new(
            ContentUuid::from_bytes(bytes),
            Kind::THUMB,
            Variant::GRID_1X,
        )
    }

    fn stamp(file: u64) -> FileStamp {
        FileStamp {
            file,
            ..FileStamp::default()
        }
    }

    #[test]
    fn a_touched_file_is_not_known() {
        let verified = Verified::default();
        assert!(!verified.knows(&key(1), &stamp(1)));
        verified.remember(&key(1), stamp(1));
        assert!(verified.knows(&key(1), &stamp(1)));
        assert!(!verified.knows(&key(1), &stamp(2)));
        assert!(!verified.knows(&key(2), &stamp(1)));
    }

    #[test]
    fn what_is_read_stays_known_and_memory_is_bounded() {
        let verified = Verified::default();
        verified.remember(&key(0), stamp(0));
        for number in 1..4 * GENERATION {
            verified.remember(&key(number), stamp(7));
            if number % 1_000 == 0 {
                assert!(verified.knows(&key(0), &stamp(0)), "after {number}");
            }
        }
        assert!(!verified.knows(&key(1), &stamp(7)));
        let known = verified.generations();
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
    }
}
