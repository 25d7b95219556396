//! The worker of video and audio, confined as it is shipped: it makes what it makes outside, and
//! damaged films harm nobody but their own job.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[path = "../../../vss-gen-ffmpeg/tests/av/media.rs"]
#[expect(dead_code, reason = "the tests of the generator need more of it")]
mod media;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vss_core::plan::{
    DecodeLimits, PcmRecipe, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe, StripRecipe,
    WaveformRecipe,
};
use vss_core::{FailureClass, Format, Variant};
use vss_ports::{
    CancelToken, GenerateFailure, GenerateJob, Generator, JobHost, JobOutput, JobUsage, Produced,
    Unlimited,
};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

/// Films in one test run; forty times as many in `cargo xtask chaos`.
const FILMS: usize = 500;
const THREADS: usize = 2;

type Answer = Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure>;

fn confined() -> SandboxedGenerator {
    let program = env!("CARGO_BIN_EXE_vss-worker-av").into();
    SandboxedGenerator::new(WorkerSettings::av(vss_gen_ffmpeg::descriptor(), program))
}

fn wanted() -> Vec<(Format, Recipe)> {
    let strip = StripRecipe {
        columns: 3,
        rows: 2,
        tile_side: 64,
        quality: 75,
    };
    let still = StillRecipe {
        max_side: 96,
        quality: 80,
    };
    let proxy = ProxyRecipe {
        short_side: 64,
        crf: 28,
        audio_bitrate: 64_000,
    };
    let sample_rate = 16_000;
    vec![
        (Format::WEBP, Recipe::Still(still)),
        (Format::WEBP, Recipe::Strip(strip)),
        (
            Format::VTT,
            Recipe::StripMap(StripMapRecipe::of(strip, &Variant::PREVIEW)),
        ),
        (Format::MP4, Recipe::Proxy(proxy)),
        (
            Format::JSON,
            Recipe::Waveform(WaveformRecipe { points: 50 }),
        ),
        (Format::WAV, Recipe::Pcm(PcmRecipe { sample_rate })),
    ]
}

fn run(
    generator: &dyn Generator,
    bytes: &[u8],
    media_type: &str,
    wanted: &[(Format, Recipe)],
) -> (Answer, Vec<Vec<u8>>) {
    run_for(&Unlimited, generator, bytes, media_type, wanted)
}

fn run_for(
    host: &dyn JobHost,
    generator: &dyn Generator,
    bytes: &[u8],
    media_type: &str,
    wanted: &[(Format, Recipe)],
) -> (Answer, Vec<Vec<u8>>) {
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(bytes).unwrap();
    let files: Vec<_> = wanted
        .iter()
        .map(|_| tempfile::tempfile().unwrap())
        .collect();
    let outputs: Vec<_> = wanted
        .iter()
        .zip(&files)
        .map(|((format, recipe), file)| JobOutput {
            format,
            recipe,
            file,
        })
        .collect();
    let answer = generator.generate(&GenerateJob {
        source: &source,
        source_size: bytes.len() as u64,
        media_type: &media_type.parse().unwrap(),
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host,
        cancel: CancelToken::new(),
    });
    (answer, files.iter().map(content).collect())
}

