//! DNG: developed where there is no preview, or one that is far too small.

use image::{Rgb, RgbImage};
use vss_core::FailureClass;

use super::job::thumb;
use super::media;
use super::sensors::Sensor;

const DNG: &str = "image/x-adobe-dng";

#[test]
fn a_mosaic_of_any_width_of_samples_is_developed() {
    for bits in [8, 10, 12, 14, 16] {
        for pattern in [[0, 1, 1, 2], [1, 0, 2, 1], [2, 1, 1, 0], [1, 2, 0, 1]] {
            let sensor = Sensor {
                bits,
                pattern: Some(pattern),
                ..Sensor::default()
            };
            let thumb = thumb(DNG, &sensor.file(), 64).unwrap();
            assert_eq!(thumb.size(), (64, 48));
            let right = thumb.shows_the_picture(30) && thumb.produced.degraded.is_none();
            assert!(right, "{bits} {pattern:?} {:?}", thumb.quadrants());
        }
    }
}

#[test]
fn lossless_tiles_are_unpacked_whatever_predicts_them() {
    for predictor in 1..=7 {
        for pattern in [Some([0, 1, 1, 2]), None] {
            let sensor = Sensor {
                bits: 14,
                pattern,
                tiles: Some((48, 32, predictor)),
                size: (130, 98),
                ..Sensor::default()
            };
            let thumb = thumb(DNG, &sensor.file(), 65).unwrap();
            assert_eq!(thumb.size(), (65, 49));
            let right = thumb.shows_the_picture(30) && thumb.produced.degraded.is_none();
            assert!(right, "{predictor} {pattern:?} {:?}", thumb.quadrants());
        }
    }
}

#[test]
fn white_is_white_and_the_picture_lies_where_the_file_says() {
    // Its sensor sees twice as much green as red; a frame saw no light, and a border is not shown.
    for (dark, border) in [((7, 3), (0, 0)), ((8, 4), (3, 5)), ((1, 1), (1, 1))] {
        let sensor = Sensor {
            dark,
            border,
            neutral: [50, 100, 70],
            size: (256, 192),
            ..Sensor::default()
        };
        for side in [32, 64, 200, 256] {
            let thumb = thumb(DNG, &sensor.file(), side).unwrap();
            assert_eq!(thumb.size(), (side, side * 3 / 4));
            let right = thumb.shows_the_picture(30);
            assert!(right, "{dark:?} {border:?} {side} {:?}", thumb.quadrants());
        }
    }
}

#[test]
fn what_is_developed_stands_upright() {
    for tag in 1..=8 {
        let upright = media::picture();
        let stored = media::stored_as(u16::try_from(tag).unwrap(), &upright);
        let sensor = Sensor {
            size: stored.dimensions(),
            orientation: tag,
            ..Sensor::default()
        };
        let thumb = thumb(DNG, &sensor.file_of(&stored), 64).unwrap();
        assert_eq!(thumb.size(), (64, 48), "{tag}");
        assert!(thumb.shows_the_picture(30), "{tag} {:?}", thumb.quadrants());
    }
}

#[test]
fn a_preview_comes_first_unless_it_is_far_too_small() {
    // All of it is orange, which tells it from the picture.
    let orange =
        |width, height| media::jpeg(&RgbImage::from_pixel(width, height, Rgb([250, 140, 20])));
    let is_orange = |thumb: &super::job::Thumb| {
        let quadrants = thumb.quadrants();
        quadrants.iter().all(|[r, _, b, _]| *r > 230 && *b < 60)
    };
    let sensor = |preview: Vec<u8>| Sensor {
        size: (640, 480),
        preview,
        ..Sensor::default()
    };
    let large = sensor(orange(320, 240)).file();
    let from_preview = thumb(DNG, &large, 512).unwrap();
    assert!(is_orange(&from_preview));
    let small = sensor(orange(160, 120)).file();
    let developed = thumb(DNG, &small, 512).unwrap();
    assert_eq!(developed.size(), (512, 384));
    assert!(
        developed.shows_the_picture(30),
        "{:?}",
        developed.quadrants()
    );
    assert!(is_orange(&thumb(DNG, &small, 256).unwrap()));
    // Where nothing can be developed, it is better than nothing.
    let mut sensor = sensor(orange(160, 120));
    sensor.pattern = Some([0, 1, 1, 3]);
    assert!(is_orange(&thumb(DNG, &sensor.file(), 512).unwrap()));
}

