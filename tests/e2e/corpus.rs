//! Real media: every file of the corpus ends as its manifest says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};

use crate::program::{Library, corpus};

struct Expected {
    path: PathBuf,
    media_type: String,
    size: Option<(u32, u32)>,
    expect: String,
    bytes: u64,
}

/// The media types of the stills this version reads, as the manifest spells them.
const IN_SCOPE: [&str; 8] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/bmp",
    "image/tiff",
    "image/x-tiff-big",
    "image/x-icon",
];

fn manifest(corpus: &Path, below: &str) -> Vec<Expected> {
    let text = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap().split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let columns = [
        "path",
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
            let [path, mime, width, height, expect, bytes] = columns.map(|at| cells[at]);
            Expected {
                path: corpus.join(
                    path.replace("%09", "\t")
                        .replace("%0A", "\n")
                        .replace("%25", "%"),
                ),
                media_type: mime.into(),
                size: width.parse().ok().zip(height.parse().ok()),
                expect: expect.into(),
                bytes: bytes.parse().unwrap(),
            }
        })
        .filter(|expected| expected.path.starts_with(corpus.join(below)))
        .collect()
}

/// The statuses of a file's sidecars and, where there is one, its class.
fn outcome(library: &Library, path: &Path) -> (Vec<String>, Option<String>) {
    let explained = library.json([Path::new("explain"), path]);
    let statuses = explained["sidecars"].as_array().unwrap().iter();
    let statuses = statuses
        .map(|s| s["status"].as_str().unwrap_or("none").to_owned())
        .collect();
    (statuses, explained["class"].as_str().map(str::to_owned))
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

#[test]
fn every_photo_in_scope_has_its_three_thumbnails_upright_and_every_other_file_has_a_class() {
    let Some(corpus) = corpus("photos") else {
        return;
    };
    let library = Library::new();
    let index = library.json([
        Path::new("index"),
        Path::new("--hidden"),
        &corpus.join("photos"),
    ]);
    assert_eq!(index["errors"].as_array().unwrap().len(), 0, "{index}");
    library.json(["run"]);
    let mut wrong = Vec::new();
    for expected in manifest(&corpus, "photos") {
        let (statuses, class) = outcome(&library, &expected.path);
        let ready = statuses.len() == 3 && statuses.iter().all(|status| status == "ready");
        let in_scope = IN_SCOPE.contains(&expected.media_type.as_str());
        if expected.expect == "ok" && in_scope {
            if !ready {
                wrong.push(format!("{:?}: {statuses:?} {class:?}", expected.path));
                continue;
            }
            let mut size = expected.size.unwrap();
            if expected.media_type == "image/x-icon" {
                // The manifest gives the first picture of the icon; the largest one is shown.
                size = (size.0 * 3, size.1 * 3);
            }
            for (variant, side) in [("grid@1x", 256), ("grid@2x", 512), ("detail@1x", 1024)] {
                let picture = thumb(&library, &expected.path, variant);
                let (width, height) = fitted(size, side);
                let off = (f64::from(picture.width()) - width)
                    .abs()
                    .max((f64::from(picture.height()) - height).abs());
                if off > 1.0 {
                    wrong.push(format!(
                        "{:?} {variant}: {}x{} instead of {width:.0}x{height:.0}",
                        expected.path,
                        picture.width(),
                        picture.height()
                    ));
                }
            }
        } else if !ready && class.is_none() {
            wrong.push(format!("{:?}: no thumbnails and no class", expected.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    library.assert_every_ready_row_has_its_whole_file();
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

#[test]
fn broken_files_break_nothing_and_none_is_ready_that_must_not_be() {
    let Some(corpus) = corpus("broken") else {
        return;
    };
    let library = Library::new();
    let index = library.json([Path::new("index"), &corpus.join("broken")]);
    let errors: BTreeMap<_, _> = index["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                PathBuf::from(error["path"].as_str().unwrap()),
                error["class"].clone(),
            )
        })
        .collect();
    library.json(["run"]);
    let mut wrong = Vec::new();
    for expected in manifest(&corpus, "broken") {
        if expected.bytes == 0 {
            assert_eq!(
                errors.get(&expected.path).and_then(|class| class.as_str()),
                Some("empty"),
                "{:?}",
                expected.path
            );
            continue;
        }
        let (statuses, class) = outcome(&library, &expected.path);
        let any_ready = statuses.iter().any(|status| status == "ready");
        let settled = statuses
            .iter()
            .all(|status| ["ready", "failed"].contains(&status.as_str()));
        let may_be_ready = ["ok", "degrade", "ok-or-error"].contains(&expected.expect.as_str());
        if (any_ready && !may_be_ready) || !settled || (!any_ready && class.is_none()) {
            wrong.push(format!(
                "{:?} ({}): {statuses:?} {class:?}",
                expected.path, expected.expect
            ));
        }
        if expected.expect == "ok" && !any_ready {
            wrong.push(format!("{:?} is ok but {class:?}", expected.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    library.assert_every_ready_row_has_its_whole_file();
}
