//! Thumbnails of a folder of photos, made in this process: what the benchmark runs beside other
//! programs.
//!
//! `cargo run --release -p vss-gen-image --example thumbs -- PHOTO_DIR OUT_DIR [THREADS=2]`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a program of its own, with files and a terminal"
)]

mod making;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    making::run(&vss_gen_image::ImageGenerator::new())
}
