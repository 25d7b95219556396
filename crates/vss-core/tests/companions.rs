//! What holds of companions in any folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;

use proptest::prelude::*;
use vss_core::companion::{
    ByteRange, CaptureTime, Companion, Decision, Decisions, Entry, LiveId, MediaFacts, Relation,
    across, in_folder,
};
use vss_core::{ContentUuid, EntryId};

const STEMS: [&str; 6] = ["a", "A", "b", "img_0001", "IMG_E0001", "a.en"];
const TYPES: [(&str, &str); 11] = [
    ("jpg", "image/jpeg"),
    ("heic", "image/heic"),
    ("nef", "image/x-nikon-nef"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("mkv", "video/x-matroska"),
    ("mp3", "audio/mpeg"),
    ("xmp", "application/rdf+xml"),
    ("jpg.xmp", "application/rdf+xml"),
    ("srt", "application/x-subrip"),
    ("fr.lrc", "application/octet-stream"),
];

/// An entry whose number is still missing. Few names, identifiers, times and contents, so that
/// they meet.
fn entry() -> impl Strategy<Value = Entry> {
    let facts = (
        proptest::option::of(0_u8..3),
        proptest::option::of(0_i64..3),
        proptest::option::of(prop_oneof![Just(2_000_u64), Just(60_000)]),
        proptest::bool::weighted(0.05),
    );
    (0..STEMS.len(), 0..TYPES.len(), 0_u8..5, facts).prop_map(|(stem, sort, content, facts)| {
        let (ending, media_type) = TYPES[sort];
        let (id, second, duration_ms, motion) = facts;
        Entry {
            entry: EntryId(0),
            content: ContentUuid::from_bytes([content; 16]),
            name: format!("{}.{ending}", STEMS[stem]).into_bytes(),
            media_type: media_type.parse().unwrap(),
            facts: MediaFacts {
                live_id: id.map(|id| LiveId::from_bytes([id + 1; 16])),
                captured: second.map(|second| CaptureTime::Wall(second * 2_000)),
                duration_ms,
                motion: motion.then_some(ByteRange {
                    offset: 1,
                    length: 1,
                }),
            },
        }
    })
}

fn folder(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(entry(), 0..most).prop_map(|mut entries| {
        for (entry, number) in entries.iter_mut().zip(1..) {
            entry.entry = EntryId(number);
        }
        entries
    })
}

fn is_photo(entries: &[Entry], id: EntryId) -> bool {
    let entry = entries.iter().find(|entry| entry.entry == id).unwrap();
    entry.media_type.top_level() == "image"
}

/// What holds of all that was found, of one folder or of several.
fn hold(entries: &[Entry], companions: &[Companion]) -> Result<(), TestCaseError> {
    let mut halves = HashSet::new();
    let mut seen = HashSet::new();
    for companion in companions {
        let (of, other) = (companion.of, companion.companion);
        let inside = matches!(companion.relation, Relation::MotionPhoto(_));
        prop_assert_eq!(
            of == other,
            inside,
            "only what is inside is of the same file"
        );
        prop_assert!(seen.insert((of, other)), "nothing is found twice");
        if companion.relation == Relation::LivePhoto || inside {
            prop_assert!(is_photo(entries, of));
            prop_assert!(inside || !is_photo(entries, other));
            prop_assert!(halves.insert(of), "a photo has one video");
            prop_assert!(inside || halves.insert(other), "a video has one photo");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2_000)
    })]

    #[test]
    fn the_order_of_the_entries_does_not_matter(
        (entries, shuffled) in folder(24).prop_flat_map(|entries| {
            let shuffled = Just(entries.clone()).prop_shuffle();
            (Just(entries), shuffled)
        }),
    ) {
        let none = Decisions::default();
        let mut one = in_folder(&entries, &none);
        let mut other = in_folder(&shuffled, &none);
        prop_assert_eq!(&one.companions, &other.companions);
        prop_assert_eq!(across(one.lonely.clone(), &none), across(other.lonely.clone(), &none));
        one.lonely.sort_unstable();
        other.lonely.sort_unstable();
        prop_assert_eq!(one.lonely, other.lonely);
    }

    #[test]
    fn nothing_is_a_companion_of_itself_and_no_video_has_two_photos(
        entries in folder(24),
        folders in 1_usize..4,
    ) {
        let none = Decisions::default();
        let (mut companions, mut lonely) = (Vec::new(), Vec::new());
        for folder in entries.chunks(entries.len() / folders + 1) {
            let mut pairs = in_folder(folder, &none);
            companions.append(&mut pairs.companions);
            lonely.append(&mut pairs.lonely);
        }
        companions.append(&mut across(lonely, &none));
        hold(&entries, &companions)?;
    }

    #[test]
    fn what_was_unlinked_stays_so_and_what_was_linked_is_found_once(
        entries in folder(16),
        chosen in proptest::collection::vec(any::<(prop::sample::Index, bool)>(), 0..6),
    ) {
        let found = in_folder(&entries, &Decisions::default()).companions;
        if found.is_empty() {
            return Ok(());
        }
        let content = |id: EntryId| {
            entries.iter().find(|entry| entry.entry == id).unwrap().content
        };
        let decide = |(index, link): &(prop::sample::Index, bool)| {
            let Companion { of, companion, relation, .. } = index.get(&found);
            Decision {
                of: *of,
                of_content: content(*of),
                companion: *companion,
                companion_content: content(*companion),
                linked: link.then(|| relation.clone()),
            }
        };
        let chosen: Vec<_> = chosen.iter().map(decide).collect();
        let decisions = Decisions::new(chosen.clone());
        let again = in_folder(&entries, &decisions);
        let mut all = again.companions;
        all.extend(across(again.lonely, &decisions));
        let all: HashSet<_> = all.iter().map(|found| (found.of, found.companion)).collect();
        let linked: HashSet<_> = decisions
            .companions()
            .iter()
            .map(|linked| (linked.of, linked.companion))
            .collect();
        prop_assert!(linked.is_disjoint(&all));
        for decision in chosen {
            let pair = (decision.of, decision.companion);
            prop_assert!(linked.contains(&pair) || !all.contains(&pair));
        }
    }
}
