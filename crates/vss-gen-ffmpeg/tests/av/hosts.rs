//! What a job asks of its host, and what it tells it.

use std::sync::Mutex;

use vss_core::Format;
use vss_core::plan::Recipe;
use vss_ports::{GenerateFailure, JobHost, JobUsage};

use crate::job::{
    ffmpeg, has_programs, media_type, open, proxy, run_for, still, strip, waveform, write,
};
use crate::media;

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
fn memory_is_asked_for_what_is_decoded_and_for_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.avi");
    write(&film, &media::film());
    let asked = |wanted: &[(Format, Recipe)]| {
        let host = Listener::default();
        run_for(&host, &open(&film), media_type(&film), wanted).unwrap();
        let (bytes, _) = *host.0.lock().unwrap();
        bytes
    };
    let frame = 96 * 64 * 3;
    let alone = (16 << 20) + 4 * frame;
    assert_eq!(asked(&[still(96), waveform()]), alone);
    assert_eq!(asked(&[still(96), strip()]), alone + 25 * frame);
    let half = 48 * 32 * 3;
    let made = alone + 2 * (60 << 20) + 30 * frame + 30 * half;
    assert_eq!(asked(&[proxy(64, 0), proxy(32, 0)]), made);
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
