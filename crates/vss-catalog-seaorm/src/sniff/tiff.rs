//! TIFF and what is a TIFF inside: the RAW files of most cameras. They are told apart so that a
//! TIFF decoder is not fed a RAW, of which it would show a thumbnail or noise.

use super::Evidence;

/// The tag whose presence makes a TIFF a DNG (Adobe DNG specification, `DNGVersion`).
const DNG_VERSION: u16 = 50_706;

/// By the byte order mark and the version; a camera's own format by its name.
pub(super) fn sniff(head: &[u8], extension: &str) -> Option<(&'static str, Evidence)> {
    let little = match head.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let number = |offset: usize| {
        let pair: [u8; 2] = head.get(offset..offset + 2)?.try_into().ok()?;
        Some(match little {
            true => u16::from_le_bytes(pair),
            false => u16::from_be_bytes(pair),
        })
    };
    let by_bytes = match (number(2)?, head.get(2..4)?) {
        (42, _) if head.get(8..10) == Some(b"CR") => "image/x-canon-cr2",
        (42, _) if is_dng(head, little) => "image/x-adobe-dng",
        (42, _) => {
            return Some(match raw(extension) {
                Some(raw) => (raw, Evidence::BytesAndName),
                None => ("image/tiff", Evidence::Bytes),
            });
        }
        // BigTIFF: offsets of 8 bytes, and a zero.
        (43, _) if number(4) == Some(8) && number(6) == Some(0) => "image/tiff",
        (_, b"U\0") => "image/x-panasonic-rw2",
        (_, b"RO" | b"RS" | b"OR") => "image/x-olympus-orf",
        _ => return None,
    };
    Some((by_bytes, Evidence::Bytes))
}

/// Whether the first directory has the tag, as far as it lies in what was read.
fn is_dng(head: &[u8], little: bool) -> bool {
    let word = |offset: usize, width: usize| {
        let bytes = head.get(offset..offset.checked_add(width)?)?;
        let shift = |value: usize, byte: &u8| value << 8 | usize::from(*byte);
        Some(match little {
            true => bytes.iter().rev().fold(0, shift),
            false => bytes.iter().fold(0, shift),
        })
    };
    let Some(directory) = word(4, 4) else {
        return false;
    };
    let count = word(directory, 2).unwrap_or(0);
    (0..count)
        .map_while(|i| word(directory.checked_add(2 + 12 * i)?, 2))
        .any(|tag| tag == usize::from(DNG_VERSION))
}

/// The RAW formats that begin like any TIFF.
fn raw(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "dng" => "image/x-adobe-dng",
        "nef" | "nrw" => "image/x-nikon-nef",
        "arw" | "sr2" | "srf" => "image/x-sony-arw",
        "cr2" => "image/x-canon-cr2",
        "pef" => "image/x-pentax-pef",
        "srw" => "image/x-samsung-srw",
        "3fr" | "fff" => "image/x-hasselblad-3fr",
        "erf" => "image/x-epson-erf",
        "dcr" | "kdc" => "image/x-kodak-dcr",
        "iiq" | "mos" => "image/x-phaseone-iiq",
        "rwl" => "image/x-leica-rwl",
        "orf" => "image/x-olympus-orf",
        "rw2" => "image/x-panasonic-rw2",
        _ => return None,
    })
}
