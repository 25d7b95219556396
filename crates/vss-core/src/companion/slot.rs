//! Under which kind, variant and format a companion is a sidecar of its original.

use super::{Entry, Relation, Subtitle};
use crate::{ContentUuid, Digest, EntryId, Format, Kind, Variant};

/// What a companion is called among the sidecars of its original.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// The kind.
    pub kind: Kind,
    /// The variants it may have, the preferred one first: what one companion has, another cannot.
    /// The last one holds a part of its content's uuid, so that it is free but for copies.
    pub variants: Vec<Variant>,
    /// The format: its name's ending, in lower case.
    pub format: Format,
}

/// The slot of a companion of a relation; `None` for a file whose name has no ending that a
/// sidecar could have.
///
/// | relation | kind | variant |
/// |---|---|---|
/// | `live_photo` | `live` | `original` |
/// | `motion_photo` | `live` | `motion` |
/// | `rendition` | `rendition` | `original` |
/// | `xmp` | `xmp` | `original` |
/// | `subtitle` | `subtitle` | the language or `und`, then `.forced` and `.sdh` |
///
/// A second one is called by its format as well (`en-vtt`), a third one by its content.
pub fn slot(relation: &Relation, companion: &Entry) -> Option<Slot> {
    let (kind, first) = match relation {
        Relation::LivePhoto => (Kind::LIVE, Variant::ORIGINAL),
        Relation::MotionPhoto(_) => (Kind::LIVE, Variant::MOTION),
        Relation::Rendition => (Kind::RENDITION, Variant::ORIGINAL),
        Relation::Xmp { .. } => (Kind::XMP, Variant::ORIGINAL),
        Relation::Subtitle(subtitle) => (Kind::SUBTITLE, text_variant(subtitle)?),
    };
    let format = match relation {
        Relation::MotionPhoto(_) => Format::MP4,
        _ => ending(&companion.name)?,
    };
    if !kind.may_have(&format) {
        return None;
    }
    let more = [
        format!("{first}-{format}"),
        format!("{first}-{}", short(companion.content)),
    ];
    let more = more.iter().filter_map(|text| text.parse().ok());
    Some(Slot {
        variants: std::iter::once(first.clone()).chain(more).collect(),
        kind,
        format,
    })
}

/// What a content has under one of the variants of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occupant {
    /// Nothing.
    Free,
    /// A reference.
    Reference {
        /// The original that it refers to.
        entry: EntryId,
        /// The content of that original.
        companion: ContentUuid,
        /// Whether that original is gone.
        lost: bool,
    },
    /// A file in the vault, or the promise of one.
    Managed {
        /// Its digest, where it is there.
        digest: Option<Digest>,
    },
}

/// Where a companion goes, by the position of the variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Its reference is there, or comes there.
    Take(usize),
    /// A reference to a copy of it is there, and as good.
    Keep(usize),
    /// Its bytes are there as a managed sidecar.
    Managed(usize),
    /// Others have every variant.
    Taken,
}

/// Chooses among the variants of a slot, so that what has one keeps it: first where the original
/// itself is, then where its bytes are, then the first that is free or whose original is gone.
pub fn choose(
    entry: EntryId,
    companion: ContentUuid,
    digest: Digest,
    occupants: &[Occupant],
) -> Choice {
    let at = |fits: &dyn Fn(&Occupant) -> bool| occupants.iter().position(fits);
    let own = |one: &Occupant| matches!(one, Occupant::Reference { entry: at, .. } if *at == entry);
    let bytes = |one: &Occupant| {
        *one == Occupant::Managed {
            digest: Some(digest),
        }
    };
    let copy = |one: &Occupant| matches!(one, Occupant::Reference { companion: of, lost: false, .. } if *of == companion);
    let open =
        |one: &Occupant| matches!(one, Occupant::Free | Occupant::Reference { lost: true, .. });
    at(&own)
        .map(Choice::Take)
        .or_else(|| at(&bytes).map(Choice::Managed))
        .or_else(|| at(&copy).map(Choice::Keep))
        .or_else(|| at(&open).map(Choice::Take))
        .unwrap_or(Choice::Taken)
}

/// The ending of a file name as a format.
fn ending(name: &[u8]) -> Option<Format> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let ending = std::str::from_utf8(name.get(dot + 1..)?).ok()?;
    ending.to_ascii_lowercase().parse().ok()
}

