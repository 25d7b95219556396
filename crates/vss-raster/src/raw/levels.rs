//! From what a sensor stored to light: linear, 0 is none, 65,535 the most.

use super::sensor::Levels;
use crate::bytes::Bytes;

/// Opcodes that bend tones (DNG, chapter 7): a table, a polynomial.
const MAP_TABLE: u32 = 7;
const MAP_POLYNOMIAL: u32 = 8;

/// Bytes in front of an opcode, and those that say for which part of the picture it is.
const HEAD: usize = 16;
const AREA: usize = 32;

/// The degree of the highest polynomial that the specification allows.
const DEGREE: usize = 8;

/// Light by stored value.
#[derive(Debug)]
pub(super) struct Lights(Vec<u16>);

impl Lights {
    /// Of one of two by two places of a mosaic, or of one of three colours, in samples of so many
    /// bits. `plane` is the colour, 0 in a mosaic.
    pub(super) fn new(levels: &Levels, place: usize, plane: u32, bits: u32) -> Self {
        let largest = (1_u32 << bits.min(16)) - 1;
        let highest = levels
            .table
            .last()
            .map_or(f64::from(largest), |last| as_f64(*last));
        let white = levels.white.get(plane as usize).or(levels.white.first());
        let white = white.copied().unwrap_or(highest);
        let black = levels.black.get(place).copied().unwrap_or(0.0);
        let span = white - black;
        let bends = bends(&levels.opcodes, plane);
        let light = |stored: u32| {
            let value = match levels.table.as_slice() {
                [] => f64::from(stored),
                [.., last] => as_f64(*levels.table.get(stored as usize).unwrap_or(last)),
            };
            let light = (value - black) / span;
            // Levels that make no sense leave it dark.
            let light = if light.is_finite() {
                light.clamp(0.0, 1.0)
            } else {
                0.0
            };
            let light = bends.iter().fold(light, |light, bend| bend.of(light));
            whole(light * 65_535.0)
        };
        Self((0..=largest).map(light).collect())
    }

    /// The light of a stored value.
    pub(super) fn of(&self, stored: u16) -> u16 {
        let light = self.0.get(usize::from(stored)).or(self.0.last());
        light.copied().unwrap_or(0)
    }
}

/// A tone curve.
enum Bend {
    Table(Vec<u16>),
    Polynomial(Vec<f64>),
}

impl Bend {
    fn of(&self, light: f64) -> f64 {
        let bent = match self {
            Self::Table(table) => {
                let at = usize::from(whole(light * 65_535.0)).min(table.len().saturating_sub(1));
                f64::from(table.get(at).copied().unwrap_or(0)) / 65_535.0
            }
            Self::Polynomial(factors) => factors
                .iter()
                .rev()
                .fold(0.0, |sum, factor| sum * light + factor),
        };
        if bent.is_finite() {
            bent.clamp(0.0, 1.0)
        } else {
            light
        }
    }
}

/// The tone curves of a colour, in order.
fn bends(opcodes: &[u8], plane: u32) -> Vec<Bend> {
    let mut bends = Vec::new();
    let mut rest = opcodes.get(4..).unwrap_or_default();
    let count = Bytes(opcodes).long(0).unwrap_or(0);
    for _ in 0..count {
        let head = Bytes(rest);
        let (Some(id), Some(length)) = (head.long(0), head.long(12)) else {
            break;
        };
        let Some(body) = rest.get(HEAD..).and_then(|b| b.get(..length as usize)) else {
            break;
        };
        let bytes = Bytes(body);
        let (first, planes) = (bytes.long(16).unwrap_or(0), bytes.long(20).unwrap_or(0));
        let concerned = plane >= first && plane - first < planes;
        let size = bytes.long(AREA).unwrap_or(0) as usize;
        let values = body.get(AREA + 4..).unwrap_or_default();
        match id {
            MAP_TABLE if concerned => {
                let (values, _) = values.as_chunks::<2>();
                let values = values.iter().take(size).map(|v| u16::from_be_bytes(*v));
                bends.push(Bend::Table(values.collect()));
            }
            MAP_POLYNOMIAL if concerned && size <= DEGREE => {
                let (values, _) = values.as_chunks::<8>();
                let values = values.iter().take(size + 1).map(|v| f64::from_be_bytes(*v));
                bends.push(Bend::Polynomial(values.collect()));
            }
            _ => {}
        }
        rest = rest.get(HEAD + body.len()..).unwrap_or_default();
    }
    bends
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 65,535"
)]
fn whole(value: f64) -> u16 {
    value.round() as u16
}

#[expect(clippy::cast_precision_loss, reason = "levels have few digits")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(black: f64, white: f64) -> Levels {
        Levels {
            table: Vec::new(),
            black: vec![black; 4],
            white: vec![white],
            opcodes: Vec::new(),
        }
    }

    #[test]
    fn light_lies_between_black_and_white() {
        let lights = Lights::new(&levels(100.0, 1_100.0), 0, 0, 12);
        let of = [0, 100, 600, 1_100, 4_095, 65_535].map(|stored| lights.of(stored));
        assert_eq!(of, [0, 0, 32_768, 65_535, 65_535, 65_535]);
        let nonsense = Lights::new(&levels(5.0, 5.0), 0, 0, 8);
        assert_eq!([0, 5].map(|stored| nonsense.of(stored)), [0, 0]);
    }

    #[test]
    fn a_table_says_what_stored_values_stand_for() {
        let mut levels = levels(0.0, 300.0);
        levels.table = vec![0, 30, 300];
        let lights = Lights::new(&levels, 0, 0, 8);
        assert_eq!(
            [0, 1, 2, 3].map(|stored| lights.of(stored)),
            [0, 6_554, 65_535, 65_535]
        );
    }

    /// An opcode for a number of planes, and what follows these.
    fn opcode(id: u32, planes: [u32; 2], values: &[u8]) -> Vec<u8> {
        let long = |values: &[u32]| {
            values
                .iter()
                .flat_map(|v| v.to_be_bytes())
                .collect::<Vec<_>>()
        };
        let length = u32::try_from(AREA + values.len()).unwrap();
        let head = long(&[id, 0x0103_0000, 0, length]);
        let area = long(&[0, 0, 9, 9, planes[0], planes[1], 1, 1]);
        [head, area, values.to_vec()].concat()
    }

    #[test]
    fn tones_are_bent_by_tables_and_polynomials_of_their_colour() {
        // The square of the light, for the second colour; the unknown is passed over.
        let square = [0.0_f64, 0.0, 1.0].map(f64::to_be_bytes).concat();
        let square = [2_u32.to_be_bytes().as_slice(), &square].concat();
        let table = [0, 0, 0, 2, 0xFF, 0xFF, 0, 0];
        let list = [
            3_u32.to_be_bytes().to_vec(),
            opcode(9, [0, 3], &[0; 8]),
            opcode(MAP_POLYNOMIAL, [1, 1], &square),
            opcode(MAP_TABLE, [2, 1], &table),
        ]
        .concat();
        let mut levels = levels(0.0, 255.0);
        levels.opcodes = list.clone();
        let of = |plane| {
            let lights = Lights::new(&levels, 0, plane, 8);
            [0, 128, 255].map(|stored| lights.of(stored))
        };
        assert_eq!(of(0), [0, 32_896, 65_535]);
        assert_eq!(of(1), [0, 16_513, 65_535]);
        assert_eq!(of(2), [65_535, 0, 0]);
        // Cut anywhere, it ends.
        for cut in 0..list.len() {
            assert!(bends(&list[..cut], 1).len() <= 1);
        }
    }
}
