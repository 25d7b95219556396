//! How a video is to be turned and mirrored to stand upright: players read it from the display
//! matrix, decoders do not.

/// One of the eight ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// As it is stored.
    Upright,
    /// Left and right swapped.
    Mirrored,
    /// By half a turn.
    Half,
    /// Top and bottom swapped.
    Flipped,
    /// By a quarter, clockwise.
    Clockwise,
    /// By a quarter, the other way.
    Counter,
    /// Rows become columns.
    Transposed,
    /// The same over the other diagonal.
    AntiTransposed,
}

impl Turn {
    /// What a display matrix says, of which these are the cells a b, c d: a stored pixel at (x, y)
    /// is shown at (a x + c y, b x + d y). One that is askew counts as the nearest that is not.
    pub(crate) const fn of_matrix([a, b, c, d]: [i32; 4]) -> Self {
        let straight = a.unsigned_abs() as u64 + d.unsigned_abs() as u64;
        let across = b.unsigned_abs() as u64 + c.unsigned_abs() as u64;
        if straight >= across {
            match (a < 0, d < 0) {
                (false, false) => Self::Upright,
                (true, false) => Self::Mirrored,
                (true, true) => Self::Half,
                (false, true) => Self::Flipped,
            }
        } else {
            match (b < 0, c < 0) {
                (false, true) => Self::Clockwise,
                (true, false) => Self::Counter,
                (false, false) => Self::Transposed,
                (true, true) => Self::AntiTransposed,
            }
        }
    }

    /// The filters that do it, each with a comma before it.
    pub(crate) const fn filters(self) -> &'static str {
        match self {
            Self::Upright => "",
            Self::Mirrored => ",hflip",
            Self::Half => ",hflip,vflip",
            Self::Flipped => ",vflip",
            Self::Clockwise => ",transpose=clock",
            Self::Counter => ",transpose=cclock",
            Self::Transposed => ",transpose=cclock_flip",
            Self::AntiTransposed => ",transpose=clock_flip",
        }
    }

    /// A size after it; and as each is undone or done in the same measure, before it.
    pub(crate) const fn apply(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Upright | Self::Mirrored | Self::Half | Self::Flipped => (width, height),
            Self::Clockwise | Self::Counter | Self::Transposed | Self::AntiTransposed => {
                (height, width)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_eight_matrices_is_another_turn() {
        const ONE: i32 = 1 << 16;
        let turns = [
            ([ONE, 0, 0, ONE], Turn::Upright),
            ([-ONE, 0, 0, ONE], Turn::Mirrored),
            ([-ONE, 0, 0, -ONE], Turn::Half),
            ([ONE, 0, 0, -ONE], Turn::Flipped),
            ([0, ONE, -ONE, 0], Turn::Clockwise),
            ([0, -ONE, ONE, 0], Turn::Counter),
            ([0, ONE, ONE, 0], Turn::Transposed),
            ([0, -ONE, -ONE, 0], Turn::AntiTransposed),
        ];
        for (matrix, turn) in turns {
            assert_eq!(Turn::of_matrix(matrix), turn);
        }
        // No scale, and a matrix of nothing.
        assert_eq!(Turn::of_matrix([0, 3, -3, 0]), Turn::Clockwise);
        assert_eq!(Turn::of_matrix([0; 4]), Turn::Upright);
        assert_eq!(Turn::Counter.apply((1920, 1080)), (1080, 1920));
    }
}
