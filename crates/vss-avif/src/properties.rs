//! What a container says of an item beside its bytes (ISO/IEC 23008-12, 6.5).

use vss_raster::Orientation;

use crate::fields::Fields;

/// Colours by number (ITU-T H.273).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Nclx {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

/// A part of the picture, in whole pixels from its top left corner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Crop {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// All properties of one item that matter here.
#[derive(Clone, Default, Debug)]
pub(crate) struct Properties {
    /// Width and height, before cropping and turning.
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) nclx: Option<Nclx>,
    pub(crate) icc: Option<Vec<u8>>,
    clean_aperture: Option<[u32; 8]>,
    /// Quarter turns against the clock.
    turns: u8,
    /// 0 exchanges top and bottom, 1 left and right.
    mirror: Option<u8>,
    pub(crate) is_alpha: bool,
}

const ALPHA: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
];

impl Properties {
    /// Takes in one property; what is not known or damaged changes nothing.
    pub(crate) fn add(&mut self, kind: [u8; 4], body: &[u8]) {
        match &kind {
            b"ispe" => self.size = size(body).or(self.size),
            b"colr" => self.add_colour(body),
            b"clap" => self.clean_aperture = aperture(body).or(self.clean_aperture),
            b"irot" => self.turns = body.first().map_or(0, |turns| turns & 3),
            b"imir" => self.mirror = body.first().map(|axis| axis & 1),
            b"auxC" => {
                let name = body.get(4..).unwrap_or_default();
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                self.is_alpha = ALPHA.contains(&name);
            }
            _ => {}
        }
    }

    fn add_colour(&mut self, body: &[u8]) {
        let mut fields = Fields::new(body);
        match fields.take(4) {
            Some(b"nclx") => self.nclx = nclx(fields).or(self.nclx),
            Some(b"prof" | b"rICC") => self.icc = Some(fields.rest().to_vec()),
            _ => {}
        }
    }

    /// How the picture has to be turned: first the rotation, then the mirroring
    /// (ISO/IEC 23000-22, 7.3.6.7).
    pub(crate) fn orientation(&self) -> Orientation {
        match (self.turns, self.mirror) {
            (0, None) => Orientation::Upright,
            (0, Some(1)) | (2, Some(0)) => Orientation::Mirrored,
            (2, None) => Orientation::UpsideDown,
            (0, Some(_)) | (2, Some(_)) => Orientation::Flipped,
            (1, None) => Orientation::CounterClockwise,
            (1, Some(0)) | (3, Some(1)) => Orientation::Transposed,
            (1, Some(_)) | (3, Some(_)) => Orientation::Transversed,
            (_, None) => Orientation::Clockwise,
            (_, Some(_)) => Orientation::Upright,
        }
    }

    /// The part of a picture of this size that is to be seen; `None` is all of it. A part that is
    /// not in the picture, or no whole pixels, is not cropped.
    pub(crate) fn crop(&self, width: u32, height: u32) -> Option<Crop> {
        let [w, w_by, h, h_by, x, x_by, y, y_by] = self.clean_aperture?;
        let (wide, left) = part(width, (w, w_by), (x, x_by))?;
        let (high, top) = part(height, (h, h_by), (y, y_by))?;
        let crop = Crop {
            x: left,
            y: top,
            width: wide,
            height: high,
        };
        ((wide, high) != (width, height)).then_some(crop)
    }
}

/// A length and its beginning: the offset is from the middle of the whole to the middle of the
/// part.
fn part(whole: u32, length: (u32, u32), offset: (u32, u32)) -> Option<(u32, u32)> {
    let whole_number = |(of, by): (u32, u32)| (by != 0 && of % by == 0).then(|| of / by);
    let length = whole_number(length).filter(|length| (1..=whole).contains(length))?;
    let (of, by) = (i64::from(offset.0.cast_signed()), i64::from(offset.1));
    // 2 * (begin - offset) = whole - length
    let doubled = (by != 0 && (2 * of) % by == 0).then(|| 2 * of / by)?;
    let begin = doubled + i64::from(whole) - i64::from(length);
    let begin = u32::try_from(begin).ok().filter(|b| b % 2 == 0)? / 2;
    (begin.checked_add(length)? <= whole).then_some((length, begin))
}

fn size(body: &[u8]) -> Option<(u32, u32)> {
    let (_, _, mut fields) = Fields::full(body)?;
    Some((fields.long()?, fields.long()?))
}

fn nclx(mut fields: Fields<'_>) -> Option<Nclx> {
    let primaries = fields.short()?;
    Some(Nclx {
        primaries,
        transfer: fields.short()?,
        matrix: fields.short()?,
        full_range: fields.byte()? & 0x80 != 0,
    })
}

fn aperture(body: &[u8]) -> Option<[u32; 8]> {
    let mut fields = Fields::new(body);
    let mut numbers = [0; 8];
    for number in &mut numbers {
        *number = fields.long()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(turns: u8, mirror: Option<u8>) -> Vec<u8> {
        let properties = Properties {
            turns,
            mirror,
            ..Properties::default()
        };
        // 1 2
        // 3 4
        let mut to = vec![0; 4];
        let orientation = properties.orientation();
        orientation.apply::<1>(&[1, 2, 3, 4], 2, 2, &mut to);
        to
    }

    #[test]
    fn a_rotation_comes_before_a_mirroring() {
        assert_eq!(turned(0, None), [1, 2, 3, 4]);
        assert_eq!(turned(1, None), [2, 4, 1, 3]);
        assert_eq!(turned(2, None), [4, 3, 2, 1]);
        assert_eq!(turned(3, None), [3, 1, 4, 2]);
        assert_eq!(turned(0, Some(0)), [3, 4, 1, 2]);
        assert_eq!(turned(0, Some(1)), [2, 1, 4, 3]);
        assert_eq!(turned(1, Some(0)), [1, 3, 2, 4]);
        assert_eq!(turned(1, Some(1)), [4, 2, 3, 1]);
        assert_eq!(turned(2, Some(0)), [2, 1, 4, 3]);
        assert_eq!(turned(2, Some(1)), [3, 4, 1, 2]);
        assert_eq!(turned(3, Some(0)), [4, 2, 3, 1]);
        assert_eq!(turned(3, Some(1)), [1, 3, 2, 4]);
    }

    #[test]
    fn a_part_is_cropped_only_where_it_is_whole_pixels_inside() {
        let crop = |numbers| {
            let properties = Properties {
                clean_aperture: Some(numbers),
                ..Properties::default()
            };
            let crop = properties.crop(10, 20)?;
            Some((crop.x, crop.y, crop.width, crop.height))
        };
        assert_eq!(crop([4, 1, 6, 1, 0, 1, 0, 1]), Some((3, 7, 4, 6)));
        let minus = (-3_i32).cast_unsigned();
        assert_eq!(crop([4, 1, 6, 1, minus, 1, 14, 2]), Some((0, 14, 4, 6)));
        assert_eq!(crop([5, 1, 20, 1, 1, 2, 0, 1]), Some((3, 0, 5, 20)));
        for bad in [
            [10, 1, 20, 1, 0, 1, 0, 1],
            [11, 1, 6, 1, 0, 1, 0, 1],
            [4, 1, 6, 1, 4, 1, 0, 1],
            [4, 0, 6, 1, 0, 1, 0, 1],
            [5, 1, 6, 1, 0, 1, 0, 1],
            [0, 1, 6, 1, 0, 1, 0, 1],
        ] {
            assert_eq!(crop(bad), None, "{bad:?}");
        }
    }
}