fn text_variant(subtitle: &Subtitle) -> Option<Variant> {
    let language = subtitle.language.as_ref();
    let mut text = language.map_or_else(|| "und".to_owned(), |tag| tag.as_str().to_lowercase());
    for (holds, mark) in [
        (subtitle.forced, ".forced"),
        (subtitle.hearing_impaired, ".sdh"),
    ] {
        if holds {
            text.push_str(mark);
        }
    }
    text.parse().ok()
}

/// The first eight hexadecimal digits.
fn short(content: ContentUuid) -> String {
    let [a, b, c, d, ..] = *content.as_bytes();
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaType;
    use crate::companion::{ByteRange, MediaFacts};

    fn entry(name: &str) -> Entry {
        Entry {
            entry: EntryId(1),
            content: ContentUuid::from_bytes([0xab; 16]),
            name: name.as_bytes().to_vec(),
            media_type: MediaType::unknown(),
            facts: MediaFacts::default(),
        }
    }

    fn called(relation: &Relation, name: &str) -> Option<String> {
        let slot = slot(relation, &entry(name))?;
        let variants: Vec<_> = slot.variants.iter().map(Variant::as_str).collect();
        Some(format!(
            "{} {} {}",
            slot.kind,
            variants.join(","),
            slot.format
        ))
    }

    #[test]
    fn each_relation_has_its_kind_and_names_for_three() {
        let text = |language: &str, forced, hearing_impaired| {
            Relation::Subtitle(Subtitle {
                language: language.parse().ok(),
                forced,
                hearing_impaired,
            })
        };
        let range = ByteRange {
            offset: 9,
            length: 9,
        };
        for (relation, name, expected) in [
            (
                Relation::LivePhoto,
                "IMG_1.MOV",
                "live original,original-mov,original-abababab mov",
            ),
            (
                Relation::MotionPhoto(range),
                "a.jpg",
                "live motion,motion-mp4,motion-abababab mp4",
            ),
            (
                Relation::Rendition,
                "a.JPG",
                "rendition original,original-jpg,original-abababab jpg",
            ),
            (
                Relation::Xmp { first: true },
                "a.cr2.xmp",
                "xmp original,original-xmp,original-abababab xmp",
            ),
            (
                text("pt-BR", true, false),
                "a.pt-BR.forced.srt",
                "subtitle pt-br.forced,pt-br.forced-srt,pt-br.forced-abababab srt",
            ),
            (
                text("", false, true),
                "a.sdh.vtt",
                "subtitle und.sdh,und.sdh-vtt,und.sdh-abababab vtt",
            ),
        ] {
            assert_eq!(called(&relation, name).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_has_no_ending_is_no_sidecar() {
        for name in ["movie", "movie.", "movie.tar gz", "movie.\u{e9}"] {
            assert_eq!(called(&Relation::LivePhoto, name), None, "{name}");
        }
    }

    #[test]
    fn what_has_a_variant_keeps_it_and_a_copy_takes_no_second_one() {
        let (own, other, free) = (EntryId(1), EntryId(2), Occupant::Free);
        let content = |n| ContentUuid::from_bytes([n; 16]);
        let (digest, else_) = (Digest::of(b"bytes"), Digest::of(b"else"));
        let refers = |entry, n, lost| Occupant::Reference {
            entry,
            companion: content(n),
            lost,
        };
        let managed = |digest| Occupant::Managed { digest };
        for (occupants, expected) in [
            ([free, free], Choice::Take(0)),
            ([free, refers(own, 9, false)], Choice::Take(1)),
            ([refers(other, 2, false), free], Choice::Take(1)),
            ([refers(other, 2, true), free], Choice::Take(0)),
            ([free, refers(other, 1, false)], Choice::Keep(1)),
            ([refers(other, 1, true), free], Choice::Take(0)),
            ([free, managed(Some(digest))], Choice::Managed(1)),
            ([managed(Some(else_)), free], Choice::Take(1)),
            ([managed(None), refers(other, 2, false)], Choice::Taken),
        ] {
            let found = choose(own, content(1), digest, &occupants);
            assert_eq!(found, expected, "{occupants:?}");
        }
    }
}
