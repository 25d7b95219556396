//! The worker of stills as it is shipped: fonts that it read before its lock serve after it.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use image::ImageFormat;
use vss_ports::{CancelToken, Unlimited};
use vss_sandbox::{SandboxLevel, SandboxedGenerator, WorkerSettings};

use crate::bench::run_files;

const IMAGE: &str = env!("CARGO_BIN_EXE_vss-worker-image");

/// Where a font may be that the worker looks for.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
];

#[test]
fn text_in_an_svg_is_drawn_by_a_confined_worker() {
    if !FONTS.iter().any(|font| Path::new(font).exists()) {
        println!("skipped: none of {FONTS:?} is here (`cargo xtask setup` installs one)");
        return;
    }
    let settings = WorkerSettings::image(vss_gen_image::descriptor(), IMAGE.into());
    assert_eq!(settings.require, SandboxLevel::L3);
    let worker = SandboxedGenerator::new(settings);
    let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 64">
        <rect width="256" height="64" fill="#fff"/>
        <text x="8" y="48" font-family="Arial" font-size="48">Letters</text></svg>"##;
    let mut original = tempfile::tempfile().unwrap();
    original.write_all(svg).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    let cancel = CancelToken::new();
    run_files(
        &worker,
        "image/svg+xml",
        &original,
        &file,
        &Unlimited,
        &cancel,
    )
    .unwrap();
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let still = image::load_from_memory_with_format(&bytes, ImageFormat::WebP).unwrap();
    let dark = still
        .to_luma8()
        .pixels()
        .filter(|pixel| pixel.0[0] < 100)
        .count();
    assert!((300..6_000).contains(&dark), "{dark} dark pixels");
}