fn content(mut file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_locked_worker_makes_everything_of_a_film_and_the_same_bytes_again() {
    let film = media::film();
    let generator = confined();
    let (answer, made) = run(&generator, &film, "video/x-msvideo", &wanted());
    let answers = answer.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    // The second is of the same worker, the third of another.
    let (_, again) = run(&generator, &film, "video/x-msvideo", &wanted());
    let (_, elsewhere) = run(&confined(), &film, "video/x-msvideo", &wanted());
    for ((made, again), elsewhere) in made.iter().zip(&again).zip(&elsewhere) {
        assert!(made == again && made == elsewhere, "the bytes differ");
    }
}

/// Two seconds of fields with sound as discs have it; `None` without the program that makes it.
fn disc() -> Option<Vec<u8>> {
    made_with(
        "-f lavfi -i testsrc2=s=320x240:r=50:d=2 -f lavfi -i sine=d=2 \
         -vf interlace=lowpass=off,format=yuv420p -c:v mpeg2video -flags +ildct+ilme \
         -c:a dca -strict -2 -ac 2",
    )
}

/// A Matroska file made with the program ffmpeg; `None` without it.
fn made_with(arguments: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mkv");
    let mut command = std::process::Command::new("ffmpeg");
    let made = command
        .args(["-v", "error"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: the program ffmpeg is not installed");
        return None;
    }
    Some(std::fs::read(path).unwrap())
}

#[test]
fn a_locked_worker_takes_fields_apart_and_the_bytes_are_the_same_again() {
    let Some(film) = disc() else { return };
    let generator = confined();
    let (answer, made) = run(&generator, &film, "video/x-matroska", &wanted());
    let answers = answer.unwrap();
    let whole = |answer: &Result<Produced, _>| {
        answer
            .as_ref()
            .is_ok_and(|produced| produced.degraded.is_none())
    };
    assert!(answers.iter().all(whole), "{answers:?}");
    let (_, again) = run(&generator, &film, "video/x-matroska", &wanted());
    let (_, elsewhere) = run(&confined(), &film, "video/x-matroska", &wanted());
    for ((made, again), elsewhere) in made.iter().zip(&again).zip(&elsewhere) {
        assert!(made == again && made == elsewhere, "the bytes differ");
    }
}

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

mod heavy {
    use super::*;

    #[test]
    fn a_proxy_takes_the_memory_that_was_asked_for() {
        for (size, short_side) in [("1920x1080", 720), ("960x540", 540), ("3840x2160", 2_160)] {
            let arguments = format!(
                "-f lavfi -i testsrc2=s={size}:r=30:d=3 -f lavfi -i sine=d=3 -c:v libx264 \
                 -preset ultrafast -pix_fmt yuv420p -c:a aac"
            );
            let Some(film) = made_with(&arguments) else {
                return;
            };
            let proxy = Recipe::Proxy(ProxyRecipe {
                short_side,
                crf: 23,
                audio_bitrate: 96_000,
            });
            let (host, wanted) = (Bill::default(), [(Format::MP4, proxy)]);
            let (answer, _) = run_for(&host, &confined(), &film, "video/x-matroska", &wanted);
            assert!(answer.unwrap().iter().all(Result::is_ok));
            let (reserved, usage) = *host.0.lock().unwrap();
            let peak = usage.peak_memory.unwrap_or(0);
            eprintln!(
                "{size} to {short_side}: {} MiB asked for, {} MiB at most in memory",
                reserved >> 20,
                peak >> 20
            );
            // What was asked for beside the program's own.
            assert!(peak < reserved + (64 << 20), "{peak} of {reserved}");
        }
    }
}

#[test]
fn every_short_film_of_the_corpus_is_proxied_by_a_locked_worker() {
    let generator = confined();
    for (media_type, film) in corpus() {
        let (answer, _) = run(&generator, &film, &media_type, &wanted());
        let answers = answer.unwrap();
        let silent = |failure: &GenerateFailure| failure.detail == "it holds no audio that is read";
        let fine = |a: &Result<Produced, _>| a.as_ref().err().is_none_or(silent);
        assert!(answers.iter().all(fine), "{media_type}: {answers:?}");
    }
}

/// The films of the corpus below two megabytes that are whole.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = std::env::var_os("VSS_CORPUS") else {
        eprintln!("skipped in part: VSS_CORPUS names no corpus");
        return Vec::new();
    };
    let corpus: &Path = corpus.as_ref();
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let (path, mime, kind) = (column("path"), column("mime"), column("kind"));
    let (expect, length) = (column("expect"), column("duration_s"));
    let whole = lines.filter(|line| line[kind] == "video" && line[expect] == "ok");
    whole
        .filter(|line| {
            line[length]
                .parse()
                .is_ok_and(|seconds: f64| seconds < 60.0)
        })
        .map(|line| {
            (
                line[mime].to_owned(),
                std::fs::read(corpus.join(line[path])).unwrap(),
            )
        })
        .filter(|(_, film)| film.len() < 2 << 20)
        .collect()
}

/// xorshift64* (Marsaglia 2003, Vigna 2016): enough to damage files by.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        usize::try_from(roll % end.max(1) as u64).unwrap()
    }
}

/// One to twelve mistakes, half of them where headers are: bits, runs, cuts and repeats.
fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(11) {
        let reach = match dice.below(2) {
            0 => bytes.len().min(4_000),
            _ => bytes.len(),
        };
        let at = dice.below(reach);
        match dice.below(6) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            3 => {
                let end = (at + dice.below(64)).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            4 => bytes.truncate(at.max(bytes.len() / 4).max(1)),
            _ => {
                let run: Vec<_> = bytes[at..].iter().take(64).copied().collect();
                bytes.splice(at..at, run);
            }
        }
    }
    bytes
}

#[test]
fn five_hundred_damaged_films_never_harm_the_parent() {
    let mut seeds = corpus();
    seeds.retain(|(_, film)| film.len() < 500 << 10);
    seeds.push(("video/x-msvideo".into(), media::film()));
    seeds.push(("audio/wav".into(), media::song()));
    let films = match std::env::var_os("VSS_CHAOS") {
        Some(_) => 40 * FILMS,
        None => FILMS,
    };
    let generator = confined();
    let next = AtomicUsize::new(0);
    let classes = Mutex::new(Vec::new());
    let all = wanted();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= films {
                        return;
                    }
                    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (at as u64 + 1) << 17);
                    let (media_type, seed) = &seeds[at % seeds.len()];
                    let film = damage(seed, &mut dice);
                    // Pictures alone, sound alone, or all at once.
                    let some = [&all[..3], &all[4..], &all[..]][dice.below(3)];
                    let (answer, _) = run(&generator, &film, media_type, some);
                    let mut classes = classes.lock().unwrap();
                    match answer {
                        Err(failure) => classes.push(Some(failure.class)),
                        Ok(answers) => classes
                            .extend(answers.iter().map(|a| a.as_ref().err().map(|f| f.class))),
                    }
                }
            });
        }
    });
    let classes = classes.into_inner().unwrap();
    let count = |class| classes.iter().filter(|c| **c == class).count();
    let made = count(None);
    let harmed = [FailureClass::Crash, FailureClass::Timeout].map(|class| count(Some(class)));
    eprintln!(
        "{films} damaged films: {made} outputs made, {} refused, {} workers died, {} hung",
        classes.len() - made,
        harmed[0],
        harmed[1],
    );
    assert!(made > films / 10, "damage so great that nothing was tried");
    // The parent lives, and its next worker works.
    let (answer, _) = run(&generator, &media::film(), "video/x-msvideo", &all);
    assert!(answer.unwrap().iter().all(Result::is_ok));
}
