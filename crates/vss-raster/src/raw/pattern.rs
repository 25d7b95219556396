//! Which colour a sensor sees where: two by two places that repeat (DNG, tags 33421 and 33422).

use crate::failure::{Outcome, unsupported};

/// The colour of each of four places, row by row: 0 red, 1 green, 2 blue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pattern([usize; 4]);

impl Pattern {
    /// From what a file says.
    ///
    /// # Errors
    /// `unsupported` for what is not one red, two greens and one blue.
    pub(super) fn new(sides: &[u64], colours: &[u64]) -> Outcome<Self> {
        let pattern = match (sides, colours) {
            ([2, 2], [a, b, c, d]) => [*a, *b, *c, *d],
            _ => return Err(unsupported("a sensor of another pattern than Bayer's")),
        };
        let many = |colour| pattern.iter().filter(|c| **c == colour).count();
        if [0, 1, 2].map(many) != [1, 2, 1] {
            return Err(unsupported("a sensor with other colours"));
        }
        Ok(Self(pattern.map(|c| usize::try_from(c).unwrap_or(0))))
    }

    /// The colour at a place.
    pub(super) const fn colour(self, x: usize, y: usize) -> usize {
        let Self([a, b, c, d]) = self;
        match (y % 2, x % 2) {
            (0, 0) => a,
            (0, _) => b,
            (_, 0) => c,
            _ => d,
        }
    }

    /// The same, seen from another place on.
    pub(super) const fn from(self, x: usize, y: usize) -> Self {
        Self([
            self.colour(x, y),
            self.colour(x + 1, y),
            self.colour(x, y + 1),
            self.colour(x + 1, y + 1),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_one_red_two_greens_and_a_blue() {
        let pattern = Pattern::new(&[2, 2], &[1, 0, 2, 1]).unwrap();
        let row = |y| [0, 1, 2].map(|x| pattern.colour(x, y));
        assert_eq!([row(0), row(1), row(2)], [[1, 0, 1], [2, 1, 2], [1, 0, 1]]);
        assert!(Pattern::new(&[2, 2], &[1, 0, 2, 2]).is_err());
        assert!(Pattern::new(&[6, 6], &[1, 0, 2, 1]).is_err());
        assert!(Pattern::new(&[2, 2], &[u64::MAX, 0, 1, 1]).is_err());
    }
}
