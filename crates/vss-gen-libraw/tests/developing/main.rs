//! Camera files with no preview or a far too small one are developed: their colours, the way up, what
//! comes first, and what happens to those that claim or hold what they should not.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

mod job;
mod media;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use vss_core::FailureClass;
use vss_core::plan::DecodeLimits;
use vss_gen_libraw::LibRawGenerator;
use vss_ports::{CancelToken, GenerateFailure, JobHost, JobUsage};

use job::{Job, Thumb};
use media::{CameraFile, Dice, orange};

/// As near as colours come: the brightest becomes as bright as can be.
const CLOSE: u8 = 40;
const NEF: &str = "image/x-nikon-nef";

fn thumb(media_type: &str, file: &CameraFile, side: u32) -> Result<Thumb, GenerateFailure> {
    bytes_thumb(media_type, &file.bytes(), side)
}

fn bytes_thumb(media_type: &str, bytes: &[u8], side: u32) -> Result<Thumb, GenerateFailure> {
    Job::default().thumb(&LibRawGenerator::new(), media_type, bytes, side)
}

#[test]
fn files_of_many_makers_without_a_preview_are_developed() {
    // Of some LibRaw knows the colours, which makes those of the test more colourful; of others it
    // takes them as they are.
    for (media_type, camera, known) in [
        (NEF, media::UNKNOWN, false),
        ("image/x-hasselblad-3fr", ("Hasselblad", "H3D-31"), false),
        ("image/x-pentax-pef", ("PENTAX", "PENTAX K-5"), true),
        ("image/x-samsung-srw", ("SAMSUNG", "NX10"), true),
        ("image/x-epson-erf", ("SEIKO EPSON CORP.", "R-D1"), true),
        ("image/x-leica-rwl", ("LEICA", "X9"), true),
    ] {
        let file = CameraFile {
            camera,
            ..CameraFile::default()
        };
        let thumb = thumb(media_type, &file, 256).unwrap();
        assert_eq!(thumb.size(), (256, 192), "{camera:?}");
        assert_eq!(thumb.produced.degraded, None, "{camera:?}");
        let tolerance = if known { 65 } else { CLOSE };
        let right = thumb.shows_the_picture(tolerance);
        assert!(right, "{camera:?} {:?}", thumb.quadrants());
    }
}

#[test]
fn what_is_developed_stands_upright() {
    for orientation in 1..=8 {
        for preview in [Vec::new(), orange(60, 40)] {
            let file = CameraFile {
                orientation,
                preview,
                ..CameraFile::default()
            };
            let thumb = thumb(NEF, &file, 160).unwrap();
            assert_eq!(thumb.size(), (160, 120), "{orientation}");
            let right = thumb.shows_the_picture(CLOSE);
            assert!(right, "{orientation} {:?}", thumb.quadrants());
        }
    }
}

#[test]
fn half_or_all_of_the_places_are_used_as_the_stills_need() {
    for (size, side, expected) in [
        ((640, 480), 320, (320, 240)),
        ((640, 480), 321, (321, 241)),
        ((640, 480), 640, (640, 480)),
        ((640, 480), 2_000, (640, 480)),
        ((638, 482), 100, (100, 76)),
    ] {
        let file = CameraFile {
            size,
            ..CameraFile::default()
        };
        let host = Asked::default();
        let job = Job {
            host: &host,
            ..Job::default()
        };
        let thumb = job.thumb(&LibRawGenerator::new(), NEF, &file.bytes(), side);
        let thumb = thumb.unwrap();
        assert_eq!(thumb.size(), expected, "{side}");
        // The sensor's data and eight rows, colours and their copy, the file, what is beside it.
        let by = if side * 2 <= size.0 { 2 } else { 1 };
        let pixels = (size.0 / by) * (size.1 / by) * 11;
        let places = size.0 * (size.1 + 8) * 2;
        let all = u64::from(places + pixels) + file.bytes().len() as u64 + (24 << 20);
        assert_eq!(*host.0.lock().unwrap(), [all], "{side}");
        assert!(
            thumb.shows_the_picture(CLOSE),
            "{side} {:?}",
            thumb.quadrants()
        );
    }
}

#[test]
fn where_each_place_has_all_colours_the_memory_for_all_of_them_is_asked_for() {
    let file = CameraFile {
        dng: true,
        linear: true,
        ..CameraFile::default()
    };
    let host = Asked::default();
    let job = Job {
        host: &host,
        ..Job::default()
    };
    let bytes = file.bytes();
    let thumb = job.thumb(&LibRawGenerator::new(), "image/x-adobe-dng", &bytes, 160);
    let thumb = thumb.unwrap();
    assert_eq!(thumb.size(), (160, 120));
    assert!(thumb.shows_the_picture(CLOSE), "{:?}", thumb.quadrants());
    // Four colours of two bytes at each place; then as many and their copy at each pixel.
    let all = 640 * 488 * 8 + 640 * 480 * 11 + bytes.len() as u64 + (24 << 20);
    assert_eq!(*host.0.lock().unwrap(), [all]);
}

