//! Films made for one question each.

use vss_core::FailureClass;

use crate::job::{
    ffmpeg, ffprobe, has_programs, light, make, map, media_type, open, pcm, pixels, proxy, pts,
    run, run_bytes, samples, still, strip, times, waveform, waves,
};
use crate::media;

const SCENE: &str = "-f lavfi -i testsrc2=size=320x180:rate=25";
const FINE: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[test]
fn a_black_beginning_and_a_blank_stretch_are_passed_over() {
    let size = (96, 64);
    let mut frames: Vec<_> = (0..10).map(|_| media::flat(96, 64, [0, 0, 0])).collect();
    frames.extend((0..10).map(|_| media::flat(96, 64, [200, 200, 200])));
    frames.extend((0..20).map(|at| media::scene(96, 64, at)));
    let film = media::avi(size, &frames, &[0; 64_000]);
    // Once looked up, once on the way of a proxy.
    for wanted in [vec![still(96)], vec![still(96), proxy(64, 0)]] {
        let made = run_bytes(&film, "video/x-msvideo", &wanted).unwrap();
        let (answer, bytes) = &made[0];
        answer.as_ref().unwrap();
        let picture = pixels(bytes);
        let spread =
            picture.as_raw().iter().max().unwrap() - picture.as_raw().iter().min().unwrap();
        assert!(spread > 120, "a blank frame was chosen");
    }
}

#[test]
fn a_film_without_anything_to_see_still_has_a_poster() {
    let frames: Vec<_> = (0..10).map(|_| media::flat(96, 64, [0, 0, 0])).collect();
    let film = media::avi((96, 64), &frames, &[0; 16_000]);
    let made = run_bytes(&film, "video/x-msvideo", &[still(96), strip(), map()]).unwrap();
    assert!(made.iter().all(|(answer, _)| answer.is_ok()), "{made:?}");
    assert!(light(&pixels(&made[0].1)) < 8);
}

#[test]
fn a_film_that_claims_gigapixels_is_too_large() {
    let failure = run_bytes(&media::boast(), "video/x-msvideo", &[still(96)]).unwrap_err();
    assert_eq!(failure.class, FailureClass::TooLarge, "{failure}");
}

#[test]
fn what_cannot_be_made_fails_alone() {
    let wanted = [still(64), waveform(), strip(), proxy(64, 64_000), pcm()];
    let made = run_bytes(&media::song(), "audio/wav", &wanted).unwrap();
    let classes: Vec<_> = made
        .iter()
        .map(|(answer, _)| answer.as_ref().err().map(|failure| failure.class))
        .collect();
    let no = Some(FailureClass::Unsupported);
    assert_eq!(classes, [no, None, no, no, None]);
    let detail = &made[0].0.as_ref().unwrap_err().detail;
    assert_eq!(detail, "it holds no video and no cover");
}

#[test]
fn samples_are_the_tone_that_went_in() {
    let made = run_bytes(&media::song(), "audio/wav", &[pcm(), waveform()]).unwrap();
    let wav = &made[0].1;
    // Two seconds at 16 kHz, two bytes each.
    assert_eq!(wav.len(), 44 + 2 * 16_000 * 2);
    let waves = waves(&samples(wav));
    assert!((878..=882).contains(&waves), "{waves} waves of 880");
    let json = String::from_utf8(made[1].1.clone()).unwrap();
    let head = "{\"version\":2,\"channels\":1,\"sample_rate\":8000,\"samples_per_pixel\":160,\
        \"bits\":8,\"length\":100,\"data\":[";
    assert!(json.starts_with(head), "{json}");
    assert!(json.contains("-47,46"), "the peak of the tone: {json}");
}

