//! What sort of file an original is: by its first bytes, and by its name only where they say
//! nothing. `infer` knows the common formats; what it lacks, or takes for granted after two bytes,
//! is decided here before it is asked.

use std::ffi::OsStr;

use vss_core::MediaType;

mod iso_media;
mod names;
mod tiff;

/// What a media type rests on. The numbers stand in rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Evidence {
    /// Neither bytes nor name say anything.
    Nothing = 0,
    /// The name alone.
    Name = 1,
    /// The bytes alone.
    Bytes = 2,
    /// The bytes leave a choice that the name makes: a RAW is a TIFF inside.
    BytesAndName = 3,
}

/// A media type and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sniffed {
    pub(crate) media_type: MediaType,
    pub(crate) evidence: Evidence,
}

/// What a file is that begins with `head` (8 KiB, or all of it) and has this name.
pub(crate) fn sniff(head: &[u8], name: Option<&OsStr>) -> Sniffed {
    let extension = name.and_then(names::extension).unwrap_or_default();
    let (text, evidence) = by_bytes(head, &extension)
        .or_else(|| names::by_extension(&extension).map(|text| (text, Evidence::Name)))
        .unwrap_or(("application/octet-stream", Evidence::Nothing));
    Sniffed {
        // Each spelling of the tables parses; a test goes through them.
        media_type: text.parse().unwrap_or_else(|_| MediaType::unknown()),
        evidence,
    }
}

fn by_bytes(head: &[u8], extension: &str) -> Option<(&'static str, Evidence)> {
    if let Some(found) = tiff::sniff(head, extension) {
        return Some(found);
    }
    if head.starts_with(&[0x1f, 0x8b]) && extension == "svgz" {
        return Some(("image/svg+xml-compressed", Evidence::BytesAndName));
    }
    // Containers of both; the name says which, where their first bytes do not.
    if head.starts_with(&[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11]) && extension == "wma" {
        return Some(("audio/x-ms-wma", Evidence::BytesAndName));
    }
    if head.starts_with(b"OggS") && extension == "ogv" {
        return Some(("video/ogg", Evidence::BytesAndName));
    }
    iso_media::sniff(head)
        .or_else(|| by_magic(head))
        .or_else(|| is_svg(head).then_some("image/svg+xml"))
        .or_else(|| by_infer(head))
        .map(|text| (text, Evidence::Bytes))
}

/// Formats that `infer` does not know, or that it sees wherever their first two bytes are.
fn by_magic(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, bytes: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(bytes))
    };
    let word = |offset: usize| {
        head.get(offset..offset + 4)
            .and_then(|word| <[u8; 4]>::try_from(word).ok())
            .map(u32::from_le_bytes)
    };
    // The sizes of the headers a bitmap can have (Windows and OS/2).
    let bitmap = at(0, b"BM")
        && word(14).is_some_and(|size| matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124));
    // Reserved, type 1, and at least one picture in the directory.
    let icon = at(0, &[0, 0, 1, 0])
        && head
            .get(4..6)
            .is_some_and(|count| count != [0, 0] && count.get(1) == Some(&0));
    let portable_map = head.first() == Some(&b'P')
        && head.get(1).is_some_and(|kind| (b'1'..=b'7').contains(kind))
        && head
            .get(2)
            .is_some_and(|space| matches!(space, b'\n' | b'\r' | b' ' | b'\t'));
    let transport_stream =
        |first: usize, packet: usize| (0..3).all(|i| head.get(first + i * packet) == Some(&0x47));
    let found = match () {
        () if bitmap => "image/bmp",
        () if icon => "image/vnd.microsoft.icon",
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => "image/gif",
        () if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if at(0, &[0xff, 0x4f, 0xff, 0x51]) => "image/j2c",
        () if at(0, b"#?RADIANCE") || at(0, b"#?RGBE") => "image/vnd.radiance",
        () if at(0, &[0x76, 0x2f, 0x31, 0x01]) => "image/x-exr",
        () if at(0, b"qoif") => "image/qoi",
        () if at(0, b"FUJIFILMCCD-RAW") => "image/x-fuji-raf",
        // Infer knows the narrow band alone.
        () if at(0, b"#!AMR-WB\n") => "audio/amr",
        () if at(0, b"FOVb") => "image/x-sigma-x3f",
        () if at(0, b"\0MRM") => "image/x-minolta-mrw",
        () if portable_map => "image/x-portable-anymap",
        () if transport_stream(0, 188) || transport_stream(4, 192) => "video/mp2t",
        // The two EBML formats, wherever in the header the name stands.
        () if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => {
            let header = head.get(..head.len().min(256)).unwrap_or_default();
            match header.windows(4).any(|name| name == b"webm") {
                true => "video/webm",
                false => "video/x-matroska",
            }
        }
        () => return None,
    };
    Some(found)
}

/// Text that opens an `svg` element, after what XML allows before it.
fn is_svg(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let xml = [
        b"<?xml".as_slice(),
        b"<svg",
        b"<!--",
        b"<!DOCTYPE svg",
        b"<!doctype svg",
    ];
    let element = |window: &[u8]| {
        window.starts_with(b"<svg")
            && window
                .get(4)
                .is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
    };
    xml.iter().any(|start| text.starts_with(start))
        && (text.windows(5).any(element) || text.windows(9).any(|w| w == b"<svg:svg "))
}

fn by_infer(head: &[u8]) -> Option<&'static str> {
    let text = infer::get(head)?.mime_type();
    Some(match text {
        // Decided above, by more than two or three bytes.
        "image/bmp"
        | "image/gif"
        | "image/webp"
        | "image/vnd.microsoft.icon"
        | "image/tiff"
        | "video/quicktime"
        | "video/x-matroska"
        | "video/webm" => return None,
        // Names as they are registered.
        "audio/x-flac" => "audio/flac",
        "audio/m4a" => "audio/mp4",
        "audio/opus" => "audio/ogg",
        "audio/x-wav" => "audio/wav",
        text => text,
    })
}

#[cfg(test)]
mod tests;
