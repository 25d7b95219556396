//! The worker of camera files: `vss` starts it and hands it a socket.

use vss_gen_libraw::LibRawGenerator;
use vss_sandbox::{Profile, serve};

fn main() {
    serve(&LibRawGenerator::new(), Profile::Image)
}
