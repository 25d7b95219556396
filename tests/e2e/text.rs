//! The text of pictures: recognised by the real worker, exported in every format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{DynamicImage, GrayImage, Luma, RgbaImage};
use serde_json::Value;

use crate::program::{Library, Said, built, corpus, is_built, said, write_jpeg};

/// A library that wants text of everything, or a line that says what is skipped.
pub(crate) fn reading(test: &str) -> Option<Library> {
    if !is_built("vss-worker-ocr") {
        eprintln!("skipped: {test} needs vss-worker-ocr, for which there is no Tesseract here");
        return None;
    }
    let library = Library::new();
    configure(&library, "[kinds.ocr.ocr]\ndefault = true\n");
    Some(library)
}

fn configure(library: &Library, text: &str) {
    fs::write(library.root().join("vss.toml"), text).unwrap();
}

pub(crate) fn export(library: &Library, file: &Path, format: &str) -> Said {
    let arguments = ["export", file.to_str().unwrap(), "ocr", "--as", format];
    library.vss(arguments)
}

pub(crate) fn exported(library: &Library, file: &Path, format: &str) -> String {
    let said = export(library, file, format);
    assert_eq!(said.code, 0, "{format}: {}", said.err);
    said.out
}

/// Writes the PDF of a file and gives where it is.
pub(crate) fn pdf_of(library: &Library, file: &Path, folder: &Path) -> PathBuf {
    let name = Path::new(file.file_name().unwrap()).with_extension("pdf");
    let out = folder.join(name);
    let place = out.to_str().unwrap();
    let arguments = [
        "export",
        file.to_str().unwrap(),
        "ocr",
        "--as",
        "pdf",
        "--out",
        place,
    ];
    let document = library.json(arguments);
    assert_eq!(
        document["size"],
        fs::metadata(&out).unwrap().len(),
        "{document}"
    );
    out
}

fn row(library: &Library, file: &Path) -> Value {
    let rows = library.json([Path::new("ls"), file]);
    let rows = rows.as_array().unwrap();
    rows.iter()
        .find(|row| row["kind"] == "ocr")
        .unwrap()
        .clone()
}

pub(crate) fn sidecar(library: &Library, file: &Path) -> Value {
    let row = row(library, file);
    assert_eq!(row["status"], "ready", "{row}");
    let json = fs::read(row["path"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&json).unwrap()
}

pub(crate) fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

pub(crate) fn thumb(library: &Library, file: &Path) -> DynamicImage {
    let rows = library.json([Path::new("ls"), file]);
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["variant"] == "grid@1x").unwrap();
    let bytes = fs::read(row["path"].as_str().unwrap()).unwrap();
    image::load_from_memory(&bytes).unwrap()
}

/// How far two pictures of nearly one size are apart, a channel, of 255.
pub(crate) fn difference(a: &DynamicImage, b: &DynamicImage) -> u64 {
    let near = |a: u32, b: u32| a.abs_diff(b) <= 1;
    assert!(near(a.width(), b.width()) && near(a.height(), b.height()));
    let small = |picture: &DynamicImage| {
        let filter = image::imageops::FilterType::Triangle;
        picture.resize_exact(96, 96, filter).into_rgb8().into_raw()
    };
    let (a, b) = (small(a), small(b));
    let sum: u64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum / a.len() as u64
}

const BEGINS: &str = "This is a lot of 12 point text to test the";

