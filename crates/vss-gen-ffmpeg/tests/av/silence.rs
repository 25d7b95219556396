//! Nothing that a film tells of its owner is in anything made of it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::job::{
    Made, ffmpeg, ffprobe, has_programs, map, media_type, open, pcm, proxy, run, still, strip,
    waveform, write,
};
use crate::media;
use crate::plays::box_paths;

/// What the films of these tests tell.
const SECRETS: [&str; 8] = [
    "SecretTitle",
    "SecretArtist",
    "SecretComment",
    "SecretChapter",
    "SecretStream",
    "SecretCamera",
    "+48.1371+011.5754",
    "2021-02-03",
];

const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\n\
    title=SecretChapter one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\n\
    title=SecretChapter two\n";

/// Keys that say what the file is, not what is in it.
const HARMLESS: [&str; 6] = [
    "major_brand",
    "minor_version",
    "compatible_brands",
    "language",
    "handler_name",
    "vendor_id",
];

/// A film that tells everything it can, in a container.
fn telling(folder: &Path, name: &str) -> std::path::PathBuf {
    let chapters = folder.join("chapters.txt");
    write(&chapters, CHAPTERS.as_bytes());
    ffmpeg(
        folder,
        name,
        &format!(
            "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -f lavfi -i sine=d=2 -i {} \
             -map 0 -map 1 -map_metadata 2 -map_chapters 2 \
             -metadata title=SecretTitle -metadata artist=SecretArtist \
             -metadata comment=SecretComment -metadata location=+48.1371+011.5754/ \
             -metadata make=SecretCamera -metadata creation_time=2021-02-03T04:05:06Z \
             -metadata com.apple.quicktime.location.ISO6709=+48.1371+011.5754/ \
             -metadata:s title=SecretStream -metadata:s language=deu \
             -movflags use_metadata_tags -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac",
            chapters.display()
        ),
    )
}

/// The names of the chunks of a WebP.
fn chunks(webp: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 12;
    while at < webp.len() {
        names.push(String::from_utf8_lossy(&webp[at..at + 4]).into_owned());
        let length = u32::from_le_bytes(webp[at + 4..at + 8].try_into().unwrap());
        at += 8 + usize::try_from(length.next_multiple_of(2)).unwrap();
    }
    names
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// What ffprobe says besides what a stream is: tags, and the count of chapters and programs.
fn tags(folder: &Path, film: &[u8]) -> Vec<String> {
    let entries =
        "-show_entries format_tags:stream_tags:chapter=id:chapter_tags:program=program_id";
    let said = ffprobe(folder, film, entries);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn nothing_made_of_a_film_tells_what_it_tells() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["all.mp4", "all.mov", "all.mkv"] {
        let film = telling(folder.path(), name);
        let stored = crate::job::read(&film);
        let told = SECRETS.iter().filter(|secret| contains(&stored, secret));
        assert!(
            told.count() >= 6,
            "{name} does not tell enough to be a test"
        );
        assert!(
            tags(folder.path(), &stored)
                .iter()
                .any(|line| line.starts_with("id="))
        );
        let wanted = [
            still(320),
            still(64),
            strip(),
            map(),
            proxy(90, 64_000),
            waveform(),
            pcm(),
        ];
        let made = run(&open(&film), media_type(&film), &wanted).unwrap();
        is_silent(folder.path(), name, &made);
    }
}

fn is_silent(folder: &Path, name: &str, made: &Made) {
    for (at, (answer, bytes)) in made.iter().enumerate() {
        answer.as_ref().unwrap();
        for secret in SECRETS {
            assert!(
                !contains(bytes, secret),
                "{name}: output {at} tells {secret}"
            );
        }
    }
    for (_, picture) in &made[..3] {
        assert_eq!(chunks(picture), ["VP8 "], "{name}");
    }
    let proxied = &made[4].1;
    for line in tags(folder, proxied) {
        let key = line
            .strip_prefix("TAG:")
            .and_then(|tag| tag.split_once('='));
        let harmless = key.is_some_and(|(key, value)| {
            let named = ["VideoHandler", "SoundHandler"].contains(&value);
            HARMLESS.contains(&key) && (key != "handler_name" || named)
        });
        assert!(harmless, "{name}: {line}");
    }
    let paths = box_paths(proxied);
    let has = |wanted: &str| paths.iter().any(|(path, _)| path.ends_with(wanted));
    assert!(has("/moov/trak/mdia/minf/stbl/stsd"), "{paths:?}");
    // There may be a place for metadata, with nothing in it.
    let told = |(path, length): &&(String, usize)| {
        let within = ["/udta/", "/uuid", "chpl"]
            .iter()
            .any(|name| path.contains(name));
        let empty = *length == 0 || path.ends_with("/udta/meta") || path.ends_with("/meta/hdlr");
        within && !empty
    };
    let told = paths.iter().find(told);
    assert!(told.is_none(), "{name}: {told:?}");
    let kinds = ffprobe(folder, proxied, "-show_entries stream=codec_type");
    assert_eq!(kinds, "codec_type=video\ncodec_type=audio\n", "{name}");
    for (at, (_, bytes)) in made.iter().enumerate() {
        exiftool_finds_nothing(folder, at, bytes);
    }
}

/// A second opinion, where the program is installed.
fn exiftool_finds_nothing(folder: &Path, at: usize, bytes: &[u8]) {
    let mut command = Command::new("exiftool");
    let there = command
        .arg("-ver")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped in part: the program exiftool is not installed");
        return;
    }
    let path = folder.join(format!("{at}.looked-at"));
    write(&path, bytes);
    let groups = [
        "-EXIF:all",
        "-GPS:all",
        "-XMP:all",
        "-IPTC:all",
        "-Keys:all",
        "-UserData:all",
        "-ItemList:all",
    ];
    let output = Command::new("exiftool")
        .args(groups)
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.trim().is_empty(), "output {at}: {said}");
}

#[test]
fn a_cover_loses_what_its_camera_wrote() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A JPEG whose Exif has a maker's name, as the cover of a song with tags.
    let scene = media::scene(120, 80, 0);
    let mut exif =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x0d\0\0\0\x1a\0\0\0\0\0\0\0SecretCamera\0"
            .to_vec();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let mut cover = scene[..2].to_vec();
    cover.extend([0xff, 0xe1, length[0], length[1]]);
    cover.append(&mut exif);
    cover.extend(&scene[2..]);
    let picture = folder.path().join("cover.jpg");
    write(&picture, &cover);
    let song = ffmpeg(
        folder.path(),
        "song.mp3",
        &format!(
            "-f lavfi -i sine=duration=2 -i {} -map 0 -map 1 -c:v copy -disposition:v attached_pic \
             -metadata title=SecretTitle -metadata artist=SecretArtist",
            picture.display()
        ),
    );
    assert!(contains(&crate::job::read(&song), "SecretCamera"));
    let made = run(
        &open(&song),
        media_type(&song),
        &[still(64), waveform(), pcm()],
    )
    .unwrap();
    for (answer, bytes) in &made {
        answer.as_ref().unwrap();
        assert!(SECRETS.iter().all(|secret| !contains(bytes, secret)));
    }
    assert_eq!(chunks(&made[0].1), ["VP8 "]);
}
