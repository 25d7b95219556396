//! The worker of text: `vss` starts it with its languages and hands it a socket.
//!
//! `[--tessdata=FOLDER] SET..`, each languages joined with `+`: what is not loaded here cannot be
//! loaded later. With `--about` in place of the sets it says the version of its engine, then the
//! languages that are installed, one a line, and ends. Without a folder Tesseract knows where its
//! data is.
#![expect(clippy::print_stdout, reason = "what it says about itself")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use vss_gen_tesseract::TesseractOcr;
use vss_sandbox::{Profile, serve};

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let folder = arguments.first().and_then(|first| {
        let folder = first.as_bytes().strip_prefix(b"--tessdata=")?;
        Some(Path::new(std::ffi::OsStr::from_bytes(folder)))
    });
    let sets = arguments.iter().skip(usize::from(folder.is_some()));
    let sets: Vec<_> = sets.map(|set| set.to_string_lossy()).collect();
    if sets == ["--about"] {
        let generator = TesseractOcr::load(folder, &[]);
        println!("{}", generator.version());
        generator
            .installed()
            .iter()
            .for_each(|name| println!("{name}"));
        return;
    }
    let languages = |set: &str| set.split('+').map(str::to_owned).collect();
    let sets: Vec<Vec<String>> = sets.iter().map(|set| languages(set)).collect();
    serve(&TesseractOcr::load(folder, &sets), Profile::Ocr)
}
