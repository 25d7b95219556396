//! Which entries a walk met: one bit each, so that ten million cost a little over a megabyte.

use vss_core::EntryId;

/// A set of entry ids.
#[derive(Default)]
pub(crate) struct Seen(Vec<u64>);

impl Seen {
    /// Adds an id; whether it was not there yet.
    pub(crate) fn insert(&mut self, entry: EntryId) -> bool {
        let Some((word, bit)) = place(entry) else {
            return false;
        };
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let Some(word) = self.0.get_mut(word) else {
            return false;
        };
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    pub(crate) fn contains(&self, entry: EntryId) -> bool {
        place(entry)
            .and_then(|(word, bit)| Some(self.0.get(word)? & bit != 0))
            .unwrap_or(false)
    }
}

/// The word and the bit of an id. Ids are never negative, and count up from one.
fn place(EntryId(id): EntryId) -> Option<(usize, u64)> {
    let id = usize::try_from(id).ok()?;
    Some((id / 64, 1 << (id % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_there_once_it_was_added() {
        let mut seen = Seen::default();
        for id in [1, 63, 64, 65, 1_000_000] {
            assert!(!seen.contains(EntryId(id)));
            assert!(seen.insert(EntryId(id)));
            assert!(!seen.insert(EntryId(id)), "{id} was new twice");
            assert!(seen.contains(EntryId(id)));
            assert!(!seen.contains(EntryId(id + 1)));
        }
        assert!(!seen.insert(EntryId(-1)));
    }
}
