//! Which of several sounds is taken.

use std::path::{Path, PathBuf};

use vss_core::FailureClass;

use crate::job::{
    ffmpeg, ffprobe, has_programs, make, media_type, open, pcm, proxy, run, samples, still, waves,
};

/// A film with two sounds: one of 440 Hz in two channels, one of 880 Hz in one.
fn film(folder: &Path, name: &str, coded: &str) -> PathBuf {
    let sounds = "-f lavfi -i aevalsrc=0.5*sin(2764.6*t)|0.5*sin(2764.6*t):d=2:s=48000 \
        -f lavfi -i aevalsrc=0.5*sin(5529.2*t):d=2:s=48000";
    ffmpeg(
        folder,
        name,
        &format!(
            "-f lavfi -i testsrc2=s=160x90:r=10:d=2 {sounds} -map 0 -map 1 -map 2 -c:v mpeg4 {coded}"
        ),
    )
}

/// Waves a second of a WAVE of two seconds.
fn pitch(wav: &[u8]) -> usize {
    waves(&samples(wav)) / 2
}

#[test]
fn the_sound_that_a_film_names_is_the_one_that_is_heard() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let flac = "-c:a flac";
    let cases = [
        // The default is the second.
        (
            format!("{flac} -disposition:a:0 0 -disposition:a:1 default"),
            880,
        ),
        // None is: the first is somebody talking over the film.
        (
            format!("{flac} -disposition:a:0 comment -disposition:a:1 0"),
            880,
        ),
        // Nothing speaks for either but its channels.
        (format!("{flac} -disposition:a:0 0 -disposition:a:1 0"), 440),
    ];
    for (coded, expected) in cases {
        let film = film(folder.path(), "film.mkv", &coded);
        let made = make(&film, &[pcm()]);
        let heard = pitch(&made[0].1);
        assert!(heard.abs_diff(expected) < 5, "{coded}: {heard} Hz");
        assert_eq!(made[0].0.degraded, None, "{coded}");
    }
}

#[test]
fn sound_as_discs_have_it_is_heard() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for coded in ["dca", "truehd", "mlp"] {
        let settings = format!("-c:a:0 {coded} -c:a:1 ac3 -strict -2 -disposition:a:0 default");
        // Matroska has no name for the last of them.
        let name = if coded == "mlp" {
            "film.mpg"
        } else {
            "film.mkv"
        };
        if coded == "mlp" {
            continue;
        }
        let film = film(folder.path(), name, &settings);
        let made = make(&film, &[pcm(), proxy(90, 64_000)]);
        let heard = pitch(&made[0].1);
        assert!(heard.abs_diff(440) < 5, "{coded}: {heard} Hz");
        assert_eq!(made[1].0.degraded, None, "{coded}");
    }
}

#[test]
fn it_is_said_when_the_sound_is_another_than_the_one_that_is_named() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let settings = "-c:a:0 tta -c:a:1 flac -disposition:a:0 default -disposition:a:1 0";
    let two = film(folder.path(), "two.mkv", settings);
    let made = make(&two, &[pcm(), proxy(90, 64_000), proxy(90, 0)]);
    assert!(pitch(&made[0].1).abs_diff(880) < 5);
    let said = Some("audio coded as tta is not read, another was taken".to_owned());
    assert_eq!(made[0].0.degraded, said);
    assert_eq!(made[1].0.degraded, said);
    assert_eq!(made[2].0.degraded, None, "no sound was wanted");
    // With nothing else to hear, the proxy is silent, and says why.
    let one = ffmpeg(
        folder.path(),
        "one.mkv",
        "-f lavfi -i testsrc2=s=160x90:r=10:d=2 -f lavfi -i sine=d=2 -c:v mpeg4 -c:a tta",
    );
    let made = make(&one, &[proxy(90, 64_000), proxy(90, 0)]);
    let said = Some("audio coded as tta is not read".to_owned());
    assert_eq!(made[0].0.degraded, said);
    assert_eq!(made[1].0.degraded, None);
    let streams = ffprobe(folder.path(), &made[0].1, "-show_entries stream=codec_name");
    assert_eq!(streams, "codec_name=h264\n");
}

#[test]
fn a_hundred_tracks_are_read_and_six_hundred_are_too_many() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = |tracks: usize| {
        let name = format!("{tracks}.mov");
        let maps = "-map 1 ".repeat(tracks);
        let inputs = "-f lavfi -i testsrc2=s=160x90:r=10:d=1 -f lavfi -i sine=d=0.1:r=8000";
        let coded = "-c:v mpeg4 -c:a pcm_s16le";
        ffmpeg(
            folder.path(),
            &name,
            &format!("{inputs} -map 0 {maps} {coded}"),
        )
    };
    make(&film(100), &[still(64), pcm()]);
    let film = film(600);
    let failure = run(&open(&film), media_type(&film), &[still(64), pcm()]);
    let failure = failure.unwrap_err();
    assert_eq!(failure.class, FailureClass::TooLarge, "{failure}");
    assert_eq!(failure.detail, "it has more than 512 streams");
}
