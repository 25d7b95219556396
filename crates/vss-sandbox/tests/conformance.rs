//! The sandboxed generator keeps the contract of its port over a real, fully confined worker: this
//! very program, started again.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

mod harness;

use vss_gen_image::ImageGenerator;
use vss_sandbox::{Profile, serve};

/// What this program is told when it is to be the worker.
const WORKER: &str = "be-the-worker";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        serve(&ImageGenerator::new(), Profile::Image);
    }
    harness::run(&std::env::current_exe().unwrap(), &[WORKER.into()])
}
