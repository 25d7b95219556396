//! Turns the samples of a strip or tile into pixels of the picture.

use super::chunks::Chunk;
use super::page::{Alpha, Compression, Page, Photometric};
use super::samples::Row;
use crate::colour::divide_by_alpha;
use crate::failure::{Outcome, corrupt};

/// Puts the unpacked `bytes` of a chunk in their place in `picture`.
///
/// # Errors
/// `corrupt_source` when a chunk lies outside the picture.
pub(super) fn place(page: &Page, chunk: &Chunk, bytes: &[u8], picture: &mut [u8]) -> Outcome<()> {
    let channels = page.layout().channels();
    let pitch = page.width as usize * channels;
    let columns = chunk.width.min(page.width.saturating_sub(chunk.x)) as usize;
    let rows = chunk.height.min(page.height.saturating_sub(chunk.y)) as usize;
    let row_bytes = page.row_bytes(chunk);
    for y in 0..rows {
        let start = (chunk.y as usize + y) * pitch + chunk.x as usize * channels;
        let to = picture
            .get_mut(start..start + columns * channels)
            .ok_or_else(|| corrupt("a strip lies outside the picture"))?;
        if page.is_subsampled() {
            subsampled(page, chunk, bytes, y, to);
            continue;
        }
        let row = Row {
            bytes: bytes
                .get(y * row_bytes..(y + 1) * row_bytes)
                .unwrap_or_default(),
            bits: page.bits,
            float: page.float,
            little_endian: page.little_endian,
        };
        if page.planar {
            plane(page, chunk.plane, &row, to);
        } else {
            interleaved(page, &row, to);
        }
    }
    Ok(())
}

/// What is done once the whole picture is there.
pub(super) fn finish(page: &Page, picture: &mut [u8]) {
    if page.alpha == Alpha::Premultiplied {
        divide_by_alpha(page.layout(), picture);
    }
}

/// One sample of each pixel, from a chunk that holds nothing else.
fn plane(page: &Page, plane: usize, row: &Row<'_>, to: &mut [u8]) {
    let channels = page.layout().channels();
    if plane >= channels {
        return;
    }
    let invert = page.photometric == Photometric::WhiteIsZero && plane == 0;
    for (x, pixel) in to.chunks_exact_mut(channels).enumerate() {
        if let Some(sample) = pixel.get_mut(plane) {
            *sample = if invert {
                255 - row.eight(x)
            } else {
                row.eight(x)
            };
        }
    }
}

/// All samples of each pixel.
fn interleaved(page: &Page, row: &Row<'_>, to: &mut [u8]) {
    let channels = page.layout().channels();
    let transformed = page.compression == Compression::Jpeg;
    for (x, pixel) in to.chunks_exact_mut(channels).enumerate() {
        let at = x * page.samples;
        match page.photometric {
            Photometric::Palette => {
                pixel.copy_from_slice(&looked_up(page, usize::from(row.raw(at)), row.most()));
            }
            Photometric::CieLab | Photometric::IccLab => {
                pixel.copy_from_slice(&from_lab(page.photometric, row, at));
            }
            Photometric::YCbCr if !transformed => {
                let [luma, cb, cr] = [row.eight(at), row.eight(at + 1), row.eight(at + 2)];
                pixel.copy_from_slice(&from_ycbcr(page, luma, cb, cr));
            }
            _ => {
                for (channel, sample) in pixel.iter_mut().enumerate() {
                    *sample = row.eight(at + channel);
                }
                if page.photometric == Photometric::WhiteIsZero
                    && let Some(grey) = pixel.first_mut()
                {
                    *grey = 255 - *grey;
                }
            }
        }
    }
}

/// A colour of the map. Its entries have 16 bits, but some writers leave the upper 8 empty.
fn looked_up(page: &Page, index: usize, last: u16) -> [u8; 3] {
    let entries = usize::from(last) + 1;
    let narrow = page.palette.iter().all(|entry| *entry < 256);
    [0, 1, 2].map(|channel| {
        let entry = page.palette.get(channel * entries + index);
        let entry = entry.copied().unwrap_or(0);
        let [high, low] = entry.to_be_bytes();
        if narrow { low } else { high }
    })
}

