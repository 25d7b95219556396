//! Every format gives every size.

use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, Rgba};

use vss_core::FailureClass;

use super::job::{reserved, thumb, thumbs};
use super::media;

#[test]
fn every_format_gives_the_picture_in_its_size_and_never_larger() {
    for (media_type, good, _) in media::samples() {
        let all = thumbs(media_type, &good, &[2048, 32, 64, 1024, 16]).unwrap();
        let full = all[0].size();
        assert_eq!(
            full.0.max(full.1),
            if media_type.contains("icon") { 48 } else { 64 }
        );
        assert_eq!(all[3].size(), full, "{media_type}");
        assert_eq!(all[1].size().0, 32, "{media_type}");
        assert_eq!(all[4].size().0, 16, "{media_type}");
        let transparent = matches!(media_type, "image/webp" | "image/gif");
        for thumb in &all {
            assert!(thumb.produced.degraded.is_none());
            if transparent {
                let [left, right, ..] = thumb.quadrants();
                assert_eq!((left[3], right[3]), (0, 255), "{media_type}");
            } else {
                assert!(
                    thumb.shows_the_picture(45),
                    "{media_type} {:?}",
                    thumb.quadrants()
                );
            }
        }
    }
}

#[test]
fn synonyms_of_a_media_type_are_read_alike() {
    let bmp = media::encode(media::picture(), ImageFormat::Bmp);
    for name in ["image/bmp", "image/x-ms-bmp", "image/x-bmp"] {
        assert!(thumb(name, &bmp, 32).is_ok(), "{name}");
    }
    assert!(thumb("image/x-icon", &media::ico(), 32).is_ok());
}

#[test]
fn an_icon_shows_its_largest_entry_be_it_a_bitmap_or_a_png() {
    // A bitmap of 2 x 2 (header, four blue pixels, mask) before a PNG of 48 x 48.
    let mut bitmap = vec![40, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 32, 0];
    bitmap.resize(40, 0);
    bitmap.extend([220, 30, 30, 255].repeat(4));
    bitmap.extend([0; 8]);
    let alone = thumb("image/x-icon", &media::ico_of(2, &bitmap), 64).unwrap();
    assert_eq!(alone.size(), (2, 2));
    let png = media::encode(media::picture_of(48, 48), ImageFormat::Png);
    let mut file = vec![0, 0, 1, 0, 2, 0];
    let mut at = 38;
    for (side, entry) in [(2, &bitmap), (48, &png)] {
        let length = u32::try_from(entry.len()).unwrap();
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        file.extend(length.to_le_bytes());
        file.extend(u32::to_le_bytes(at));
        at += length;
    }
    file.extend([bitmap, png].concat());
    let both = thumb("image/x-icon", &file, 64).unwrap();
    assert_eq!(both.size(), (48, 48));
    assert!(both.shows_the_picture(45));
}

#[test]
fn a_large_jpeg_is_decoded_small_and_comes_out_in_exact_proportion() {
    // 2005 / 8 is no whole number: scaled decoding rounds up and the edge must not show.
    let picture = media::picture_of(2005, 1003);
    for bytes in [media::jpeg(&picture), media::progressive_jpeg(&picture)] {
        let all = thumbs("image/jpeg", &bytes, &[128, 256, 512, 1024]).unwrap();
        let sizes: Vec<_> = all.iter().map(super::job::Thumb::size).collect();
        assert_eq!(sizes, [(128, 64), (256, 128), (512, 256), (1024, 512)]);
        assert!(all.iter().all(|thumb| thumb.shows_the_picture(45)));
    }
}

#[test]
fn sixteen_bits_grey_and_palettes_are_read() {
    let grey = GrayImage::from_fn(40, 30, |x, _| Luma([if x < 20 { 0 } else { 200 }]));
    let deep = ImageBuffer::from_fn(40, 30, |x, _| {
        Rgb(if x < 20 {
            [0_u16, 0, 0]
        } else {
            [51_400, 51_400, 51_400]
        })
    });
    let deep_alpha = ImageBuffer::from_fn(40, 30, |x, _| {
        Rgba(if x < 20 {
            [0_u16, 0, 0, 65_535]
        } else {
            [51_400, 51_400, 51_400, 65_535]
        })
    });
    let jpeg = media::compress(
        grey.as_raw(),
        40,
        30,
        turbojpeg::PixelFormat::GRAY,
        turbojpeg::Subsamp::Gray,
    );
    let files = [
        ("image/png", media::encode(grey.clone(), ImageFormat::Png)),
        (
            "image/png",
            media::encode(DynamicImage::ImageRgb16(deep), ImageFormat::Png),
        ),
        (
            "image/png",
            media::encode(DynamicImage::ImageRgba16(deep_alpha), ImageFormat::Png),
        ),
        (
            "image/gif",
            media::encode(DynamicImage::from(grey).into_rgba8(), ImageFormat::Gif),
        ),
        ("image/jpeg", jpeg),
    ];
    for (media_type, file) in files {
        let [left, right, ..] = thumb(media_type, &file, 256).unwrap().quadrants();
        assert!(
            left[0] < 12 && right[0].abs_diff(200) < 12,
            "{media_type} {left:?} {right:?}"
        );
        assert!(right[0].abs_diff(right[1]) < 4 && right[0].abs_diff(right[2]) < 4);
    }
}

