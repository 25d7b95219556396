//! Films whose times jump, begin late or have holes.

use std::path::{Path, PathBuf};

use crate::job::{
    ffmpeg, has_programs, make, map, pcm, pixels, proxy, read, samples, still, strip, times,
    waveform, write,
};

const FINE: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// When the sample of a WAVE of 16 kHz is loud for the first time and for the last.
pub(crate) fn loud(wav: &[u8]) -> (f64, f64) {
    let loud: Vec<_> = samples(wav)
        .into_iter()
        .enumerate()
        .filter(|(_, sample)| sample.unsigned_abs() > 4_000)
        .map(|(at, _)| f64::from(u32::try_from(at).unwrap()) / 16_000.0)
        .collect();
    (*loud.first().unwrap(), *loud.last().unwrap())
}

/// How long a WAVE of 16 kHz plays.
pub(crate) fn seconds(wav: &[u8]) -> f64 {
    f64::from(u32::try_from(wav.len() - 44).unwrap()) / 32_000.0
}

/// A file of the bytes of others.
pub(crate) fn joined(folder: &Path, name: &str, parts: &[&Path]) -> PathBuf {
    let path = folder.join(name);
    let bytes: Vec<_> = parts.iter().flat_map(|part| read(part)).collect();
    write(&path, &bytes);
    path
}

#[test]
fn what_comes_after_a_jump_back_is_in_the_proxy() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sorts = [
        ("ts", format!("{FINE} -bf 2 -c:a mp2")),
        ("mpg", "-c:v mpeg2video -q:v 4 -bf 2 -c:a mp2".to_owned()),
    ];
    for (sort, coded) in sorts {
        let part = |name: &str, length: u32, offset: u32| {
            ffmpeg(
                folder.path(),
                &format!("{name}.{sort}"),
                &format!(
                    "-f lavfi -i testsrc2=s=160x90:r=25:d={length} \
                     -f lavfi -i sine=f=440:d={length} {coded} -output_ts_offset {offset}"
                ),
            )
        };
        let (a, b, late) = (part("a", 4, 0), part("b", 6, 0), part("c", 4, 1_000));
        for (name, parts, length) in [
            ("back", [&*a, &*b], 10.0),
            ("back-by-much", [&*late, &*b], 10.0),
            ("ahead", [&*b, &*late], 10.0),
        ] {
            let film = joined(folder.path(), &format!("{name}.{sort}"), &parts);
            let made = make(&film, &[proxy(90, 64_000), pcm(), proxy(90, 0)]);
            for (_, bytes) in [&made[0], &made[2]] {
                let shown = times(folder.path(), bytes, "v:0");
                assert!(shown.len() >= 245, "{name}.{sort}: {} frames", shown.len());
                let end = *shown.last().unwrap();
                assert!((end - length).abs() < 0.5, "{name}.{sort}: ends at {end}");
                let widest = shown.windows(2).map(|pair| pair[1] - pair[0]);
                let widest = widest.fold(0.0, f64::max);
                assert!(widest < 0.5, "{name}.{sort}: a hole of {widest}");
            }
            let heard = times(folder.path(), &made[0].1, "a:0");
            let end = *heard.last().unwrap();
            assert!(
                (end - length).abs() < 0.5,
                "{name}.{sort}: sound until {end}"
            );
            let heard = seconds(&made[1].1);
            assert!((heard - length).abs() < 0.5, "{name}.{sort}: {heard}");
        }
    }
}

#[test]
fn samples_stay_where_they_are_heard_in_the_film() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A beep from 2 to 3 s of a film whose sound begins at 1.2 s and has a hole from 4 to 6 s.
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        &format!(
            "-f lavfi -i testsrc2=s=160x90:r=25:d=8 -itsoffset 1.2 \
             -f lavfi -i aevalsrc='0.8*sin(2765*t)*(between(t,0.8,1.8)+between(t,5.3,5.8))':d=6.8:s=48000 \
             {FINE} -af aselect='not(between(t,2.8,4.8))' -c:a flac"
        ),
    );
    let made = make(&film, &[pcm(), waveform()]);
    let wav = &made[0].1;
    let (first, last) = loud(wav);
    assert!((first - 2.0).abs() < 0.05, "the first beep is at {first}");
    assert!((last - 7.0).abs() < 0.05, "the last beep ends at {last}");
    assert!((seconds(wav) - 8.0).abs() < 0.1, "{}", seconds(wav));
    let json = String::from_utf8(made[1].1.clone()).unwrap();
    let data = json.split_once("\"data\":[").unwrap().1;
    let peaks: Vec<i32> = data
        .trim_end_matches("]}\n")
        .split(',')
        .map(|n| n.parse().unwrap())
        .collect();
    let share = |at: usize| {
        let at = u32::try_from(at / 2).unwrap();
        f64::from(at) * 8.0 / f64::from(u32::try_from(peaks.len() / 2).unwrap())
    };
    let first = share(peaks.iter().position(|peak| *peak > 40).unwrap());
    assert!(
        (first - 2.0).abs() < 0.15,
        "the first beep is drawn at {first}"
    );
}

#[test]
fn an_hour_of_silence_before_the_sound_takes_little_memory() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        &format!(
            "-f lavfi -i testsrc2=s=64x36:r=1:d=3000 -itsoffset 2990 \
             -f lavfi -i sine=f=440:d=5:r=48000 {FINE} -c:a flac"
        ),
    );
    let made = make(&film, &[pcm()]);
    let (first, _) = loud(&made[0].1);
    assert!((first - 2_990.0).abs() < 0.1, "{first}");
}

