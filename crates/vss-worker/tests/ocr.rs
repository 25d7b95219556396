//! The worker of text, confined as it is shipped: it reads what the generator reads, and damaged
//! scans harm nobody but their own job.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what a test cannot set up, it has not shown"
)]

#[expect(dead_code, reason = "the tests of the generator need more of it")]
#[path = "../../vss-gen-tesseract/tests/reading/job.rs"]
mod job;
#[expect(dead_code, reason = "the tests of the generator need more of it")]
#[path = "../../vss-gen-tesseract/tests/reading/media.rs"]
mod media;

use std::path::PathBuf;
use std::process::Command;

use vss_core::FailureClass;
use vss_core::text::{TextSource, plain};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

use job::{recipe, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_vss-worker-ocr");

fn worker(sets: &[&[&str]]) -> SandboxedGenerator {
    let set = |set: &&[&str]| set.iter().map(|&language| language.to_owned()).collect();
    let sets: Vec<Vec<String>> = sets.iter().map(set).collect();
    let descriptor = vss_gen_tesseract::descriptor();
    SandboxedGenerator::new(WorkerSettings::ocr(descriptor, PROGRAM.into(), sets))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_confined_worker_reads_pictures_upside_down_and_documents() {
    let worker = worker(&[&["eng"]]);
    let expected = media::LINES.join(" ");
    let upright = media::picture();
    let turned = image::imageops::rotate180(&upright);
    for (picture, rotation) in [(&upright, 0), (&turned, 180)] {
        let bytes = media::png(picture);
        let document = run(&worker, "image/png", &bytes, &recipe(&["eng"], 1)).unwrap();
        assert_eq!(words(&plain(&document)), words(&expected));
        assert_eq!(document.pages[0].rotation, rotation);
    }
    for (bytes, source) in [
        (media::born_digital(&[&media::LINES], 0), TextSource::Text),
        (media::scanned(&upright, 0), TextSource::Ocr),
    ] {
        let document = run(&worker, "application/pdf", &bytes, &recipe(&["eng"], 1)).unwrap();
        assert_eq!(words(&plain(&document)), words(&expected));
        assert_eq!(document.pages[0].source, source);
    }
}

#[test]
fn a_confined_worker_names_the_language_that_is_missing() {
    let worker = worker(&[&["eng"], &["tlh"]]);
    let bytes = media::png(&media::blank());
    let failure = run(&worker, "image/png", &bytes, &recipe(&["tlh"], 1)).unwrap_err();
    assert_eq!(failure.class, FailureClass::ToolMissing);
    assert!(failure.detail.contains("tesseract-ocr-tlh"), "{failure}");
    assert!(run(&worker, "image/png", &bytes, &recipe(&["eng"], 1)).is_ok());
}

#[test]
fn the_worker_says_which_engine_and_languages_it_has() {
    let said = Command::new(PROGRAM).arg("--about").output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    let (version, languages) = said.split_once('\n').unwrap();
    assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{said}");
    assert!(
        languages.lines().any(|language| language == "eng"),
        "{said}"
    );
}

#[test]
fn a_worker_loads_languages_from_the_folder_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let about = |folder: &std::path::Path| {
        let mut worker = Command::new(PROGRAM);
        worker.arg(format!("--tessdata={}", folder.display()));
        let said = worker.arg("--about").output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    let none = about(folder.path());
    assert_eq!(none.lines().count(), 1, "{none}");
    // The data that Tesseract finds by itself, under other names.
    let listed = Command::new("tesseract")
        .arg("--list-langs")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let place = listed.split('"').nth(1).unwrap();
    for (from, to) in [("osd", "osd"), ("eng", "xyz")] {
        let data = std::path::Path::new(place).join(format!("{from}.traineddata"));
        let to = folder.path().join(format!("{to}.traineddata"));
        std::os::unix::fs::symlink(data, to).unwrap();
    }
    let some = about(folder.path());
    assert_eq!(some.lines().skip(1).collect::<Vec<_>>(), ["osd", "xyz"]);
    // Confined, it reads with them.
    let mut settings = WorkerSettings::ocr(
        vss_gen_tesseract::descriptor(),
        PROGRAM.into(),
        [vec!["xyz".to_owned()]],
    );
    let folder = format!("--tessdata={}", folder.path().display());
    settings.arguments.insert(0, folder.into());
    let worker = SandboxedGenerator::new(settings);
    let bytes = media::png(&media::blank());
    run(&worker, "image/png", &bytes, &recipe(&["xyz"], 1)).unwrap();
    assert!(run(&worker, "image/png", &bytes, &recipe(&["eng"], 1)).is_err());
}

mod heavy {
    use super::*;

    /// Damaged scans in one test run; fifty times as many in `cargo xtask chaos`.
    const SCANS: usize = 100;

    /// xorshift64* (Marsaglia 2003, Vigna 2016).
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

    fn scans() -> Vec<(&'static str, Vec<u8>)> {
        let mut scans = vec![
            ("image/png", media::png(&media::picture())),
            ("application/pdf", media::scanned(&media::picture(), 0)),
            ("application/pdf", media::born_digital(&[&media::LINES], 90)),
        ];
        let Some(corpus) = std::env::var_os("VSS_CORPUS") else {
            eprintln!("skipped in part: VSS_CORPUS names no corpus");
            return scans;
        };
        let folder = PathBuf::from(corpus).join("documents/scans");
        for (name, media_type) in [
            ("testocr.jpg", "image/jpeg"),
            ("phototest.tif", "image/tiff"),
            ("sroie_040.jpg", "image/jpeg"),
        ] {
            scans.push((media_type, std::fs::read(folder.join(name)).unwrap()));
        }
        scans
    }

    /// One to eight mistakes, half of them where headers are: bits, bytes, runs and cuts.
    fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=dice.below(7) {
            let reach = [bytes.len().min(600), bytes.len()][dice.below(2)];
            let at = dice.below(reach);
            match dice.below(4) {
                0 => bytes[at] ^= 1 << dice.below(8),
                1 => bytes[at] = [0, 0x7f, 0x80, 0xff][dice.below(4)],
                2 => bytes.truncate(at.max(bytes.len() / 2)),
                _ => {
                    let end = (at + dice.below(64)).min(bytes.len());
                    bytes[at..end].fill(0xff);
                }
            }
        }
        bytes
    }

    #[test]
    fn a_hundred_damaged_scans_never_harm_the_parent() {
        let worker = worker(&[&["eng"]]);
        let scans = scans();
        let rounds = match std::env::var_os("VSS_CHAOS") {
            Some(_) => 50 * SCANS,
            None => SCANS,
        };
        let mut dice = Dice(0x5CA7);
        let (mut read, mut died, mut hung) = (0, Vec::new(), 0);
        for index in 0..rounds {
            let (media_type, good) = &scans[index % scans.len()];
            let bytes = damage(good, &mut dice);
            match run(&worker, media_type, &bytes, &recipe(&["eng"], 2)) {
                Ok(_) => read += 1,
                Err(failure) if failure.class == FailureClass::Crash => died.push(failure.detail),
                Err(failure) if failure.class == FailureClass::Timeout => hung += 1,
                Err(_) => {}
            }
        }
        let refused = rounds - read - died.len() - hung;
        eprintln!(
            "{rounds} damaged scans: {read} were read, {refused} refused, {} workers died \
             {died:?}, {hung} hung",
            died.len()
        );
        assert!(read > rounds / 10, "damage so great that nothing was tried");
        let good = media::png(&media::picture());
        assert!(run(&worker, "image/png", &good, &recipe(&["eng"], 1)).is_ok());
    }
}