#[test]
fn what_is_invisible_does_not_shine_through_at_the_edge_of_what_is_seen() {
    // Hidden black beside opaque colours: a resize that ignored alpha would darken the seam.
    let picture = image::RgbaImage::from_fn(512, 64, |x, _| {
        Rgba(if x < 255 {
            [0, 0, 0, 0]
        } else {
            [200, 200, 200, 255]
        })
    });
    let thumb = thumb("image/png", &media::encode(picture, ImageFormat::Png), 128).unwrap();
    for pixel in thumb.picture.pixels().filter(|pixel| pixel.0[3] > 8) {
        assert!(pixel.0[0] > 180, "{pixel:?}");
    }
}

#[test]
fn no_metadata_is_left_in_an_output() {
    let jpeg = media::with_exif(&media::jpeg(&media::picture()), 6);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let file = thumb("image/jpeg", &media::with_icc(&jpeg, &profile), 32)
        .unwrap()
        .file;
    for chunk in [&b"EXIF"[..], b"ICCP", b"XMP ", b"VP8X", b"Exif"] {
        assert!(!file.windows(chunk.len()).any(|window| window == chunk));
    }
}

#[test]
fn junk_behind_the_end_of_a_jpeg_does_not_matter() {
    let mut jpeg = media::jpeg(&media::picture());
    let before = thumb("image/jpeg", &jpeg, 32).unwrap();
    jpeg.extend(b"\0\0ftypmp42 and a whole video".repeat(100));
    let after = thumb("image/jpeg", &jpeg, 32).unwrap();
    assert_eq!(after.produced, before.produced);
    assert!(after.file == before.file && after.produced.degraded.is_none());
}

#[test]
fn the_rarer_formats_give_the_picture_too() {
    let rgb = media::picture;
    for (media_type, format) in [
        ("image/qoi", ImageFormat::Qoi),
        ("image/x-tga", ImageFormat::Tga),
        ("image/x-portable-anymap", ImageFormat::Pnm),
    ] {
        let thumb = thumb(media_type, &media::encode(rgb(), format), 64).unwrap();
        assert_eq!(thumb.size(), (64, 48), "{media_type}");
        assert!(thumb.shows_the_picture(45), "{media_type}");
    }
    let light = DynamicImage::ImageRgb8(rgb()).into_rgb32f();
    for (media_type, format) in [
        ("image/x-exr", ImageFormat::OpenExr),
        ("image/vnd.radiance", ImageFormat::Hdr),
    ] {
        let thumb = thumb(media_type, &media::encode(light.clone(), format), 64).unwrap();
        assert_eq!(thumb.size(), (64, 48), "{media_type}");
        let [red, green, blue, white] = thumb.quadrants();
        assert!(red[0] > 2 * red[1], "{media_type} {red:?}");
        assert!(green[1] > 2 * green[2], "{media_type} {green:?}");
        assert!(blue[2] > 2 * blue[0], "{media_type} {blue:?}");
        assert!(white.iter().all(|c| *c > 200), "{media_type} {white:?}");
    }
}

#[test]
fn a_soft_edge_of_light_is_as_bright_as_what_it_is_the_edge_of() {
    // OpenEXR stores light multiplied by what it covers.
    let picture = ImageBuffer::from_fn(64, 48, |x, _| {
        let covers = if x < 32 { 1.0 } else { 0.25 };
        Rgba([0.5 * covers, 0.5 * covers, 0.5 * covers, covers])
    });
    let file = media::encode(DynamicImage::ImageRgba32F(picture), ImageFormat::OpenExr);
    let [whole, edge, ..] = thumb("image/x-exr", &file, 64).unwrap().quadrants();
    assert_eq!((whole[3], edge[3]), (255, 64));
    assert!(edge[0].abs_diff(whole[0]) < 4, "{whole:?} {edge:?}");
}