/// Row `y` of a chunk in which blocks of luma are followed by their chroma (TIFF 6.0, section 21).
fn subsampled(page: &Page, chunk: &Chunk, bytes: &[u8], y: usize, to: &mut [u8]) {
    let (h, v) = (page.subsampling.0 as usize, page.subsampling.1 as usize);
    let block_bytes = h * v + 2;
    let across = (chunk.width as usize).div_ceil(h);
    for (x, pixel) in to.chunks_exact_mut(3).enumerate() {
        let start = (y / v * across + x / h) * block_bytes;
        let block = bytes.get(start..start + block_bytes).unwrap_or_default();
        let sample = |at: usize| block.get(at).copied().unwrap_or(0);
        let luma = sample(y % v * h + x % h);
        pixel.copy_from_slice(&from_ycbcr(page, luma, sample(h * v), sample(h * v + 1)));
    }
}

/// TIFF 6.0, sections 20 (reference black and white) and 21 (the transform).
fn from_ycbcr(page: &Page, luma: u8, cb: u8, cr: u8) -> [u8; 3] {
    let [y0, y1, b0, b1, r0, r1] = page.reference;
    let [red, green, blue] = page.luma;
    let spread = |code: u8, black: f32, white: f32, range: f32| {
        let width = white - black;
        (f32::from(code) - black) * range / if width == 0.0 { range } else { width }
    };
    let y = spread(luma, y0, y1, 255.0);
    let r = spread(cr, r0, r1, 127.0).mul_add(2.0 - 2.0 * red, y);
    let b = spread(cb, b0, b1, 127.0).mul_add(2.0 - 2.0 * blue, y);
    let green = if green == 0.0 { 1.0 } else { green };
    let g = (y - blue * b - red * r) / green;
    [r, g, b].map(to_byte)
}

/// CIE L*a*b* with the white of D50 to sRGB. The two encodings differ in the sign of a and b (TIFF
/// 6.0, section 23; Adobe's TIFF Technical Note on `ICCLab`).
fn from_lab(encoding: Photometric, row: &Row<'_>, at: usize) -> [u8; 3] {
    let [l, a, b] = [row.raw(at), row.raw(at + 1), row.raw(at + 2)];
    let signed = encoding == Photometric::CieLab;
    let wide = row.bits == 16;
    // Of 16 bits, the upper 8 are the whole number of a and b.
    let axis = |raw: u16| match (signed, wide) {
        (true, true) => f32::from(raw.cast_signed()) / 256.0,
        (true, false) => f32::from(raw) - if raw > 127 { 256.0 } else { 0.0 },
        (false, true) => f32::from(raw) / 256.0 - 128.0,
        (false, false) => f32::from(raw) - 128.0,
    };
    let full = match (signed, wide) {
        (true, true) => 65_535.0,
        (false, true) => 65_280.0,
        _ => 255.0,
    };
    let fy = (f32::from(l) * 100.0 / full + 16.0) / 116.0;
    let (fx, fz) = (fy + axis(a) / 500.0, fy - axis(b) / 200.0);
    // CIE 15: the cube, and a straight line near black.
    let cube = |f: f32| {
        if f > 6.0 / 29.0 {
            f * f * f
        } else {
            (f - 4.0 / 29.0) * 108.0 / 841.0
        }
    };
    let (x, y, z) = (cube(fx) * 0.964_22, cube(fy), cube(fz) * 0.825_21);
    // XYZ of D50 to linear sRGB, Bradford (Lindbloom, "RGB/XYZ Matrices").
    let linear = [
        3.133_856 * x - 1.616_866_7 * y - 0.490_614_6 * z,
        -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454 * z,
        0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z,
    ];
    // IEC 61966-2-1.
    linear.map(|v: f32| {
        let encoded = if v <= 0.003_130_8 {
            12.92 * v
        } else {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        };
        to_byte(encoded * 255.0)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before; what is not a number becomes 0"
)]
fn to_byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(encoding: Photometric, bits: u16, bytes: &[u8]) -> [u8; 3] {
        let row = Row {
            bytes,
            bits,
            float: false,
            little_endian: false,
        };
        from_lab(encoding, &row, 0)
    }

    #[test]
    fn lab_white_black_and_red_are_what_they_are_in_srgb() {
        assert_eq!(lab(Photometric::CieLab, 8, &[255, 0, 0]), [255; 3]);
        assert_eq!(lab(Photometric::CieLab, 8, &[0, 0, 0]), [0; 3]);
        assert_eq!(lab(Photometric::IccLab, 8, &[255, 128, 128]), [255; 3]);
        let white = [0xFF, 0xFF, 0, 0, 0, 0];
        assert_eq!(lab(Photometric::CieLab, 16, &white), [255; 3]);
        // sRGB red is L* 54.29, a* 80.81, b* 69.89 under D50.
        let red = lab(Photometric::CieLab, 8, &[138, 81, 70]);
        assert!(red[0] > 250 && red[1] < 10 && red[2] < 10, "{red:?}");
    }
}
