//! A generator whose originals are poison: each makes it misbehave in one way.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{FailureClass, GeneratorRef, Kind};
use vss_ports::{GenerateFailure, GenerateJob, Generator, Produced};

/// Does what the first word of its source says: `good`, `work` (for about as long as a small picture
/// takes, then good), `abort`, `loop`, `allocate`, `fork`,
/// `write_forever`, `overflow_stack`, `panic`, `sleep`, `lie` (about the size), `babble` (writes
/// what is not of the format), `segfault`, `dawdle` and `boast` (work for ever with signs of life, on
/// an original that plays for a fifth of a second or for centuries). Everything else is corrupt.
///
/// First of all it reserves as many bytes as its process has for a number, so that a test knows
/// whom to kill, and tells progress once. Meant for a worker process: it takes its own down.
#[derive(Debug)]
pub struct PoisonGenerator {
    descriptor: GeneratorDescriptor,
    segfault: fn(),
}

/// A whole WebP picture of one pixel.
const PIXEL: &[u8] =
    b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";

impl PoisonGenerator {
    /// The one media type that it reads.
    pub const INPUT: &str = "application/x-vss-poison";

    /// A generator named `poison`, 1.0.0. How to read where nothing is takes code that this crate
    /// does not have.
    pub fn new(segfault: fn()) -> Self {
        Self {
            descriptor: GeneratorDescriptor {
                generator: GeneratorRef {
                    id: "poison".parse().unwrap(),
                    version: "1.0.0".parse().unwrap(),
                },
                abilities: vec![Ability {
                    inputs: vec![Self::INPUT.parse().unwrap()],
                    kinds: vec![Kind::THUMB],
                }],
            },
            segfault,
        }
    }
}

impl Generator for PoisonGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        job.host.reserve(std::process::id().into())?;
        job.host.progressed();
        let mut size = 1;
        match first_word(job.source).as_str() {
            "good" => {}
            "work" => work(),
            "abort" => std::process::abort(),
            "loop" => spin(),
            "allocate" => allocate(),
            "fork" => start_something(),
            "write_forever" => write_forever(job)?,
            "overflow_stack" => drop(overflow(&[0; 1_024])),
            "panic" => give_up(),
            "sleep" => sleep(),
            "lie" => size = 4,
            "babble" => {
                let write = |file: &File| file.write_all_at(b"<script>alert(1)</script>", 0);
                job.outputs.iter().for_each(|o| write(o.file).unwrap());
                return Ok(job.outputs.iter().map(|_| Ok(produced(1))).collect());
            }
            "segfault" => (self.segfault)(),
            "dawdle" => dawdle(job, Duration::from_millis(200)),
            "boast" => dawdle(job, Duration::from_secs(u64::MAX)),
            word => {
                let why = format!("{word} is no poison");
                return Err(GenerateFailure::new(FailureClass::CorruptSource, why));
            }
        }
        let make = |file: &File| {
            file.write_all_at(PIXEL, 0).unwrap();
            job.host.progressed();
            Ok(produced(size))
        };
        Ok(job.outputs.iter().map(|o| make(o.file)).collect())
    }
}

/// The first word of a file.
pub fn first_word(source: &File) -> String {
    let mut head = [0; 64];
    let length = source.read_at(&mut head, 0).unwrap();
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    head.split_whitespace().next().unwrap_or_default().into()
}

fn produced(side: u32) -> Produced {
    Produced {
        width: side,
        height: side,
        degraded: None,
    }
}

/// About 10 ms of one processor, in a build for tests.
fn work() {
    let mut seed = 1_u64;
    for _ in 0..1_000_000 {
        seed = std::hint::black_box(seed.rotate_left(5) ^ 0x9E37_79B9_7F4A_7C15);
    }
}

fn spin() {
    let mut turns = 0_u64;
    while std::hint::black_box(turns) < u64::MAX {
        turns += 1;
    }
}

fn allocate() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 16 << 20]));
    }
}

#[expect(clippy::panic, reason = "that is the poison")]
fn give_up() {
    panic!("poisoned");
}

fn start_something() {
    let started = std::process::Command::new("/bin/true").spawn();
    started.expect("nothing can be started").wait().unwrap();
}

fn write_forever(job: &GenerateJob<'_>) -> Result<(), GenerateFailure> {
    let block = vec![7; 1 << 20];
    let file = job.outputs[0].file;
    for index in 0.. {
        let written = file.write_all_at(&block, index << 20);
        written
            .map_err(|error| GenerateFailure::new(FailureClass::TransientIo, error.to_string()))?;
    }
    Ok(())
}

#[expect(unconditional_recursion, reason = "that is the poison")]
fn overflow(frame: &[u8; 1_024]) -> u64 {
    let mut mine = std::hint::black_box(*frame);
    mine[0] = mine[0].wrapping_add(1);
    overflow(&mine) + u64::from(std::hint::black_box(mine)[0])
}

fn dawdle(job: &GenerateJob<'_>, plays: Duration) {
    job.host.plays(plays);
    loop {
        std::thread::park_timeout(Duration::from_millis(10));
        job.host.progressed();
    }
}

fn sleep() {
    loop {
        std::thread::park();
    }
}