#[test]
fn lines_are_drawn_as_large_as_they_are_wanted() {
    let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3">
        <rect width="2" height="1.5" fill="#dc1e1e"/><rect x="2" width="2" height="1.5" fill="#1ec81e"/>
        <rect y="1.5" width="2" height="1.5" fill="#1e1edc"/><rect x="2" y="1.5" width="2" height="1.5" fill="#f0f0f0"/>
        <image href="/etc/hostname" width="4" height="3"/></svg>"##;
    for side in [32, 400] {
        let thumb = thumb("image/svg+xml", svg, side).unwrap();
        assert_eq!(thumb.size(), (side, side * 3 / 4));
        assert!(thumb.shows_the_picture(45), "{:?}", thumb.quadrants());
    }
    // Red at the left and white at the right of the paper, which is turned by a quarter.
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj \
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 40 20]/Rotate 90/Contents 4 0 R/Resources<<>>>>endobj \
        4 0 obj<</Length 24>>stream\n1 0 0 rg 0 0 20 20 re f  \nendstream endobj trailer<</Root 1 0 R>>";
    let thumb = thumb("application/pdf", pdf, 80).unwrap();
    assert_eq!(thumb.size(), (40, 80));
    let [top, _, bottom, _] = thumb.quadrants();
    assert!(top[0] > 240 && top[1] < 20, "{top:?}");
    assert!(bottom.iter().all(|c| *c > 240), "{bottom:?}");
}

/// A drawing that is a picture, which is inside of it.
fn around(png: &[u8]) -> Vec<u8> {
    let escaped: String = png.iter().map(|byte| format!("%{byte:02X}")).collect();
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3">
        <image href="data:image/png,{escaped}" width="4" height="3"/></svg>"#
    );
    svg.into_bytes()
}

#[test]
fn pictures_inside_of_a_drawing_count_and_what_is_left_out_is_told() {
    let svg = "image/svg+xml";
    let small = around(&media::encode(media::picture(), ImageFormat::Png));
    let large = around(&media::encode(
        media::picture_of(4_000, 3_000),
        ImageFormat::Png,
    ));
    let [small, large] = [small, large].map(|file| {
        let (thumb, reserved) = reserved(svg, &file);
        let thumb = thumb.unwrap();
        assert!(thumb.shows_the_picture(45), "{:?}", thumb.quadrants());
        assert_eq!(thumb.produced.degraded, None);
        reserved
    });
    assert!(small < 1 << 20, "{small}");
    assert!(large > 8 * 4_000 * 3_000, "{large}");
    let claims = media::samples().into_iter();
    let png = claims.filter(|(name, ..)| *name == "image/png");
    for (_, _, claim) in png {
        let (thumb, reserved) = reserved(svg, &around(&claim));
        assert!(reserved < 1 << 20, "{reserved}");
        let degraded = thumb.unwrap().produced.degraded.unwrap();
        assert!(degraded.contains("a picture inside"), "{degraded}");
    }
}

#[test]
fn a_drawing_is_read_in_whatever_it_was_written() {
    let svg = |encoding: &str, more: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\
             <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 4 3\"><title>{more}</title>\
             <rect width=\"4\" height=\"3\" fill=\"#dc1e1e\"/></svg>"
        )
    };
    let wide = format!("\u{feff}{}", svg("UTF-16", "caf\u{e9}"));
    let units = || wide.encode_utf16();
    let latin = svg("ISO-8859-1", "caf\u{e9}");
    let latin = latin.chars();
    for file in [
        units().flat_map(u16::to_le_bytes).collect(),
        units().flat_map(u16::to_be_bytes).collect(),
        latin.map(|letter| u8::try_from(letter).unwrap()).collect(),
        svg("UTF-8", "caf\u{e9}").into_bytes(),
    ] {
        let file: Vec<u8> = file;
        let [red, ..] = thumb("image/svg+xml", &file, 32).unwrap().quadrants();
        assert!(red[0] > 200 && red[1] < 50, "{red:?}");
    }
    let class = |file: &[u8]| thumb("image/svg+xml", file, 32).err().unwrap().class;
    let unknown = svg("of-my-own", "");
    assert_eq!(class(unknown.as_bytes()), FailureClass::Unsupported);
    assert_eq!(class(b"<svg>\xE9</svg>"), FailureClass::CorruptSource);
}
