//! Colours come out as sRGB.

use moxcms::ColorProfile;
use turbojpeg::{PixelFormat, Subsamp};

use super::job::thumb;
use super::media;

#[test]
fn a_wide_gamut_profile_changes_colours_and_srgb_does_not() {
    let jpeg = media::jpeg(&media::picture());
    let plain = thumb("image/jpeg", &jpeg, 64).unwrap();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let wide = thumb("image/jpeg", &media::with_icc(&jpeg, &p3), 64).unwrap();
    let [plain_red, ..] = plain.quadrants();
    let [wide_red, ..] = wide.quadrants();
    assert!(wide_red[0] > plain_red[0] + 8, "{plain_red:?} {wide_red:?}");
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let same = thumb("image/jpeg", &media::with_icc(&jpeg, &srgb), 64).unwrap();
    assert!(same.file == plain.file);
}

#[test]
fn ink_of_photoshop_and_of_others_comes_out_in_its_colours() {
    // Red, green, blue, white in ink; Adobe stores 255 for none of it.
    let inks = [
        [30, 240, 240, 0],
        [240, 30, 240, 20],
        [240, 240, 30, 10],
        [5, 5, 5, 5],
    ];
    let mut cmyk = Vec::new();
    for (x, y, _) in media::picture().enumerate_pixels() {
        let at = media::QUADRANTS
            .iter()
            .position(|c| *c == media::colour_at(x, y, (64, 48)))
            .unwrap();
        cmyk.extend(inks[at]);
    }
    // The encoder writes YCCK with Adobe's marker, as Photoshop does.
    let upside_down: Vec<u8> = cmyk.iter().map(|ink| 255 - ink).collect();
    let adobe = media::compress(&upside_down, 64, 48, PixelFormat::CMYK, Subsamp::None);
    assert!(adobe.windows(5).any(|window| window == b"Adobe"));
    let thumb = thumb("image/jpeg", &adobe, 64).unwrap();
    assert!(thumb.shows_the_picture(60), "{:?}", thumb.quadrants());
}

#[test]
fn a_grey_photoshop_document_gets_its_transparency_without_white() {
    let (width, height, grey, alpha) = (16_u32, 12_u32, 100_u32, 64_u32);
    let mut file = b"8BPS\0\x01\0\0\0\0\0\0\0\x02".to_vec();
    file.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    // 8 bits, grey; neither a palette nor resources; one layer, and a channel of transparency.
    file.extend(b"\0\x08\0\x01\0\0\0\0\0\0\0\0\0\0\0\x06\0\0\0\x02\xFF\xFF\0\0");
    let mixed = grey * alpha / 255 + 255 - alpha;
    for sample in [mixed, alpha] {
        let plane = vec![u8::try_from(sample).unwrap(); (width * height) as usize];
        file.extend(plane);
    }
    let thumb = thumb("image/vnd.adobe.photoshop", &file, 64).unwrap();
    for [r, g, b, a] in thumb.quadrants() {
        assert_eq!((r, g, a), (b, b, 64));
        assert!(r.abs_diff(100) < 6, "{r}");
    }
}
