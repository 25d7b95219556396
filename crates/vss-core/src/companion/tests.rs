//! Which files of small folders belong together, as tables.

use super::*;
use crate::Timestamp;

mod live;
mod names;

const ID: &str = "3D388205-9B11-4690-ABFB-3DB8CE42A984";
const OTHER: &str = "1745E022-9712-43C7-B024-F308EC6413CB";

/// A file of a folder that is being made up.
#[derive(Clone)]
struct File(Entry);

/// A file whose type follows from its name, as it does for what a camera writes.
fn file(name: &str) -> File {
    let ending = name.rsplit('.').next().unwrap().to_lowercase();
    let media_type = match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "heic" => "image/heic",
        "png" => "image/png",
        "cr2" => "image/x-canon-cr2",
        "nef" => "image/x-nikon-nef",
        "dng" => "image/x-adobe-dng",
        "mov" => "video/quicktime",
        "mp4" => "video/mp4",
        "mkv" => "video/x-matroska",
        "mp3" => "audio/mpeg",
        "xmp" => "application/rdf+xml",
        "srt" => "application/x-subrip",
        "vtt" => "text/vtt",
        _ => "application/octet-stream",
    };
    let clip = matches!(ending.as_str(), "mov" | "mp4");
    File(Entry {
        entry: EntryId(0),
        content: ContentUuid::from_bytes([0; 16]),
        name: name.into(),
        media_type: media_type.parse().unwrap(),
        facts: MediaFacts {
            duration_ms: clip.then_some(2_900),
            ..MediaFacts::default()
        },
    })
}

impl File {
    fn id(mut self, id: &str) -> Self {
        self.0.facts.live_id = LiveId::read(id);
        self
    }

    /// Seconds on a clock on the wall.
    fn at(mut self, seconds: i64) -> Self {
        self.0.facts.captured = Some(CaptureTime::Wall(seconds * 1_000));
        self
    }

    fn long(mut self, ms: u64) -> Self {
        self.0.facts.duration_ms = Some(ms);
        self
    }

    fn typed(mut self, media_type: &str) -> Self {
        self.0.media_type = media_type.parse().unwrap();
        self
    }

    fn motion(mut self) -> Self {
        self.0.facts.motion = Some(ByteRange {
            offset: 9,
            length: 5,
        });
        self
    }

    /// The content, where it is not one of its own.
    fn content(mut self, number: u8) -> Self {
        self.0.content = ContentUuid::from_bytes([number; 16]);
        self
    }
}

/// Numbers the entries, and the contents of those that have none.
fn entries(files: &[File]) -> Vec<Entry> {
    let number = |(n, File(entry)): (i64, &File)| {
        let mut entry = entry.clone();
        entry.entry = EntryId(n);
        if entry.content == ContentUuid::from_bytes([0; 16]) {
            let mut bytes = [0xff; 16];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            entry.content = ContentUuid::from_bytes(bytes);
        }
        entry
    };
    (1..).zip(files).map(number).collect()
}

fn lines(entries: &[Entry], companions: &[Companion]) -> Vec<String> {
    let name = |id: EntryId| {
        let entry = entries.iter().find(|entry| entry.entry == id).unwrap();
        String::from_utf8_lossy(&entry.name).into_owned()
    };
    let line = |companion: &Companion| {
        format!(
            "{} {} {} {}",
            name(companion.of),
            companion.relation.as_str(),
            name(companion.companion),
            companion.confidence().as_str()
        )
    };
    companions.iter().map(line).collect()
}

/// `PHOTO RELATION COMPANION CONFIDENCE` for each.
fn found(files: &[File]) -> Vec<String> {
    let entries = entries(files);
    lines(
        &entries,
        &in_folder(&entries, &Decisions::default()).companions,
    )
}

#[test]
fn what_a_person_said_is_left_alone() {
    let all = entries(&[
        file("a.jpg").id(ID),
        file("a.mov").id(ID),
        file("b.srt"),
        file("b.mkv"),
        file("c.mkv"),
    ]);
    let decide = |of: usize, companion: usize, linked| Decision {
        of: all[of].entry,
        of_content: all[of].content,
        companion: all[companion].entry,
        companion_content: all[companion].content,
        linked,
    };
    let find = |all: &[Entry], decisions: &Decisions| {
        let mut companions = in_folder(all, decisions).companions;
        companions.extend_from_slice(decisions.companions());
        lines(all, &companions)
    };
    let unlinked = Decisions::new([decide(0, 1, None)]);
    assert_eq!(find(&all, &unlinked), ["b.mkv subtitle b.srt likely"]);
    let pairs = in_folder(&all, &unlinked);
    assert_eq!(across(pairs.lonely, &unlinked), []);

    // The photo gets another tag, or both are copied elsewhere: it still holds.
    let mut edited = all.clone();
    edited[0].content = ContentUuid::from_bytes([9; 16]);
    assert_eq!(find(&edited, &unlinked), ["b.mkv subtitle b.srt likely"]);
    let mut copied = all.clone();
    copied[0].entry = EntryId(50);
    copied[1].entry = EntryId(51);
    assert_eq!(find(&copied, &unlinked), ["b.mkv subtitle b.srt likely"]);

    let linked = Decisions::new([
        decide(0, 1, None),
        decide(0, 1, Some(Relation::LivePhoto)),
        decide(4, 2, Some(Relation::Subtitle(Subtitle::default()))),
    ]);
    assert_eq!(
        find(&all, &linked),
        [
            "a.jpg live_photo a.mov certain",
            "c.mkv subtitle b.srt certain"
        ]
    );
}

