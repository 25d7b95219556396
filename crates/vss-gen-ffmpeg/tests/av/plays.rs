//! Proxies play: what they are coded as, how they lie in the file, and how well they keep time.

use std::ops::Range;
use std::path::Path;
use std::process::Command;

use crate::job::{ffmpeg, ffprobe, has_programs, make, proxy, read, write};

const FINE: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// The boxes in a stretch of a file: their names and what they hold.
fn boxes(bytes: &[u8], within: Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let name = String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned();
        let (head, length) = match word(at) {
            1 => (16, u64::from(word(at + 8)) << 32 | u64::from(word(at + 12))),
            length => (8, length.into()),
        };
        let end = at + usize::try_from(length).unwrap();
        assert!(length >= head && end <= within.end, "{name} at {at}");
        found.push((name, at + usize::try_from(head).unwrap()..end));
        at = end;
    }
    found
}

/// All boxes, those within others with a path, and how many bytes are in each.
pub(crate) fn box_paths(bytes: &[u8]) -> Vec<(String, usize)> {
    const CONTAINERS: [&str; 7] = ["moov", "trak", "mdia", "minf", "stbl", "udta", "meta"];
    let mut paths = Vec::new();
    let mut left = vec![(String::new(), 0..bytes.len())];
    while let Some((parent, within)) = left.pop() {
        for (name, inside) in boxes(bytes, within) {
            let path = format!("{parent}/{name}");
            paths.push((path.clone(), inside.len()));
            if CONTAINERS.contains(&name.as_str()) {
                // One of them has a version before what is in it.
                let version = if name == "meta" { 4 } else { 0 };
                left.push((path, inside.start + version..inside.end));
            }
        }
    }
    paths
}

/// The values of a key in what ffprobe said.
fn values(said: &str, key: &str) -> Vec<f64> {
    let lines = said.lines();
    let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.filter_map(|value| value.parse().ok()).collect()
}

/// When things are shown and heard, by what the programs decode.
#[derive(Debug)]
struct Timing {
    frames: Vec<f64>,
    /// Beginning and end of the sound.
    sound: Option<(f64, f64)>,
}

fn timing(folder: &Path, film: &[u8]) -> Timing {
    let video = "-select_streams v:0 -show_entries frame=pts_time";
    let audio = "-select_streams a:0 -show_entries frame=pts_time,nb_samples:stream=sample_rate";
    let said = ffprobe(folder, film, audio);
    let times = values(&said, "pts_time");
    let sound = times.first().zip(times.last()).map(|(first, last)| {
        let samples = values(&said, "nb_samples");
        let rate = values(&said, "sample_rate")[0];
        (*first, last + samples.last().unwrap() / rate)
    });
    Timing {
        frames: values(&ffprobe(folder, film, video), "pts_time"),
        sound,
    }
}

/// Films of many sorts, as the program makes them.
const FILMS: [(&str, &str); 7] = [
    (
        "steady.mp4",
        "testsrc2=s=320x180:r=25:d=3 LOUD FINE -c:a aac",
    ),
    (
        "odd-rate.mkv",
        "testsrc2=s=320x180:r=30000/1001:d=3 LOUD FINE -g 7 -c:a libopus",
    ),
    (
        // Two frames in five are missing: its frames come at uneven times.
        "uneven.mkv",
        "testsrc2=s=320x180:r=30:d=3 LOUD -vf select='lt(mod(n,5),3)' -fps_mode vfr FINE -c:a aac",
    ),
    (
        "deep.mkv",
        "testsrc2=s=320x180:r=25:d=2 LOUD -c:v libx264 -pix_fmt yuv422p10le -c:a flac",
    ),
    (
        "odd-size.mkv",
        "testsrc2=s=161x121:r=25:d=2 -c:v libx264 -pix_fmt yuv444p",
    ),
    (
        "old.avi",
        "testsrc2=s=320x180:r=25:d=2 LOUD -c:v mpeg4 -c:a libmp3lame",
    ),
    (
        "late-sound.mkv",
        "testsrc2=s=320x180:r=25:d=3 -itsoffset 0.5 LOUD -t 3 FINE -c:a aac",
    ),
];

#[test]
fn every_sort_of_film_becomes_a_proxy_that_plays() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, recipe) in FILMS {
        let recipe = recipe.replace("LOUD", "-f lavfi -i sine=f=440:r=44100:d=3 -shortest");
        let recipe = format!("-f lavfi -i {}", recipe.replace("FINE", FINE));
        let film = ffmpeg(folder.path(), name, &recipe);
        let large = if name.starts_with("odd-size") {
            (160, 120)
        } else {
            (320, 180)
        };
        for (short_side, size) in [
            (720, large),
            (90, (if large.0 == 160 { 120 } else { 160 }, 90)),
        ] {
            let made = make(&film, &[proxy(short_side, 96_000)]);
            let (produced, bytes) = &made[0];
            assert_eq!((produced.width, produced.height), size, "{name}");
            looks_right(folder.path(), name, bytes, size);
            keeps_time(folder.path(), name, &read(&film), bytes);
        }
    }
}

