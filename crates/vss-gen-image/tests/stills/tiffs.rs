//! TIFF as scanners, cameras and editors write it.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use vss_core::FailureClass;
use weezl::BitOrder;

use super::job::{Thumb, reserved, thumb};
use super::media::{self, Entry, HEIGHT, WIDTH, page};

const SIZE: (u32, u32) = (WIDTH, HEIGHT);

fn thumb_of(entries: &[Entry], pixels: &[u8]) -> Thumb {
    thumb("image/tiff", &media::tiff(false, entries, pixels), 2048).unwrap()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made from bytes"
)]
fn rounded(value: f32) -> u8 {
    value.round() as u8
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lzw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
    encoder.encode(bytes).unwrap()
}

#[test]
fn every_compression_of_rgb_gives_the_picture() {
    let rgb = media::picture().into_raw();
    let packbits: Vec<u8> = rgb
        .chunks(100)
        .flat_map(|run| [&[u8::try_from(run.len() - 1).unwrap()], run].concat())
        .collect();
    let jpeg = media::jpeg(&media::picture());
    let variants = [
        (1, 2, rgb.clone()),
        (5, 2, lzw(&rgb)),
        (8, 2, deflate(&rgb)),
        (32_946, 2, deflate(&rgb)),
        (32_773, 2, packbits),
        (7, 6, jpeg),
    ];
    for (compression, photometric, pixels) in variants {
        let thumb = thumb_of(&page(SIZE, 8, 3, photometric, compression), &pixels);
        assert_eq!(thumb.size(), SIZE);
        assert!(thumb.produced.degraded.is_none(), "{compression}");
        assert!(
            thumb.shows_the_picture(45),
            "{compression} {:?}",
            thumb.quadrants()
        );
    }
}

#[test]
fn big_tiff_and_the_predictor_and_sixteen_bits_are_read() {
    let rgb = media::picture();
    let wide: Vec<u8> = rgb
        .iter()
        .flat_map(|v| (u16::from(*v) * 257).to_le_bytes())
        .collect();
    let big = media::tiff(true, &page(SIZE, 8, 3, 2, 1), rgb.as_raw());
    let deep = media::tiff(true, &page(SIZE, 16, 3, 2, 1), &wide);
    for (media_type, file) in [
        ("image/x-tiff-big", &big),
        ("image/tiff", &big),
        ("image/tiff", &deep),
    ] {
        assert!(thumb(media_type, file, 64).unwrap().shows_the_picture(45));
    }
    let mut differences = rgb.as_raw().clone();
    for row in differences.chunks_mut(3 * WIDTH as usize) {
        for at in (3..row.len()).rev() {
            row[at] = row[at].wrapping_sub(row[at - 3]);
        }
    }
    let mut entries = page(SIZE, 8, 3, 2, 5);
    entries.push((317, 3, vec![2]));
    assert!(thumb_of(&entries, &lzw(&differences)).shows_the_picture(45));
}

