//! Real media: every file of the corpus ends as its manifest says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};

use crate::program::{Library, corpus, is_built};

struct Expected {
    path: PathBuf,
    /// What it is there for: a photo, a video, something broken.
    kind: String,
    media_type: String,
    size: Option<(u32, u32)>,
    expect: String,
    bytes: u64,
}

fn manifest(corpus: &Path, below: &str) -> Vec<Expected> {
    let text = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap().split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let columns = [
        "path",
        "kind",
        "mime",
        "display_width",
        "display_height",
        "expect",
        "bytes",
    ]
    .map(column);
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            let [path, kind, mime, width, height, expect, bytes] = columns.map(|at| cells[at]);
            Expected {
                path: corpus.join(
                    path.replace("%09", "\t")
                        .replace("%0A", "\n")
                        .replace("%25", "%"),
                ),
                kind: kind.into(),
                media_type: mime.into(),
                size: width.parse().ok().zip(height.parse().ok()),
                expect: expect.into(),
                bytes: bytes.parse().unwrap(),
            }
        })
        .filter(|expected| expected.path.starts_with(corpus.join(below)))
        .collect()
}

/// What became of a file: the status of each of its sidecars of a kind, and the class of what
/// failed.
struct Outcome {
    statuses: Vec<(String, String)>,
    class: Option<String>,
}

impl Outcome {
    fn of(library: &Library, path: &Path) -> Self {
        let explained = library.json([Path::new("explain"), path]);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
        let sidecars = explained["sidecars"].as_array().unwrap().iter();
        Self {
            statuses: sidecars
                .map(|sidecar| (text(&sidecar["kind"]), text(&sidecar["status"])))
                .collect(),
            class: explained["class"].as_str().map(str::to_owned),
        }
    }

    fn ready(&self, kind: &str) -> usize {
        let ready = |(of, status): &&(String, String)| of == kind && status == "ready";
        self.statuses.iter().filter(ready).count()
    }

    fn is_settled(&self) -> bool {
        let settled = ["ready", "failed", "quarantined"];
        let mut statuses = self.statuses.iter();
        // Text waits where Tesseract is not installed.
        let waits = |kind: &str| kind == "ocr" && !is_built("vss-worker-ocr");
        statuses.all(|(kind, status)| waits(kind) || settled.contains(&status.as_str()))
    }
}

fn thumb(library: &Library, path: &Path, variant: &str) -> DynamicImage {
    let listed = library.json([Path::new("ls"), path]);
    let entry = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["variant"] == variant)
        .unwrap();
    let file = entry["path"].as_str().unwrap();
    ImageReader::open(file)
        .unwrap()
        .with_guessed_format()
        .unwrap()
        .decode()
        .unwrap()
}

/// The size a picture has when its longer side is at most `side`.
fn fitted((width, height): (u32, u32), side: u32) -> (f64, f64) {
    let (width, height) = (f64::from(width), f64::from(height));
    let scale = (f64::from(side) / width.max(height)).min(1.0);
    ((width * scale).max(1.0), (height * scale).max(1.0))
}

