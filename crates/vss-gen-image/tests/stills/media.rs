//! Pictures made for the tests: four quadrants (red, green, blue, white) in every format.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

/// Width of the picture when it stands upright.
pub(crate) const WIDTH: u32 = 64;
/// Height of the picture when it stands upright.
pub(crate) const HEIGHT: u32 = 48;

/// Red, green, blue, white: top left, top right, bottom left, bottom right.
pub(crate) const QUADRANTS: [[u8; 3]; 4] =
    [[220, 30, 30], [30, 200, 30], [30, 30, 220], [240, 240, 240]];

/// The colour at a place of the upright picture.
pub(crate) fn colour_at(x: u32, y: u32, (width, height): (u32, u32)) -> [u8; 3] {
    QUADRANTS[(2 * u32::from(y >= height / 2) + u32::from(x >= width / 2)) as usize]
}

pub(crate) fn picture() -> RgbImage {
    picture_of(WIDTH, HEIGHT)
}

pub(crate) fn picture_of(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb(colour_at(x, y, (width, height))))
}

/// The picture as a camera stores it that was held so that EXIF says `tag`.
pub(crate) fn stored_as(tag: u16, upright: &RgbImage) -> RgbImage {
    let (width, height) = upright.dimensions();
    let (w, h) = if tag >= 5 {
        (height, width)
    } else {
        (width, height)
    };
    let mut stored = RgbImage::new(w, h);
    for (x, y, pixel) in upright.enumerate_pixels() {
        let (sx, sy) = match tag {
            1 => (x, y),
            2 => (w - 1 - x, y),
            3 => (w - 1 - x, h - 1 - y),
            4 => (x, h - 1 - y),
            5 => (y, x),
            6 => (y, h - 1 - x),
            7 => (w - 1 - y, h - 1 - x),
            8 => (w - 1 - y, x),
            _ => unreachable!(),
        };
        stored.put_pixel(sx, sy, *pixel);
    }
    stored
}

pub(crate) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    compress(
        picture.as_raw(),
        width,
        height,
        PixelFormat::RGB,
        Subsamp::Sub2x2,
    )
}

pub(crate) fn compress(
    pixels: &[u8],
    width: u32,
    height: u32,
    format: PixelFormat,
    subsamp: Subsamp,
) -> Vec<u8> {
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    compressor.set_subsamp(subsamp).unwrap();
    let image = Image {
        pixels,
        width: width as usize,
        pitch: width as usize * format.size(),
        height: height as usize,
        format,
    };
    compressor.compress_to_vec(image).unwrap()
}

pub(crate) fn progressive_jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut compressor = Compressor::new().unwrap();
    compressor.set_progressive(true).unwrap();
    let image = Image {
        pixels: picture.as_raw().as_slice(),
        width: picture.width() as usize,
        pitch: 3 * picture.width() as usize,
        height: picture.height() as usize,
        format: PixelFormat::RGB,
    };
    compressor.compress_to_vec(image).unwrap()
}

/// Puts a segment behind the SOI of a JPEG.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, body, &jpeg[2..]].concat()
}

/// A TIFF structure that holds nothing but the orientation.
pub(crate) fn exif(tag: u16) -> Vec<u8> {
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    block.extend(tag.to_be_bytes());
    block.extend([0; 6]);
    block
}

pub(crate) fn with_exif(jpeg: &[u8], tag: u16) -> Vec<u8> {
    with_segment(jpeg, 0xE1, &[b"Exif\0\0", exif(tag).as_slice()].concat())
}

pub(crate) fn with_icc(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

pub(crate) fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// The picture with its left half invisible; what is hidden there is black.
pub(crate) fn half_transparent() -> RgbaImage {
    RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        if x < WIDTH / 2 {
            Rgba([0, 0, 0, 0])
        } else {
            let [r, g, b] = colour_at(x, y, (WIDTH, HEIGHT));
            Rgba([r, g, b, 255])
        }
    })
}

/// An entry of a TIFF directory: tag, type (1 and 7 bytes, 3 short, 4 long, 5 and 10 rational), values.
pub(crate) type Entry = (u16, u16, Vec<u32>);

/// A TIFF of one page with all pixels in one strip.
pub(crate) fn tiff(big: bool, entries: &[Entry], pixels: &[u8]) -> Vec<u8> {
    let whole = u32::try_from(pixels.len()).unwrap();
    in_parts(big, [273, 279], entries, pixels, &[whole])
}

/// A TIFF of one page whose entries say themselves where its strips are, the first at 8.
pub(crate) fn tiff_of(entries: &[Entry], pixels: &[u8]) -> Vec<u8> {
    directory_behind(false, entries.to_vec(), pixels)
}

/// A TIFF of one page whose pixels are cut into strips of these lengths.
pub(crate) fn tiff_in_strips(entries: &[Entry], pixels: &[u8], lengths: &[u32]) -> Vec<u8> {
    in_parts(false, [273, 279], entries, pixels, lengths)
}

/// The same in tiles.
pub(crate) fn tiff_in_tiles(entries: &[Entry], pixels: &[u8], lengths: &[u32]) -> Vec<u8> {
    in_parts(false, [324, 325], entries, pixels, lengths)
}

/// The pixels follow the header, then what does not fit into the directory, then the directory.
/// The tags of the places and lengths of its parts are added.
fn in_parts(
    big: bool,
    [places, counts]: [u16; 2],
    entries: &[Entry],
    pixels: &[u8],
    lengths: &[u32],
) -> Vec<u8> {
    let at = if big { 16 } else { 8 };
    let mut entries = entries.to_vec();
    let starts = lengths.iter().scan(at, |next, length| {
        *next += length;
        Some(*next - length)
    });
    entries.push((places, 4, starts.collect()));
    entries.push((counts, 4, lengths.to_vec()));
    directory_behind(big, entries, pixels)
}

