//! All rules over the entries of one folder, in the order of how much they rest on.

use std::collections::HashSet;

use super::names::{Named, Names, Sort};
use super::{Companion, Decisions, Entry, Evidence, Lonely, Relation, live, texts};
use crate::EntryId;

/// What was found in one folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pairs {
    /// Who belongs to whom, sorted.
    pub companions: Vec<Companion>,
    /// Halves of Live Photos without the other one, for [`across`](super::across).
    pub lonely: Vec<Lonely>,
}

/// Finds the companions among all entries of one folder, whatever their order. No video is in two
/// Live Photos, no photo has two videos, and what was linked or unlinked by hand is left alone.
///
/// Takes as much memory as the names of the folder do, and time that grows with their number and
/// a little for sorting them.
pub fn in_folder(entries: &[Entry], decisions: &Decisions) -> Pairs {
    let names = Names::of(entries);
    let mut found = Found {
        decisions,
        companions: Vec::new(),
        lonely: Vec::new(),
        taken: HashSet::new(),
    };
    live::by_id(&names, &mut found);
    live::by_name(&names, &mut found);
    motion(&names, &mut found);
    found
        .lonely
        .retain(|half| !found.taken.contains(&half.entry()));
    renditions(&names, &mut found);
    texts::find(&names, &mut found);
    found.companions.sort_unstable();
    Pairs {
        companions: found.companions,
        lonely: found.lonely,
    }
}

/// What was found so far.
pub(super) struct Found<'a> {
    pub(super) decisions: &'a Decisions,
    pub(super) companions: Vec<Companion>,
    pub(super) lonely: Vec<Lonely>,
    /// Halves of the Live Photos that were found, and Motion Photos.
    taken: HashSet<EntryId>,
}

impl Found<'_> {
    /// Takes both halves of a Live Photo, or a Motion Photo.
    pub(super) fn pair(&mut self, companion: Companion) {
        self.taken.extend([companion.of, companion.companion]);
        self.companions.push(companion);
    }

    /// Whether it may become a half of a Live Photo.
    pub(super) fn is_free(&self, named: &Named<'_>) -> bool {
        let decided = match named.sort {
            Sort::Clip | Sort::Video => self.decisions.placed(named.entry),
            _ => self.decisions.complete(named.entry),
        };
        !decided && !self.taken.contains(&named.entry.entry)
    }

    /// Whether it is the video of a Live Photo, and so nothing of its own.
    pub(super) fn is_half_video(&self, named: &Named<'_>) -> bool {
        named.sort == Sort::Clip && self.taken.contains(&named.entry.entry)
    }

    /// Whether somebody said that they do not belong together.
    pub(super) fn part(&self, of: &Named<'_>, companion: &Named<'_>) -> bool {
        let key = |named: &Named<'_>| (named.entry.entry, named.entry.content);
        self.decisions.part(key(of), key(companion))
    }
}

fn motion(names: &Names<'_>, found: &mut Found<'_>) {
    for named in names.all() {
        let Some(range) = named.entry.facts.motion else {
            continue;
        };
        if named.sort <= Sort::Picture && found.is_free(named) && !found.part(named, named) {
            found.pair(Companion {
                of: named.entry.entry,
                companion: named.entry.entry,
                relation: Relation::MotionPhoto(range),
                evidence: Evidence::Inside,
            });
        }
    }
}

/// RAWs of one name that are looked at: more than one is already a conversion of the other.
const RAWS: usize = 8;

/// The camera's own picture belongs to the RAW, which it was made from.
fn renditions(names: &Names<'_>, found: &mut Found<'_>) {
    for stem in names.stems().filter(|stem| stem.len() > 1) {
        let mut raws: Vec<_> = stem
            .iter()
            .filter(|named| named.sort == Sort::Raw)
            .take(RAWS)
            .collect();
        if raws.is_empty() {
            continue;
        }
        // A DNG beside another RAW was converted from it.
        raws.sort_by_key(|raw| raw.extension() == b"dng");
        for photo in stem.iter().filter(|named| named.sort.is_photo()) {
            if found.decisions.placed(photo.entry) {
                continue;
            }
            let claim = raws.iter().find_map(|raw| {
                let evidence = live::evidence(raw, photo)?;
                (!found.part(raw, photo)).then_some((raw, evidence))
            });
            if let Some((raw, evidence)) = claim {
                found.companions.push(Companion {
                    of: raw.entry.entry,
                    companion: photo.entry.entry,
                    relation: Relation::Rendition,
                    evidence,
                });
            }
        }
    }
}