#[test]
fn a_file_that_is_read_while_it_is_developed_is_there_for_as_long() {
    let bytes = media::phase_one();
    let host = Asked::default();
    let job = Job {
        host: &host,
        ..Job::default()
    };
    let thumb = job.thumb(&LibRawGenerator::new(), "image/x-phaseone-iiq", &bytes, 160);
    assert_eq!(thumb.unwrap().size(), (160, 108));
    // Of its data there are two while it is developed.
    let (width, height) = media::PHASE_ONE;
    let pixels = (width / 2) * (height / 2) * 11;
    let places = width * (height + 8) * 4;
    let all = u64::from(places + pixels) + bytes.len() as u64 + (24 << 20);
    assert_eq!(*host.0.lock().unwrap(), [all]);
}

#[test]
fn a_preview_comes_first_unless_it_is_far_too_small() {
    let with = |preview| CameraFile {
        preview,
        ..CameraFile::default()
    };
    assert!(
        thumb(NEF, &with(orange(320, 240)), 512)
            .unwrap()
            .is_orange()
    );
    let small = with(orange(160, 120));
    let developed = thumb(NEF, &small, 512).unwrap();
    assert_eq!(developed.size(), (512, 384));
    assert!(
        developed.shows_the_picture(CLOSE),
        "{:?}",
        developed.quadrants()
    );
    assert!(thumb(NEF, &small, 320).unwrap().is_orange());
    // As much as half of the sensor has: there is little to win.
    let nearly = with(orange(330, 250));
    assert!(thumb(NEF, &nearly, 2_000).unwrap().is_orange());
}

#[test]
fn a_small_preview_serves_after_all_when_nothing_can_be_developed() {
    let small = |claim, camera| CameraFile {
        preview: orange(160, 120),
        claim,
        camera,
        ..CameraFile::default()
    };
    // Of nobody: that is no damage.
    let strange = thumb(NEF, &small(None, ("", "")), 512).unwrap();
    assert!(strange.is_orange());
    assert_eq!(
        (strange.size(), strange.produced.degraded),
        ((160, 120), None)
    );
    // Beyond the limits.
    let giant = small(Some((30_000, 30_000)), media::UNKNOWN);
    let giant = thumb(NEF, &giant, 512).unwrap();
    assert!(giant.is_orange());
    let lost = giant.produced.degraded.unwrap();
    assert!(lost.contains("only the camera's small preview"), "{lost}");
    assert!(lost.contains("30000 x 30000"), "{lost}");
}

#[test]
fn a_preview_that_cannot_be_decoded_is_made_up_for_by_the_sensor() {
    let mut preview = orange(320, 240);
    // It says that it is far beyond the limits.
    let frame = preview.windows(2).position(|pair| pair == [0xFF, 0xC0]);
    let size = frame.unwrap() + 5;
    preview[size..size + 4].copy_from_slice(&[0xF0, 0, 0xF0, 0]);
    let file = CameraFile {
        preview,
        ..CameraFile::default()
    };
    let thumb = thumb(NEF, &file, 512).unwrap();
    assert_eq!(thumb.size(), (512, 384));
    assert!(thumb.shows_the_picture(CLOSE), "{:?}", thumb.quadrants());
}

#[test]
fn a_dng_is_ours_to_develop_and_what_we_cannot_is_for_libraw() {
    let dng = |repeats| CameraFile {
        repeats,
        dng: true,
        ..CameraFile::default()
    };
    for repeats in [2, 6] {
        let thumb = thumb("image/x-adobe-dng", &dng(repeats), 160).unwrap();
        assert_eq!(thumb.size(), (160, 120));
        let right = thumb.shows_the_picture(CLOSE);
        assert!(right, "{repeats} {:?}", thumb.quadrants());
    }
}

#[test]
fn a_night_stays_a_night() {
    let file = |light| CameraFile {
        light,
        ..CameraFile::default()
    };
    // Two stops less than could be: made as bright as it would be.
    let dim = thumb(NEF, &file(25), 160).unwrap();
    assert!(dim.shows_the_picture(CLOSE), "{:?}", dim.quadrants());
    let night = thumb(NEF, &file(2), 160).unwrap();
    let white = night.quadrants()[3];
    assert!(white.iter().all(|c| (60..110).contains(c)), "{white:?}");
}

#[test]
fn data_that_makes_no_sense_is_told_and_data_that_ends_early_is_a_failure() {
    // Its cameras never wrote data like that, which LibRaw says, and goes on.
    let senseless = CameraFile {
        camera: ("SONY", "DSLR-A900"),
        ..CameraFile::default()
    };
    let thumb = thumb("image/x-sony-arw", &senseless, 160).unwrap();
    assert_eq!(
        thumb.produced.degraded.unwrap(),
        "the sensor's data is damaged"
    );
    let mut short = CameraFile {
        claim: Some((640, 700)),
        ..CameraFile::default()
    };
    let failure = self::thumb(NEF, &short, 160).err().unwrap();
    assert_eq!(failure.class, FailureClass::CorruptSource);
    let why = "LibRaw: the data is damaged or ends early";
    assert!(failure.detail.ends_with(why), "{failure}");
    short.preview = orange(60, 40);
    let thumb = self::thumb(NEF, &short, 160).unwrap();
    assert!(thumb.is_orange());
    let lost = thumb.produced.degraded.unwrap();
    assert!(lost.ends_with(why), "{lost}");
}

