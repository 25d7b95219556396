//! Damaged files end in a thumbnail or a failure; never in a panic, never in much time.

use proptest::prelude::*;
use vss_core::FailureClass;

use super::job::thumb;
use super::media;

#[test]
fn a_truncated_jpeg_keeps_the_part_that_is_there() {
    let picture = media::picture_of(640, 480);
    let whole = media::jpeg(&picture);
    let cut = &whole[..whole.len() * 7 / 10];
    let thumb = thumb("image/jpeg", cut, 256).unwrap();
    assert_eq!(thumb.size(), (256, 192));
    assert!(thumb.produced.degraded.is_some());
    let [red, green, ..] = thumb.quadrants();
    assert!(red[0] > 170 && green[1] > 150, "{red:?} {green:?}");
}

#[test]
fn what_a_damaged_jpeg_lacks_is_not_filled_from_the_picture_before() {
    use std::io::Write;
    let file = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let whole = media::progressive_jpeg(&media::picture_of(640, 480));
    // A scan that names a table that does not exist: libjpeg-turbo gives up in the middle, after
    // the garbage before it has caused a warning.
    let scans: Vec<_> = whole
        .windows(2)
        .enumerate()
        .filter(|(_, w)| *w == [0xFF, 0xDA])
        .collect();
    let mut bad = whole.clone();
    let second = scans[1].0;
    bad[second - 40..second - 20].fill(0x55);
    bad[second + 6] = 0x33;
    let alone = super::job::thumbs_of(
        &vss_gen_image::ImageGenerator::new(),
        &file(&bad),
        "image/jpeg",
        &[256],
    );
    let generator = vss_gen_image::ImageGenerator::new();
    super::job::thumbs_of(&generator, &file(&whole), "image/jpeg", &[256]).unwrap();
    let after = super::job::thumbs_of(&generator, &file(&bad), "image/jpeg", &[256]);
    match (alone, after) {
        (Ok(alone), Ok(after)) => assert!(alone[0].file == after[0].file),
        (alone, after) => assert_eq!(alone.err(), after.err()),
    }
}

#[test]
fn a_file_of_another_format_is_refused_under_every_media_type() {
    let samples = media::samples();
    for (media_type, ..) in &samples {
        for (other, bytes, _) in samples.iter().filter(|(other, ..)| other != media_type) {
            let failure = thumb(media_type, bytes, 64).err().unwrap();
            let expected = [FailureClass::CorruptSource, FailureClass::Unsupported];
            assert!(
                expected.contains(&failure.class),
                "{other} as {media_type}: {failure}"
            );
        }
    }
}

#[test]
fn every_truncation_of_every_format_ends_in_an_answer() {
    for (media_type, bytes, _) in media::samples() {
        let step = (bytes.len() / 60).max(1);
        for length in (0..bytes.len()).step_by(step) {
            let _ = thumb(media_type, &bytes[..length], 32);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_in_any_format_end_in_an_answer(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        head in any::<bool>(),
    ) {
        for (media_type, mut bytes, _) in variants() {
            // Half of the cases strike the header, where the decisions are made.
            let reach = if head { bytes.len().min(200) } else { bytes.len() };
            for (at, value) in &flips {
                bytes[at.index(reach)] = *value;
            }
            let _ = thumb(media_type, &bytes, 32);
        }
    }
}

/// The samples, and files whose paths through the code differ from theirs.
fn variants() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    thread_local! {
        static MADE: Vec<(&'static str, Vec<u8>, Vec<u8>)> = {
            let mut all = media::samples();
            let picture = media::picture();
            all.push(("image/jpeg", media::progressive_jpeg(&picture), Vec::new()));
            let exif = media::with_exif(&media::jpeg(&picture), 6);
            let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
            all.push(("image/jpeg", media::with_icc(&exif, &p3), Vec::new()));
            let fax = media::tiff(false, &media::page((64, 48), 1, 1, 0, 4), &[0x26; 60]);
            all.push(("image/tiff", fax, Vec::new()));
            let fax = media::tiff(false, &media::page((64, 48), 1, 1, 0, 3), &[0x00, 0x13, 0x35]);
            all.push(("image/tiff", fax, Vec::new()));
            let jpeg = media::tiff(true, &media::page((64, 48), 8, 3, 6, 7), &media::jpeg(&picture));
            all.push(("image/tiff", jpeg, Vec::new()));
            all
        };
    }
    MADE.with(Clone::clone)
}
