//! Brightness and colour differences to red, green and blue (ITU-T H.273, 8.3).

use re_rav1d::dav1d::{Picture, PixelLayout, PlanarImageComponent};
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, unsupported};

use crate::picture::{Plane, empty, plane, said_colours};
use crate::properties::Nclx;

/// The picture's pixels, 3 bytes each, without gaps. What the container says of colours goes
/// before what the stream says.
///
/// # Errors
/// `corrupt_source`, `unsupported`, `out_of_memory`.
pub(crate) fn rgb(picture: &Picture, said: Option<Nclx>) -> Outcome<Vec<u8>> {
    let (matrix, full) = said.map_or_else(
        || said_colours(picture),
        |nclx| (nclx.matrix, nclx.full_range),
    );
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let luma = plane(picture, PlanarImageComponent::Y)?;
    let layout = picture.pixel_layout();
    let mut rgb = empty(3 * width * height)?;
    rgb.resize(3 * width * height, 0);
    let (pixels, _) = rgb.as_chunks_mut::<3>();
    let rows = pixels.chunks_exact_mut(width).enumerate();
    if layout == PixelLayout::I400 {
        for (y, row) in rows {
            for (pixel, luma) in row.iter_mut().zip(luma.row(y)) {
                *pixel = [if full { *luma } else { stretched(*luma) }; 3];
            }
        }
        return Ok(rgb);
    }
    let first = plane(picture, PlanarImageComponent::U)?;
    let second = plane(picture, PlanarImageComponent::V)?;
    // Chroma samples cover one or two pixels each way; the nearest is taken, since what comes next
    // makes the picture smaller.
    let (across, down) = match layout {
        PixelLayout::I420 => (1, 1),
        PixelLayout::I422 => (1, 0),
        _ => (0, 0),
    };
    if matrix == 0 && across > 0 {
        return Err(corrupt("red, green and blue in different sizes"));
    }
    let matrix = Matrix::new(matrix, full)?;
    for (y, row) in rows {
        let (luma, u, v) = (luma.row(y), first.row(y >> down), second.row(y >> down));
        let chroma = u.iter().zip(v);
        if across == 0 {
            for ((pixel, y), (u, v)) in row.iter_mut().zip(luma).zip(chroma) {
                *pixel = matrix.rgb(*y, *u, *v);
            }
        } else {
            for ((pixels, luma), (u, v)) in row.chunks_mut(2).zip(luma.chunks(2)).zip(chroma) {
                for (pixel, y) in pixels.iter_mut().zip(luma) {
                    *pixel = matrix.rgb(*y, *u, *v);
                }
            }
        }
    }
    Ok(rgb)
}

/// How visible each pixel of an alpha picture makes its pixel, without gaps.
///
/// # Errors
/// `unsupported`, `out_of_memory`.
pub(crate) fn alpha(picture: &Picture, said: Option<Nclx>) -> Outcome<Vec<u8>> {
    let luma = plane(picture, PlanarImageComponent::Y)?;
    let full = said.map_or_else(|| said_colours(picture).1, |nclx| nclx.full_range);
    let width = picture.width() as usize;
    let rows = (0..picture.height() as usize).map(|y| luma.row(y));
    let visible = rows.flat_map(|row| row.iter().take(width));
    let mut alpha = empty(width * picture.height() as usize)?;
    alpha.extend(visible.map(|value| if full { *value } else { stretched(*value) }));
    Ok(alpha)
}

impl Plane {
    fn row(&self, y: usize) -> &[u8] {
        let stride = self.stride as usize;
        self.samples.get(y * stride..).unwrap_or_default()
    }
}

/// A value of 16 to 235 as one of 0 to 255.
fn stretched(value: u8) -> u8 {
    let above = u32::from(value.saturating_sub(16));
    u8::try_from((above * 255 + 109) / 219).unwrap_or(u8::MAX)
}

/// Parts of 1 in the factors.
const ONE: f64 = 65_536.0;

/// How much of each of the three values goes into each colour, in parts of [`ONE`].
#[derive(Clone, Copy)]
enum Matrix {
    /// The values are green, blue and red themselves.
    Identity { full: bool },
    /// By the weights of red and blue in the brightness.
    Weights {
        black: i32,
        luma: i32,
        red_v: i32,
        green_u: i32,
        green_v: i32,
        blue_u: i32,
    },
    /// Green and orange differences.
    YCgCo { black: i32, luma: i32, chroma: i32 },
}