#[test]
fn what_cannot_be_developed_is_said() {
    let sensor = Sensor {
        pattern: Some([0, 1, 1, 3]),
        ..Sensor::default()
    };
    let failure = thumb(DNG, &sensor.file(), 64).err().unwrap();
    assert_eq!(failure.class, FailureClass::Unsupported);
    assert!(failure.detail.contains("other colours"), "{failure}");
    // The same bytes as another maker's format.
    let file = Sensor::default().file();
    let tag = 50_706_u16.to_le_bytes();
    let at = file.windows(2).rposition(|pair| *pair == tag);
    let mut other = file.clone();
    other[at.unwrap()] ^= 1;
    let failure = thumb("image/x-nikon-nef", &other, 64).err().unwrap();
    assert_eq!(failure.class, FailureClass::Unsupported);
    assert!(failure.detail.contains("only DNG"), "{failure}");
}

#[test]
fn a_tile_that_is_cut_off_costs_no_other() {
    let sensor = Sensor {
        tiles: Some((64, 24, 1)),
        ..Sensor::default()
    };
    let mut file = sensor.file();
    // The second tile, from its frame on.
    let begin = |nth: usize| {
        let starts = file.windows(4).enumerate();
        let mut starts = starts.filter(|(_, bytes)| *bytes == [0xFF, 0xD8, 0xFF, 0xC3]);
        starts.nth(nth).unwrap().0
    };
    let second = begin(1);
    let claimed = file.clone();
    file[second + 3] = 0xC0;
    let half = thumb(DNG, &file, 64).err().unwrap();
    assert_eq!(half.class, FailureClass::Unsupported);
    let mut file = claimed;
    file[second] = 0;
    let half = thumb(DNG, &file, 64).unwrap();
    assert!(half.produced.degraded.is_some());
    let [red, green, blue, white] = half.quadrants();
    assert!(red[0] > 180 && green[1] > 180, "{red:?} {green:?}");
    let dark = |pixel: [u8; 4]| pixel[..3].iter().all(|c| *c < 12);
    assert!(dark(blue) && dark(white), "{blue:?} {white:?}");
}

#[test]
fn damaged_sensor_data_ends_in_an_answer_and_trips_nothing() {
    let files = [
        Sensor::default().file(),
        Sensor {
            tiles: Some((32, 32, 7)),
            bits: 12,
            ..Sensor::default()
        }
        .file(),
        Sensor {
            pattern: None,
            dark: (4, 4),
            border: (2, 2),
            ..Sensor::default()
        }
        .file(),
    ];
    let mut numbers = super::corpus::Numbers::new(0xD46);
    let (mut made, mut refused) = (0, 0);
    for round in 0..1_500 {
        let mut bytes = files[round % files.len()].clone();
        // The directory is at the end.
        let directory = bytes.len() - 600;
        for _ in 0..=numbers.below(4) {
            let at = match round % 2 {
                0 => directory + numbers.below(600),
                _ => numbers.below(bytes.len()),
            };
            bytes[at] = u8::try_from(numbers.below(256)).unwrap();
        }
        match thumb(DNG, &bytes, 64) {
            Ok(_) => made += 1,
            Err(failure) => {
                assert!(
                    !failure.detail.contains("tripped"),
                    "round {round}: {failure}"
                );
                refused += 1;
            }
        }
    }
    assert!(made > 100 && refused > 100, "{made} {refused}");
}
