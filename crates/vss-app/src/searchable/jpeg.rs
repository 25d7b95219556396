//! A JPEG as a PDF can hold it: its segments without decoding any, and without what says where and
//! when a photo was taken.

use exif::{In, Reader, Tag};

/// A JPEG that every viewer of PDF can decode.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Jpeg {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Whether it has one component instead of three.
    pub(super) gray: bool,
    /// EXIF's number for how it has to be turned, 1 to 8.
    pub(super) orientation: u32,
}

const START: [u8; 2] = [0xFF, 0xD8];
const END: [u8; 2] = [0xFF, 0xD9];

/// Reads one; `None` for what is damaged, or of a sort that not every viewer decodes.
pub(super) fn read(data: &[u8]) -> Option<Jpeg> {
    let mut jpeg = Jpeg {
        bytes: Vec::with_capacity(data.len()),
        width: 0,
        height: 0,
        gray: false,
        orientation: 1,
    };
    let mut scanned = false;
    let mut rest = data.strip_prefix(&START)?;
    jpeg.bytes.extend(START);
    // Without an end it is cut off; viewers show what there is of it.
    while let Some((marker, after)) = marker(rest) {
        if marker == 0xD9 {
            break;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let (body, after) = (after.get(2..length)?, after.get(length..)?);
        rest = after;
        match marker {
            // Baseline, extended and progressive, Huffman coded (ITU-T T.81, table B.1).
            0xC0..=0xC2 => jpeg.frame(body)?,
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return None,
            // Colours by a profile: the worker brings them to sRGB.
            0xE2 if body.starts_with(b"ICC_PROFILE\0") => return None,
            // Comments, and what programs add; how colours are meant is all that is kept of it.
            0xE0 if body.starts_with(b"JFIF\0") => {}
            0xEE if body.starts_with(b"Adobe") => {}
            0xE1 if body.starts_with(b"Exif\0\0") => {
                jpeg.orientation = orientation(body.get(6..)?);
                continue;
            }
            0xE0..=0xEF | 0xFE => continue,
            _ => {}
        }
        jpeg.bytes.extend([0xFF, marker]);
        jpeg.bytes.extend(u16::try_from(length).ok()?.to_be_bytes());
        jpeg.bytes.extend(body);
        if marker == 0xDA {
            let scan = scan_length(rest);
            jpeg.bytes.extend(rest.get(..scan)?);
            rest = rest.get(scan..)?;
            scanned = true;
        }
    }
    jpeg.bytes.extend(END);
    (scanned && jpeg.width > 0 && jpeg.height > 0).then_some(jpeg)
}

impl Jpeg {
    fn frame(&mut self, body: &[u8]) -> Option<()> {
        let &[8, h1, h0, w1, w0, components @ (1 | 3), ..] = body else {
            return None;
        };
        self.width = u32::from(u16::from_be_bytes([w1, w0]));
        self.height = u32::from(u16::from_be_bytes([h1, h0]));
        self.gray = components == 1;
        Some(())
    }
}

/// The marker at the beginning, and what follows it.
fn marker(data: &[u8]) -> Option<(u8, &[u8])> {
    let fill = data.iter().take_while(|byte| **byte == 0xFF).count();
    match data.get(fill..)? {
        [marker @ 0x01..=0xFE, after @ ..] if fill > 0 => Some((*marker, after)),
        _ => None,
    }
}

/// Bytes until the next marker that is none of a scan's own.
fn scan_length(data: &[u8]) -> usize {
    let ends = |two: &[u8]| matches!(two, [0xFF, 0x01..=0xCF | 0xD8..=0xFE]);
    data.windows(2).position(ends).unwrap_or(data.len())
}

/// What an EXIF block says; one that cannot be read says nothing.
fn orientation(block: &[u8]) -> u32 {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader
        .read_raw(block.to_vec())
        .or_else(|error| error.distill_partial_result(|_| {}));
    let said = read.ok().and_then(|exif| {
        let field = exif.get_field(Tag::Orientation, In::PRIMARY)?;
        field.value.get_uint(0)
    });
    said.filter(|number| (1..=8).contains(number)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, body].concat()
    }

    const FRAME: &[u8] = &[8, 0, 20, 0, 30, 1, 1, 0x11, 0];
    const TURNED: &[u8] =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

    fn file(segments: &[Vec<u8>]) -> Vec<u8> {
        let scan = [
            segment(0xDA, &[1, 1, 0, 0, 63, 0]),
            vec![7, 0xFF, 0, 9, 0xFF, 0xD0, 5],
        ];
        [&START[..], &segments.concat(), &scan.concat(), &END].concat()
    }

    #[test]
    fn notes_of_the_camera_are_left_out_and_the_orientation_is_remembered() {
        let tables = segment(0xDB, &[0; 65]);
        let noisy = file(&[
            segment(0xE0, b"JFIF\0rest"),
            segment(0xE1, TURNED),
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0somewhere"),
            segment(0xFE, b"a comment"),
            tables.clone(),
            segment(0xC0, FRAME),
        ]);
        let video = [&noisy[..], b"ftyp and a whole film"].concat();
        let jpeg = read(&video).unwrap();
        let plain = file(&[segment(0xE0, b"JFIF\0rest"), tables, segment(0xC0, FRAME)]);
        assert_eq!(jpeg.bytes, plain);
        assert_eq!((jpeg.width, jpeg.height, jpeg.orientation), (30, 20, 6));
        assert!(jpeg.gray);
    }

    #[test]
    fn what_not_every_viewer_decodes_is_left_to_the_worker() {
        let arithmetic = file(&[segment(0xC9, FRAME)]);
        let ink = file(&[segment(0xC0, &[8, 0, 20, 0, 30, 4, 1, 0x11, 0])]);
        let deep = file(&[segment(0xC1, &[12, 0, 20, 0, 30, 1, 1, 0x11, 0])]);
        let none = file(&[]);
        let profile = file(&[
            segment(0xE2, b"ICC_PROFILE\0\x01\x01"),
            segment(0xC0, FRAME),
        ]);
        for data in [
            &arithmetic[..],
            &ink,
            &deep,
            &profile,
            &none,
            b"GIF89a",
            b"",
        ] {
            assert_eq!(read(data), None);
        }
    }

    #[test]
    fn of_what_is_cut_off_is_kept_what_there_is_of_the_scan() {
        let whole = file(&[segment(0xC0, FRAME)]);
        let scan = whole.len() - END.len() - 7;
        for length in 0..whole.len() {
            match read(&whole[..length]) {
                Some(jpeg) => {
                    assert!(length >= scan, "{length}");
                    let kept = jpeg.bytes.strip_suffix(&END).unwrap();
                    assert!(whole.starts_with(kept), "{length}");
                }
                None => assert!(length < scan, "{length}"),
            }
        }
    }

    #[test]
    fn any_number_of_bytes_may_fill_the_room_before_a_marker() {
        let plain = file(&[segment(0xC0, FRAME)]);
        let filled = [&START[..], &[0xFF; 1 << 20], &plain[2..]].concat();
        assert_eq!(read(&filled), read(&plain));
        assert_eq!(read(&[&START[..], &[0xFF; 1 << 20]].concat()), None);
    }
}
