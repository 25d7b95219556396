//! Ten thousand damaged pictures: whatever a decoder does, the parent lives on.

use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use vss_core::FailureClass;
use vss_ports::{CancelToken, Unlimited};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

use crate::bench::run_files;

/// Pictures in one test run; a hundred times as many in `cargo xtask chaos`.
const PICTURES: usize = 10_000;
const THREADS: usize = 2;
/// Larger originals would spend the time on pixels instead of on mistakes.
const LARGEST: usize = 256 << 10;

fn pictures() -> usize {
    match std::env::var_os("VSS_CHAOS") {
        Some(_) => 100 * PICTURES,
        None => PICTURES,
    }
}

/// xorshift64* (Marsaglia 2003, Vigna 2016): enough to damage files by.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).unwrap()
    }
}

/// One to eight mistakes: bytes, runs, cuts and repeats, most of them where headers are.
fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(7) {
        let reach = if dice.below(2) == 0 {
            bytes.len().min(600)
        } else {
            bytes.len()
        };
        let at = dice.below(reach);
        match dice.below(6) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            3 => {
                let end = (at + dice.below(8)).min(bytes.len());
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

fn seeds() -> Vec<(String, Vec<u8>)> {
    let picture = RgbaImage::from_fn(97, 61, |x, y| {
        let shade = |n: u32| u8::try_from(n % 256).unwrap();
        Rgba([shade(x * 3), shade(y * 5), shade(x * y), shade(255 - x)])
    });
    let picture = DynamicImage::from(picture);
    let formats = [
        ("image/jpeg", ImageFormat::Jpeg),
        ("image/png", ImageFormat::Png),
        ("image/webp", ImageFormat::WebP),
        ("image/gif", ImageFormat::Gif),
        ("image/bmp", ImageFormat::Bmp),
        ("image/tiff", ImageFormat::Tiff),
        ("image/x-icon", ImageFormat::Ico),
    ];
    let mut seeds = Vec::new();
    for (media_type, format) in formats {
        let opaque = DynamicImage::from(picture.to_rgb8());
        let picture = if format == ImageFormat::Jpeg {
            &opaque
        } else {
            &picture
        };
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        seeds.push((media_type.to_owned(), bytes.into_inner()));
    }
    if let Some(corpus) = std::env::var_os("VSS_CORPUS") {
        seeds.extend(photos(corpus.as_ref()));
    }
    seeds
}

/// Small originals of the corpus, of every media type that is read.
fn photos(corpus: &Path) -> Vec<(String, Vec<u8>)> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let (path, mime) = (column("path"), column("mime"));
    let descriptor = vss_gen_image::descriptor();
    let mut photos = Vec::new();
    for line in lines {
        let known = descriptor
            .inputs()
            .any(|input| input.as_str() == line[mime]);
        let file = corpus.join(line[path]);
        let small = file
            .metadata()
            .is_ok_and(|m| (1..=LARGEST as u64).contains(&m.len()));
        if known && small {
            photos.push((line[mime].to_owned(), std::fs::read(file).unwrap()));
        }
    }
    photos
}

#[test]
fn ten_thousand_damaged_pictures_never_harm_the_parent() {
    let pictures = pictures();
    let program = env!("CARGO_BIN_EXE_vss-worker-image").into();
    let settings = WorkerSettings::image(vss_gen_image::descriptor(), program);
    let generator = SandboxedGenerator::new(settings);
    let seeds = seeds();
    let first: u64 = std::env::var("VSS_SEED").map_or(20_260_101, |text| text.parse().unwrap());
    println!(
        "{pictures} damaged pictures of {} originals, VSS_SEED={first}",
        seeds.len()
    );
    let (done, refused, deaths) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (generator, seeds) = (&generator, &seeds);
            let (done, refused, deaths) = (&done, &refused, &deaths);
            scope.spawn(move || {
                for index in (thread..pictures).step_by(THREADS) {
                    let mut dice =
                        Dice((first + index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
                    let (media_type, bytes) = &seeds[index % seeds.len()];
                    let mut original = tempfile::tempfile().unwrap();
                    original.write_all(&damage(bytes, &mut dice)).unwrap();
                    let file = tempfile::tempfile().unwrap();
                    let cancel = CancelToken::new();
                    let answer =
                        run_files(generator, media_type, &original, &file, &Unlimited, &cancel);
                    match answer {
                        Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                        Err(failure) => match failure.class {
                            FailureClass::CorruptSource
                            | FailureClass::Unsupported
                            | FailureClass::TooLarge => refused.fetch_add(1, Ordering::Relaxed),
                            _ => {
                                println!("picture {index} ({media_type}): {failure}");
                                deaths.fetch_add(1, Ordering::Relaxed)
                            }
                        },
                    };
                    let mut byte = [0];
                    // Nobody has opened it for writing but this test.
                    original.read_at(&mut byte, 0).unwrap();
                }
            });
        }
    });
    let [done, refused, deaths] = [done, refused, deaths].map(AtomicUsize::into_inner);
    println!("{done} made, {refused} refused, {deaths} workers died or were stopped, 0 parents");
    assert_eq!(done + refused + deaths, pictures);
    assert!(done > pictures / 20 && refused > pictures / 20);
    assert!(deaths < pictures / 100, "{deaths}");
}