fn directory_behind(big: bool, mut entries: Vec<Entry>, pixels: &[u8]) -> Vec<u8> {
    let mut file = if big {
        b"II\x2B\0\x08\0\0\0\0\0\0\0\0\0\0\0".to_vec()
    } else {
        b"II\x2A\0\0\0\0\0".to_vec()
    };
    file.extend(pixels);
    entries.sort();
    let mut directory = Vec::new();
    for (tag, kind, values) in &entries {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| match kind {
                3 => u16::try_from(*value).unwrap().to_le_bytes().to_vec(),
                1 | 7 => vec![u8::try_from(*value).unwrap()],
                _ => value.to_le_bytes().to_vec(),
            })
            .collect();
        let count = values.len() as u64 / if matches!(kind, 5 | 10) { 2 } else { 1 };
        directory.extend(tag.to_le_bytes());
        directory.extend(kind.to_le_bytes());
        let room = if big { 8 } else { 4 };
        directory.extend(&count.to_le_bytes()[..room]);
        let value = if bytes.len() <= room {
            [bytes.as_slice(), &[0; 8]].concat()
        } else {
            file.resize(file.len().next_multiple_of(2), 0);
            let at = file.len() as u64;
            file.extend(&bytes);
            at.to_le_bytes().to_vec()
        };
        directory.extend(&value[..room]);
    }
    file.resize(file.len().next_multiple_of(2), 0);
    let at = file.len() as u64;
    if big {
        file[8..16].copy_from_slice(&at.to_le_bytes());
        file.extend((entries.len() as u64).to_le_bytes());
    } else {
        file[4..8].copy_from_slice(&at.to_le_bytes()[..4]);
        file.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    }
    file.extend(directory);
    file.extend([0; 8]);
    file
}

/// The entries every page has.
pub(crate) fn page(
    (width, height): (u32, u32),
    bits: u32,
    samples: u32,
    photometric: u32,
    compression: u32,
) -> Vec<Entry> {
    vec![
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, vec![bits; samples as usize]),
        (259, 3, vec![compression]),
        (262, 3, vec![photometric]),
        (277, 3, vec![samples]),
        (278, 4, vec![height]),
    ]
}

pub(crate) fn rgb_tiff() -> Vec<u8> {
    tiff(
        false,
        &page((WIDTH, HEIGHT), 8, 3, 2, 1),
        picture().as_raw(),
    )
}

/// An icon of 48 x 48 pixels without alpha.
pub(crate) fn ico() -> Vec<u8> {
    ico_of(48, &encode(picture_of(48, 48), ImageFormat::Png))
}

/// An icon with one entry.
pub(crate) fn ico_of(side: u8, entry: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 1, 0, 1, 0, side, side, 0, 0, 1, 0, 32, 0];
    file.extend(u32::try_from(entry.len()).unwrap().to_le_bytes());
    file.extend(22_u32.to_le_bytes());
    file.extend(entry);
    file
}

/// One good file of each format, and one that claims 65,535 x 65,535 pixels (WebP: 16,383, the most
/// it can say) and ends behind its header.
pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let alpha = half_transparent();
    vec![
        ("image/jpeg", jpeg(&picture()), jpeg_claim()),
        (
            "image/png",
            encode(picture(), ImageFormat::Png),
            png_claim(),
        ),
        (
            "image/webp",
            encode(alpha.clone(), ImageFormat::WebP),
            webp_claim(),
        ),
        ("image/gif", encode(alpha, ImageFormat::Gif), gif_claim()),
        (
            "image/bmp",
            encode(picture(), ImageFormat::Bmp),
            bmp_claim(),
        ),
        ("image/tiff", rgb_tiff(), tiff_claim()),
        ("image/vnd.microsoft.icon", ico(), ico_claim()),
    ]
}

fn jpeg_claim() -> Vec<u8> {
    let mut file = jpeg(&picture());
    let frame = file.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    file[frame + 5..frame + 9].fill(0xFF);
    let scan = file.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap();
    file.truncate(scan + 16);
    file
}

fn png_claim() -> Vec<u8> {
    let mut head = b"IHDR\0\0\xFF\xFF\0\0\xFF\xFF\x08\x06\0\0\0".to_vec();
    let crc = crc32(&head);
    let mut file = b"\x89PNG\r\n\x1A\n\0\0\0\x0D".to_vec();
    file.append(&mut head);
    file.extend(crc.to_be_bytes());
    // The decoder wants to see where the pixels begin before it says how large they are.
    file.extend(b"\0\0\0\x0AIDATx\x9C");
    file
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn webp_claim() -> Vec<u8> {
    let mut file = b"RIFF\x1A\0\0\0WEBPVP8L\x0E\0\0\0\x2F".to_vec();
    file.extend(0x0FFF_BFFE_u32.to_le_bytes());
    file.extend([0; 9]);
    file
}

fn gif_claim() -> Vec<u8> {
    b"GIF89a\xFF\xFF\xFF\xFF\0\0\0\x2C\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x01\0\0\x3B".to_vec()
}

fn bmp_claim() -> Vec<u8> {
    let mut file = encode(picture(), ImageFormat::Bmp);
    file[18..22].copy_from_slice(&65_535_u32.to_le_bytes());
    file[22..26].copy_from_slice(&65_535_u32.to_le_bytes());
    file.truncate(60);
    file
}

fn tiff_claim() -> Vec<u8> {
    tiff(false, &page((65_535, 65_535), 8, 3, 2, 1), &[])
}

fn ico_claim() -> Vec<u8> {
    ico_of(0, &png_claim())
}
