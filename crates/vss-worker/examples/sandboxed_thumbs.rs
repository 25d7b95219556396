//! Thumbnails of a folder of photos, made by confined workers: what confinement costs.
//!
//! `cargo run --release -p vss-worker --example sandboxed_thumbs -- PHOTO_DIR OUT_DIR [THREADS=2]`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a program of its own, with files and a terminal"
)]

#[path = "../../vss-gen-image/examples/thumbs/making.rs"]
mod making;

use vss_sandbox::{SandboxedGenerator, WorkerSettings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = std::env::current_exe()?;
    let target = here.ancestors().nth(2).ok_or("built by cargo")?;
    let worker = target.join("vss-worker-image");
    let settings = WorkerSettings::image(vss_gen_image::descriptor(), worker);
    making::run(&SandboxedGenerator::new(settings))
}