#[test]
fn a_proxy_is_h264_high_with_its_index_in_front_and_keeps_time() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Frames at uneven times, sound that begins late, metadata that must not be carried on.
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        &format!(
            "{SCENE} -itsoffset 0.5 -f lavfi -i sine=frequency=440:duration=3.5 \
             -vf select='lt(mod(n,5),3)' -fps_mode vfr -t 4 {FINE} -c:a aac \
             -metadata title=Holiday -metadata location=+48.1+11.5/"
        ),
    );
    let made = make(
        &film,
        &[proxy(120, 96_000), proxy(120, 0), proxy(720, 64_000)],
    );
    let streams = "-show_entries stream=codec_name,profile,pix_fmt,width,height,has_b_frames";
    let (produced, bytes) = &made[0];
    assert_eq!((produced.width, produced.height), (214, 120));
    let said = ffprobe(folder.path(), bytes, streams);
    for expected in [
        "codec_name=h264",
        "profile=High",
        "pix_fmt=yuv420p",
        "width=214",
        "height=120",
        "codec_name=aac",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let at = |name: &[u8]| bytes.windows(4).position(|w| w == name).unwrap();
    assert!(at(b"moov") < at(b"mdat"), "the index is not in front");
    for secret in [&b"Holiday"[..], b"+48.1"] {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret));
    }
    // The same frames at the same times, to a millisecond.
    let before = times(folder.path(), &crate::job::read(&film), "v");
    let after = times(folder.path(), bytes, "v");
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() < 0.002, "{before} became {after}");
    }
    let sound = "-select_streams a -read_intervals %+#1 -show_entries packet=pts_time";
    let begin = pts(&ffprobe(folder.path(), bytes, sound));
    // 1,024 samples of AAC come before the first that is heard.
    assert!((begin[0] - 0.5).abs() < 0.05, "sound begins at {begin:?}");
    let silent = ffprobe(folder.path(), &made[1].1, streams);
    assert!(!silent.contains("codec_name=aac"), "{silent}");
    assert_eq!((made[2].0.width, made[2].0.height), (320, 180));
}

#[test]
fn all_eight_ways_to_stand_end_upright() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Red in the upper left corner, green beside it, blue below.
    let film = ffmpeg(
        folder.path(),
        "film.mp4",
        &format!(
            "-f lavfi -i color=gray:s=160x80:r=10:d=2 -vf drawbox=0:0:80:40:red:fill,\
             drawbox=80:0:80:40:lime:fill,drawbox=0:40:80:40:blue:fill {FINE}"
        ),
    );
    let stored = crate::job::read(&film);
    let one = 1 << 16;
    let cells = [
        [one, 0, 0, one],
        [-one, 0, 0, one],
        [-one, 0, 0, -one],
        [one, 0, 0, -one],
        [0, one, -one, 0],
        [0, -one, one, 0],
        [0, one, one, 0],
        [0, -one, -one, 0],
    ];
    for [a, b, c, d] in cells {
        let film = turned(&stored, [a, b, c, d]);
        let wanted = [still(160), proxy(80, 0)];
        let made = run_bytes(&film, "video/mp4", &wanted).unwrap();
        let size = if a == 0 { (80, 160) } else { (160, 80) };
        let produced = made[0].0.as_ref().unwrap();
        assert_eq!((produced.width, produced.height), size);
        let proxied = made[1].0.as_ref().unwrap();
        assert_eq!((proxied.width, proxied.height), size);
        let again = make_still_of(&made[1].1);
        for picture in [pixels(&made[0].1), again] {
            // Where the stored corners (-1, -1), (1, -1) and (-1, 1) are shown.
            let corners = [(-1, -1, 0), (1, -1, 1), (-1, 1, 2)];
            for (x, y, channel) in corners {
                let shown = (
                    a.signum() * x + c.signum() * y,
                    b.signum() * x + d.signum() * y,
                );
                let place = |side: u32, way: i32| if way < 0 { side / 4 } else { side * 3 / 4 };
                let pixel = picture
                    .get_pixel(place(size.0, shown.0), place(size.1, shown.1))
                    .0;
                let strongest = (0..3).max_by_key(|c| pixel[*c]).unwrap();
                assert_eq!(strongest, channel, "{pixel:?} for {a} {b} {c} {d}");
            }
        }
    }
}

