//! One bad part of a file costs what is made of it, and nothing else.

use std::path::Path;

use vss_core::FailureClass;

use crate::job::{
    Made, ffmpeg, ffprobe, has_programs, map, media_type, open, pcm, proxy, read, run, run_bytes,
    samples, still, strip, waveform, write,
};
use crate::media;

fn classes(made: &Made) -> Vec<Option<FailureClass>> {
    let class = |(answer, _): &(Result<_, vss_ports::GenerateFailure>, _)| {
        answer.as_ref().err().map(|failure| failure.class)
    };
    made.iter().map(class).collect()
}

/// A PNG that claims to be of 3.6 gigapixels, and ends there.
fn boastful_cover() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0".to_vec();
    png.extend([0; 4]);
    png.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

#[test]
fn a_song_whose_cover_is_not_what_it_says_is_heard() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cover = folder.path().join("cover.jpg");
    write(&cover, &media::scene(200, 100, 0));
    let song = ffmpeg(
        folder.path(),
        "song.mp3",
        &format!(
            "-f lavfi -i sine=duration=2 -i {} -map 0 -map 1 -c:v copy -disposition:v attached_pic",
            cover.display()
        ),
    );
    let mut bytes = read(&song);
    let at = bytes.windows(10).position(|name| name == b"image/jpeg");
    let at = at.unwrap();
    bytes[at..at + 10].copy_from_slice(b"image/png\0");
    let made = run_bytes(&bytes, "audio/mpeg", &[still(64), waveform(), pcm()]).unwrap();
    let no = Some(FailureClass::CorruptSource);
    assert_eq!(classes(&made), [no, None, None]);
}

/// A film with a file attached as its cover.
fn covered(folder: &Path, cover: &[u8], sort: &str) -> std::path::PathBuf {
    let path = folder.join(format!("cover.{sort}"));
    write(&path, cover);
    ffmpeg(
        folder,
        "film.mkv",
        &format!(
            "-f lavfi -i testsrc2=s=160x90:r=10:d=2 -f lavfi -i sine=d=2 -attach {} \
             -metadata:s:t mimetype=image/{sort} -c:v mpeg4 -c:a flac",
            path.display()
        ),
    )
}

#[test]
fn a_film_is_made_whatever_its_cover_is() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (cover, sort) in [
        (b"no picture at all".to_vec(), "jpeg"),
        (boastful_cover(), "png"),
    ] {
        let film = covered(folder.path(), &cover, sort);
        let wanted = [still(64), strip(), map(), proxy(90, 64_000), waveform()];
        let made = run(&open(&film), media_type(&film), &wanted).unwrap();
        assert_eq!(classes(&made), [None; 5], "{sort}");
    }
}

#[test]
fn a_film_whose_pictures_are_too_large_is_heard() {
    let wanted = [still(64), waveform(), strip(), proxy(90, 64_000), pcm()];
    let made = run_bytes(&media::loud_boast(), "video/x-msvideo", &wanted).unwrap();
    let no = Some(FailureClass::TooLarge);
    assert_eq!(classes(&made), [no, None, no, no, None]);
}

#[test]
fn ten_channels_without_names_are_mixed() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The sixth of ten is heard, the others are silent.
    let channels: Vec<_> = (0..10)
        .map(|at| if at == 5 { "0.8*sin(2765*t)" } else { "0" })
        .collect();
    let film = ffmpeg(
        folder.path(),
        "film.mov",
        &format!(
            "-f lavfi -i testsrc2=s=160x90:r=10:d=2 -f lavfi -i aevalsrc={}:d=2:s=48000 \
             -c:v mpeg4 -c:a pcm_s16le",
            channels.join("|")
        ),
    );
    let made = run(
        &open(&film),
        media_type(&film),
        &[still(64), proxy(90, 64_000), waveform(), pcm()],
    );
    let made = made.unwrap();
    assert_eq!(classes(&made), [None; 4]);
    let said = ffprobe(
        folder.path(),
        &made[1].1,
        "-show_entries stream=codec_name,channels",
    );
    assert!(said.contains("codec_name=aac\nchannels=2"), "{said}");
    let loudest = samples(&made[3].1).into_iter().max();
    assert!(loudest.unwrap() > 1_000, "{loudest:?}");
}

#[test]
fn sound_that_cannot_be_mixed_leaves_the_pictures() {
    if !has_programs() {
        return;
    }
    // A film of one channel that says it has a hundred, which is more than can be mixed.
    let mut film = media::film();
    let rate = media::SAMPLES.to_le_bytes();
    let format = [&[1, 0, 1, 0], &rate[..]].concat();
    let at = film.windows(8).position(|bytes| bytes == format).unwrap();
    film[at + 2] = 100;
    film[at + 12] = 200;
    let wanted = [proxy(64, 64_000), waveform(), still(64), proxy(64, 0)];
    let made = run_bytes(&film, "video/x-msvideo", &wanted).unwrap();
    let no = Some(FailureClass::Unsupported);
    assert_eq!(classes(&made), [None, no, None, None]);
    let said = |at: usize| made[at].0.as_ref().unwrap().degraded.clone();
    assert_eq!(
        said(0).as_deref(),
        Some("its sound cannot be mixed: invalid argument")
    );
    assert_eq!(said(3), None);
    let folder = tempfile::tempdir().unwrap();
    let streams = "-count_packets -show_entries stream=codec_name,nb_read_packets";
    let seen = ffprobe(folder.path(), &made[0].1, streams);
    assert_eq!(seen, "codec_name=h264\nnb_read_packets=30\n");
}

#[test]
fn damage_is_told_of_what_is_made_of_the_damaged_stream() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        "-f lavfi -i testsrc2=s=160x90:r=10:d=4 -f lavfi -i sine=d=4 -c:v mpeg4 -c:a ac3",
    );
    // Three frames of the sound lose what they begin with.
    let mut bytes = read(&film);
    let begins: Vec<_> = (0..bytes.len() - 1)
        .filter(|at| bytes[*at..at + 2] == [0x0b, 0x77])
        .collect();
    assert!(begins.len() > 100, "{} frames of sound", begins.len());
    for at in &begins[50..53] {
        bytes[*at..at + 2].fill(0xff);
    }
    let said = |wanted: &[_]| -> Vec<bool> {
        let made = run_bytes(&bytes, "video/x-matroska", wanted).unwrap();
        let made = made.into_iter().map(|(answer, _)| answer.unwrap());
        made.map(|produced| produced.degraded.is_some()).collect()
    };
    assert_eq!(said(&[still(64), map(), waveform()]), [false, false, true]);
    let all = [still(64), proxy(90, 0), pcm(), proxy(90, 64_000)];
    assert_eq!(said(&all), [false, false, true, true]);
}