#[test]
fn planes_palettes_subsampled_chroma_and_lab_are_read() {
    let rgb = media::picture();
    let planes: Vec<u8> = (0..3)
        .flat_map(|c| rgb.pixels().map(move |p| p.0[c]))
        .collect();
    let mut entries = page(SIZE, 8, 3, 2, 1);
    entries.push((284, 3, vec![2]));
    let length = WIDTH * HEIGHT;
    let file = media::tiff_in_strips(&entries, &planes, &[length; 3]);
    assert!(
        thumb("image/tiff", &file, 64)
            .unwrap()
            .shows_the_picture(45)
    );

    let index = |p: &image::Rgb<u8>| media::QUADRANTS.iter().position(|c| *c == p.0).unwrap();
    let indices: Vec<u8> = rgb
        .pixels()
        .map(|p| u8::try_from(index(p)).unwrap())
        .collect();
    let nibbles: Vec<u8> = indices
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    let mut map = vec![0; 48];
    for (index, colour) in media::QUADRANTS.iter().enumerate() {
        for channel in 0..3 {
            map[channel * 16 + index] = u32::from(colour[channel]) * 257;
        }
    }
    let mut entries = page(SIZE, 4, 1, 3, 1);
    entries.push((320, 3, map));
    assert!(thumb_of(&entries, &nibbles).shows_the_picture(45));

    // JFIF luma and chroma, one pair of chroma for 2 x 2 pixels.
    let ycbcr = |[r, g, b]: [u8; 3]| {
        let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        [y, (b - y) / 1.772 + 128.0, (r - y) / 1.402 + 128.0].map(rounded)
    };
    let mut blocks = Vec::new();
    for y in (0..HEIGHT).step_by(2) {
        for x in (0..WIDTH).step_by(2) {
            let [luma, cb, cr] = ycbcr(rgb.get_pixel(x, y).0);
            blocks.extend([luma, luma, luma, luma, cb, cr]);
        }
    }
    let mut entries = page(SIZE, 8, 3, 6, 1);
    entries.push((530, 3, vec![2, 2]));
    assert!(thumb_of(&entries, &blocks).shows_the_picture(45));

    // L* of 0, 33, 67, 100 and no colour.
    let greys: Vec<u8> = indices.iter().flat_map(|i| [i * 85, 0, 0]).collect();
    let [black, dark, light, white] = thumb_of(&page(SIZE, 8, 3, 8, 1), &greys).quadrants();
    assert!(
        black[0] < 6 && dark[0].abs_diff(78) < 8,
        "{black:?} {dark:?}"
    );
    assert!(
        light[0].abs_diff(163) < 8 && white[0] > 250,
        "{light:?} {white:?}"
    );
}

#[test]
fn one_bit_and_fax_are_black_where_they_should_be() {
    // The left half is black.
    let bits: Vec<u8> = [[0xFF_u8; 4], [0; 4]].concat().repeat(HEIGHT as usize);
    let mut fax4 = fax::encoder::Encoder::new(fax::VecWriter::new());
    for _ in 0..HEIGHT {
        let line = (0..WIDTH).map(|x| {
            if x < 32 {
                fax::Color::Black
            } else {
                fax::Color::White
            }
        });
        fax4.encode_line(line, u16::try_from(WIDTH).unwrap())
            .unwrap();
    }
    let fax4 = fax4.finish().unwrap().finish();
    // Group 3: an end of line, white 0, black 32, white 32 in front of every row.
    let row = "000000000001\u{20}00110101\u{20}000001101010\u{20}00011011";
    let text = row.repeat(HEIGHT as usize) + &"000000000001".repeat(6);
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b' ')
        .map(|b| b - b'0')
        .collect();
    let fax3: Vec<u8> = digits
        .chunks(8)
        .map(|byte| {
            byte.iter()
                .enumerate()
                .fold(0, |sum, (i, bit)| sum | bit << (7 - i))
        })
        .collect();
    let reversed: Vec<u8> = fax3.iter().map(|byte| byte.reverse_bits()).collect();
    let mut low_first = page(SIZE, 1, 1, 0, 3);
    low_first.push((266, 3, vec![2]));
    let variants = [
        (page(SIZE, 1, 1, 0, 1), bits),
        (page(SIZE, 1, 1, 0, 4), fax4),
        (page(SIZE, 1, 1, 0, 3), fax3),
        (low_first, reversed),
    ];
    for (entries, pixels) in variants {
        let thumb = thumb_of(&entries, &pixels);
        let [left, right, below, ..] = thumb.quadrants();
        assert!(
            left[0] < 12 && right[0] > 243 && below[0] < 12,
            "{entries:?} {left:?} {right:?}"
        );
        assert!(thumb.produced.degraded.is_none(), "{:?}", thumb.produced);
    }
}

#[test]
fn colours_multiplied_by_alpha_are_divided_again() {
    let half: Vec<u8> = (0..WIDTH * HEIGHT)
        .flat_map(|_| [100, 50, 0, 128])
        .collect();
    for (extra, expected) in [(1, [199, 100, 0]), (2, [100, 50, 0])] {
        let mut entries = page(SIZE, 8, 4, 2, 1);
        entries.push((338, 3, vec![extra]));
        let [seen, ..] = thumb_of(&entries, &half).quadrants();
        assert_eq!(seen[3], 128);
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 14);
        assert!(near, "{extra}: {seen:?}");
    }
}