#[test]
fn times_are_compared_as_far_as_their_zones_are_known() {
    let wall = CaptureTime::Wall;
    let moment = |ms| CaptureTime::Moment(Timestamp::from_millis(ms));
    let zoned = |ms, offset_minutes| CaptureTime::Zoned {
        moment: Timestamp::from_millis(ms),
        offset_minutes,
    };
    const HOUR: i64 = 3_600_000;
    for (one, other, apart) in [
        (wall(5_000), wall(4_000), 1_000),
        (moment(5_000), zoned(5_500, 120), 500),
        (wall(2 * HOUR + 7), zoned(0, 120), 7),
        // In Nepal, in Kiribati, on Baker Island.
        (wall(5 * HOUR + 2_700_000 + 3), moment(0), 3),
        (wall(14 * HOUR), moment(0), 0),
        (wall(-12 * HOUR), moment(0), 0),
        (wall(15 * HOUR), moment(0), 3_600_000),
        (wall(-13 * HOUR), moment(0), 3_600_000),
        (wall(60_000), moment(0), 60_000),
        (wall(-2_000), moment(0), 2_000),
        (wall(14 * 60_000), moment(0), 60_000),
    ] {
        assert_eq!(one.apart(other), apart, "{one:?} {other:?}");
        assert_eq!(other.apart(one), apart, "{other:?} {one:?}");
    }
    // At the ends of time nothing overflows.
    assert!(wall(i64::MIN).apart(moment(i64::MAX)) > u64::MAX / 4);
    assert!(wall(i64::MAX).apart(zoned(i64::MIN, -720)) > u64::MAX / 4);
}

#[test]
fn an_identifier_has_one_reading() {
    let read = |text: &str| LiveId::read(text).map(|id| id.to_string());
    let canonical = ID.to_lowercase();
    for text in [ID, &canonical, &ID.replace('-', ""), &format!(" {ID}\0")] {
        assert_eq!(read(text).as_deref(), Some(canonical.as_str()), "{text:?}");
    }
    for text in [
        "",
        "\0\0",
        "00000000-0000-0000-0000-000000000000",
        &"x".repeat(129),
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
    assert!(read("words").is_some());
    assert_ne!(read("words"), read("Words"));
}

#[test]
fn relations_and_evidence_survive_as_json() {
    let language = Some("pt-BR".parse().unwrap());
    for (relation, name) in [
        (Relation::LivePhoto, "live_photo"),
        (
            Relation::MotionPhoto(ByteRange {
                offset: 1,
                length: 2,
            }),
            "motion_photo",
        ),
        (Relation::Rendition, "rendition"),
        (Relation::Xmp { first: true }, "xmp"),
        (
            Relation::Subtitle(Subtitle {
                language,
                forced: true,
                hearing_impaired: false,
            }),
            "subtitle",
        ),
    ] {
        let json = serde_json::to_value(&relation).unwrap();
        assert_eq!(json["relation"], name);
        assert_eq!(relation.as_str(), name);
        assert!(Relation::NAMES.contains(&name));
        assert_eq!(serde_json::from_value::<Relation>(json).unwrap(), relation);
    }
    for evidence in [
        Evidence::Hand,
        Evidence::SameId {
            id: LiveId::read(ID).unwrap(),
        },
        Evidence::Inside,
        Evidence::FullName,
        Evidence::NameAndTime { apart_ms: 12 },
        Evidence::Name,
    ] {
        let json = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence);
    }
    for confidence in Confidence::ALL {
        assert_eq!(confidence.as_str().parse(), Ok(confidence));
    }
    assert!("sure".parse::<Confidence>().is_err());
}

#[test]
fn a_person_may_link_what_makes_sense_whatever_the_names() {
    let said = |of: File, companion: File| {
        let entries = entries(&[of, companion]);
        relation(&entries[0], &entries[1]).map(|relation| match relation {
            Relation::Subtitle(said) => format!(
                "{} {} {}",
                said.language
                    .map_or_else(String::new, |tag| tag.to_string()),
                said.forced,
                said.hearing_impaired
            ),
            other => other.as_str().to_owned(),
        })
    };
    for (of, companion, expected) in [
        ("a.heic", "b.mov", Some("live_photo")),
        ("a.png", "b.mkv", Some("live_photo")),
        ("a.nef", "b.jpg", Some("rendition")),
        ("a.jpg", "b.nef", None),
        ("a.jpg", "b.xmp", Some("xmp")),
        ("a.mkv", "b.en.forced.srt", Some("en true false")),
        ("a.mp3", "the end.pt-BR.cc.vtt", Some("pt-BR false true")),
        ("a.mkv", "the end.srt", Some(" false false")),
        ("a.mkv", "b.mov", None),
        ("a.jpg", "b.jpg", None),
        ("a.jpg", "b.srt", None),
        ("a.xmp", "b.jpg", None),
    ] {
        let found = said(file(of), file(companion));
        assert_eq!(found.as_deref(), expected, "{of} {companion}");
    }
    let alone = entries(&[file("a.jpg").motion(), file("b.jpg")]);
    assert!(matches!(
        relation(&alone[0], &alone[0]),
        Some(Relation::MotionPhoto(_))
    ));
    assert_eq!(relation(&alone[1], &alone[1]), None);
}
