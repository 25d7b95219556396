//! A worker for tests: it misbehaves on command, and tries to get out, under the very lock of the
//! worker of stills. With `--outside` it tries without any lock, which shows that the tries work.
#![expect(
    clippy::print_stdout,
    unsafe_code,
    reason = "a program that tries what no other code of ours may"
)]

#[path = "probe/escapes.rs"]
mod escapes;

use std::fs::File;
use std::os::unix::fs::FileExt;

use semver::Version;
use vss_core::plan::{Ability, GeneratorDescriptor};
use vss_core::{FailureClass, GeneratorRef, Kind};
use vss_ports::{GenerateFailure, GenerateJob, Generator, Produced};
use vss_sandbox::{Profile, serve};
use vss_testkit::poison::{PoisonGenerator, first_word};

/// A source whose first word is the way out to try.
const ESCAPE: &str = "application/x-vss-escape";

/// Bytes that no worker may have.
const BEYOND_EVERY_WORKER: u64 = 1 << 40;

/// Tries one way out for a source of [`ESCAPE`], and is poisoned by every other; two words more than
/// those of the poison ask for memory: `demand` for far too much, `ask_twice` for it again.
struct ProbeGenerator {
    descriptor: GeneratorDescriptor,
    poison: PoisonGenerator,
}

impl ProbeGenerator {
    #[expect(clippy::expect_used, reason = "the names are constants")]
    fn new() -> Self {
        let inputs = [ESCAPE, PoisonGenerator::INPUT];
        Self {
            descriptor: GeneratorDescriptor {
                generator: GeneratorRef {
                    id: "probe".parse().expect("a name of a generator"),
                    version: Version::new(1, 0, 0),
                },
                abilities: vec![Ability {
                    inputs: inputs
                        .map(|input| input.parse().expect("a media type"))
                        .into(),
                    kinds: vec![Kind::THUMB],
                }],
            },
            poison: PoisonGenerator::new(segfault),
        }
    }
}

impl Generator for ProbeGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        let word = first_word(job.source);
        if job.media_type.as_str() != ESCAPE {
            match word.as_str() {
                "demand" => job.host.reserve(BEYOND_EVERY_WORKER)?,
                // The poison asks as well.
                "ask_twice" => job.host.reserve(1)?,
                _ => {}
            }
            return self.poison.generate(job);
        }
        let escape = escapes::ALL.iter().find(|(name, _)| *name == word);
        let Some((_, escape)) = escape else {
            let why = format!("no such way out: {word}");
            return Err(GenerateFailure::new(FailureClass::Unsupported, why));
        };
        let outcome = escapes::outcome(&escape(job.source));
        let write = |file: &File| file.write_all_at(b"{}", 0);
        let written = job.outputs.iter().try_for_each(|output| write(output.file));
        written
            .map_err(|error| GenerateFailure::new(FailureClass::TransientIo, error.to_string()))?;
        let produced = Produced {
            width: 1,
            height: 1,
            degraded: Some(outcome),
        };
        Ok(job.outputs.iter().map(|_| Ok(produced.clone())).collect())
    }
}

fn segfault() {
    let nowhere = std::hint::black_box(std::ptr::null::<u8>()).wrapping_add(8);
    // SAFETY: it is not sound: it is to die of it.
    let _unreachable: u8 = unsafe { nowhere.read_volatile() };
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--names"), _) => {
            escapes::ALL.iter().for_each(|(name, _)| println!("{name}"));
            Ok(())
        }
        // One a process: some of them change it for good.
        (Some("--outside"), Some(name)) => {
            let scratch = escapes::scratch_file()?;
            for (_, escape) in escapes::ALL.iter().filter(|(known, _)| *known == name) {
                println!("{}", escapes::outcome(&escape(&scratch)));
            }
            Ok(())
        }
        _ => serve(&ProbeGenerator::new(), Profile::Image),
    }
}
