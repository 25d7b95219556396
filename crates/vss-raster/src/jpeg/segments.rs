//! What stands in a JPEG before its first scan: size, components, EXIF and colour profile. Read
//! here and not by the decoder, so that limits are checked before it is even called.

use std::ops::Range;

use crate::failure::{Outcome, corrupt};

/// The header of a JPEG (ITU-T T.81, annex B).
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// Bits a sample.
    pub(super) precision: u8,
    /// Components: 1 grey, 3 colour, 4 CMYK or YCCK.
    pub(super) components: u8,
    /// DCT coefficients of the whole picture.
    pub(super) coefficients: u64,
    /// Whether it comes in several passes over the whole picture.
    pub(super) progressive: bool,
    /// Whether it has no DCT and so cannot be scaled.
    pub(super) lossless: bool,
    /// Whether Adobe's marker is there.
    pub(super) adobe: bool,
    /// Where the EXIF block lies.
    pub(super) exif: Option<Range<usize>>,
    /// The colour profile, put together from its parts.
    pub(super) icc: Option<Vec<u8>>,
}

const ICC: &[u8] = b"ICC_PROFILE\0";
const EXIF: &[u8] = b"Exif\0\0";

impl Segments {
    /// Reads everything up to the first scan.
    ///
    /// # Errors
    /// `corrupt_source` when the file is no JPEG, or has no frame or no scan with data in it.
    pub(super) fn parse(data: &[u8]) -> Outcome<Self> {
        if !data.starts_with(&[0xFF, 0xD8]) {
            return Err(corrupt("does not begin like a JPEG"));
        }
        let mut head = Self::default();
        let mut icc: Vec<(u8, Range<usize>)> = Vec::new();
        let mut at = 2;
        loop {
            let (marker, body) = segment(data, at)?;
            let bytes = data.get(body.clone()).unwrap_or_default();
            match marker {
                // The frames; C4, C8 and CC are tables (table B.1).
                0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                    head.frame(marker, bytes)?;
                }
                0xE1 if head.exif.is_none() && bytes.starts_with(EXIF) => {
                    head.exif = Some(body.clone());
                }
                0xE2 if bytes.starts_with(ICC) => {
                    if let Some(&number) = bytes.get(ICC.len()) {
                        let from = (body.start + ICC.len() + 2).min(body.end);
                        icc.push((number, from..body.end));
                    }
                }
                0xEE if bytes.starts_with(b"Adobe") => head.adobe = true,
                0xDA => {
                    if head.components == 0 {
                        return Err(corrupt("a scan comes before the frame"));
                    }
                    // Fewer bytes than this hold no picture, only a header's promise of one.
                    if data.len().saturating_sub(body.end) < 2 {
                        return Err(corrupt("ends before the picture begins"));
                    }
                    break;
                }
                0xD9 => return Err(corrupt("has no picture in it")),
                _ => {}
            }
            at = body.end;
        }
        icc.sort_by_key(|(number, _)| *number);
        let parts = icc.into_iter().filter_map(|(_, range)| data.get(range));
        let profile = parts.collect::<Vec<_>>().concat();
        head.icc = Some(profile).filter(|profile| !profile.is_empty());
        Ok(head)
    }

    fn frame(&mut self, marker: u8, bytes: &[u8]) -> Outcome<()> {
        if self.components != 0 {
            return Err(corrupt("has more than one frame"));
        }
        let &[precision, h1, h0, w1, w0, components, ref samplings @ ..] = bytes else {
            return Err(corrupt("its frame header is cut short"));
        };
        self.precision = precision;
        self.height = u32::from(u16::from_be_bytes([h1, h0]));
        self.width = u32::from(u16::from_be_bytes([w1, w0]));
        self.components = components;
        self.progressive = matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
        self.lossless = matches!(marker, 0xC3 | 0xC7 | 0xCB | 0xCF);
        // Each component: id, sampling factors (4 bits each), table.
        let factors = samplings.chunks_exact(3).take(usize::from(components));
        let factors = factors.filter_map(|c| c.get(1).map(|s| (s >> 4, s & 15)));
        let widest = factors.clone().map(|(h, _)| h).max().unwrap_or(1).max(1);
        let tallest = factors.clone().map(|(_, v)| v).max().unwrap_or(1).max(1);
        let blocks = |side: u32, of: u8, largest: u8| {
            (u64::from(side) * u64::from(of)).div_ceil(8 * u64::from(largest)) * 8
        };
        self.coefficients = factors
            .map(|(h, v)| blocks(self.width, h, widest) * blocks(self.height, v, tallest))
            .sum();
        Ok(())
    }
}

/// The marker at or after `at`, and where its content lies.
fn segment(data: &[u8], mut at: usize) -> Outcome<(u8, Range<usize>)> {
    // Stray bytes between segments are skipped, as libjpeg does.
    let marker = loop {
        match data.get(at..) {
            Some(&[0xFF, marker @ 0x01..=0xFE, ..]) => break marker,
            Some([_, _, ..]) => at += 1,
            _ => return Err(corrupt("ends inside its header")),
        }
    };
    let from = at + 2;
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Ok((marker, from..from));
    }
    let Some(&[high, low]) = data.get(from..from + 2) else {
        return Err(corrupt("ends inside its header"));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let body = from + 2..from + length;
    if length < 2 || body.end > data.len() {
        return Err(corrupt("ends inside its header"));
    }
    Ok((marker, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment_of(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, body].concat()
    }

    fn with(segments: &[Vec<u8>]) -> Vec<u8> {
        let mut data = vec![0xFF, 0xD8];
        data.extend(segments.concat());
        data.extend(segment_of(0xDA, &[0; 8]));
        data.extend([1, 2, 3]);
        data
    }

    const FRAME: &[u8] = &[8, 0, 100, 0, 200, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    #[test]
    fn the_frame_tells_size_and_how_many_coefficients_are_held() {
        let head = Segments::parse(&with(&[segment_of(0xC2, FRAME)])).unwrap();
        assert_eq!((head.width, head.height, head.components), (200, 100, 3));
        assert!(head.progressive && !head.adobe);
        // 200 x 104 luma, twice 104 x 56 chroma (100 x 50 in whole blocks).
        assert_eq!(head.coefficients, 200 * 104 + 2 * 104 * 56);
    }

    #[test]
    fn a_profile_in_parts_is_put_together_in_their_order() {
        let part = |number: u8, text: &[u8]| segment_of(0xE2, &[ICC, &[number, 2], text].concat());
        let data = with(&[
            part(2, b"world"),
            part(1, b"hello "),
            segment_of(0xC0, FRAME),
        ]);
        let head = Segments::parse(&data).unwrap();
        assert_eq!(head.icc.as_deref(), Some(&b"hello world"[..]));
    }

    #[test]
    fn stray_bytes_between_segments_are_skipped() {
        let data = with(&[vec![0, 7, 0xFF, 0xFF], segment_of(0xC0, FRAME)]);
        assert_eq!(Segments::parse(&data).unwrap().width, 200);
    }

    #[test]
    fn headers_that_promise_no_picture_are_refused() {
        let whole = with(&[segment_of(0xC0, FRAME)]);
        for length in 0..whole.len() - 1 {
            assert!(Segments::parse(&whole[..length]).is_err(), "{length}");
        }
        assert!(Segments::parse(&with(&[])).is_err());
        let two = with(&[segment_of(0xC0, FRAME), segment_of(0xC0, FRAME)]);
        assert!(Segments::parse(&two).is_err());
    }
}