#[test]
fn cues_count_from_where_players_count() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The sound begins two seconds before the pictures, which go from black to white in twenty.
    for name in ["film.mkv", "film.mp4"] {
        let film = ffmpeg(
            folder.path(),
            name,
            &format!(
                "-itsoffset 2 -f lavfi -i color=black:s=64x36:r=10:d=20,geq=lum='16+N*219/200':cb=128:cr=128 \
                 -f lavfi -i sine=d=22 {FINE} -g 10 -c:a aac -fps_mode passthrough"
            ),
        );
        for wanted in [vec![map(), strip()], vec![map(), strip(), proxy(36, 0)]] {
            let made = make(&film, &wanted);
            let map = String::from_utf8(made[0].1.clone()).unwrap();
            let picture = image::DynamicImage::from(pixels(&made[1].1)).into_luma8();
            let cues: Vec<_> = map.split("\n\n").skip(1).collect();
            assert!(cues.len() > 10, "{name}: {map}");
            for cue in &cues[1..] {
                let begin: f64 = cue[6..12].parse().unwrap();
                let (_, place) = cue.split_once("#xywh=").unwrap();
                let place: Vec<u32> = place
                    .trim()
                    .split(',')
                    .map(|n| n.parse().unwrap())
                    .collect();
                let light = picture.get_pixel(place[0] + 32, place[1] + 18).0[0];
                let shown = 2.0 + f64::from(light) / 255.0 * 20.0;
                assert!(
                    (shown - begin).abs() < 0.6,
                    "{name}: {shown} at {begin}: {map}"
                );
            }
            let (_, end) = map.rsplit_once(" --> ").unwrap();
            let end: f64 = end[6..12].parse().unwrap();
            assert!((end - 22.0).abs() < 0.15, "{name}: {map}");
        }
    }
}

#[test]
fn a_strip_of_joined_recordings_shows_all_of_them() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sorts = [
        ("ts", format!("{FINE} -bf 2 -g 25 -c:a mp2")),
        ("mpg", "-c:v mpeg2video -q:v 4 -bf 2 -c:a mp2".to_owned()),
    ];
    for (sort, coded) in sorts {
        // One is dark, the other light, and the light one is longer.
        let part = |name: &str, length: u32, light: u32, offset: u32| {
            ffmpeg(
                folder.path(),
                &format!("{name}.{sort}"),
                &format!(
                    "-f lavfi -i testsrc2=s=160x90:r=25:d={length},geq=lum='lum(X,Y)/8+{light}':cb=128:cr=128 \
                     -f lavfi -i sine=f=440:d={length} {coded} -output_ts_offset {offset}"
                ),
            )
        };
        let (dark, light) = (part("dark", 8, 20, 0), part("light", 12, 180, 0));
        let late = part("late", 12, 180, 5_000);
        for (name, parts) in [("back", [&*dark, &*light]), ("ahead", [&*dark, &*late])] {
            let film = joined(folder.path(), &format!("{name}.{sort}"), &parts);
            for wanted in [vec![strip(), map()], vec![strip(), map(), proxy(90, 0)]] {
                let made = make(&film, &wanted);
                let map = String::from_utf8(made[1].1.clone()).unwrap();
                let (_, last) = map.rsplit_once(" --> ").unwrap();
                let end: f64 = last[6..12].parse().unwrap();
                assert!((end - 20.0).abs() < 0.6, "{name}.{sort}: {map}");
                let picture = image::DynamicImage::from(pixels(&made[0].1)).into_luma8();
                let (width, height) = (picture.width() / 5, picture.height() / 5);
                let tile = |at: u32| {
                    let (x, y) = (at % 5 * width + 9, at / 5 * height + 9);
                    picture.get_pixel(x, y).0[0] > 120
                };
                let light: Vec<_> = (0..25).filter(|at| tile(*at)).collect();
                // From 5 % to 95 % of 20 seconds: the first of them shows the tenth second or so.
                let expected: Vec<_> = (10..25).collect();
                let close = light.len().abs_diff(expected.len()) <= 1;
                assert!(
                    close && light.ends_with(&expected[2..]),
                    "{name}.{sort}: {light:?}"
                );
            }
        }
    }
}

#[test]
fn it_is_said_when_frames_of_a_proxy_came_too_late() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        "-f lavfi -i testsrc2=s=160x90:r=10:d=4 -c:v mpeg4 -g 10 -cluster_time_limit 1000",
    );
    let whole = make(&film, &[proxy(90, 0)]);
    assert_eq!(whole[0].0.degraded, None);
    // The last of its clusters says that it begins where the first does.
    let mut bytes = read(&film);
    let clusters: Vec<_> = (0..bytes.len() - 4)
        .filter(|at| bytes[*at..at + 4] == [0x1f, 0x43, 0xb6, 0x75])
        .collect();
    assert!(clusters.len() > 2, "{clusters:?}");
    let last = *clusters.last().unwrap();
    let time = (last..)
        .find(|at| bytes[*at..at + 2] == [0xe7, 0x82])
        .unwrap();
    bytes[time + 2..time + 4].fill(0);
    write(&film, &bytes);
    let made = make(&film, &[proxy(90, 0), still(64)]);
    let said = made[0].0.degraded.clone().unwrap();
    assert!(
        said.ends_with("frames came after later ones and were left out"),
        "{said}"
    );
    assert_eq!(made[1].0.degraded, None);
}