#[test]
fn scans_are_read_and_exported_in_every_format() {
    let Some(corpus) = corpus("scans") else {
        return;
    };
    let Some(library) = reading("scans") else {
        return;
    };
    let scans = ["testocr.jpg", "phototest.tif", "phototest-rotated-180.png"];
    let scans = scans.map(|name| {
        let copy = library.originals().join(name);
        fs::copy(corpus.join("documents/scans").join(name), &copy).unwrap();
        copy
    });
    let (_, run) = library.index_and_run();
    assert_eq!(
        (&run["ready"], &run["failed"]),
        (&12.into(), &0.into()),
        "{run}"
    );
    library.assert_every_ready_row_has_its_whole_file();
    let pdfs = tempfile::tempdir().unwrap();
    let second = Library::new();
    for scan in &scans {
        let json = sidecar(&library, scan);
        let upside_down = scan.extension().unwrap() == "png";
        assert_eq!(
            json["pages"][0]["rotation"],
            if upside_down { 180 } else { 0 }
        );
        let text = exported(&library, scan, "txt");
        assert!(text.starts_with(BEGINS), "{text}");
        assert!(text.contains("quick brown dog jumped over the"), "{text}");
        let table = exported(&library, scan, "tsv");
        let cells: Vec<_> = table.lines().nth(5).unwrap().split('\t').collect();
        assert_eq!(
            (cells.len(), cells[0], cells[11]),
            (12, "5", "This"),
            "{table}"
        );
        let name = scan.file_name().unwrap().to_str().unwrap();
        let hocr = exported(&library, scan, "hocr");
        assert!(hocr.contains("ocrx_word") && hocr.contains(name), "{hocr}");
        let alto = exported(&library, scan, "alto");
        assert!(
            alto.contains(r#"CONTENT="This""#) && alto.contains(name),
            "{alto}"
        );

        let pdf = pdf_of(&library, scan, pdfs.path());
        if let Ok(tool) = Command::new("pdftotext").arg(&pdf).arg("-").output() {
            assert!(tool.status.success(), "{tool:?}");
            let found = String::from_utf8(tool.stdout).unwrap();
            assert_eq!(words(&found), words(&text));
        } else {
            eprintln!("there is no pdftotext: only our own reader looks at the PDF");
        }
        // Our own reader takes the words from the text layer, and finds them where they were.
        second.json([Path::new("index"), &pdf]);
        second.json(["run"]);
        let again = sidecar(&second, &pdf);
        assert_eq!(again["pages"][0]["source"], "text", "{name}");
        assert_eq!(
            words(&exported(&second, &pdf, "txt")),
            words(&text),
            "{name}"
        );
        assert!(boxes_agree(&json["pages"][0], &again["pages"][0]), "{name}");
    }
    // Both are shown upright now, and so is the one that lay upside down.
    let pages = scans.each_ref().map(|scan| {
        let name = Path::new(scan.file_name().unwrap()).with_extension("pdf");
        thumb(&second, &pdfs.path().join(name))
    });
    assert!(difference(&pages[1], &pages[2]) < 12);
    assert!(difference(&pages[1], &thumb(&library, &scans[1])) < 12);
}

/// The words of a page and where the middle of each is, in shares of its size.
pub(crate) fn places(page: &Value) -> Vec<(String, [f64; 2])> {
    let number = |value: &Value| value.as_f64().unwrap();
    let size = [number(&page["width"]), number(&page["height"])];
    let blocks = page["blocks"].as_array().unwrap().iter();
    let lines = blocks.flat_map(|block| block["lines"].as_array().unwrap());
    let words = lines.flat_map(|line| line["words"].as_array().unwrap());
    let middle = |area: &Value, at: usize| number(&area[at]) + number(&area[at + 2]) / 2.0;
    words
        .map(|word| {
            let text = word["text"].as_str().unwrap().to_owned();
            (text, [0, 1].map(|at| middle(&word["box"], at) / size[at]))
        })
        .collect()
}

/// Whether most words have the same place on both pages.
fn boxes_agree(page: &Value, again: &Value) -> bool {
    let (page, again) = (places(page), places(again));
    let pairs = page.iter().zip(&again);
    let same = pairs.filter(|((a, [x, y]), (b, [u, v]))| {
        a == b && (x - u).abs() < 0.01 && (y - v).abs() < 0.01
    });
    same.count() * 10 > page.len() * 9
}

#[test]
fn a_pdf_shows_a_photo_upright_and_without_its_place() {
    let Some(corpus) = corpus("orientation") else {
        return;
    };
    let Some(library) = reading("orientation") else {
        return;
    };
    let folder = corpus.join("photos/orientation");
    let photos: Vec<_> = (1..=8)
        .map(|n| folder.join(format!("landscape_{n}.jpg")))
        .collect();
    for photo in &photos {
        library.json([Path::new("index"), photo]);
    }
    library.json(["run"]);
    let pdfs = library.originals().join("pdfs");
    fs::create_dir(&pdfs).unwrap();
    for photo in &photos {
        let pdf = fs::read(pdf_of(&library, photo, &pdfs)).unwrap();
        assert!(!pdf.windows(6).any(|six| six == b"Exif\0\0"), "{photo:?}");
    }
    configure(&library, "[kinds.ocr.ocr]\ndefault = false\n");
    library.json([Path::new("index"), &pdfs]);
    library.json(["run"]);
    let upright = thumb(&library, &photos[0]);
    for photo in &photos {
        let name = Path::new(photo.file_name().unwrap()).with_extension("pdf");
        let shown = thumb(&library, &pdfs.join(name));
        // It is drawn without much smoothing; what would be turned wrong is far off.
        let apart = difference(&shown, &upright);
        let mirrored = difference(&shown.fliph(), &upright);
        assert!(
            apart < 20 && mirrored > 2 * apart,
            "{photo:?}: {apart} {mirrored}"
        );
    }
}

#[test]
fn a_page_without_text_is_ready_and_says_so() {
    let Some(library) = reading("a blank page") else {
        return;
    };
    let blank = library.originals().join("blank.png");
    GrayImage::from_pixel(600, 400, Luma([250]))
        .save(&blank)
        .unwrap();
    let glass = library.originals().join("glass.png");
    RgbaImage::from_fn(300, 200, |x, _| {
        image::Rgba([9, 9, 9, u8::try_from(x / 3).unwrap()])
    })
    .save(&glass)
    .unwrap();
    let (_, run) = library.index_and_run();
    assert_eq!(
        (&run["ready"], &run["failed"]),
        (&8.into(), &0.into()),
        "{run}"
    );
    let json = sidecar(&library, &blank);
    assert_eq!(json["empty"], true, "{json}");
    assert_eq!(exported(&library, &blank, "txt"), "\u{c}");
    for picture in [&blank, &glass] {
        let pdf = fs::read(pdf_of(&library, picture, &library.originals())).unwrap();
        assert!(pdf.starts_with(b"%PDF-"), "{picture:?}");
    }
}

#[test]
fn a_language_that_is_missing_is_named_and_waits() {
    let Some(library) = reading("a missing language") else {
        return;
    };
    let page = library.originals().join("page.png");
    GrayImage::from_pixel(60, 40, Luma([250]))
        .save(&page)
        .unwrap();
    configure(
        &library,
        "[kinds.ocr.ocr]\nlanguages = [\"eng\", \"tlh\"]\n",
    );
    let (_, run) = library.index_and_run();
    // The thumbnails do not wait for it.
    assert_eq!(
        (&run["ready"], &run["retried"]),
        (&3.into(), &1.into()),
        "{run}"
    );
    let explained = library.json([Path::new("explain"), &page]).to_string();
    assert!(explained.contains("tool_missing"), "{explained}");
    assert!(explained.contains("tesseract-ocr-tlh"), "{explained}");
    assert_eq!(export(&library, &page, "txt").code, 3);
    let doctor = library.vss(["doctor"]);
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    assert!(
        doctor.out.contains("has no tlh, which is configured"),
        "{}",
        doctor.out
    );
    assert!(
        doctor.out.contains("what to do: install tesseract-ocr-tlh"),
        "{}",
        doctor.out
    );
    // Once it is not wanted any more the page is read.
    configure(&library, "[kinds.ocr.ocr]\nlanguages = [\"eng\"]\n");
    let doctor = library.vss(["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(
        doctor.out.contains("has eng, osd as configured"),
        "{}",
        doctor.out
    );
    library.json(["retry"]);
    library.json(["run"]);
    assert_eq!(row(&library, &page)["status"], "ready");
}

#[test]
fn without_the_worker_of_text_the_rest_is_made_and_what_to_install_is_said() {
    let library = Library::new();
    let page = library.originals().join("page.png");
    GrayImage::from_pixel(60, 40, Luma([250]))
        .save(&page)
        .unwrap();
    let workers = library.originals().join(".workers");
    fs::create_dir(&workers).unwrap();
    let stills = "vss-worker-image";
    std::os::unix::fs::symlink(built(stills), workers.join(stills)).unwrap();
    let vss = |arguments: &[&str]| {
        let mut command = library.command(arguments);
        said(command.env("VSS_WORKER_DIR", &workers).output().unwrap())
    };
    let place = page.to_str().unwrap();
    assert_eq!(vss(&["index", place]).code, 0);
    let run = vss(&["run", "--json"]).json();
    assert_eq!(
        (&run["ready"], &run["retried"]),
        (&3.into(), &1.into()),
        "{run}"
    );
    let explained = vss(&["explain", place]).out;
    assert!(
        explained.contains("apt install tesseract-ocr"),
        "{explained}"
    );
    let doctor = vss(&["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(doctor.out.contains("--features ocr"), "{}", doctor.out);
}

#[test]
fn an_export_that_cannot_be_says_why() {
    let library = Library::new();
    let photo = library.originals().join("photo.jpg");
    write_jpeg(&photo, 1);
    let note = library.originals().join("note.txt");
    fs::write(&note, "words").unwrap();
    let fails = |arguments: &[&str], code: i32, why: &str| {
        let said = library.vss(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {} {}", said.out, said.err);
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
    };
    let [photo, note] = [&photo, &note].map(|path| path.to_str().unwrap());
    fails(
        &["export", photo, "ocr", "--as", "txt"],
        2,
        "is not known here",
    );
    library.json([Path::new("index"), &library.originals()]);
    fails(
        &["export", photo, "ocr", "--as", "doc"],
        2,
        "txt, tsv, hocr, alto, pdf",
    );
    fails(&["export", photo, "thumb", "--as", "txt"], 2, "only ocr is");
    fails(
        &["export", note, "ocr", "--as", "txt"],
        4,
        "no generator makes ocr",
    );
    // A photo's text is made on request: this is one.
    fails(&["export", photo, "ocr", "--as", "txt"], 3, "next: vss run");
    if !is_built("vss-worker-ocr") {
        return;
    }
    let out = library.originals().join("text.txt");
    let out = out.to_str().unwrap();
    let wait = [
        "export", photo, "ocr", "--as", "txt", "--wait", "--out", out,
    ];
    assert_eq!(library.vss(wait).code, 0);
    fails(&wait, 1, "nothing is overwritten");
    let over = ["export", photo, "ocr", "--as", "pdf", "--out", photo];
    let before = fs::read(photo).unwrap();
    fails(&over, 1, "nothing is overwritten");
    assert_eq!(fs::read(photo).unwrap(), before);
    let json = library.vss(["export", photo, "ocr", "--as", "txt", "--json"]);
    assert_eq!((json.code, &json.json()["exit_code"]), (2, &2.into()));
    // A document that says its words itself is as good as it is.
    let pdf = pdf_of(&library, Path::new(photo), &library.originals());
    library.json([Path::new("index"), &library.originals()]);
    library.json(["run"]);
    let others = tempfile::tempdir().unwrap();
    let other = pdf_of(&library, &pdf, others.path());
    assert_eq!(fs::read(other).unwrap(), fs::read(pdf).unwrap());
    // Nor is there anything to show of what is gone; its words are still there.
    let uuid = library.json(["explain", photo])["content"].clone();
    let uuid = uuid.as_str().unwrap();
    fs::remove_file(photo).unwrap();
    let gone = library.originals().join("gone.pdf");
    fails(
        &[
            "export",
            uuid,
            "ocr",
            "--as",
            "pdf",
            "--out",
            gone.to_str().unwrap(),
        ],
        1,
        "put the file back",
    );
    assert_eq!(library.vss(["export", uuid, "ocr", "--as", "txt"]).code, 0);
}