/// A film of QuickTime with these cells in the matrix of its first track.
fn turned(film: &[u8], cells: [i32; 4]) -> Vec<u8> {
    let mut film = film.to_vec();
    let at = film.windows(4).position(|w| w == b"tkhd").unwrap() + 4 + 4 + 20 + 16;
    for (cell, value) in [0, 1, 3, 4].into_iter().zip(cells) {
        film[at + 4 * cell..at + 4 * cell + 4].copy_from_slice(&i32::to_be_bytes(value));
    }
    film
}

#[test]
fn a_film_on_its_head_is_turned_also_where_nothing_has_to_be_scaled() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = ffmpeg(
        folder.path(),
        "film.mov",
        "-f lavfi -i color=gray:s=160x80:r=10:d=2 \
         -vf format=rgb24,drawbox=0:0:160:40:red:fill -c:v png",
    );
    let one = 1 << 16;
    let film = turned(&crate::job::read(&film), [one, 0, 0, -one]);
    for wanted in [
        vec![still(160), strip()],
        vec![still(160), strip(), proxy(80, 0)],
    ] {
        let made = run_bytes(&film, "video/quicktime", &wanted).unwrap();
        assert!(made.iter().all(|(answer, _)| answer.is_ok()), "{made:?}");
        let (poster, strip) = (pixels(&made[0].1), pixels(&made[1].1));
        for (picture, x, y) in [(&poster, 0, 0), (&strip, 0, 0), (&strip, 640, 320)] {
            let [above, below] = [20, 60].map(|row| picture.get_pixel(x + 80, y + row).0);
            assert!(above[1] > 100, "{above:?} at {x}, {y}");
            assert!(below[0] > 200 && below[1] < 50, "{below:?} at {x}, {y}");
        }
    }
}

fn make_still_of(film: &[u8]) -> image::RgbImage {
    let made = run_bytes(film, "video/mp4", &[still(160)]).unwrap();
    made[0].0.as_ref().unwrap();
    pixels(&made[0].1)
}

#[test]
fn a_strip_shows_the_film_in_order_and_its_map_says_when() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // From black to white in 60 seconds: a tile's light is its time. Key frames each second, and
    // then none but the first.
    for keys in ["-g 10", "-g 9999 -sc_threshold 0"] {
        let film = ffmpeg(
            folder.path(),
            "film.mp4",
            &format!(
                "-f lavfi -i color=black:s=64x36:r=10:d=60 -vf geq=lum='16+N*219/600':cb=128:cr=128 {FINE} {keys}"
            ),
        );
        let made = make(&film, &[strip(), map()]);
        let (produced, picture) = &made[0];
        assert_eq!((produced.width, produced.height), (5 * 64, 5 * 36));
        let picture = pixels(picture);
        let map = String::from_utf8(made[1].1.clone()).unwrap();
        let cues: Vec<_> = map.split("\n\n").skip(1).collect();
        assert_eq!(cues.len(), 25, "{map}");
        let mut last_end = "00:00:00.000".to_owned();
        for (at, cue) in cues.iter().enumerate() {
            let (column, row) = (at % 5, at / 5);
            let (times, place) = cue.trim().split_once('\n').unwrap();
            let (begin, end) = times.split_once(" --> ").unwrap();
            assert_eq!(begin, last_end);
            last_end = end.to_owned();
            assert_eq!(
                place,
                format!("preview.webp#xywh={},{},64,36", column * 64, row * 36)
            );
            let pixel = |x: usize, y: usize| {
                picture
                    .get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap())
                    .0[0]
            };
            let light = f64::from(pixel(column * 64 + 32, row * 36 + 18));
            let seconds: f64 = begin[6..].parse().unwrap();
            if at > 0 {
                assert!(
                    (light / 255.0 * 60.0 - seconds).abs() < 2.0,
                    "{light} at {seconds}"
                );
            }
        }
        assert_eq!(last_end, "00:01:00.000");
    }
}

