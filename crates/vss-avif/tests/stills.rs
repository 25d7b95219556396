//! AVIF pictures through the public door: what they show, and what becomes of damaged ones.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "real files; a test may fail"
)]

use std::fs::File;
use std::io::Write;
use std::path::Path;

use vss_core::FailureClass;
use vss_core::plan::DecodeLimits;
use vss_ports::{GenerateFailure, JobHost, JobUsage};
use vss_raster::{Decoded, Layout, Outcome, Room, Scratch, Source};

/// 64 x 48 pixels in four quarters: red and green above blue and white; 8 bits, 4:4:4, BT.709,
/// full range. Made with libaom.
const QUARTERS: &str = "\
00000020667479706176696600000000617669666d6966316d6961664d413141000000f96d657461000000000000002f\
68646c720000000000000000706963740000000000000000000000005069637475726548616e646c6572000000000e70\
69746d0000000000010000001e696c6f63000000004400000100010000000100000121000000350000002869696e6600\
00000000010000001a696e6665020000000001000061763031436f6c6f72000000006a697072700000004b6970636f00\
00001469737065000000000000004000000030000000107069786900000000030808080000000c617631438120000000\
000013636f6c726e636c780001000d0001800000001769706d610000000000000001000104010283040000003d6d6461\
740a0938157fbdb40434064032284540000012000010e534090e9ee36ab864492fb46d2a66e5c46d899c9ecd7dbfbf17\
a2bd2720eb40";

fn quarters() -> Vec<u8> {
    let digits = QUARTERS.as_bytes().chunks(2);
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[derive(Debug)]
struct Generous;

impl JobHost for Generous {
    fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

const LIMITS: DecodeLimits = DecodeLimits {
    max_pixels: 64 << 20,
    max_side: 1 << 15,
    max_decoded_bytes: 1 << 30,
};

fn decode_file(file: &File, limits: &DecodeLimits, scratch: &mut Scratch) -> Outcome<Decoded> {
    let source = Source::new(file, file.metadata().unwrap().len());
    let room = Room {
        limits,
        host: &Generous,
    };
    vss_avif::decode(&source, &room, scratch)
}

fn decode(bytes: &[u8], limits: &DecodeLimits, scratch: &mut Scratch) -> Outcome<Decoded> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    decode_file(&file, limits, scratch)
}

/// The pixel at a place of a picture of 64 x 48 without alpha.
fn pixel(scratch: &mut Scratch, x: usize, y: usize) -> [u8; 3] {
    let pixels = scratch.canvas(64 * 48 * 3).unwrap();
    pixels[(y * 64 + x) * 3..].first_chunk().copied().unwrap()
}

fn is_near(pixel: [u8; 3], colour: [u8; 3]) -> bool {
    let mut channels = pixel.iter().zip(colour);
    channels.all(|(channel, wanted)| channel.abs_diff(wanted) < 12)
}

#[test]
fn four_quarters_have_their_colours() {
    let mut scratch = Scratch::default();
    let decoded = decode(&quarters(), &LIMITS, &mut scratch).unwrap();
    assert_eq!(decoded.upright(), (64, 48));
    assert_eq!(decoded.layout, Layout::Rgb);
    for ((x, y), colour) in [
        ((10, 10), [255, 0, 0]),
        ((50, 10), [0, 255, 0]),
        ((10, 40), [0, 0, 255]),
        ((50, 40), [255, 255, 255]),
    ] {
        let seen = pixel(&mut scratch, x, y);
        assert!(is_near(seen, colour), "{seen:?} for {colour:?}");
    }
}

#[test]
fn a_wide_range_of_light_is_brought_to_what_a_screen_shows() {
    // The same picture, which now says that its colours are those of BT.2020, in perceptual quantization.
    let mut bytes = quarters();
    let at = bytes.windows(4).position(|four| four == b"nclx").unwrap();
    bytes[at + 5] = 9;
    let mut scratch = Scratch::default();
    let wide_colours = decode(&bytes, &LIMITS, &mut scratch).unwrap();
    assert!(wide_colours.icc.is_some());
    bytes[at + 7] = 16;
    let wide_range = decode(&bytes, &LIMITS, &mut scratch).unwrap();
    assert!(wide_range.icc.is_none(), "it is sRGB now");
    assert!(is_near(pixel(&mut scratch, 50, 40), [255; 3]));
    assert!(is_near(pixel(&mut scratch, 10, 10), [255, 0, 0]));
}

#[test]
fn a_claim_beyond_the_limits_costs_no_pixel() {
    let mut bytes = quarters();
    let at = bytes.windows(4).position(|four| four == b"ispe").unwrap();
    bytes[at + 8..at + 16].copy_from_slice(&[0, 0, 0x42, 0x68, 0, 0, 0x42, 0x68]);
    let failed = decode(&bytes, &LIMITS, &mut Scratch::default()).unwrap_err();
    assert_eq!(failed.class, FailureClass::TooLarge, "{}", failed.detail);
    // A small claim before a large picture helps nobody either, nor does a larger one.
    for side in [8, 65] {
        bytes[at + 8..at + 16].copy_from_slice(&[0, 0, 0, side, 0, 0, 0, 48]);
        let failed = decode(&bytes, &LIMITS, &mut Scratch::default()).unwrap_err();
        assert_eq!(failed.class, FailureClass::CorruptSource, "{failed:?}");
    }
}

/// Cuts a picture off, and changes bytes of it in a way that is the same each time.
fn damage(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut damaged = bytes.to_vec();
    for _ in 0..1 + random(8) {
        // Mostly in the tables, which come first.
        let reach = if random(3) == 0 {
            damaged.len()
        } else {
            damaged.len().min(400)
        };
        let at = random(reach);
        damaged[at] = u8::try_from(random(256)).unwrap();
    }
    if random(4) == 0 {
        damaged.truncate(1 + random(bytes.len() - 1));
    }
    damaged
}

#[test]
fn damaged_pictures_are_failures_or_pictures() {
    let whole = quarters();
    let mut scratch = Scratch::default();
    let mut broken = 0;
    // What claims to be large is refused, not drawn.
    let limits = DecodeLimits {
        max_pixels: 1 << 16,
        ..LIMITS
    };
    for seed in 0..2_000 {
        if decode(&damage(&whole, seed), &limits, &mut scratch).is_err() {
            broken += 1;
        }
    }
    assert!((200..2_000).contains(&broken), "{broken} of 2,000");
}

#[test]
fn the_pictures_of_the_corpus_have_their_sizes() {
    let Some(corpus) = std::env::var_os("VSS_CORPUS") else {
        eprintln!("skipped: VSS_CORPUS names no corpus");
        return;
    };
    let corpus = Path::new(&corpus);
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut scratch = Scratch::default();
    let mut seen = 0;
    for row in manifest
        .lines()
        .filter(|row| row.contains("\timage/avif\t"))
    {
        let columns: Vec<&str> = row.split('\t').collect();
        let file = File::open(corpus.join(columns[0])).unwrap();
        let decoded = decode_file(&file, &LIMITS, &mut scratch);
        let decoded = decoded.unwrap_or_else(|failed| panic!("{}: {failed:?}", columns[0]));
        let (width, height) = decoded.upright();
        let (wide, high) = (columns[8], columns[9]);
        assert_eq!(
            (&*width.to_string(), &*height.to_string()),
            (wide, high),
            "{}",
            columns[0]
        );
        seen += 1;
    }
    assert!(seen > 0, "no AVIF in the corpus");
}
