//! The worker of text: `vss` starts it with its languages and hands it a socket.
//!
//! `SET..`, each languages joined with `+`: what is not loaded here cannot be loaded later. With
//! `--about` alone it says the version of its engine, then the languages that are installed, one a
//! line, and ends.
#![expect(clippy::print_stdout, reason = "what it says about itself")]

use vss_gen_tesseract::TesseractOcr;
use vss_sandbox::{Profile, serve};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments == ["--about"] {
        let generator = TesseractOcr::load(None, &[]);
        println!("{}", generator.version());
        generator
            .installed()
            .iter()
            .for_each(|name| println!("{name}"));
        return;
    }
    let set = |set: &String| set.split('+').map(str::to_owned).collect();
    let sets: Vec<Vec<String>> = arguments.iter().map(set).collect();
    serve(&TesseractOcr::load(None, &sets), Profile::Ocr)
}