impl Matrix {
    fn new(number: u16, full: bool) -> Outcome<Self> {
        let (black, luma, chroma) = match full {
            true => (0, 1.0, 1.0),
            false => (16, 255.0 / 219.0, 255.0 / 224.0),
        };
        // H.273, table 4; a picture that names none means BT.601 (ISO/IEC 23000-22, 7.3.6.4).
        let (red, blue) = match number {
            0 => return Ok(Self::Identity { full }),
            1 => (0.2126, 0.0722),
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            8 => {
                return Ok(Self::YCgCo {
                    black,
                    luma: parts(luma),
                    chroma: parts(chroma),
                });
            }
            9 | 10 => (0.2627, 0.0593),
            _ => return Err(unsupported(format!("colours by matrix {number}"))),
        };
        let green = 1.0 - red - blue;
        Ok(Self::Weights {
            black,
            luma: parts(luma),
            red_v: parts(2.0 * (1.0 - red) * chroma),
            green_u: parts(2.0 * (1.0 - blue) * blue / green * chroma),
            green_v: parts(2.0 * (1.0 - red) * red / green * chroma),
            blue_u: parts(2.0 * (1.0 - blue) * chroma),
        })
    }

    #[inline]
    fn rgb(self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let (from_u, from_v) = (i32::from(u) - 128, i32::from(v) - 128);
        match self {
            Self::Identity { full: true } => [v, y, u],
            Self::Identity { full: false } => [v, y, u].map(stretched),
            Self::Weights {
                black,
                luma,
                red_v,
                green_u,
                green_v,
                blue_u,
            } => {
                let y = (i32::from(y) - black) * luma;
                [
                    rounded(y + red_v * from_v),
                    rounded(y - green_u * from_u - green_v * from_v),
                    rounded(y + blue_u * from_u),
                ]
            }
            Self::YCgCo {
                black,
                luma,
                chroma,
            } => {
                let y = (i32::from(y) - black) * luma;
                let (green, orange) = (from_u * chroma, from_v * chroma);
                let rest = y - green;
                [
                    rounded(rest + orange),
                    rounded(y + green),
                    rounded(rest - orange),
                ]
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a factor of at most 3, in parts of ONE"
)]
fn parts(factor: f64) -> i32 {
    (factor * ONE).round() as i32
}

#[inline]
fn rounded(parts: i32) -> u8 {
    let whole = (parts + (1 << 15)) >> 16;
    u8::try_from(whole.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By H.273: with the values as fractions, rounded at the end.
    fn exact(red: f64, blue: f64, [r, g, b]: [f64; 3], full: bool) -> [u8; 3] {
        let y = red * r + (1.0 - red - blue) * g + blue * b;
        let (u, v) = (
            (b - y) / (2.0 * (1.0 - blue)),
            (r - y) / (2.0 * (1.0 - red)),
        );
        let (scale_y, low, scale_c) = match full {
            true => (255.0, 0.0, 255.0),
            false => (219.0, 16.0, 224.0),
        };
        let byte = |value: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped"
            )]
            let byte = value.round().clamp(0.0, 255.0) as u8;
            byte
        };
        [
            byte(low + scale_y * y),
            byte(128.0 + scale_c * u),
            byte(128.0 + scale_c * v),
        ]
    }

    #[test]
    fn colours_come_back_from_every_matrix_and_range() {
        let weights = [
            (1, 0.2126, 0.0722),
            (6, 0.299, 0.114),
            (7, 0.212, 0.087),
            (9, 0.2627, 0.0593),
        ];
        let colours: [[u8; 3]; 6] = [
            [255, 0, 0],
            [0, 255, 0],
            [0, 0, 255],
            [255, 255, 255],
            [0, 0, 0],
            [120, 60, 200],
        ];
        for (number, red, blue) in weights {
            for full in [true, false] {
                let matrix = Matrix::new(number, full).unwrap();
                for colour in colours {
                    let [y, u, v] = exact(red, blue, colour.map(|c| f64::from(c) / 255.0), full);
                    let back = matrix.rgb(y, u, v);
                    let near = back.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3);
                    assert!(near, "{number} {full}: {colour:?} came back as {back:?}");
                }
            }
        }
    }

    #[test]
    fn green_and_orange_differences_and_colours_themselves_come_back() {
        let orange = Matrix::new(8, true).unwrap();
        // Y = (R + 2G + B) / 4, Cg = (2G - R - B) / 4, Co = (R - B) / 2.
        assert_eq!(orange.rgb(100, 128 + 20, 128 + 30), [110, 120, 50]);
        let themselves = Matrix::new(0, true).unwrap();
        assert_eq!(themselves.rgb(2, 3, 1), [1, 2, 3]);
        let limited = Matrix::new(0, false).unwrap();
        assert_eq!(limited.rgb(16, 235, 126), [128, 0, 255]);
        assert!(Matrix::new(11, true).is_err());
    }
}
