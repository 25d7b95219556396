//! How many pixels an inch a picture claims to have: it tells large print from small.

use vss_raster::{Outcome, Source};

/// As much of a file as is looked at.
const HEAD: u64 = 64 << 10;
/// What Tesseract believes, in pixels an inch; it guesses otherwise.
const CREDIBLE: std::ops::RangeInclusive<u32> = 70..=2_400;

/// What the beginning of a JPEG, PNG or TIFF file says, when it can be believed.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn dpi(source: &Source<'_>) -> Outcome<Option<u32>> {
    let mut head = Vec::new();
    source.read_range(0, HEAD, &mut head)?;
    let said = jfif(&head).or_else(|| png(&head)).or_else(|| tiff(&head));
    Ok(said.filter(|dpi| CREDIBLE.contains(dpi)))
}

/// ITU-T T.871, 10.1: the segment right after the start.
fn jfif(head: &[u8]) -> Option<u32> {
    let rest = head.strip_prefix(b"\xFF\xD8\xFF\xE0")?;
    let segment = rest.get(2..)?.strip_prefix(b"JFIF\0")?;
    let across = u32::from(u16::from_be_bytes(array(segment, 3)?));
    match segment.get(2)? {
        1 => Some(across),
        2 => Some(an_inch(across)),
        _ => None,
    }
}

/// PNG, 11.3.4.3: the chunk `pHYs` comes before the pixels.
fn png(head: &[u8]) -> Option<u32> {
    let mut chunks = head.strip_prefix(b"\x89PNG\r\n\x1A\n")?;
    loop {
        let length = usize::try_from(u32::from_be_bytes(array(chunks, 0)?)).ok()?;
        let name = chunks.get(4..8)?;
        if name == b"pHYs" {
            let across = u32::from_be_bytes(array(chunks, 8)?);
            // 1: the unit is the metre.
            let metre = chunks.get(16) == Some(&1);
            return metre.then(|| an_inch(across / 100 + u32::from(across % 100 >= 50)));
        }
        if name == b"IDAT" {
            return None;
        }
        chunks = chunks.get(length.checked_add(12)?..)?;
    }
}

/// TIFF 6.0, 2 and 8: XResolution (282) and ResolutionUnit (296) of the first directory, where
/// that is near.
fn tiff(head: &[u8]) -> Option<u32> {
    let big = match head.get(..4)? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = array(head, at)?;
        Some(match big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    };
    let long = |at: usize| {
        let bytes = array(head, at)?;
        Some(match big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    let field = |tag: u16| {
        let at = |index: usize| directory.checked_add(2 + index * 12);
        (0..entries)
            .filter_map(at)
            .find(|at| short(*at) == Some(tag))
    };
    let ratio = usize::try_from(long(field(282)?.checked_add(8)?)?).ok()?;
    let across = long(ratio)?.checked_div(long(ratio.checked_add(4)?)?)?;
    let unit = field(296).and_then(|at| short(at.checked_add(8)?));
    match unit.unwrap_or(2) {
        2 => Some(across),
        3 => Some(an_inch(across)),
        _ => None,
    }
}

/// From pixels a centimetre.
fn an_inch(a_centimetre: u32) -> u32 {
    let hundredths = a_centimetre.saturating_mul(254);
    hundredths / 100 + u32::from(hundredths % 100 >= 50)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_says_it_in_its_own_unit() {
        let jpeg = |unit: u8| {
            let mut head = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x02".to_vec();
            head.extend([unit, 0, 118, 0, 118, 0, 0]);
            head
        };
        assert_eq!(jfif(&jpeg(1)), Some(118));
        assert_eq!(jfif(&jpeg(2)), Some(300));
        assert_eq!(jfif(&jpeg(0)), None);
        let mut head = b"\x89PNG\r\n\x1A\n\0\0\0\x01sRGB\0\0\0\0\0".to_vec();
        head.extend(b"\0\0\0\x09pHYs\0\0\x2E\x23\0\0\x2E\x23\x01");
        assert_eq!(png(&head), Some(300));
        let mut head = b"II*\0\x08\0\0\0\x02\0".to_vec();
        head.extend(b"\x1A\x01\x05\0\x01\0\0\0\x26\0\0\0");
        head.extend(b"\x28\x01\x03\0\x01\0\0\0\x02\0\0\0");
        head.extend(b"\0\0\0\0\x58\x02\0\0\x02\0\0\0");
        assert_eq!(tiff(&head), Some(300));
    }

    #[test]
    fn what_ends_too_early_says_nothing() {
        let heads = [
            &b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"[..],
            b"\x89PNG\r\n\x1A\n\xFF\xFF\xFF\xFFabcd",
            b"II*\0\xFF\xFF\xFF\xFF",
            b"MM\0*",
            b"",
        ];
        for head in heads {
            assert_eq!(jfif(head).or(png(head)).or(tiff(head)), None);
        }
    }
}
