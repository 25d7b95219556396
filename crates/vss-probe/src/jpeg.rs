//! JPEG: EXIF and XMP in its first segments, and what may follow the picture.

use vss_core::companion::MediaFacts;

use crate::source::{Reader, Span};
use crate::{exif, motion};

const XMP: &[u8; 29] = b"http://ns.adobe.com/xap/1.0/\0";

/// Segments that are looked at: a picture in many parts of ICC profile and XMP has 40.
const SEGMENTS: usize = 96;

/// Reads a JPEG.
pub(crate) fn read(reader: &mut Reader<'_>, file: Span, facts: &mut MediaFacts) {
    let (exif, xmp) = segments(reader, file);
    if let Some(exif) = exif {
        exif::read(reader, exif, facts);
    }
    facts.motion = motion::after(reader, file, xmp);
}

/// The first EXIF and the first XMP.
fn segments(reader: &mut Reader<'_>, file: Span) -> (Option<Span>, Option<Span>) {
    let (mut exif, mut xmp) = (None, None);
    let mut at = 2;
    for _ in 0..SEGMENTS {
        let Some([0xff, marker, high, low]) = reader.array::<4>(file, at) else {
            break;
        };
        // The picture itself, or its end.
        if matches!(marker, 0xda | 0xd9) {
            break;
        }
        // Bytes may be added before a marker, and some markers stand alone.
        if marker == 0xff {
            at += 1;
            continue;
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at += 2;
            continue;
        }
        let length = u64::from(u16::from_be_bytes([high, low]));
        let Some(body) = length
            .checked_sub(2)
            .and_then(|length| file.part(at + 4, length))
        else {
            break;
        };
        if marker == 0xe1 {
            if exif.is_none() && reader.array(body, 0) == Some(*b"Exif\0\0") {
                exif = body.from(6);
            } else if xmp.is_none() && reader.array(body, 0) == Some(*XMP) {
                xmp = body.from(29);
            }
        }
        at += 2 + length;
    }
    (exif, xmp)
}
