//! Pictures stand upright, whichever way they are stored and wherever that is said.

use image::ImageFormat;

use super::job::thumb;
use super::media;

#[test]
fn all_eight_orientations_of_a_jpeg_give_the_same_upright_picture() {
    for tag in 1..=8 {
        let stored = media::stored_as(tag, &media::picture());
        let file = media::with_exif(&media::jpeg(&stored), tag);
        for side in [2048, 32] {
            let thumb = thumb("image/jpeg", &file, side).unwrap();
            assert_eq!(thumb.size().0, side.min(64), "{tag}");
            assert_eq!(thumb.size().1, side.min(64) * 3 / 4, "{tag}");
            assert!(
                thumb.shows_the_picture(45),
                "{tag}: {:?}",
                thumb.quadrants()
            );
        }
    }
}

#[test]
fn the_orientation_of_a_tiff_a_png_and_a_webp_counts_too() {
    for tag in [3, 6, 8] {
        let stored = media::stored_as(tag, &media::picture());
        let mut entries = media::page(stored.dimensions(), 8, 3, 2, 1);
        entries.push((274, 3, vec![tag.into()]));
        let tiff = media::tiff(false, &entries, stored.as_raw());
        let png = media::encode(stored.clone(), ImageFormat::Png);
        let png = with_png_exif(&png, &media::exif(tag));
        let webp = with_webp_exif(
            &media::encode(stored.clone(), ImageFormat::WebP),
            &stored,
            tag,
        );
        for (media_type, file) in [
            ("image/tiff", tiff),
            ("image/png", png),
            ("image/webp", webp),
        ] {
            let thumb = thumb(media_type, &file, 2048).unwrap();
            assert_eq!(thumb.size(), (64, 48), "{media_type} {tag}");
            assert!(thumb.shows_the_picture(45), "{media_type} {tag}");
        }
    }
}

/// Puts an `eXIf` chunk behind the header.
fn with_png_exif(png: &[u8], exif: &[u8]) -> Vec<u8> {
    let body = [b"eXIf", exif].concat();
    let length = u32::try_from(exif.len()).unwrap().to_be_bytes();
    let crc = media::crc32(&body).to_be_bytes();
    [&png[..33], &length, &body, &crc, &png[33..]].concat()
}

/// Makes a WebP of one chunk an extended one with an EXIF chunk.
fn with_webp_exif(webp: &[u8], picture: &image::RgbImage, tag: u16) -> Vec<u8> {
    let exif = media::exif(tag);
    let mut body = b"WEBPVP8X\x0A\0\0\0\x08\0\0\0".to_vec();
    body.extend(&(picture.width() - 1).to_le_bytes()[..3]);
    body.extend(&(picture.height() - 1).to_le_bytes()[..3]);
    body.extend(&webp[12..]);
    body.extend(b"EXIF");
    body.extend(u32::try_from(exif.len()).unwrap().to_le_bytes());
    body.extend(exif);
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [b"RIFF", length.as_slice(), &body].concat()
}
