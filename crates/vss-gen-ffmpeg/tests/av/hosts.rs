//! What a job asks of its host, and what it tells it.

use std::sync::Mutex;

use vss_ports::{GenerateFailure, JobHost, JobUsage};

use crate::job::{ffmpeg, has_programs, media_type, open, run_for, still};

/// Grants everything, and remembers what it was asked for and how often it was told to wait on.
#[derive(Default)]
struct Listener(Mutex<(u64, u64)>);

impl JobHost for Listener {
    fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
        self.0.lock().unwrap().0 += bytes;
        Ok(())
    }

    fn progressed(&self) {
        self.0.lock().unwrap().1 += 1;
    }

    fn used(&self, _: JobUsage) {}
}

#[test]
fn who_looks_for_a_frame_through_the_whole_file_shows_that_it_goes_on() {
    if !has_programs() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Without an index and a length, and much of what is not looked for.
    let film = ffmpeg(
        folder.path(),
        "film.mkv",
        "-f lavfi -i testsrc2=s=64x36:r=1:d=60 -f lavfi -i aevalsrc=0|0|0|0|0|0|0|0:d=60:s=48000 \
         -c:v mpeg4 -c:a pcm_s16le -live 1",
    );
    let source = open(&film);
    let size = source.metadata().unwrap().len();
    assert!(size > 40 << 20, "{size}");
    let host = Listener::default();
    let made = run_for(&host, &source, media_type(&film), &[still(64)]).unwrap();
    assert!(made[0].0.is_ok(), "{made:?}");
    let (_, signs) = *host.0.lock().unwrap();
    assert!(signs >= size / (8 << 20), "{signs} signs");
}