/// Makes what is made of every file of a folder by default, and holds it against the manifest.
fn assert_ends_as_the_manifest_says(test: &str, folder: &str, workers: &[&str]) {
    let Some(corpus) = corpus(test) else {
        return;
    };
    if let Some(missing) = workers.iter().find(|worker| !is_built(worker)) {
        eprintln!("skipped: {test} needs {missing}, whose libraries are not on this machine");
        return;
    }
    let library = Library::new();
    let place = corpus.join(folder);
    let index = library.json([Path::new("index"), Path::new("--hidden"), &place]);
    let errors = index["errors"].as_array().unwrap().iter();
    let errors: BTreeMap<_, _> = errors
        .map(|error| {
            let path = PathBuf::from(error["path"].as_str().unwrap());
            (path, error["class"].clone())
        })
        .collect();
    library.json(["run"]);
    let mut wrong = Vec::new();
    for expected in manifest(&corpus, folder) {
        if expected.bytes == 0 {
            let class = errors.get(&expected.path).and_then(|class| class.as_str());
            assert_eq!(class, Some("empty"), "{:?}", expected.path);
        } else if expected.kind != "ground-truth"
            && let Err(what) = check(&library, &expected)
        {
            wrong.push(format!("{:?}: {what}", expected.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    library.assert_every_ready_row_has_its_whole_file();
}

fn check(library: &Library, expected: &Expected) -> Result<(), String> {
    let outcome = Outcome::of(library, &expected.path);
    let told = format!(
        "{}: {:?} {:?}",
        expected.expect, outcome.statuses, outcome.class
    );
    if !outcome.is_settled() {
        return Err(format!("is not settled: {told}"));
    }
    let thumbs = outcome.ready("thumb");
    match expected.expect.as_str() {
        // What says video and holds none has its waveform on request.
        "ok" if expected.kind == "audio" && expected.media_type.starts_with("video/") => {}
        "ok" if expected.kind == "audio" && outcome.ready("waveform") != 1 => {
            return Err(format!("has no waveform: {told}"));
        }
        "ok" if expected.kind == "audio" => {}
        "ok" if is_read(expected) && outcome.ready("ocr") != 1 => {
            return Err(format!("has no text: {told}"));
        }
        "ok" if thumbs != 3 => return Err(format!("has no three thumbnails: {told}")),
        "ok" => sizes(library, expected)?,
        "error" | "no-video" if thumbs > 0 => return Err(format!("has thumbnails: {told}")),
        _ => {}
    }
    if thumbs == 0 && outcome.class.is_none() {
        return Err(format!("has neither thumbnails nor a class: {told}"));
    }
    Ok(())
}

/// Whether its text is wanted unasked, by somebody who can read it.
fn is_read(expected: &Expected) -> bool {
    let wanted = ["application/pdf", "image/png"];
    wanted.contains(&expected.media_type.as_str()) && is_built("vss-worker-ocr")
}

/// The thumbnails have the sides that the manifest says, so they are upright.
fn sizes(library: &Library, expected: &Expected) -> Result<(), String> {
    let Some(mut size) = expected.size else {
        return Ok(());
    };
    if expected.media_type == "image/x-icon" {
        // The manifest gives the first picture of the icon; the largest one is shown.
        size = (size.0 * 3, size.1 * 3);
    }
    for (variant, side) in [("grid@1x", 256), ("grid@2x", 512), ("detail@1x", 1024)] {
        let picture = thumb(library, &expected.path, variant);
        let (width, height) = fitted(size, side);
        let off = |is: u32, wanted: f64| (f64::from(is) - wanted).abs() > 1.0;
        if off(picture.width(), width) || off(picture.height(), height) {
            return Err(format!(
                "{variant} is {} x {} instead of {width:.0} x {height:.0}",
                picture.width(),
                picture.height()
            ));
        }
    }
    Ok(())
}

#[test]
fn every_photo_ends_as_the_manifest_says() {
    assert_ends_as_the_manifest_says("photos", "photos", &["vss-worker-image"]);
}

#[test]
fn every_broken_file_ends_as_the_manifest_says() {
    let workers = ["vss-worker-image", "vss-worker-av"];
    assert_ends_as_the_manifest_says("broken files", "broken", &workers);
}

#[test]
fn every_document_ends_as_the_manifest_says() {
    assert_ends_as_the_manifest_says("documents", "documents", &["vss-worker-image"]);
}

#[test]
fn every_video_ends_as_the_manifest_says() {
    assert_ends_as_the_manifest_says("videos", "video", &["vss-worker-av"]);
}

#[test]
fn all_audio_ends_as_the_manifest_says() {
    assert_ends_as_the_manifest_says("audio", "audio", &["vss-worker-av"]);
}

#[test]
fn every_live_photo_ends_as_the_manifest_says() {
    let workers = ["vss-worker-image", "vss-worker-av"];
    assert_ends_as_the_manifest_says("live photos", "livephoto", &workers);
}

#[test]
fn the_nine_copies_make_one_set() {
    let Some(corpus) = corpus("names") else {
        return;
    };
    let library = Library::new();
    let index = library.json([
        Path::new("index"),
        Path::new("--hidden"),
        &corpus.join("photos/names"),
    ]);
    assert_eq!(
        (&index["files"], &index["contents"], &index["enqueued"]),
        (&9.into(), &1.into(), &3.into()),
        "{index}"
    );
    assert_eq!(library.json(["run"])["ready"], 3);
    assert_eq!(library.sidecar_files().len(), 3);
}

#[test]
fn the_eight_orientations_give_one_upright_picture() {
    let Some(corpus) = corpus("orientation") else {
        return;
    };
    let library = Library::new();
    let folder = corpus.join("photos/orientation");
    library.json([Path::new("index"), &folder]);
    library.json(["run"]);
    let upright = thumb(&library, &folder.join("landscape_1.jpg"), "grid@1x").into_rgb8();
    for orientation in 2..=8 {
        let turned = thumb(
            &library,
            &folder.join(format!("landscape_{orientation}.jpg")),
            "grid@1x",
        )
        .into_rgb8();
        assert_eq!(turned.dimensions(), upright.dimensions(), "{orientation}");
        let sum: u64 = turned
            .iter()
            .zip(upright.iter())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        let mean = sum / u64::try_from(turned.len()).unwrap();
        assert!(
            mean < 8,
            "orientation {orientation}: mean difference {mean}"
        );
    }
}
