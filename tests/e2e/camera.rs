//! Camera files: developed where their worker is, read by their preview where it is not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use image::ImageReader;

use crate::media::{CameraFile, UNKNOWN, orange};
use crate::program::{Library, Said, built, is_built, said};

/// A library with a camera file of each sort, or a line that says what is skipped.
struct Camera {
    library: Library,
    /// Without a preview, held so that it has to be turned clockwise.
    bare: PathBuf,
    /// With one that is far too small.
    small: PathBuf,
    /// With one that will do.
    large: PathBuf,
}

impl Camera {
    fn new(test: &str) -> Option<Self> {
        if !is_built("vss-worker-raw") {
            eprintln!("skipped: {test} needs vss-worker-raw, for which there is no LibRaw here");
            return None;
        }
        let library = Library::new();
        let write = |name: &str, file: CameraFile| {
            let path = library.originals().join(name);
            fs::write(&path, file.bytes()).unwrap();
            path
        };
        let file = |camera, orientation, preview| CameraFile {
            camera,
            orientation,
            preview,
            ..CameraFile::default()
        };
        Some(Self {
            bare: write("bare.nef", file(UNKNOWN, 6, Vec::new())),
            small: write(
                "small.pef",
                file(("PENTAX", "PENTAX K-5"), 1, orange(160, 120)),
            ),
            large: write("large.nef", file(UNKNOWN, 1, orange(640, 480))),
            library,
        })
    }

    /// A folder with the worker of stills and no other.
    fn stills_only(&self) -> PathBuf {
        let workers = self.library.root().with_extension("workers");
        fs::create_dir(&workers).unwrap();
        let stills = "vss-worker-image";
        symlink(built(stills), workers.join(stills)).unwrap();
        workers
    }

    fn with(&self, workers: &Path, arguments: &[&str]) -> Said {
        let mut command = self.library.command(arguments);
        said(command.env("VSS_WORKER_DIR", workers).output().unwrap())
    }

    /// The size of a thumbnail, and whether it is orange.
    fn seen(&self, file: &Path, variant: &str) -> ((u32, u32), bool) {
        let listed = self.library.json([Path::new("ls"), file]);
        let mut rows = listed.as_array().unwrap().iter();
        let row = rows.find(|row| row["variant"] == variant).unwrap();
        let picture = ImageReader::open(row["path"].as_str().unwrap()).unwrap();
        let picture = picture.with_guessed_format().unwrap().decode().unwrap();
        let picture = picture.into_rgb8();
        let (width, height) = picture.dimensions();
        let [red, _, blue] = picture.get_pixel(width * 3 / 4, height * 3 / 4).0;
        ((width, height), red > 230 && blue < 60)
    }
}

