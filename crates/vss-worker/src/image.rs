//! The worker of stills: `vss` starts it and hands it a socket.

mod fonts;

use vss_gen_image::ImageGenerator;
use vss_sandbox::{Profile, serve};

fn main() {
    serve(&ImageGenerator::with_fonts(fonts::read()), Profile::Image)
}
