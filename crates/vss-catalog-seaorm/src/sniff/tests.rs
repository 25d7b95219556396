//! What the sniffer makes of bytes that look like one thing and are named another.

use std::ffi::OsStr;

use super::*;

fn type_of(head: &[u8], name: &str) -> String {
    sniff(head, Some(OsStr::new(name))).media_type.to_string()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const TIFF: &[u8] = b"II*\0\x08\0\0\0\0\0\0\0\0\0";

#[test]
fn bytes_win_over_names() {
    assert_eq!(type_of(PNG, "photo.jpg"), "image/png");
    assert_eq!(
        type_of(b"\xff\xd8\xff\xe0\0\x10JFIF\0", "photo.NEF"),
        "image/jpeg"
    );
    assert_eq!(type_of(b"%PDF-1.7\n", "picture"), "application/pdf");
}

#[test]
fn a_name_counts_where_the_bytes_say_nothing() {
    for (name, expected) in [
        ("text_named.png", "image/png"),
        ("UPPER.JPG", "image/jpeg"),
        ("plain.txt", "text/plain"),
        ("noextension", "application/octet-stream"),
        ("what.is-this", "application/octet-stream"),
        (".png", "application/octet-stream"),
    ] {
        assert_eq!(
            type_of(b"some words, nothing else", name),
            expected,
            "{name}"
        );
    }
    assert_eq!(sniff(b"words", None).media_type, MediaType::unknown());
}

#[test]
fn two_or_three_letters_make_no_picture() {
    assert_eq!(
        type_of(b"BMW is a make of car, not a picture.", "cars.txt"),
        "text/plain"
    );
    assert_eq!(type_of(b"GIFs are fun", "fun.txt"), "text/plain");
    assert_eq!(
        type_of(b"P1 is a class of motor sport", "p1.txt"),
        "image/x-portable-anymap"
    );
    assert_eq!(
        type_of(b"P1x is a class of motor sport", "p1.txt"),
        "text/plain"
    );
    assert_eq!(
        type_of(&[0, 0, 1, 0, 0, 0, 0, 0], "zeroes"),
        "application/octet-stream"
    );
    assert_eq!(
        type_of(&[0, 0, 1, 0, 1, 0, 16, 16], "x"),
        "image/vnd.microsoft.icon"
    );
}

#[test]
fn a_raw_is_not_taken_for_a_tiff() {
    assert_eq!(type_of(TIFF, "scan.tif"), "image/tiff");
    assert_eq!(type_of(TIFF, "scan"), "image/tiff");
    assert_eq!(type_of(TIFF, "DSC_0001.NEF"), "image/x-nikon-nef");
    assert_eq!(type_of(TIFF, "DSC_0001.arw"), "image/x-sony-arw");
    assert_eq!(
        type_of(b"II*\0\x10\0\0\0CR\x02\0", "x.tif"),
        "image/x-canon-cr2"
    );
    assert_eq!(type_of(b"IIU\0\x18\0\0\0", "x"), "image/x-panasonic-rw2");
    assert_eq!(type_of(b"FUJIFILMCCD-RAW 0201", "x"), "image/x-fuji-raf");
    assert_eq!(
        type_of(b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "x"),
        "image/x-canon-cr3"
    );
}

#[test]
fn a_dng_is_known_by_its_tag_in_both_byte_orders() {
    let mut little = b"II*\0\x08\0\0\0\x02\0".to_vec();
    little.extend(*b"\0\x01\x04\0\x01\0\0\0\0\0\0\0");
    little.extend(*b"\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0");
    assert_eq!(type_of(&little, "renamed.tif"), "image/x-adobe-dng");
    let big = b"MM\0*\0\0\0\x08\0\x01\xc6\x12\0\x01\0\0\0\x04\x01\x04\0\0";
    assert_eq!(type_of(big, "renamed"), "image/x-adobe-dng");
    // A directory that lies beyond what was read, or nowhere.
    assert_eq!(type_of(b"II*\0\xff\xff\xff\xff\0\0", "x"), "image/tiff");
}

#[test]
fn big_tiff_is_tiff() {
    assert_eq!(
        type_of(b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", "x"),
        "image/tiff"
    );
    assert_eq!(
        type_of(b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10", "x"),
        "image/tiff"
    );
    assert_eq!(type_of(b"II+\0 is not", "x"), "application/octet-stream");
}

#[test]
fn brands_tell_boxed_formats_apart() {
    for (brands, expected) in [
        ("heic\0\0\0\0mif1heic", "image/heic"),
        ("mif1\0\0\0\0mif1heic", "image/heic"),
        ("mif1\0\0\0\0mif1avif", "image/avif"),
        ("mif1\0\0\0\0mif1miaf", "image/heif"),
        ("avif\0\0\0\0avifmif1", "image/avif"),
        ("qt  \0\0\0\0qt  qt  ", "video/quicktime"),
        ("M4A \0\0\0\0M4A mp42", "audio/mp4"),
        ("3gp5\0\0\0\x013gp5isom", "video/3gpp"),
        ("isom\0\0\0\x01isomavc1", "video/mp4"),
        ("new1\0\0\0\x01new1isom", "video/mp4"),
    ] {
        let file = [b"\0\0\0\x18ftyp", brands.as_bytes()].concat();
        assert_eq!(type_of(&file, "x"), expected, "{brands:?}");
        let broken = [b"\xff\xff\xff\xffftyp", brands.as_bytes()].concat();
        assert_eq!(
            type_of(&broken, "x"),
            expected,
            "{brands:?} with a wrong length"
        );
    }
    assert_eq!(
        type_of(b"\0\0\0\x20moov\0\0\0\x18mvhd", "x"),
        "video/quicktime"
    );
}

#[test]
fn svg_is_xml_with_an_svg_element() {
    for text in [
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "<?xml version=\"1.0\"?>\n<!-- made by hand -->\n<svg width=\"1\">",
        "\u{feff}\n  <!DOCTYPE svg PUBLIC \"\" \"\"><svg>",
        "<?xml version=\"1.0\"?><svg:svg xmlns:svg=\"http://www.w3.org/2000/svg\">",
    ] {
        assert_eq!(type_of(text.as_bytes(), "x"), "image/svg+xml", "{text}");
    }
    assert_eq!(
        type_of(b"<?xml version=\"1.0\"?><svgish/>", "x"),
        "text/xml"
    );
    assert_eq!(type_of(b"we write <svg > in words", "x.txt"), "text/plain");
    assert_eq!(
        type_of(b"\x1f\x8b\x08\0", "logo.SVGZ"),
        "image/svg+xml-compressed"
    );
    assert_eq!(type_of(b"\x1f\x8b\x08\0", "logo.gz"), "application/gzip");
}

#[test]
fn every_spelling_in_the_tables_is_a_media_type() {
    for (text, endings) in names::TABLE {
        assert!(text.parse::<MediaType>().is_ok(), "{text}");
        for ending in *endings {
            assert_eq!(
                names::by_extension(ending),
                Some(*text),
                "{ending} stands twice"
            );
        }
    }
}

#[test]
fn no_prefix_of_a_header_makes_it_stumble() {
    let heads: [&[u8]; 6] = [
        PNG,
        TIFF,
        b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
        b"II*\0\x08\0\0\0\x02\0\x12\xc6\x01\0",
        b"\x1a\x45\xdf\xa3\x42\x82\x88matroska",
        b"RIFF\0\0\0\0WEBPVP8 ",
    ];
    for head in heads {
        for length in 0..=head.len() {
            sniff(&head[..length], Some(OsStr::new("x.dng")));
        }
    }
}

#[test]
fn common_video_and_audio_is_known_by_its_first_bytes() {
    let asf = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c";
    let cases: [(&[u8], &str, &str); 13] = [
        (b"RIFF\0\0\0\0AVI LIST", "a", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a", "audio/wav"),
        (b"FLV\x01\x05\0\0\0\x09", "a", "video/x-flv"),
        (b"\0\0\x01\xba\x44\0\x04\0", "a", "video/mpeg"),
        (b"\0\0\x01\xb3\x14\0\xf0\x13", "a", "video/mpeg"),
        (asf, "a.wmv", "video/x-ms-wmv"),
        (asf, "a.wma", "audio/x-ms-wma"),
        (b"ID3\x04\0\0\0\0\0\0", "a", "audio/mpeg"),
        (b"fLaC\0\0\0\x22", "a", "audio/flac"),
        (b"OggS\0\x02\0\0\0\0\0\0", "a.ogg", "audio/ogg"),
        (b"OggS\0\x02\0\0\0\0\0\0", "a.ogv", "video/ogg"),
        (b"FORM\0\0\0\0AIFFCOMM", "a", "audio/x-aiff"),
        (b"#!AMR-WB\n\x04\x0c", "a", "audio/amr"),
    ];
    for (head, name, expected) in cases {
        assert_eq!(type_of(head, name), expected, "{name}");
    }
    // Frames without a header are what their name says.
    assert_eq!(type_of(b"\xff\xe3\x18\xc4\0\0", "a.mp3"), "audio/mpeg");
}
