//! Text of a folder of scans, two at a time: what our confined worker and the command line tool cost,
//! and how right they are.
//!
//! `ocr_pages worker|cli SCANS OUT` writes `OUT/NAME.txt` for each scan; `ocr_pages score SCANS OUT`
//! holds these against `SCANS/NAME.gt.txt`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, with files and a terminal"
)]

#[path = "../../vss-gen-tesseract/tests/reading/score.rs"]
mod score;

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, TextRecipe};
use vss_core::text::{TextDocument, plain};
use vss_ports::{CancelToken, GenerateJob, Generator, JobOutput, Unlimited};
use vss_sandbox::{SandboxedGenerator, WorkerSettings};

use score::Score;

/// Pages that are read side by side.
const THREADS: usize = 2;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (Some(how), Some(scans), Some(out)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: ocr_pages worker|cli|score SCANS OUT".into());
    };
    let (pages, out) = (pages(scans.as_ref())?, PathBuf::from(out));
    match how.as_str() {
        "worker" => {
            let worker = worker()?;
            all(&pages, |page| {
                let text = read(&worker, page)?;
                Ok(fs::write(out.join(format!("{}.txt", name(page))), text)?)
            })
        }
        "cli" => all(&pages, |page| ask(page, &out.join(name(page)))),
        "score" => tell(&pages, &out),
        other => Err(format!("no such way: {other}").into()),
    }
}

/// The scans, in order.
fn pages(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension != "txt") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// What a scan is called, without its format.
fn name(page: &Path) -> String {
    let name = page.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Does something with every page, so many at a time.
fn all(pages: &[PathBuf], work: impl Fn(&Path) -> Outcome + Sync) -> Outcome {
    let next = AtomicUsize::new(0);
    let some = || {
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(page)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(some)).collect();
        let mut ends = threads.into_iter().map(ScopedJoinHandle::join);
        ends.try_for_each(|end| end.unwrap_or_else(|_| Err("a thread died".into())))
    })
}

fn worker() -> Outcome<SandboxedGenerator> {
    let here = std::env::current_exe()?;
    let target = here.ancestors().nth(2).ok_or("built by cargo")?;
    let program = target.join("vss-worker-ocr");
    let settings = WorkerSettings::ocr(
        vss_gen_tesseract::descriptor(),
        program,
        [vec!["eng".to_owned()]],
    );
    Ok(SandboxedGenerator::new(settings))
}

fn read(worker: &SandboxedGenerator, page: &Path) -> Outcome<String> {
    let source = File::open(page)?;
    let mut file = tempfile::tempfile()?;
    let media_type = match page.extension().and_then(|extension| extension.to_str()) {
        Some("png") => "image/png",
        Some("tif") => "image/tiff",
        _ => "image/jpeg",
    };
    let recipe = Recipe::Text(TextRecipe {
        languages: vec!["eng".into()],
        max_pages: 1,
    });
    let answers = worker.generate(&GenerateJob {
        source: &source,
        source_size: source.metadata()?.len(),
        media_type: &media_type.parse()?,
        limits: DecodeLimits::default(),
        outputs: &[JobOutput {
            format: &Format::JSON,
            recipe: &recipe,
            file: &file,
        }],
        host: &Unlimited,
        cancel: CancelToken::new(),
    })?;
    answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut json = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut json)?;
    let document: TextDocument = serde_json::from_str(&json)?;
    Ok(plain(&document))
}

/// The command line tool: one process a page.
fn ask(page: &Path, out: &Path) -> Outcome {
    let mut tool = Command::new("tesseract");
    tool.arg(page).arg(out).args(["-l", "eng", "--psm", "1"]);
    let end = tool.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    match end.success() {
        true => Ok(()),
        false => Err(format!("tesseract ended with {end} at {}", page.display()).into()),
    }
}

fn tell(pages: &[PathBuf], out: &Path) -> Outcome {
    let mut total = Score::default();
    for page in pages {
        let truth = fs::read(page.with_extension("gt.txt"))?;
        let text = fs::read(out.join(format!("{}.txt", name(page))))?;
        let (truth, text) = (
            String::from_utf8_lossy(&truth),
            String::from_utf8_lossy(&text),
        );
        total = total.and(Score::of(&truth, &text));
    }
    println!(
        "{} pages: character error rate {:.4}, word recall {:.4}",
        pages.len(),
        total.character_errors(),
        total.word_recall()
    );
    Ok(())
}
