//! Samples of any width inside a row of bytes: reading one, and undoing the predictor.

/// Sums differences up (TIFF 6.0, section 14). `bits` is 8 or 16.
pub(super) fn sum_up(row: &mut [u8], stride: usize, bits: u16, little_endian: bool) {
    if bits == 8 {
        for index in stride..row.len() {
            let before = row.get(index - stride).copied().unwrap_or(0);
            if let Some(sample) = row.get_mut(index) {
                *sample = sample.wrapping_add(before);
            }
        }
        return;
    }
    let (pairs, _) = row.as_chunks_mut::<2>();
    for index in stride..pairs.len() {
        let before = pairs.get(index - stride).copied().unwrap_or_default();
        if let Some(pair) = pairs.get_mut(index) {
            *pair = if little_endian {
                let sum = u16::from_le_bytes(*pair).wrapping_add(u16::from_le_bytes(before));
                sum.to_le_bytes()
            } else {
                let sum = u16::from_be_bytes(*pair).wrapping_add(u16::from_be_bytes(before));
                sum.to_be_bytes()
            };
        }
    }
}

/// A row of samples of one width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// Bits a sample: 1 to 16, or 32.
    pub(super) bits: u16,
    /// Whether 32 bits are a floating-point number from 0 to 1.
    pub(super) float: bool,
    /// The order of bytes in samples of 16 and 32 bits.
    pub(super) little_endian: bool,
}

impl Row<'_> {
    /// A sample as it is stored; of 32 bits the upper 16. What is beyond the row is 0.
    pub(super) fn raw(&self, index: usize) -> u16 {
        let byte = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
        match self.bits {
            8 => u16::from(byte(index)),
            16 => {
                let pair = [byte(2 * index), byte(2 * index + 1)];
                if self.little_endian {
                    u16::from_le_bytes(pair)
                } else {
                    u16::from_be_bytes(pair)
                }
            }
            32 => {
                let at = 4 * index;
                let four = [byte(at), byte(at + 1), byte(at + 2), byte(at + 3)];
                let whole = if self.little_endian {
                    u32::from_le_bytes(four)
                } else {
                    u32::from_be_bytes(four)
                };
                if self.float {
                    from_unit(f32::from_bits(whole))
                } else {
                    u16::try_from(whole >> 16).unwrap_or(u16::MAX)
                }
            }
            bits => {
                // From the highest bit on, across bytes.
                let from = index * usize::from(bits);
                let window = [byte(from / 8), byte(from / 8 + 1), byte(from / 8 + 2), 0];
                let shifted = u32::from_be_bytes(window) << (from % 8);
                u16::try_from(shifted >> (32 - u32::from(bits.clamp(1, 16)))).unwrap_or(u16::MAX)
            }
        }
    }

    /// The largest value that [`Self::raw`] gives.
    pub(super) fn most(&self) -> u16 {
        match self.bits {
            bits @ 1..=15 => (1 << bits) - 1,
            _ => u16::MAX,
        }
    }

    /// A sample as 8 bits.
    pub(super) fn eight(&self, index: usize) -> u8 {
        if self.bits == 8 {
            return self.bytes.get(index).copied().unwrap_or(0);
        }
        let (value, most) = (u32::from(self.raw(index)), u32::from(self.most()));
        u8::try_from((value * 255 + most / 2) / most).unwrap_or(u8::MAX)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before; what is not a number becomes 0"
)]
fn from_unit(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bytes: &[u8], bits: u16) -> Row<'_> {
        Row {
            bytes,
            bits,
            float: bits == 32,
            little_endian: false,
        }
    }

    #[test]
    fn samples_of_any_width_become_eight_bits() {
        let eights = |bytes: &[u8], bits, n| {
            let row = row(bytes, bits);
            (0..n).map(|i| row.eight(i)).collect::<Vec<_>>()
        };
        assert_eq!(eights(&[0b1010_0000], 1, 4), [255, 0, 255, 0]);
        assert_eq!(eights(&[0b0001_1011], 2, 4), [0, 85, 170, 255]);
        assert_eq!(eights(&[0x0F, 0x80], 4, 3), [0, 255, 136]);
        assert_eq!(eights(&[0xFF, 0xF0, 0x00], 12, 2), [255, 0]);
        assert_eq!(eights(&[0x80, 0x80, 0xFF, 0xFF], 16, 2), [128, 255]);
        let half = 0.5_f32.to_be_bytes();
        assert_eq!(eights(&half, 32, 2), [128, 0]);
    }

    #[test]
    fn differences_are_summed_up_by_channel() {
        let mut row = [1, 10, 1, 10, 255, 10];
        sum_up(&mut row, 2, 8, true);
        assert_eq!(row, [1, 10, 2, 20, 1, 30]);
        let mut row = [0xFF, 0xFF, 0x02, 0x00];
        sum_up(&mut row, 1, 16, true);
        assert_eq!(row, [0xFF, 0xFF, 0x01, 0x00]);
    }
}
