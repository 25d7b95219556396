//! Drawing thumbnails side by side, so that a person sees at a glance whether they are right.

use std::path::PathBuf;

use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

use crate::failure::Failure;

/// The side of one picture's square, in pixels.
const CELL: u32 = 180;
/// The room around each, in pixels.
const GAP: u32 = 8;
const PAPER: Rgba<u8> = Rgba([246, 246, 244, 255]);
/// Behind pictures, so that transparency shows.
const CHECKS: [Rgba<u8>; 2] = [Rgba([226, 226, 224, 255]), Rgba([208, 208, 206, 255])];

/// Draws the pictures in rows of `columns`, each in the middle of its square, never enlarged.
pub(crate) fn draw(thumbs: &[PathBuf], columns: u32) -> Result<RgbaImage, Failure> {
    let count = u32::try_from(thumbs.len()).unwrap_or(u32::MAX);
    let columns = columns.min(count).max(1);
    let rows = count.div_ceil(columns);
    let mut sheet = RgbaImage::from_pixel(
        GAP + columns * (CELL + GAP),
        GAP + rows * (CELL + GAP),
        PAPER,
    );
    for (position, path) in (0..count).zip(thumbs) {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::internal(&format!("read {}", path.display()), error))?;
        let picture = image::load_from_memory(&bytes)
            .map_err(|error| Failure::internal(&format!("decode {}", path.display()), error))?;
        let picture = match picture.width().max(picture.height()) > CELL {
            true => picture
                .resize(CELL, CELL, FilterType::Triangle)
                .into_rgba8(),
            false => picture.into_rgba8(),
        };
        let x = GAP + (position % columns) * (CELL + GAP) + (CELL - picture.width()) / 2;
        let y = GAP + (position / columns) * (CELL + GAP) + (CELL - picture.height()) / 2;
        let mut cell = RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
            let odd = (x / 8 + y / 8) % 2 == 1;
            CHECKS[usize::from(odd)]
        });
        imageops::overlay(&mut cell, &picture, 0, 0);
        imageops::replace(&mut sheet, &cell, i64::from(x), i64::from(y));
    }
    Ok(sheet)
}
