//! What people linked and unlinked, so that no rule says otherwise.

use std::collections::HashSet;

use super::{Companion, Entry, Evidence, Relation};
use crate::{ContentUuid, EntryId};

/// What somebody decided about two originals. It holds for the two entries whatever becomes of
/// their bytes, and for copies of the two contents wherever they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The original.
    pub of: EntryId,
    /// Its content when that was decided.
    pub of_content: ContentUuid,
    /// The companion.
    pub companion: EntryId,
    /// Its content when that was decided.
    pub companion_content: ContentUuid,
    /// What it is to the original; `None` when it does not belong to it.
    pub linked: Option<Relation>,
}

/// All decisions that may concern some entries.
#[derive(Clone, Default, Debug)]
pub struct Decisions {
    companions: Vec<Companion>,
    unlinked: HashSet<(EntryId, EntryId)>,
    unlinked_contents: HashSet<(ContentUuid, ContentUuid)>,
    /// Companions that have their place.
    placed: HashSet<EntryId>,
    /// Photos that have their video.
    complete: HashSet<EntryId>,
}

impl Decisions {
    /// Of two decisions about the same entries the later one counts.
    pub fn new(decisions: impl IntoIterator<Item = Decision>) -> Self {
        let mut all = Self::default();
        for decision in decisions {
            let pair = (decision.of, decision.companion);
            let contents = (decision.of_content, decision.companion_content);
            all.companions
                .retain(|linked| (linked.of, linked.companion) != pair);
            match decision.linked {
                None => {
                    all.unlinked.insert(pair);
                    all.unlinked_contents.insert(contents);
                }
                Some(relation) => {
                    all.unlinked.remove(&pair);
                    all.unlinked_contents.remove(&contents);
                    all.companions.push(Companion {
                        of: decision.of,
                        companion: decision.companion,
                        relation,
                        evidence: Evidence::Hand,
                    });
                }
            }
        }
        for linked in &all.companions {
            all.placed.insert(linked.companion);
            if matches!(
                linked.relation,
                Relation::LivePhoto | Relation::MotionPhoto(_)
            ) {
                all.complete.insert(linked.of);
            }
        }
        all
    }

    /// What was linked. The rules leave these companions alone.
    pub fn companions(&self) -> &[Companion] {
        &self.companions
    }

    /// Whether somebody said that they do not belong together.
    pub(super) fn part(
        &self,
        of: (EntryId, ContentUuid),
        companion: (EntryId, ContentUuid),
    ) -> bool {
        self.unlinked.contains(&(of.0, companion.0))
            || self.unlinked_contents.contains(&(of.1, companion.1))
    }

    /// Whether somebody said where it belongs.
    pub(super) fn placed(&self, companion: &Entry) -> bool {
        self.placed.contains(&companion.entry)
    }

    /// Whether somebody said which its video is.
    pub(super) fn complete(&self, photo: &Entry) -> bool {
        self.complete.contains(&photo.entry)
    }
}
