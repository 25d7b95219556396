//! What each layout says, from files that were made for it.

use vss_core::Timestamp;
use vss_core::companion::{ByteRange, CaptureTime, LiveId, MediaFacts};
use vss_probe::{Limits, probe};

use crate::made::{self, ID};

fn said(media_type: &str, bytes: &[u8]) -> MediaFacts {
    let media_type = media_type.parse().unwrap();
    probe(&media_type, &mut &*bytes, Limits::default())
}

const TAKEN: &str = "2016:12:07 11:44:58";
const WALL: i64 = 1_481_111_098_000;
/// The same in seconds since 1904.
const MADE: u32 = 3_563_955_898;

fn range(offset: usize, length: usize) -> Option<ByteRange> {
    Some(ByteRange {
        offset: offset.try_into().unwrap(),
        length: length.try_into().unwrap(),
    })
}

#[test]
fn a_photo_says_when_it_was_taken_and_which_live_photo_it_is_of() {
    let exif = made::tiff(TAKEN, None, Some(ID));
    let expected = MediaFacts {
        live_id: LiveId::read(ID),
        captured: Some(CaptureTime::Wall(WALL)),
        ..MediaFacts::default()
    };
    let padding = "x".repeat(200_000);
    for (media_type, bytes) in [
        ("image/jpeg", made::jpeg(Some(&exif), None)),
        ("image/jpeg", made::jpeg(Some(&exif), Some("<a/>"))),
        ("image/heic", made::heif(&exif, "<a/>", b"")),
        ("image/heic", made::heif(&exif, "", padding.as_bytes())),
        ("image/x-adobe-dng", exif.clone()),
    ] {
        assert_eq!(said(media_type, &bytes), expected, "{media_type}");
    }
    let zoned = made::tiff(TAKEN, Some("-06:00"), None);
    let captured = said("image/jpeg", &made::jpeg(Some(&zoned), None)).captured;
    let moment = Timestamp::from_millis(WALL + 6 * 3_600_000);
    assert_eq!(
        captured,
        Some(CaptureTime::Zoned {
            moment,
            offset_minutes: -360
        })
    );
}

#[test]
fn canon_and_fuji_wrap_what_others_write_plainly() {
    // Canon's directory is EXIF's own, and little-endian or not.
    let whole = made::tiff(TAKEN, None, None);
    let mut own = whole.clone();
    own[4..8].copy_from_slice(&26_u32.to_be_bytes());
    let canon = [
        0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0, 0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a,
        0x48,
    ];
    let boxes = [made::atom(b"CMT1", &[b"x"]), made::atom(b"CMT2", &[&own])].concat();
    let uuid = made::atom(b"uuid", &[&canon, &boxes]);
    let cr3 = [
        made::atom(b"ftyp", &[b"crx \0\0\0\x01crx isom"]),
        made::atom(b"moov", &[&uuid]),
    ]
    .concat();
    let expected = Some(CaptureTime::Wall(WALL));
    assert_eq!(said("image/x-canon-cr3", &cr3).captured, expected);

    let jpeg = made::jpeg(Some(&whole), None);
    let mut raf = b"FUJIFILMCCD-RAW 0201".to_vec();
    raf.resize(84, 0);
    raf.extend(100_u32.to_be_bytes());
    raf.extend(u32::try_from(jpeg.len()).unwrap().to_be_bytes());
    raf.resize(100, 0);
    raf.extend(jpeg);
    assert_eq!(said("image/x-fuji-raf", &raf).captured, expected);
}

#[test]
fn a_film_says_how_long_it_plays_and_whose_half_it_is() {
    let film = made::movie(MADE, 3_670, &[]);
    let plain = MediaFacts {
        captured: Some(CaptureTime::Moment(Timestamp::from_millis(WALL))),
        duration_ms: Some(3_670),
        ..MediaFacts::default()
    };
    assert_eq!(said("video/mp4", &film), plain);
    let live = made::movie(
        MADE,
        3_670,
        &[
            ("com.apple.quicktime.make", "Apple"),
            ("com.apple.quicktime.content.identifier", ID),
            (
                "com.apple.quicktime.creationdate",
                "2016-12-07T11:44:59-0600",
            ),
        ],
    );
    let moment = Timestamp::from_millis(WALL + 1_000 + 6 * 3_600_000);
    let expected = MediaFacts {
        live_id: LiveId::read(ID),
        captured: Some(CaptureTime::Zoned {
            moment,
            offset_minutes: -360,
        }),
        ..plain
    };
    assert_eq!(said("video/quicktime", &live), expected);
    // Cut off before its head it says nothing.
    let cut = &live[..3_000];
    assert_eq!(said("video/quicktime", cut), MediaFacts::default());
}

