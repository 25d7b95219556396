//! Every film and song of the corpus that `VSS_CORPUS` names.

use std::path::PathBuf;

use vss_core::FailureClass;

use crate::job::{map, media_type, open, proxy, read, run, still, strip, waveform};

struct Row {
    path: PathBuf,
    name: String,
    kind: String,
    expect: String,
    display: Option<(u32, u32)>,
    video: bool,
    audio: bool,
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the corpus is, only the caller knows"
)]
fn corpus() -> Option<Vec<Row>> {
    let Some(folder) = std::env::var_os("VSS_CORPUS") else {
        eprintln!("skipped: VSS_CORPUS names no corpus");
        return None;
    };
    let folder = PathBuf::from(folder);
    let manifest = String::from_utf8(read(&folder.join("MANIFEST.tsv"))).unwrap();
    let mut lines = manifest.lines();
    let names: Vec<_> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| {
        let cells: Vec<_> = line.split('\t').collect();
        let cell = |name: &str| {
            let at = names.iter().position(|known| *known == name).unwrap();
            cells.get(at).copied().unwrap_or_default().to_owned()
        };
        let side = |name: &str| cell(name).parse().ok();
        Row {
            path: folder.join(cell("path")),
            name: cell("path"),
            kind: cell("kind"),
            expect: cell("expect"),
            display: side("display_width").zip(side("display_height")),
            video: !cell("video_codec").is_empty(),
            audio: !cell("audio_codec").is_empty(),
        }
    };
    Some(lines.map(row).collect())
}

fn is_av(row: &Row) -> bool {
    let name = row.name.to_ascii_lowercase();
    let endings = [
        ".mp4", ".mov", ".mkv", ".webm", ".3gp", ".mp3", ".m4a", ".flac", ".opus", ".wav",
    ];
    endings.iter().any(|ending| name.ends_with(ending))
}

#[test]
fn every_film_of_the_corpus_has_the_size_that_is_said_of_it() {
    let Some(rows) = corpus() else { return };
    let films = rows
        .iter()
        .filter(|row| is_av(row) && row.expect == "ok" && row.video);
    let mut count = 0;
    for row in films.filter(|row| row.kind != "broken") {
        count += 1;
        let wanted = [still(2_048), strip(), map()];
        let made = run(&open(&row.path), media_type(&row.path), &wanted);
        let made = made.unwrap_or_else(|failure| panic!("{}: {failure}", row.name));
        for (answer, _) in &made {
            answer
                .as_ref()
                .unwrap_or_else(|failure| panic!("{}: {failure}", row.name));
        }
        let (width, height) = row.display.unwrap();
        let expected = vss_raster::fitted((width, height), 2_048);
        let produced = made[0].0.as_ref().unwrap();
        assert_eq!((produced.width, produced.height), expected, "{}", row.name);
    }
    assert!(count > 15, "{count} films");
}

#[test]
fn every_film_and_song_of_the_corpus_can_be_heard_and_proxied() {
    let Some(rows) = corpus() else { return };
    // The long one has a test of its own in the benches.
    let short = |row: &&Row| is_av(row) && row.expect == "ok" && !row.name.contains("long_");
    for row in rows.iter().filter(short) {
        let mut wanted = Vec::new();
        if row.video {
            wanted.push(proxy(180, 64_000));
        }
        if row.audio {
            wanted.push(waveform());
        }
        let made = run(&open(&row.path), media_type(&row.path), &wanted);
        let made = made.unwrap_or_else(|failure| panic!("{}: {failure}", row.name));
        for ((answer, _), (_, recipe)) in made.iter().zip(&wanted) {
            let name = &row.name;
            answer
                .as_ref()
                .unwrap_or_else(|failure| panic!("{name}: {recipe:?}: {failure}"));
        }
    }
}

#[test]
fn what_is_broken_fails_for_a_reason_that_is_its_own() {
    let Some(rows) = corpus() else { return };
    for row in rows.iter().filter(|row| row.kind == "broken" && is_av(row)) {
        let wanted = [still(256), strip(), proxy(180, 64_000), waveform()];
        let classes: Vec<_> = match run(&open(&row.path), media_type(&row.path), &wanted) {
            Err(failure) => vec![failure.class],
            Ok(made) => made
                .iter()
                .filter_map(|(a, _)| a.as_ref().err())
                .map(|f| f.class)
                .collect(),
        };
        let own = [
            FailureClass::CorruptSource,
            FailureClass::Unsupported,
            FailureClass::TooLarge,
        ];
        assert!(
            classes.iter().all(|class| own.contains(class)),
            "{}: {classes:?}",
            row.name
        );
    }
}

#[test]
fn a_file_without_video_says_so() {
    let Some(rows) = corpus() else { return };
    let row = rows.iter().find(|row| row.expect == "no-video").unwrap();
    let made = run(&open(&row.path), media_type(&row.path), &[still(256)]).unwrap();
    assert_eq!(
        made[0].0.as_ref().unwrap_err().class,
        FailureClass::Unsupported
    );
}