#[test]
fn giant_claims_are_refused_before_memory_is_asked_for() {
    // The last would have room: it is one of 108 megapixels.
    for claim in [(60_000, 60_000), (63_000, 30_000), (12_000, 9_000)] {
        let file = CameraFile {
            claim: Some(claim),
            ..CameraFile::default()
        };
        let host = Asked::default();
        let job = Job {
            host: &host,
            ..Job::default()
        };
        let failure = job.thumb(&LibRawGenerator::new(), NEF, &file.bytes(), 160);
        let failure = failure.err().unwrap();
        assert_eq!(failure.class, FailureClass::TooLarge, "{claim:?} {failure}");
        assert_eq!(*host.0.lock().unwrap(), [] as [u64; 0], "{claim:?}");
    }
    // Within the limits of a picture, and beyond those of the memory of this job.
    let limits = DecodeLimits {
        max_decoded_bytes: 700_000,
        ..DecodeLimits::default()
    };
    let job = Job {
        limits,
        ..Job::default()
    };
    let bytes = CameraFile::default().bytes();
    let failure = job.thumb(&LibRawGenerator::new(), NEF, &bytes, 160);
    assert_eq!(failure.err().unwrap().class, FailureClass::TooLarge);
}

#[test]
fn who_refuses_the_memory_ends_the_job_even_where_there_is_a_preview() {
    let file = CameraFile {
        preview: orange(160, 120),
        ..CameraFile::default()
    };
    let host = Asked::default();
    let job = Job {
        host: &Refuses(&host),
        ..Job::default()
    };
    let failure = job.thumb(&LibRawGenerator::new(), NEF, &file.bytes(), 512);
    let failure = failure.err().unwrap();
    assert_eq!(failure.detail, "not now");
    assert_eq!(host.0.lock().unwrap().len(), 1);
}

#[test]
fn a_job_that_is_called_off_while_it_is_developed_ends_as_such() {
    let cancel = CancelToken::new();
    let host = CallsOff {
        cancel: cancel.clone(),
        signs: AtomicU32::new(0),
    };
    let job = Job {
        host: &host,
        cancel: cancel.clone(),
        ..Job::default()
    };
    let file = CameraFile {
        preview: orange(160, 120),
        ..CameraFile::default()
    };
    let failure = job.thumb(&LibRawGenerator::new(), NEF, &file.bytes(), 512);
    let failure = failure.err().unwrap();
    assert_eq!(failure.class, FailureClass::Timeout);
    assert_eq!(failure.detail, "stopped before it was done");
    // LibRaw itself was told: whoever makes stills of what it made tells nobody of it.
    assert_eq!(host.signs.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_no_camera_file_is_told_by_both() {
    for bytes in [
        &b"not a camera file at all, whatever its name says"[..],
        b"II*\0",
    ] {
        let failure = bytes_thumb(NEF, bytes, 160).err().unwrap();
        let known = [FailureClass::CorruptSource, FailureClass::Unsupported];
        assert!(known.contains(&failure.class), "{failure}");
        assert!(failure.detail.contains("; LibRaw: "), "{failure}");
    }
}

#[test]
fn damaged_headers_never_take_the_process_with_them() {
    // Many more, confined, are in the tests of the worker; these are small and few, since what goes
    // wrong in here takes all tests along.
    let good = CameraFile {
        size: (64, 48),
        ..CameraFile::default()
    };
    let bytes = good.bytes();
    for length in (0..bytes.len()).step_by(97) {
        drop(bytes_thumb(NEF, &bytes[..length], 32));
    }
    let mut dice = Dice(0xDEC0DE);
    let mut made = 0;
    for _ in 0..100 {
        made += u32::from(bytes_thumb(NEF, &dice.damage(&bytes), 32).is_ok());
    }
    assert!((5..100).contains(&made), "{made} of 100 were developed");
}

/// Grants everything and remembers it.
#[derive(Default)]
struct Asked(Mutex<Vec<u64>>);

impl JobHost for Asked {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.0.lock().unwrap().push(bytes);
        Ok(())
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

struct Refuses<'a>(&'a Asked);

impl JobHost for Refuses<'_> {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.0.reserve(bytes)?;
        Err(GenerateFailure::new(FailureClass::OutOfMemory, "not now"))
    }

    fn progressed(&self) {}

    fn used(&self, _: JobUsage) {}
}

/// Calls the job off when it asks for memory, and counts its signs of life.
struct CallsOff {
    cancel: CancelToken,
    signs: AtomicU32,
}

impl JobHost for CallsOff {
    fn reserve(&self, _: u64) -> Result<(), GenerateFailure> {
        self.cancel.cancel();
        Ok(())
    }

    fn progressed(&self) {
        self.signs.fetch_add(1, Ordering::Relaxed);
    }

    fn used(&self, _: JobUsage) {}
}
