//! HEIC without a picture in it: a container whose only item says how large it is and is cropped.

use vss_core::FailureClass;

use super::job::reserved;

/// Bits, the first the highest.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        let bits = (0..count).rev().map(|at| value >> at & 1 == 1);
        self.0.extend(bits);
    }

    /// Exponential Golomb codes (ITU-T H.265, 9.2).
    fn golomb(&mut self, values: &[u32]) {
        for value in values {
            let length = (value + 1).ilog2();
            self.put(0, length);
            self.put(value + 1, length + 1);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let ones = bits.iter().enumerate().filter(|(_, bit)| **bit);
            ones.fold(0, |byte, (at, _)| byte | 0x80 >> at)
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// A sequence parameter set of 4:2:0 in 8 bits (H.265, 7.3.2.2).
fn parameters(side: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x4201, 16);
    bits.put(1, 8);
    // Profile, tier and level, which nobody looks at.
    (0..12).for_each(|_| bits.put(0xFF, 8));
    bits.golomb(&[0, 1, side, side]);
    bits.put(0, 1);
    bits.golomb(&[0, 0, 0]);
    bits.put(1, 1);
    bits.golomb(&[0, 0, 0]);
    // Blocks from 8 to 16 pixels, transforms of 4.
    bits.golomb(&[0, 1, 0, 0, 0, 0]);
    bits.put(0, 4);
    bits.golomb(&[0]);
    bits.put(0, 5);
    bits.put(1, 1);
    bits.bytes()
}

fn boxed(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(8 + body.len()).unwrap();
    [&length.to_be_bytes()[..], &name[..], &body].concat()
}

/// A picture of so many pixels a side, of which two are to be seen each way.
fn cropped(side: u32) -> Vec<u8> {
    let set = parameters(side);
    let length = u16::try_from(set.len()).unwrap().to_be_bytes();
    let config = [
        1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0, 1, 0, 0, 0, 0, 3, 1,
    ];
    let config = boxed(b"hvcC", &[&config, &[33, 0, 1], &length, &set]);
    let numbers = [2_u32, 1, 2, 1, 0, 1, 0, 1].map(u32::to_be_bytes);
    let aperture = boxed(b"clap", &[numbers.as_flattened()]);
    let properties = boxed(b"ipco", &[&config, &aperture]);
    let which = boxed(b"ipma", &[&[0; 4], &[0, 0, 0, 1, 0, 1, 2, 1, 2]]);
    let item = boxed(b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0], b"hvc1\0"]);
    let place = [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4];
    let meta = boxed(
        b"meta",
        &[
            &[0; 4],
            &boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            &boxed(b"iloc", &[&[0; 4], &place]),
            &boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], &item]),
            &boxed(b"iprp", &[&properties, &which]),
        ],
    );
    [boxed(b"ftyp", &[b"heic\0\0\0\0heic"]), meta].concat()
}

#[test]
fn what_is_cropped_away_is_counted_because_it_is_decoded() {
    let (made, reserved) = reserved("image/heic", &cropped(8_000));
    assert!(reserved >= 15 * 8_000 * 8_000, "{reserved}");
    let failure = made.err().unwrap();
    assert_eq!(failure.class, FailureClass::CorruptSource, "{failure}");
}
