//! Encodes stills as JPEG, for what takes no other format: on white, at full colour resolution,
//! without any metadata.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::failure::{Outcome, out_of_memory, unsupported};

/// Encodes pixels of 3 (RGB) or 4 (RGBA) bytes; the file replaces the content of `out`.
///
/// # Errors
/// `unsupported` for sizes that a JPEG cannot hold, `out_of_memory`.
pub(crate) fn encode(
    pixels: &[u8],
    (width, height): (u32, u32),
    channels: usize,
    quality: u8,
    out: &mut Vec<u8>,
) -> Outcome<()> {
    let (width, height) = (width as usize, height as usize);
    let whole = width
        .checked_mul(height)
        .and_then(|count| count.checked_mul(channels));
    let sides = 1..=usize::from(u16::MAX);
    if whole != Some(pixels.len())
        || !matches!(channels, 3 | 4)
        || !sides.contains(&width)
        || !sides.contains(&height)
    {
        return Err(unsupported(format!(
            "a JPEG holds no picture of {width} x {height} pixels"
        )));
    }
    let mut on_white = Vec::new();
    let pixels = match channels {
        4 => {
            on_white
                .try_reserve_exact(width * height * 3)
                .map_err(out_of_memory)?;
            let (pixels, _) = pixels.as_chunks();
            on_white.extend(pixels.iter().flat_map(over_white));
            &on_white
        }
        _ => pixels,
    };
    let image = Image {
        pixels,
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    *out = compressed(image, quality).map_err(|error| unsupported(error.to_string()))?;
    Ok(())
}

fn compressed(image: Image<&[u8]>, quality: u8) -> turbojpeg::Result<Vec<u8>> {
    let mut compressor = Compressor::new()?;
    compressor.set_quality(i32::from(quality.clamp(1, 100)))?;
    // Coloured letters would get fringes otherwise.
    compressor.set_subsamp(Subsamp::None)?;
    compressor.compress_to_vec(image)
}

fn over_white([red, green, blue, alpha]: &[u8; 4]) -> [u8; 3] {
    let alpha = u32::from(*alpha);
    [*red, *green, *blue].map(|colour| {
        let mixed = (u32::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_through_is_white() {
        assert_eq!(over_white(&[10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(over_white(&[10, 20, 30, 0]), [255; 3]);
        assert_eq!(over_white(&[0, 100, 255, 128]), [127, 177, 255]);
        let mut file = Vec::new();
        encode(&[0; 4 * 6], (3, 2), 4, 90, &mut file).unwrap();
        let picture = turbojpeg::decompress(&file, PixelFormat::RGB).unwrap();
        assert_eq!((picture.width, picture.height), (3, 2));
        assert!(picture.pixels.iter().all(|byte| *byte > 250));
        assert!(encode(&[0; 3], (1, 2), 3, 90, &mut file).is_err());
    }
}
