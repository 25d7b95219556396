//! The worker of video and audio: `vss` starts it and hands it a socket.

use vss_gen_ffmpeg::FfmpegGenerator;
use vss_sandbox::{Profile, serve};

fn main() {
    serve(&FfmpegGenerator::new(), Profile::Av)
}
