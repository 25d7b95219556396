//! Files in the vault that are known to be what their rows say: those that this engine published
//! and those that it verified. As long as the file system's stamp of such a file stays, nobody
//! touched it, and a notice about it is the echo of our own work.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vss_core::{ContentUuid, Format, Kind, SidecarKey, Variant};
use vss_ports::FileStamp;

/// Contents that are remembered. One that is forgotten is compared once more than needed.
const CONTENTS: usize = 16_384;

/// What is remembered.
#[derive(Default)]
pub(crate) struct KnownFiles {
    /// Whether anybody will ask.
    is_asked: AtomicBool,
    state: Mutex<State>,
}

type Files = BTreeMap<(Kind, Variant, Format), FileStamp>;

#[derive(Default)]
struct State {
    contents: HashMap<ContentUuid, Files>,
    /// The one that came first is forgotten first.
    order: VecDeque<ContentUuid>,
}

impl KnownFiles {
    /// From now on it is worth remembering.
    pub(crate) fn begin(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// A file is what its row says, and looks like this.
    pub(crate) fn remember(&self, key: &SidecarKey, format: &Format, stamp: FileStamp) {
        let state = &mut *self.state();
        if !state.contents.contains_key(&key.content) {
            state.order.push_back(key.content);
            if state.order.len() > CONTENTS
                && let Some(oldest) = state.order.pop_front()
            {
                state.contents.remove(&oldest);
            }
        }
        let files = state.contents.entry(key.content).or_default();
        files.insert(
            (key.kind.clone(), key.variant.clone(), format.clone()),
            stamp,
        );
    }

    /// What is remembered of a content.
    pub(crate) fn of(&self, content: ContentUuid) -> Files {
        self.state()
            .contents
            .get(&content)
            .cloned()
            .unwrap_or_default()
    }

    /// Nothing is known of a file any more.
    pub(crate) fn forget(&self, key: &SidecarKey, format: &Format) {
        if let Some(files) = self.state().contents.get_mut(&key.content) {
            files.remove(&(key.kind.clone(), key.variant.clone(), format.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever died in between left whole values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_others_are_not() {
        let known = KnownFiles::default();
        let key = |n: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            SidecarKey::new(
                ContentUuid::from_bytes(bytes),
                Kind::THUMB,
                Variant::GRID_1X,
            )
        };
        let stamp = FileStamp {
            inode: 7,
            ..FileStamp::default()
        };
        for n in 0..=CONTENTS {
            known.remember(&key(n), &Format::WEBP, stamp);
        }
        assert!(known.of(key(0).content).is_empty());
        assert_eq!(known.of(key(1).content).len(), 1);
        known.forget(&key(1), &Format::WEBP);
        assert!(known.of(key(1).content).is_empty());
        assert_eq!(known.state().order.len(), CONTENTS);
    }
}