#[test]
fn wide_dynamic_range_becomes_ordinary() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A grey of 100 nits in PQ is coded at half of the range, which would be shown as a dim one.
    for transfer in ["smpte2084", "arib-std-b67"] {
        let film = ffmpeg(
            folder.path(),
            "film.mkv",
            &format!(
                "-f lavfi -i testsrc2=s=321x181:r=10:d=1 -pix_fmt yuv420p10le -c:v libx265 \
                 -preset ultrafast -x265-params \
                 log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
            ),
        );
        let made = make(&film, &[still(128), proxy(90, 0)]);
        assert!(made.iter().all(|(produced, _)| produced.degraded.is_none()));
        let said = ffprobe(
            folder.path(),
            &made[1].1,
            "-show_entries stream=color_transfer,color_primaries,color_space,pix_fmt",
        );
        for expected in [
            "color_transfer=bt709",
            "color_space=bt709",
            "pix_fmt=yuv420p",
        ] {
            assert!(said.contains(expected), "{said}");
        }
    }
}

#[test]
fn a_wide_range_keeps_its_light_and_its_colours() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // 100 candela a square metre, coded at half of the range; grey, and a green of BT.2020 that
    // would be pale if its colours were taken for those of BT.709.
    let colours = [
        ("509:cb=512:cr=512", [186; 3]),
        ("366:cb=348:cr=303", [0, 196, 0]),
    ];
    for (colour, expected) in colours {
        let film = ffmpeg(
            folder.path(),
            "film.mkv",
            &format!(
                "-f lavfi -i color=s=192x108:r=10:d=1,format=yuv420p10le,geq=lum={colour} \
                 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params \
                 log-level=none:crf=4:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
            ),
        );
        let made = make(&film, &[still(128), strip(), proxy(108, 0)]);
        let again = make_still_of(&made[2].1);
        for picture in [pixels(&made[0].1), pixels(&made[1].1), again] {
            let seen = picture.get_pixel(40, 40).0;
            let near = seen
                .iter()
                .zip(expected)
                .all(|(seen, wanted)| seen.abs_diff(wanted) < 14);
            assert!(near, "{seen:?}, not {expected:?}");
        }
    }
}

#[test]
fn a_cover_is_the_still_of_a_song() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cover = folder.path().join("cover.jpg");
    crate::job::write(&cover, &media::scene(200, 100, 0));
    let song = ffmpeg(
        folder.path(),
        "song.mp3",
        &format!(
            "-f lavfi -i sine=duration=2 -i {} -map 0 -map 1 -c:v copy -disposition:v attached_pic",
            cover.display()
        ),
    );
    let made = run(
        &open(&song),
        media_type(&song),
        &[still(64), waveform(), proxy(64, 0)],
    );
    let made = made.unwrap();
    let produced = made[0].0.as_ref().unwrap();
    assert_eq!((produced.width, produced.height), (64, 32));
    assert!(made[1].0.is_ok());
    assert_eq!(
        made[2].0.as_ref().unwrap_err().class,
        FailureClass::Unsupported
    );
}

#[test]
fn common_containers_are_read() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sound = "-f lavfi -i sine=duration=2 -shortest -t 2";
    let codecs = [
        ("a.mov", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("a.ts", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("a.mkv", "-c:v mpeg4 -c:a libmp3lame"),
        ("a.avi", "-c:v mpeg4 -c:a ac3"),
        ("a.webm", "-c:v libvpx -deadline realtime -c:a libopus"),
        ("a.mpg", "-c:v mpeg2video -c:a mp2"),
        ("a.flv", "-c:v flv -c:a libmp3lame -ar 44100"),
        ("a.wmv", "-c:v wmv2 -c:a wmav2"),
        ("a.3gp", "-c:v h263 -s 352x288 -c:a aac"),
    ];
    for (name, codecs) in codecs {
        let film = ffmpeg(folder.path(), name, &format!("{SCENE} {sound} {codecs}"));
        let made = make(&film, &[still(64), strip(), proxy(90, 64_000), pcm()]);
        assert!(light(&pixels(&made[0].1)) > 30, "{name}");
        let alone = make(&film, &[still(64)]);
        assert!(light(&pixels(&alone[0].1)) > 30, "{name}");
    }
}
