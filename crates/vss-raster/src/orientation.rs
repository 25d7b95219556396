//! How a picture has to be turned to stand upright, and turning it. It is done once, on the
//! largest thumbnail, and no output says anything about orientation any more.

use exif::{In, Reader, Tag};

/// What EXIF says under tag 274: the place of row 0 and column 0 (EXIF 2.32, 4.6.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Orientation {
    /// 1: as it is.
    #[default]
    Upright,
    /// 2: mirrored left to right.
    Mirrored,
    /// 3: turned by 180 degrees.
    UpsideDown,
    /// 4: mirrored top to bottom.
    Flipped,
    /// 5: rows are columns.
    Transposed,
    /// 6: to be turned by 90 degrees clockwise.
    Clockwise,
    /// 7: rows are columns, mirrored.
    Transversed,
    /// 8: to be turned by 90 degrees counter-clockwise.
    CounterClockwise,
}

impl Orientation {
    /// From its number; what is not 1 to 8 says nothing, so the picture stays as it is.
    pub const fn from_tag(value: u32) -> Self {
        match value {
            2 => Self::Mirrored,
            3 => Self::UpsideDown,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::Clockwise,
            7 => Self::Transversed,
            8 => Self::CounterClockwise,
            _ => Self::Upright,
        }
    }

    /// From an EXIF block (a TIFF structure, with or without `Exif\0\0` before it). A block that
    /// cannot be read says nothing.
    pub fn from_exif(block: &[u8]) -> Self {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        let mut reader = Reader::new();
        // One damaged field, often a maker note, does not make the others worthless.
        reader.continue_on_error(true);
        let read = reader
            .read_raw(block.to_vec())
            .or_else(|error| error.distill_partial_result(|_| {}));
        let field = read.ok().and_then(|exif| {
            let field = exif.get_field(Tag::Orientation, In::PRIMARY)?;
            field.value.get_uint(0)
        });
        field.map_or(Self::Upright, Self::from_tag)
    }

    /// Whether width and height change places.
    pub const fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Transposed | Self::Clockwise | Self::Transversed | Self::CounterClockwise
        )
    }

    /// Copies pixels of `CHANNELS` bytes upright into `to`, which has the same length. `width` and
    /// `height` are those of `from`.
    pub fn apply<const CHANNELS: usize>(
        self,
        from: &[u8],
        width: usize,
        height: usize,
        to: &mut [u8],
    ) {
        let (from, _) = from.as_chunks::<CHANNELS>();
        let (to, _) = to.as_chunks_mut::<CHANNELS>();
        if from.is_empty() || from.len() != width * height || to.len() != from.len() {
            return;
        }
        let (last_x, last_y) = (width - 1, height - 1);
        let out_width = if self.swaps_sides() { height } else { width };
        for (y, row) in to.chunks_exact_mut(out_width).enumerate() {
            // Where the row begins in `from`, and how far apart its pixels are there.
            let (start, step, back) = match self {
                Self::Upright => (y * width, 1, false),
                Self::Mirrored => (y * width + last_x, 1, true),
                Self::UpsideDown => ((last_y - y) * width + last_x, 1, true),
                Self::Flipped => ((last_y - y) * width, 1, false),
                Self::Transposed => (y, width, false),
                Self::Clockwise => (last_y * width + y, width, true),
                Self::Transversed => (last_y * width + (last_x - y), width, true),
                Self::CounterClockwise => (last_x - y, width, false),
            };
            if back {
                let line = from.get(..=start).unwrap_or_default();
                let line = line.iter().rev().step_by(step);
                row.iter_mut().zip(line).for_each(|(to, from)| *to = *from);
            } else {
                let line = from.get(start..).unwrap_or_default();
                let line = line.iter().step_by(step);
                row.iter_mut().zip(line).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(tag: u32) -> (usize, Vec<u8>) {
        // 1 2 3
        // 4 5 6
        let orientation = Orientation::from_tag(tag);
        let mut to = vec![0; 6];
        orientation.apply::<1>(&[1, 2, 3, 4, 5, 6], 3, 2, &mut to);
        (if orientation.swaps_sides() { 2 } else { 3 }, to)
    }

    #[test]
    fn each_of_the_eight_orientations_puts_the_corner_where_exif_says() {
        assert_eq!(turned(1), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(2), (3, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(turned(3), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(4), (3, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(turned(5), (2, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(turned(6), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(7), (2, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(turned(8), (2, vec![3, 6, 2, 5, 1, 4]));
        for unknown in [0, 9, u32::MAX] {
            assert_eq!(turned(unknown), turned(1));
        }
    }

    #[test]
    fn an_exif_block_that_cannot_be_read_says_nothing() {
        for block in [&b""[..], b"Exif\0\0", b"II*\0", &[0xFF; 40]] {
            assert_eq!(Orientation::from_exif(block), Orientation::Upright);
        }
    }
}
