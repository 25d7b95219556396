//! What it costs to ask real files what they say of themselves: `cargo xtask bench probe`, with the
//! corpus that `VSS_CORPUS` names.
//!
//! Each file is asked often, open and in the page cache; time is that of the wall on one thread.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it reads its corpus and the clock, and prints what it found"
)]

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use vss_core::MediaType;
use vss_probe::{Limits, Source, may_say, probe};

const ROUNDS: u32 = 2_000;

/// A file that counts how it is read.
struct Counted {
    file: File,
    size: u64,
    bytes: u64,
    reads: u32,
}

impl Source for Counted {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        self.bytes += read as u64;
        self.reads += 1;
        Ok(read)
    }
}

fn measure(path: &Path, media_type: &MediaType) -> f64 {
    let file = File::open(path).expect("a file of the corpus");
    let size = file.metadata().expect("its size").len();
    let mut source = Counted {
        file,
        size,
        bytes: 0,
        reads: 0,
    };
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(probe(media_type, &mut source, Limits::default()));
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!(
        "{micros:8.1} us {:7} bytes {:3} reads  {}",
        source.bytes / u64::from(ROUNDS),
        source.reads / ROUNDS,
        path.display()
    );
    micros
}

fn main() {
    let Some(corpus) = std::env::var_os("VSS_CORPUS").map(PathBuf::from) else {
        println!("skipped: VSS_CORPUS does not name the corpus of real media");
        return;
    };
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).expect("its manifest");
    let (mut files, mut all, mut most) = (0_u32, 0.0, 0.0_f64);
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (path, media_type) = (columns[0], columns[4].parse::<MediaType>());
        let Some(media_type) = media_type.ok().filter(may_say) else {
            continue;
        };
        if path.contains('%') {
            continue;
        }
        let micros = measure(&corpus.join(path), &media_type);
        files += 1;
        all += micros;
        most = most.max(micros);
    }
    let mean = all / f64::from(files.max(1));
    println!("{files} files: {mean:.1} us each (aim 20), {most:.1} us at most");
}
