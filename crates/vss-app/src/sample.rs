//! Sample pictures drawn here, so that the program can be tried, and its documents illustrated,
//! without anybody's photos: every format and all eight orientations, some transparency, and two
//! files that cannot work.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::failure::{Exit, Failure};
use crate::output;
use crate::whole_file;

/// The upright size of the landscapes.
const SIZE: (u32, u32) = (1200, 800);

/// Writes the samples into a folder.
pub(crate) fn write(folder: &Path) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failure,
            format!("samples could not be written to {}", folder.display()),
        )
        .because(error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut files = Vec::new();
    for orientation in 1..=8_u8 {
        let upright = landscape(f64::from(orientation) / 8.0);
        let stored = stored_for(orientation, upright);
        let jpeg = encode(&DynamicImage::ImageRgb8(stored), ImageFormat::Jpeg)?;
        files.push((
            format!("landscape-{orientation}.jpg"),
            with_orientation(&jpeg, orientation),
        ));
    }
    let julia = |re, im| DynamicImage::ImageRgb8(julia(re, im));
    files.push((
        "julia.png".into(),
        encode(&julia(-0.8, 0.156), ImageFormat::Png)?,
    ));
    files.push((
        "julia.webp".into(),
        encode(&julia(-0.4, 0.6), ImageFormat::WebP)?,
    ));
    files.push((
        "julia.bmp".into(),
        encode(&julia(0.285, 0.01), ImageFormat::Bmp)?,
    ));
    files.push((
        "julia.tiff".into(),
        encode(&julia(-0.7269, 0.1889), ImageFormat::Tiff)?,
    ));
    let ball = DynamicImage::ImageRgba8(ball(640));
    files.push((
        "ball-transparent.png".into(),
        encode(&ball, ImageFormat::Png)?,
    ));
    let small = DynamicImage::ImageRgba8(self::ball(64));
    files.push(("ball.ico".into(), encode(&small, ImageFormat::Ico)?));
    files.push((
        "ball.gif".into(),
        encode(&DynamicImage::ImageRgba8(self::ball(200)), ImageFormat::Gif)?,
    ));
    let original = files
        .first()
        .map(|(_, bytes)| bytes.clone())
        .unwrap_or_default();
    files.push(("copy of landscape-1.jpg".into(), original.clone()));
    let cut = original.get(..200).unwrap_or_default().to_vec();
    files.push(("broken.jpg".into(), cut));
    files.push(("notes.txt".into(), b"Not a picture.\n".to_vec()));
    let count = files.len();
    for (name, bytes) in files {
        whole_file::write_new(&folder.join(name), &bytes)?;
    }
    output::line(&format!("{count} files in {}", folder.display()));
    Ok(Exit::Done)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, Failure> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .map_err(|error| Failure::internal("draw a sample", error))?;
    Ok(bytes.into_inner())
}

/// The pixels as a camera held this way would store them: the inverse of what turns them upright.
fn stored_for(orientation: u8, upright: RgbImage) -> RgbImage {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    match orientation {
        2 => flip_horizontal(&upright),
        3 => rotate180(&upright),
        4 => flip_vertical(&upright),
        5 => flip_horizontal(&rotate90(&upright)),
        6 => rotate270(&upright),
        7 => flip_horizontal(&rotate270(&upright)),
        8 => rotate90(&upright),
        _ => upright,
    }
}

/// Puts an Exif block with nothing but the orientation tag (0x0112, a SHORT) behind the JPEG's
/// first marker.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = [
        b"II*\0\x08\0\0\0".as_slice(),
        b"\x01\0\x12\x01\x03\0\x01\0\0\0",
        &[orientation, 0, 0, 0],
        b"\0\0\0\0",
    ]
    .concat();
    let length = u16::try_from(tiff.len() + 8)
        .unwrap_or_default()
        .to_be_bytes();
    let (start, rest) = jpeg.split_at(2.min(jpeg.len()));
    [start, b"\xff\xe1", &length, b"Exif\0\0", &tiff, rest].concat()
}

/// Hills under a sun that stands higher the greater `day` is (0 to 1). The sun is on the left, so
/// a mirrored picture is told from a right one.
fn landscape(day: f64) -> RgbImage {
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));
    RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let (x, y) = (f64::from(x) / width, f64::from(y) / height);
        let sun = ((x - 0.22) * 1.5).hypot(y - (0.55 - 0.4 * day));
        let sky = mix(
            [250.0, 196.0 - 60.0 * (1.0 - day), 130.0 + 90.0 * day],
            [60.0, 110.0, 190.0],
            1.0 - y,
        );
        let mut colour = mix(
            [255.0, 244.0, 200.0],
            sky,
            ((sun - 0.06) * 6.0).clamp(0.0, 1.0),
        );
        for hill in 0..4 {
            let far = f64::from(hill);
            let ridge = 0.5
                + 0.12 * far
                + 0.06 * (x * (5.0 + 3.0 * far) + far * 2.1 + day * 3.0).sin()
                + 0.02 * (x * (23.0 + 7.0 * far) + far).sin();
            if y > ridge {
                let green = [
                    40.0 + 20.0 * (3.0 - far),
                    90.0 + 18.0 * (3.0 - far),
                    70.0 + 25.0 * (3.0 - far),
                ];
                let shade = ((y - ridge) * 1.5).clamp(0.0, 0.5);
                colour = mix(green, [20.0, 40.0, 35.0], shade);
            }
        }
        Rgb(bytes(colour))
    })
}

/// A Julia set in warm colours.
fn julia(re: f64, im: f64) -> RgbImage {
    RgbImage::from_fn(900, 900, |x, y| {
        let (mut a, mut b) = (f64::from(x) / 300.0 - 1.5, f64::from(y) / 300.0 - 1.5);
        let mut steps = 0.0;
        while a.hypot(b) < 4.0 && steps < 120.0 {
            (a, b) = (a * a - b * b + re, 2.0 * a * b + im);
            steps += 1.0;
        }
        let t: f64 = steps / 120.0;
        Rgb(bytes([
            255.0 * t.powf(0.4),
            220.0 * t.powf(0.8),
            60.0 + 160.0 * t * (1.0 - t) * 2.0,
        ]))
    })
}

/// A ball that casts no shadow, on nothing.
fn ball(side: u32) -> RgbaImage {
    let radius = f64::from(side) * 0.45;
    let middle = f64::from(side) / 2.0;
    RgbaImage::from_fn(side, side, |x, y| {
        let (x, y) = (
            (f64::from(x) - middle) / radius,
            (f64::from(y) - middle) / radius,
        );
        let edge = 1.0 - x.hypot(y);
        let light = (1.0 - (x + 0.4).hypot(y + 0.4) * 0.8).clamp(0.1, 1.0);
        let [r, g, b] = bytes([240.0 * light, 80.0 * light + 60.0 * light * light, 60.0]);
        let [alpha, ..] = bytes([edge * radius * 255.0, 0.0, 0.0]);
        Rgba([r, g, b, alpha])
    })
}

fn mix(a: [f64; 3], b: [f64; 3], share: f64) -> [f64; 3] {
    let mut out = a;
    for (out, b) in out.iter_mut().zip(b) {
        *out += (b - *out) * share;
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte just before"
)]
fn bytes(colour: [f64; 3]) -> [u8; 3] {
    colour.map(|channel| channel.clamp(0.0, 255.0).round() as u8)
}