#[test]
fn a_cut_strip_is_degraded_and_one_without_data_is_corrupt() {
    let rgb = media::picture().into_raw();
    let entries = page(SIZE, 8, 3, 2, 1);
    let half = thumb_of(&entries, &rgb[..rgb.len() / 2]);
    assert!(half.produced.degraded.is_some());
    assert_eq!(half.size(), SIZE);
    let none = thumb("image/tiff", &media::tiff(false, &entries, &[]), 64);
    assert_eq!(none.err().unwrap().class, FailureClass::CorruptSource);
}

#[test]
fn what_is_not_built_in_is_unsupported() {
    for entries in [
        page(SIZE, 8, 3, 2, 6),
        page(SIZE, 8, 3, 2, 50_000),
        page(SIZE, 8, 3, 10, 1),
    ] {
        let failure = thumb("image/tiff", &media::tiff(false, &entries, &[0; 99]), 64);
        assert_eq!(
            failure.err().unwrap().class,
            FailureClass::Unsupported,
            "{entries:?}"
        );
    }
}

#[test]
fn a_strip_counts_with_the_memory_that_unpacking_it_takes() {
    let size = (1_000, 1_000);
    let picture = media::picture_of(size.0, size.1);
    let wide = |v: &u8| (u16::from(*v) * 257).to_le_bytes();
    let samples: Vec<u8> = picture.iter().flat_map(wide).collect();
    let whole = samples.len() as u64;
    let asked = |compression, pixels: &[u8]| {
        let file = media::tiff(false, &page(size, 16, 3, 2, compression), pixels);
        let (thumb, reserved) = reserved("image/tiff", &file);
        assert!(thumb.unwrap().shows_the_picture(45), "{compression}");
        reserved
    };
    let result = whole / 2;
    let packed = asked(8, &deflate(&samples));
    assert!(
        (result + whole..result + 2 * whole).contains(&packed),
        "{packed}"
    );
    // Rows that are not packed are read some at a time.
    let plain = asked(1, &samples);
    assert!(
        (result + (1 << 20)..result + (3 << 20)).contains(&plain),
        "{plain}"
    );
}

#[test]
fn strips_that_name_the_whole_file_are_not_believed() {
    // Each of 48 rows says that its strip has eight million bytes.
    let mut pixels = Vec::new();
    let mut offsets = Vec::new();
    for row in media::picture().as_raw().chunks(3 * WIDTH as usize) {
        offsets.push(u32::try_from(8 + pixels.len()).unwrap());
        pixels.extend(deflate(row));
    }
    pixels.resize(8_000_000, 0);
    let mut entries = page(SIZE, 8, 3, 2, 8);
    entries.retain(|(tag, ..)| *tag != 278);
    entries.extend([
        (278, 4, vec![1]),
        (279, 4, vec![8_000_000; offsets.len()]),
        (273, 4, offsets),
    ]);
    let file = media::tiff_of(&entries, &pixels);
    let (thumb, reserved) = reserved("image/tiff", &file);
    assert!(thumb.unwrap().shows_the_picture(45));
    assert!(reserved < 100_000, "{reserved}");
}

#[test]
fn what_is_read_some_rows_at_a_time_comes_together_again() {
    // Blocks of four pixels of brightness with two of colour, which is none.
    let (width, height) = (2_000, 1_400);
    let luma = |x: u32, y: u32| {
        [50, 100, 150, 200][usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)]
    };
    let mut blocks = Vec::new();
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            blocks.extend([
                luma(x, y),
                luma(x + 1, y),
                luma(x, y + 1),
                luma(x + 1, y + 1),
            ]);
            blocks.extend([128, 128]);
        }
    }
    assert!(blocks.len() > 4 << 20);
    let mut entries = page((width, height), 8, 3, 6, 1);
    entries.push((530, 3, vec![2, 2]));
    let seen = thumb_of(&entries, &blocks)
        .quadrants()
        .map(|colour| colour[1]);
    for (seen, said) in seen.into_iter().zip([50_u8, 100, 150, 200]) {
        assert!(seen.abs_diff(said) < 12, "{seen} {said}");
    }
    // One that ends early has the rows that are there.
    let cut = &blocks[..blocks.len() / 2];
    let cut = thumb_of(&entries, cut);
    assert!(cut.produced.degraded.is_some());
    assert!(cut.quadrants()[1][1].abs_diff(100) < 12);
}
