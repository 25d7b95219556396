//! The worker of camera files, confined as it is shipped: it develops what the generator develops, and
//! damaged files harm nobody but their own job.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[path = "../../vss-gen-libraw/tests/developing/job.rs"]
mod job;
#[path = "../../vss-gen-libraw/tests/developing/media.rs"]
mod media;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vss_core::FailureClass;
use vss_ports::{GenerateFailure, JobHost, JobUsage};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

use job::Job;
use media::{CameraFile, Dice, orange};

const PROGRAM: &str = env!("CARGO_BIN_EXE_vss-worker-raw");
const NEF: &str = "image/x-nikon-nef";

fn confined() -> SandboxedGenerator {
    let descriptor = vss_gen_libraw::descriptor();
    SandboxedGenerator::new(WorkerSettings::raw(descriptor, PROGRAM.into()))
}

#[test]
fn a_confined_worker_develops_upright_and_prefers_a_preview() {
    let worker = confined();
    for (camera, media_type, tolerance) in [
        (media::UNKNOWN, NEF, 40),
        (("PENTAX", "PENTAX K-5"), "image/x-pentax-pef", 65),
        (("LEICA", "X9"), "image/x-leica-rwl", 65),
    ] {
        for orientation in [1, 3, 6, 8] {
            for side in [160, 512] {
                let file = CameraFile {
                    camera,
                    orientation,
                    ..CameraFile::default()
                };
                let thumb = Job::default().thumb(&worker, media_type, &file.bytes(), side);
                let thumb = thumb.unwrap();
                assert_eq!(thumb.size(), (side, side * 3 / 4));
                let right = thumb.shows_the_picture(tolerance);
                assert!(right, "{camera:?} {orientation} {:?}", thumb.quadrants());
            }
        }
    }
    let file = CameraFile {
        preview: orange(320, 240),
        ..CameraFile::default()
    };
    let thumb = Job::default()
        .thumb(&worker, NEF, &file.bytes(), 512)
        .unwrap();
    assert!(thumb.is_orange());
    let (media_type, bytes) = ("image/x-phaseone-iiq", media::phase_one());
    let thumb = Job::default().thumb(&worker, media_type, &bytes, 512);
    let (width, height) = media::PHASE_ONE;
    assert_eq!(thumb.unwrap().size(), (512, 512 * height / width));
}

mod heavy {
    use super::*;

    /// Writes down what a job costs.
    #[derive(Default)]
    struct Bill(Mutex<(u64, JobUsage)>);

    impl JobHost for Bill {
        fn reserve(&self, bytes: u64) -> Result<(), GenerateFailure> {
            self.0.lock().unwrap().0 += bytes;
            Ok(())
        }

        fn progressed(&self) {}

        fn used(&self, usage: JobUsage) {
            self.0.lock().unwrap().1 = usage;
        }
    }

    #[test]
    fn a_picture_of_sixty_megapixels_has_room_in_a_worker() {
        for size in [(6_000, 4_000), (9_504, 6_336)] {
            let file = CameraFile {
                size,
                orientation: 8,
                ..CameraFile::default()
            };
            let bytes = file.bytes();
            let bill = Bill::default();
            let job = Job {
                host: &bill,
                ..Job::default()
            };
            let thumb = job.thumb(&confined(), NEF, &bytes, 1_024).unwrap();
            assert_eq!(thumb.size(), (1_024, 683));
            assert!(thumb.shows_the_picture(40), "{:?}", thumb.quadrants());
            let (reserved, usage) = *bill.0.lock().unwrap();
            let peak = usage.peak_memory.unwrap_or(0);
            eprintln!(
                "{size:?}: {reserved} bytes reserved, {peak} at most in memory, {:?}",
                usage.cpu
            );
            // What was asked for beside the program's own.
            assert!(peak < reserved + (64 << 20), "{peak} of {reserved}");
        }
    }

    /// Damaged files in one test run; fifty times as many in `cargo xtask chaos`.
    const FILES: usize = 1_000;
    const THREADS: usize = 2;

    #[test]
    fn a_thousand_damaged_camera_files_never_harm_the_parent() {
        let worker = confined();
        let good: Vec<_> = [
            (NEF, media::UNKNOWN, 2, false),
            ("image/x-pentax-pef", ("PENTAX", "PENTAX K-5"), 2, false),
            ("image/x-samsung-srw", ("SAMSUNG", "NX10"), 2, false),
            ("image/x-adobe-dng", media::UNKNOWN, 6, true),
        ]
        .into_iter()
        .map(|(media_type, camera, repeats, dng)| {
            let file = CameraFile {
                camera,
                repeats,
                dng,
                size: (96, 64),
                ..CameraFile::default()
            };
            (media_type, file.bytes())
        })
        .collect();
        let rounds = match std::env::var_os("VSS_CHAOS") {
            Some(_) => 50 * FILES,
            None => FILES,
        };
        let (next, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let died = Mutex::new(Vec::new());
        let hung = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= rounds {
                            break;
                        }
                        let (media_type, good) = &good[index % good.len()];
                        let bytes = Dice(0xCA3E_0000 + index as u64).damage(good);
                        match Job::default().thumb(&worker, media_type, &bytes, 48) {
                            Ok(_) => {
                                made.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(failure) if failure.class == FailureClass::Crash => {
                                died.lock().unwrap().push((index, failure.detail));
                            }
                            Err(failure) if failure.class == FailureClass::Timeout => {
                                hung.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(_) => {}
                        }
                    }
                });
            }
        });
        let (made, died, hung) = (
            made.into_inner(),
            died.into_inner().unwrap(),
            hung.into_inner(),
        );
        let refused = rounds - made - died.len() - hung;
        eprintln!(
            "{rounds} damaged camera files: {made} were developed, {refused} refused, {} workers died \
             {died:?}, {hung} hung",
            died.len()
        );
        assert!(made > rounds / 10, "damage so great that nothing was tried");
        assert!(refused > rounds / 10, "damage so small that nobody minded");
        let bytes = &good[0].1;
        assert!(Job::default().thumb(&worker, NEF, bytes, 48).is_ok());
    }
}
