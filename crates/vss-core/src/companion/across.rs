//! The halves of Live Photos that are not in one folder, or not under one name: told by the
//! identifier that both carry.

use super::{Companion, Decisions, Entry, Evidence, LiveId, Relation};
use crate::{ContentUuid, EntryId};

/// One half of a Live Photo whose other half was not found yet. Small, because a whole location
/// may be full of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Lonely {
    id: LiveId,
    half: Half,
    content: ContentUuid,
    entry: EntryId,
}

/// Which half; of several stills the first kind is the one that the camera took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Half {
    Heif,
    Jpeg,
    OtherStill,
    Video,
}

impl Lonely {
    pub(super) fn new(entry: &Entry, half: Half) -> Option<Self> {
        Some(Self {
            id: entry.facts.live_id?,
            half,
            content: entry.content,
            entry: entry.entry,
        })
    }

    /// What it carries.
    pub fn id(&self) -> LiveId {
        self.id
    }

    pub(super) fn entry(&self) -> EntryId {
        self.entry
    }

    fn key(&self) -> (EntryId, ContentUuid) {
        (self.entry, self.content)
    }
}

/// Pairs what [`in_folder`](super::in_folder) left over in the folders of one location. Where it is
/// not plain which two belong together, none do.
pub fn across(mut lonely: Vec<Lonely>, decisions: &Decisions) -> Vec<Companion> {
    lonely.sort_unstable();
    let groups = lonely.chunk_by(|one, other| one.id == other.id);
    groups.filter_map(|group| pick(group, decisions)).collect()
}

/// The pair among sorted halves of one identifier, if there is exactly one: copies of a file are
/// one, and of several stills the one that the camera took counts.
pub(super) fn pick(group: &[Lonely], decisions: &Decisions) -> Option<Companion> {
    let (stills, videos) = group.split_at(group.partition_point(|one| one.half < Half::Video));
    let (still, video) = (stills.first()?, videos.first()?);
    let mut rivals = stills.iter().take_while(|one| one.half == still.half);
    let plain = rivals.all(|one| one.content == still.content)
        && videos.iter().all(|one| one.content == video.content);
    (plain && !decisions.part(still.key(), video.key())).then_some(Companion {
        of: still.entry,
        companion: video.entry,
        relation: Relation::LivePhoto,
        evidence: Evidence::SameId { id: still.id },
    })
}
