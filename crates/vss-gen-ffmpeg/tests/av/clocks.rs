//! Films of which nobody says how many frames a second they have, or that count time too finely.

use crate::job::{ffmpeg, ffprobe, has_programs, make, proxy, pts, run_bytes, still, times};
use crate::media;

#[test]
fn a_film_of_no_known_rate_becomes_a_proxy_like_others() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Twelve frames a second or so, at no even times.
    let film = ffmpeg(
        folder.path(),
        "film.ts",
        "-f lavfi -i testsrc2=s=320x180:r=12:d=30 \
         -vf settb=1/90000,setpts='PTS+random(1)*0.05/TB' -fps_mode vfr -enc_time_base 1/90000 \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let made = make(&film, &[proxy(180, 0)]);
    let film = &made[0].1;
    let said = ffprobe(
        folder.path(),
        film,
        "-select_streams v -show_entries stream=level",
    );
    let level: u32 = said.trim().strip_prefix("level=").unwrap().parse().unwrap();
    assert!(level <= 31, "level {level}");
    let keys = "-select_streams v -skip_frame nokey -show_entries frame=pts_time";
    let keys = pts(&ffprobe(folder.path(), film, keys));
    let widest = keys.windows(2).map(|pair| pair[1] - pair[0]);
    let widest = widest.fold(0.0, f64::max);
    assert!(keys.len() > 10 && widest < 2.6, "{keys:?}");
}

/// An element of Matroska.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let size = body.len() as u64 | 1 << 56;
    [id, &size.to_be_bytes(), body].concat()
}

/// Pictures at times in nanoseconds.
fn slides(pictures: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let head = [
        element(b"\x42\x82", b"matroska"),
        element(b"\x42\x87", &[4]),
        element(b"\x42\x85", &[2]),
    ];
    let size = [element(b"\xb0", &[0, 96]), element(b"\xba", &[0, 64])];
    let track = [
        element(b"\xd7", &[1]),
        element(b"\x73\xc5", &[1]),
        element(b"\x83", &[1]),
        element(b"\x86", b"V_MJPEG"),
        element(b"\xe0", &size.concat()),
    ];
    // A unit is a nanosecond.
    let mut body = element(b"\x15\x49\xa9\x66", &element(b"\x2a\xd7\xb1", &[1]));
    let track = element(b"\xae", &track.concat());
    body.extend(element(b"\x16\x54\xae\x6b", &track));
    for (time, picture) in pictures {
        let block = [b"\x81\0\0\x80", &picture[..]].concat();
        let cluster = [
            element(b"\xe7", &time.to_be_bytes()),
            element(b"\xa3", &block),
        ];
        body.extend(element(b"\x1f\x43\xb6\x75", &cluster.concat()));
    }
    let head = element(b"\x1a\x45\xdf\xa3", &head.concat());
    [head, element(b"\x18\x53\x80\x67", &body)].concat()
}

#[test]
fn a_frame_that_is_held_for_long_is_in_the_proxy_however_finely_time_is_counted() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let seconds: Vec<_> = (0..20_u32)
        .map(|at| f64::from(at) * 0.04 + if at < 10 { 0.0 } else { 5.0 })
        .collect();
    let nanos = |at: u64| at * 40_000_000 + if at < 10 { 0 } else { 5_000_000_000 };
    let pictures: Vec<_> = (0..20)
        .map(|at| (nanos(at.into()), media::scene(96, 64, at)))
        .collect();
    let film = slides(&pictures);
    let made = run_bytes(&film, "video/x-matroska", &[proxy(64, 0), still(96)]).unwrap();
    let produced = made[0].0.as_ref().unwrap();
    assert_eq!(produced.degraded, None);
    let shown = times(folder.path(), &made[0].1, "v");
    assert_eq!(shown.len(), seconds.len());
    for (was, is) in seconds.iter().zip(&shown) {
        assert!((was - is).abs() < 0.001, "{was} became {is}");
    }
}