fn looks_right(folder: &Path, name: &str, bytes: &[u8], (width, height): (u32, u32)) {
    let entries = "-select_streams v -show_entries \
        stream=codec_name,profile,pix_fmt,width,height,sample_aspect_ratio,field_order";
    let said = ffprobe(folder, bytes, entries);
    for expected in [
        "codec_name=h264",
        "profile=High",
        "pix_fmt=yuv420p",
        "sample_aspect_ratio=1:1",
    ] {
        assert!(said.lines().any(|line| line == expected), "{name}: {said}");
    }
    let shown = [values(&said, "width"), values(&said, "height")].concat();
    assert_eq!(shown, [f64::from(width), f64::from(height)], "{name}");
    assert!(
        width % 2 == 0 && height % 2 == 0,
        "{name}: {width} x {height}"
    );
    let names: Vec<_> = boxes(bytes, 0..bytes.len())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names.first().map(String::as_str),
        Some("ftyp"),
        "{name}: {names:?}"
    );
    let at = |wanted: &str| names.iter().position(|name| name == wanted).unwrap();
    assert!(at("moov") < at("mdat"), "{name}: {names:?}");
}

fn keeps_time(folder: &Path, name: &str, film: &[u8], bytes: &[u8]) {
    let (before, after) = (timing(folder, film), timing(folder, bytes));
    assert_eq!(before.frames.len(), after.frames.len(), "{name}");
    assert!(!after.frames.is_empty(), "{name}");
    let frame = (before.frames.last().unwrap() - before.frames[0])
        / f64::from(u32::try_from(before.frames.len() - 1).unwrap());
    // Containers begin anywhere, proxies at 0; all that is in them is moved alike.
    let moved = after.frames[0] - before.frames[0];
    let begin = after.sound.map_or(f64::MAX, |(first, _)| first);
    let begin = begin.min(after.frames[0]);
    assert!(begin.abs() < frame, "{name}: begins at {begin}");
    for (was, is) in before.frames.iter().zip(&after.frames) {
        let apart = (was + moved - is).abs();
        assert!(apart < 0.005, "{name}: a frame of {was} is shown at {is}");
    }
    if let Some((first, last)) = before.sound {
        let (begins, ends) = after.sound.unwrap();
        let apart = (first + moved - begins)
            .abs()
            .max((last + moved - ends).abs());
        assert!(apart < frame, "{name}: {before:?} became {after:?}");
    }
    // What the file says of itself, which players believe.
    let said = ffprobe(folder, bytes, "-show_entries stream=duration,codec_type");
    let claimed = values(&said, "duration");
    let shown = after.frames.last().unwrap() + frame;
    assert!(
        (claimed[0] - shown).abs() <= frame * 1.5,
        "{name}: {claimed:?}, shown {shown}"
    );
    let said = ffprobe(folder, bytes, "-show_entries format=duration");
    let heard = after.sound.map_or(0.0, |(_, end)| end);
    let whole = values(&said, "duration")[0];
    assert!(
        (whole - shown.max(heard)).abs() <= frame * 1.5,
        "{name}: {whole}, shown {shown}"
    );
}

/// What a program writes to its standard output.
fn piped(arguments: &str, film: &Path) -> Vec<u8> {
    let (before, after) = arguments.split_once('|').unwrap();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error"])
        .args(before.split_whitespace());
    let output = command
        .arg("-i")
        .arg(film)
        .args(after.split_whitespace())
        .arg("-")
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// When the first white frame is shown, and when the first loud sample is heard.
fn flash_and_beep(folder: &Path, film: &[u8]) -> (f64, f64) {
    let path = folder.join("flash.mp4");
    write(&path, film);
    let frames = piped(
        "| -vf scale=1:1,format=gray -fps_mode passthrough -f rawvideo",
        &path,
    );
    let times = timing(folder, film).frames;
    assert_eq!(frames.len(), times.len());
    let white = frames.iter().position(|light| *light > 128).unwrap();
    let sound = piped(
        "| -vn -af aresample=async=1:first_pts=0 -ac 1 -ar 48000 -f s16le",
        &path,
    );
    let samples = sound
        .as_chunks::<2>()
        .0
        .iter()
        .map(|s| i16::from_le_bytes(*s));
    let loud = samples
        .into_iter()
        .position(|sample| sample.unsigned_abs() > 8_000)
        .unwrap();
    (
        times[white],
        f64::from(u32::try_from(loud).unwrap()) / 48_000.0,
    )
}

#[test]
fn a_flash_and_its_beep_stay_together() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = "-f lavfi -i color=black:s=160x90:r=30:d=5,drawbox=c=white:t=fill:enable='between(t,2,2.2)' \
        OFFSET -f lavfi -i aevalsrc='0.8*sin(6283*t)*between(t,BEEP,BEEP+0.2)':s=44100:d=4";
    let uneven = "-vf select='lt(mod(n,5),3)' -fps_mode vfr";
    let sorts = [
        ("steady.mp4", "", "", "-c:a aac"),
        ("uneven.mkv", "", uneven, "-c:a aac"),
        ("late.mkv", "-itsoffset 0.5", "", "-c:a flac"),
        ("uneven-and-late.mp4", "-itsoffset 0.5", uneven, "-c:a aac"),
        // A transport stream begins at 1.4 s, and sound before pictures.
        ("stream.ts", "", "", "-bf 2 -c:a mp2"),
    ];
    for (name, offset, filter, sound) in sorts {
        let beep = if offset.is_empty() { "2" } else { "1.5" };
        let film = film.replace("OFFSET", offset).replace("BEEP", beep);
        let film = ffmpeg(
            folder.path(),
            name,
            &format!("{film} {filter} {FINE} {sound}"),
        );
        let made = make(&film, &[proxy(90, 96_000), proxy(48, 64_000)]);
        for (_, bytes) in &made {
            let (flash, beep) = flash_and_beep(folder.path(), bytes);
            let frame = 1.0 / 30.0;
            assert!(
                (flash - beep).abs() < frame,
                "{name}: flash at {flash}, beep at {beep}"
            );
            assert!(
                (flash - 2.0).abs() < 2.0 * frame,
                "{name}: flash at {flash}"
            );
        }
    }
}
