//! The names of a folder, sorted so that those that differ in their ending alone are neighbours.

use std::cmp::Ordering;

use super::Entry;
use crate::MediaType;

/// What a file may be to others. The order is the one in which they have a claim to an XMP file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sort {
    /// What a sensor saw.
    Raw,
    /// A photo as cameras write it: HEIF.
    Heif,
    /// A photo as cameras write it: JPEG.
    Jpeg,
    /// Any other picture.
    Picture,
    /// A video as phones write it.
    Clip,
    /// Any other video.
    Video,
    /// Sound.
    Audio,
    /// Settings of a picture.
    Xmp,
    /// Text that runs along with a video or with sound.
    Subtitle,
    /// Text that runs along with a song.
    Lyrics,
    /// Anything else.
    Other,
}

impl Sort {
    fn of(media_type: &MediaType, extension: &[u8]) -> Self {
        match media_type.as_str() {
            "image/jpeg" | "image/tiff" if is_raw_ending(extension) => Self::Raw,
            "image/jpeg" => Self::Jpeg,
            "image/heic" | "image/heif" => Self::Heif,
            "video/quicktime" | "video/mp4" | "video/x-m4v" => Self::Clip,
            text if MediaType::CAMERA_FILES.contains(&text) => Self::Raw,
            text if OTHER_RAW.contains(&text) => Self::Raw,
            _ => match (media_type.top_level(), extension) {
                ("image", _) => Self::Picture,
                ("video", _) => Self::Video,
                ("audio", _) => Self::Audio,
                (_, b"xmp") => Self::Xmp,
                (_, b"srt" | b"vtt" | b"ass") => Self::Subtitle,
                (_, b"lrc") => Self::Lyrics,
                _ => Self::Other,
            },
        }
    }

    /// Whether settings, or text that runs along, may belong to it.
    pub(super) fn is_media(self) -> bool {
        self <= Self::Audio
    }

    /// Whether it may be the still half of a Live Photo.
    pub(super) fn is_photo(self) -> bool {
        matches!(self, Self::Heif | Self::Jpeg)
    }
}

/// RAW formats that have a media type of their own and are not among [`MediaType::CAMERA_FILES`].
const OTHER_RAW: [&str; 3] = [
    "image/x-canon-crw",
    "image/x-minolta-mrw",
    "image/x-sigma-x3f",
];

/// Some cameras, and programs that shrink their files, keep a JPEG or a TIFF under a RAW's name.
fn is_raw_ending(extension: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b"nef", b"nrw", b"arw", b"sr2", b"srf", b"cr2", b"cr3", b"crw", b"dng", b"pef", b"srw",
        b"3fr", b"fff", b"erf", b"dcr", b"kdc", b"iiq", b"mos", b"rwl", b"orf", b"rw2", b"raf",
        b"mrw", b"x3f",
    ];
    ENDINGS.contains(&extension)
}

/// An entry under its name.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) entry: &'a Entry,
    pub(super) sort: Sort,
    /// In lower case.
    name: Vec<u8>,
    /// Where its last dot is, if that is not its first character; else its length.
    dot: usize,
}

impl<'a> Named<'a> {
    /// An entry by itself.
    pub(super) fn new(entry: &'a Entry) -> Self {
        let name = lower(&entry.name);
        let dot = match name.iter().rposition(|byte| *byte == b'.') {
            None | Some(0) => name.len(),
            Some(dot) => dot,
        };
        let extension = name.get(dot + 1..).unwrap_or_default();
        Self {
            entry,
            sort: Sort::of(&entry.media_type, extension),
            name,
            dot,
        }
    }

    /// The name up to its last dot.
    pub(super) fn stem(&self) -> &[u8] {
        self.name.get(..self.dot).unwrap_or_default()
    }

    /// What follows the last dot.
    pub(super) fn extension(&self) -> &[u8] {
        self.name.get(self.dot + 1..).unwrap_or_default()
    }

    fn by_name(&self, other: &Self) -> Ordering {
        let key = |named: &Self| (named.sort, named.entry.entry);
        self.stem()
            .cmp(other.stem())
            .then_with(|| self.extension().cmp(other.extension()))
            .then_with(|| key(self).cmp(&key(other)))
    }
}

/// Capitals of other alphabets count too; what is not UTF-8 has only those of ASCII.
fn lower(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) if !text.is_ascii() => text.to_lowercase().into_bytes(),
        _ => name.to_ascii_lowercase(),
    }
}

/// Files of one stem that are looked at for one of them.
const ENDINGS: usize = 256;

/// The entries of a folder by stem, then ending.
pub(super) struct Names<'a>(Vec<Named<'a>>);

impl<'a> Names<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut names: Vec<_> = entries.iter().map(Named::new).collect();
        names.sort_unstable_by(Named::by_name);
        Self(names)
    }

    pub(super) fn all(&self) -> &[Named<'a>] {
        &self.0
    }

    /// Those of one stem, for each.
    pub(super) fn stems(&self) -> impl Iterator<Item = &[Named<'a>]> {
        self.0.chunk_by(|one, other| one.stem() == other.stem())
    }

    /// Those of this stem; some of them, where capitals tell more apart than anybody has.
    pub(super) fn stem(&self, stem: &[u8]) -> &[Named<'a>] {
        let all = self.range(|named| named.stem().cmp(stem));
        all.get(..all.len().min(ENDINGS)).unwrap_or_default()
    }

    /// Those of this name.
    pub(super) fn whole(&self, name: &[u8]) -> &[Named<'a>] {
        let dot = match name.iter().rposition(|byte| *byte == b'.') {
            None | Some(0) => name.len(),
            Some(dot) => dot,
        };
        let stem = name.get(..dot).unwrap_or_default();
        let extension = name.get(dot + 1..).unwrap_or_default();
        self.range(|named| (named.stem().cmp(stem)).then_with(|| named.extension().cmp(extension)))
    }

    fn range(&self, order: impl Fn(&Named<'a>) -> Ordering) -> &[Named<'a>] {
        let start = self.0.partition_point(|named| order(named).is_lt());
        let rest = self.0.get(start..).unwrap_or_default();
        let length = rest.partition_point(|named| order(named).is_eq());
        rest.get(..length).unwrap_or_default()
    }
}
