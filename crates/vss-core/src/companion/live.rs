//! The Live Photos of one folder: by the identifier in both halves, else by name and time.

use super::across::{Half, Lonely, pick};
use super::folder::Found;
use super::names::{Named, Names, Sort};
use super::{Companion, Evidence, Relation};

/// Both halves of a Live Photo are of the same three seconds.
const APART_MS: u64 = 3_000;
/// A video of this length, or a longer one, is not half of anything.
const TOO_LONG_MS: u64 = 6_000;

/// Pairs what carries one identifier, those of one name first.
pub(super) fn by_id(names: &Names<'_>, found: &mut Found<'_>) {
    for stem in names.stems().filter(|stem| stem.len() > 1) {
        pairs(halves(stem, found), found);
    }
    // What is left is picked from once more, now whatever its name.
    pairs(halves(names.all(), found), found);
    found.lonely = halves(names.all(), found);
}

fn pairs(mut halves: Vec<Lonely>, found: &mut Found<'_>) {
    halves.sort_unstable();
    for group in halves.chunk_by(|one, other| one.id() == other.id()) {
        if let Some(companion) = pick(group, found.decisions) {
            found.pair(companion);
        }
    }
}

/// Those of them that carry an identifier and are not paired.
fn halves(names: &[Named<'_>], found: &Found<'_>) -> Vec<Lonely> {
    let half = |named: &Named<'_>| {
        let half = match named.sort {
            Sort::Heif => Half::Heif,
            Sort::Jpeg => Half::Jpeg,
            Sort::Raw | Sort::Picture => Half::OtherStill,
            Sort::Clip | Sort::Video => Half::Video,
            _ => return None,
        };
        let lonely = Lonely::new(named.entry, half)?;
        found.is_free(named).then_some(lonely)
    };
    names.iter().filter_map(half).collect()
}

/// Pairs what has one name.
pub(super) fn by_name(names: &Names<'_>, found: &mut Found<'_>) {
    for stem in names.stems().filter(|stem| stem.len() > 1) {
        pair(stem, stem, found);
    }
    // iOS calls an edited photo IMG_E0001. Where it alone was kept, the video is still IMG_0001's.
    for stem in names.stems() {
        let name = stem.first().map(Named::stem).unwrap_or_default();
        let Some(number) = name.strip_prefix(b"img_e") else {
            continue;
        };
        if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
            continue;
        }
        let unedited = names.stem(&[b"img_", number].concat());
        if !unedited.iter().any(|named| named.sort.is_photo()) {
            pair(stem, unedited, found);
        }
    }
}

/// Pairs the photo among some names with the video among others, where there is one of each.
fn pair(stills: &[Named<'_>], clips: &[Named<'_>], found: &mut Found<'_>) {
    let photos = stills.iter().filter(|named| {
        // A Motion Photo has its video inside; a second one beside it is a copy of that.
        named.sort.is_photo() && named.entry.facts.motion.is_none() && found.is_free(named)
    });
    let videos = clips.iter().filter(|named| {
        let is_short = |duration| duration < TOO_LONG_MS;
        named.sort == Sort::Clip
            && named.entry.facts.duration_ms.is_some_and(is_short)
            && found.is_free(named)
    });
    let Some(photo) = photos.clone().min_by_key(|named| named.sort) else {
        return;
    };
    let Some(video) = videos.clone().next() else {
        return;
    };
    let rival_photo = photos
        .clone()
        .any(|other| other.sort == photo.sort && other.entry.content != photo.entry.content);
    let rival_video = videos
        .clone()
        .any(|other| other.entry.content != video.entry.content);
    // Were they the same, they would be a pair by now: that photo's video is gone, and another
    // one has its name.
    let other_ids = photos
        .clone()
        .any(|named| named.entry.facts.live_id.is_some())
        && videos
            .clone()
            .any(|named| named.entry.facts.live_id.is_some());
    if rival_photo || rival_video || other_ids || found.part(photo, video) {
        return;
    }
    let Some(evidence) = evidence(photo, video) else {
        return;
    };
    found.pair(Companion {
        of: photo.entry.entry,
        companion: video.entry.entry,
        relation: Relation::LivePhoto,
        evidence,
    });
}

/// What two files of one name rest on; `None` when they were not taken at the same time.
pub(super) fn evidence(one: &Named<'_>, other: &Named<'_>) -> Option<Evidence> {
    let times = one.entry.facts.captured.zip(other.entry.facts.captured);
    let Some(apart) = times.map(|(one, other)| one.apart(other)) else {
        return Some(Evidence::Name);
    };
    let apart_ms = u32::try_from(apart).ok()?;
    (apart <= APART_MS).then_some(Evidence::NameAndTime { apart_ms })
}
