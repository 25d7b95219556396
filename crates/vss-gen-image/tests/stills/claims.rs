//! Headers that claim too much are believed and refused; nothing is decoded or set aside for them.

use vss_core::FailureClass;

use super::job::thumb;
use super::media;

#[test]
fn a_header_of_65535_squared_is_too_large_in_every_format() {
    for (media_type, _, claim) in media::samples() {
        assert!(claim.len() < 2_000, "{media_type}: only the header");
        let failure = thumb(media_type, &claim, 256).err().unwrap();
        assert_eq!(
            failure.class,
            FailureClass::TooLarge,
            "{media_type}: {failure}"
        );
    }
}

#[test]
fn tiles_far_larger_than_the_picture_are_too_large() {
    let mut entries = media::page((100, 100), 8, 3, 2, 8);
    entries.extend([
        (322, 4, vec![60_000]),
        (323, 4, vec![60_000]),
        (324, 4, vec![8]),
        (325, 4, vec![4]),
    ]);
    // A tiled page has no strips.
    let file = media::tiff(false, &entries, b"\x78\x9C\0\0");
    let file = drop_strips(file);
    let failure = thumb("image/tiff", &file, 256).err().unwrap();
    assert_eq!(failure.class, FailureClass::TooLarge, "{failure}");
}

/// Renames the strip tags to private ones.
fn drop_strips(mut file: Vec<u8>) -> Vec<u8> {
    for (tag, private) in [(273_u16, 60_001_u16), (279, 60_002)] {
        let entry = [&tag.to_le_bytes()[..], &4_u16.to_le_bytes()].concat();
        let at = file.windows(4).rposition(|window| window == entry).unwrap();
        file[at..at + 2].copy_from_slice(&private.to_le_bytes());
    }
    file
}