#[test]
fn the_video_of_a_motion_photo_is_found_where_google_says() {
    let video = made::movie(MADE, 2_000, &[]);
    for xmp in [made::google(video.len(), 0), made::micro_video(video.len())] {
        let photo = made::jpeg(None, Some(&xmp));
        let whole = [&photo[..], &video].concat();
        assert_eq!(
            said("image/jpeg", &whole).motion,
            range(photo.len(), video.len())
        );
        // In a HEIF it is at the end too, or in a box of its own.
        let exif = made::tiff(TAKEN, None, None);
        let photo = made::heif(&exif, &xmp, b"");
        let whole = made::heif(&exif, &xmp, &video);
        assert_eq!(
            said("image/heic", &whole).motion,
            range(photo.len(), video.len())
        );
        let boxed = made::heif(&exif, "", &made::atom(b"mpvd", &[&video]));
        let expected = range(made::heif(&exif, "", b"").len() + 8, video.len());
        assert_eq!(said("image/heic", &boxed).motion, expected);
    }
    // Something behind it.
    let xmp = made::google(video.len(), 9);
    let photo = made::jpeg(None, Some(&xmp));
    let whole = [&photo[..], &video, b"other map"].concat();
    assert_eq!(
        said("image/jpeg", &whole).motion,
        range(photo.len(), video.len())
    );
    // What belongs to nobody is not a part of the video.
    let xmp = made::google(video.len() + 14, 0);
    let photo = made::jpeg(None, Some(&xmp));
    let whole = [&photo[..], &video, b"SEFH and so on"].concat();
    assert_eq!(
        said("image/jpeg", &whole).motion,
        range(photo.len(), video.len())
    );
}

#[test]
fn the_video_of_a_motion_photo_is_found_where_samsung_says() {
    let video = made::movie(MADE, 2_000, &[]);
    let photo = made::jpeg(Some(&made::tiff(TAKEN, None, None)), None);
    let (whole, start) = made::samsung(&photo, &video);
    assert_eq!(&whole[start + 4..start + 8], b"ftyp");
    let facts = said("image/jpeg", &whole);
    assert_eq!(facts.motion, range(start, video.len()));
    assert_eq!(facts.captured, Some(CaptureTime::Wall(WALL)));
}

#[test]
fn no_video_is_believed_in_where_none_begins() {
    let video = made::movie(MADE, 2_000, &[]);
    for length in [0, 1, video.len() - 1, video.len() + 1, usize::MAX] {
        let photo = made::jpeg(None, Some(&made::google(length, 0)));
        let whole = [&photo[..], &video].concat();
        assert_eq!(said("image/jpeg", &whole).motion, None, "{length}");
    }
    // It was taken away, as some programs do, and the XMP still speaks of it.
    let photo = made::jpeg(None, Some(&made::google(video.len(), 0)));
    assert_eq!(said("image/jpeg", &photo).motion, None);
    let words = [&photo[..], &vec![b'x'; video.len()]].concat();
    assert_eq!(said("image/jpeg", &words).motion, None);
    // A film that follows by chance.
    let chance = [&made::jpeg(None, Some("<a/>"))[..], &video].concat();
    assert_eq!(said("image/jpeg", &chance).motion, None);
}

#[test]
fn other_files_say_nothing_and_are_not_read() {
    struct Shut;
    impl vss_probe::Source for Shut {
        fn size(&self) -> u64 {
            1_000
        }
        fn read_at(&mut self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("it is not to be read");
        }
    }
    for media_type in ["image/png", "video/x-matroska", "audio/mpeg", "text/plain"] {
        let media_type = media_type.parse().unwrap();
        assert!(!vss_probe::may_say(&media_type));
        assert!(probe(&media_type, &mut Shut, Limits::default()).is_empty());
    }
}