#[test]
fn camera_files_without_a_preview_or_with_a_tiny_one_get_thumbnails() {
    let Some(camera) = Camera::new("camera files") else {
        return;
    };
    let (index, run) = camera.library.index_and_run();
    assert_eq!(index["enqueued"], 9, "{index}");
    assert_eq!((&run["ready"], &run["failed"]), (&9.into(), &0.into()));
    for (file, orange) in [
        (&camera.bare, false),
        (&camera.small, false),
        (&camera.large, true),
    ] {
        assert_eq!(camera.seen(file, "grid@2x"), ((512, 384), orange));
        let listed = camera.library.json([Path::new("ls"), file]);
        assert_eq!(listed[0]["source"], "libraw", "{listed}");
    }
    let doctor = camera.library.vss(["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(doctor.out.contains("libraw 1.1.0 at "), "{}", doctor.out);
    // Two generators read them, and each is told once.
    let kinds = camera.library.json(["kinds"]);
    let mut kinds = kinds.as_array().unwrap().iter();
    let thumb = kinds.find(|entry| entry["kind"] == "thumb").unwrap();
    let reads = thumb["reads"].as_array().unwrap().iter();
    assert_eq!(
        reads.filter(|input| **input == "image/x-nikon-nef").count(),
        1
    );
    assert!(
        thumb["generators"].to_string().contains("libraw 1.1.0"),
        "{thumb}"
    );
    camera.library.assert_every_ready_row_has_its_whole_file();
}

#[test]
fn without_their_worker_camera_files_are_read_by_their_preview_and_developed_once_it_is_there() {
    let Some(camera) = Camera::new("camera files without their worker") else {
        return;
    };
    let workers = camera.stills_only();
    let originals = camera.library.originals();
    let place = originals.to_str().unwrap();
    assert_eq!(camera.with(&workers, &["index", place]).code, 0);
    let run = camera.with(&workers, &["run", "--json"]).json();
    assert_eq!((&run["ready"], &run["failed"]), (&6.into(), &3.into()));
    assert!(camera.seen(&camera.large, "grid@1x").1);
    assert_eq!(camera.seen(&camera.small, "grid@2x"), ((160, 120), true));
    let bare = camera.bare.to_str().unwrap();
    let explained = camera.with(&workers, &["explain", bare, "--json"]).json();
    assert_eq!(explained["sidecars"][0]["class"], "unsupported");
    let doctor = camera.with(&workers, &["doctor"]);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    for said in ["--features raw", "apt install libraw", "dnf install LibRaw"] {
        assert!(doctor.out.contains(said), "{}", doctor.out);
    }
    // With the worker there, what had failed is tried again; nobody has to ask.
    let run = camera.library.index_and_run().1;
    assert_eq!((&run["ready"], &run["failed"]), (&3.into(), &0.into()));
    assert_eq!(camera.seen(&camera.bare, "grid@2x"), ((512, 384), false));
    // What was made stays.
    assert_eq!(camera.seen(&camera.small, "grid@2x"), ((160, 120), true));
}

#[test]
fn what_was_queued_for_a_worker_that_went_away_waits_for_it() {
    let Some(camera) = Camera::new("camera files whose worker went away") else {
        return;
    };
    let workers = camera.stills_only();
    let bare = camera.bare.to_str().unwrap();
    camera.library.json(["index", bare]);
    let run = camera.with(&workers, &["run", "--json"]).json();
    assert_eq!((&run["ready"], &run["retried"]), (&0.into(), &3.into()));
    let explained = camera.with(&workers, &["explain", bare, "--json"]).json();
    let sidecar = &explained["sidecars"][0];
    assert_eq!(sidecar["class"], "tool_missing", "{explained}");
    let reason = sidecar["reason"].as_str().unwrap();
    for wanted in ["vss-worker-raw is not there", "apt install libraw"] {
        assert!(reason.contains(wanted), "{reason}");
    }
    // By itself; a second is the shortest wait.
    while camera.library.json(["run"])["ready"] != 3 {}
}

#[test]
fn a_worker_without_its_library_says_what_to_install_and_its_files_wait() {
    let Some(camera) = Camera::new("camera files without LibRaw") else {
        return;
    };
    let workers = camera.stills_only();
    // What the dynamic loader says and does.
    let script =
        "#!/bin/sh\necho 'error while loading shared libraries: libraw.so.20' >&2\nexit 127\n";
    let worker = workers.join("vss-worker-raw");
    fs::write(&worker, script).unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    let place = camera.bare.to_str().unwrap();
    assert_eq!(camera.with(&workers, &["index", place]).code, 0);
    let run = camera.with(&workers, &["run", "--json"]).json();
    assert_eq!((&run["ready"], &run["retried"]), (&0.into(), &3.into()));
    let explained = camera.with(&workers, &["explain", place, "--json"]).json();
    let sidecar = &explained["sidecars"][0];
    assert_eq!(sidecar["class"], "tool_missing", "{explained}");
    let reason = sidecar["reason"].as_str().unwrap();
    let doctor = camera.with(&workers, &["doctor"]);
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    for said in [reason, &doctor.out] {
        for wanted in ["libraw.so.20", "apt install libraw", "brew install libraw"] {
            assert!(said.contains(wanted), "{said}");
        }
    }
}
