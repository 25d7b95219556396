//! `vss plan`: what indexing and running would make, before any of it is done. The folders are
//! looked at through a catalog that is thrown away, so nothing is recorded.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use vss_catalog_seaorm::{CatalogSettings, SeaOrmCatalog};
use vss_core::plan::Policy;
use vss_core::{Kind, Variant};
use vss_engine::{PlannedJob, PlannedWork};
use vss_ports::{ContentCatalog, RefreshOptions};

use super::index::Watcher;
use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::signals::Signals;
use crate::target::absolute;
use crate::wiring::App;

/// Processor seconds on a core of 2020's servers (docs/performance.md): of a 10 megapixel photo's
/// thumbnails or a film's, of a page of text, and of a proxy of a minute of film.
const CPU_SECONDS_OF_PICTURES: f64 = 0.1;
const CPU_SECONDS_OF_TEXT: f64 = 0.9;
const CPU_SECONDS_OF_A_PROXY: f64 = 15.0;

#[derive(Serialize)]
struct PlanDocument {
    files: u64,
    contents: u64,
    sidecars: u64,
    estimated_bytes: u64,
    estimated_seconds: f64,
    missing: Vec<MissingEntry>,
    jobs: Vec<JobEntry>,
    unreadable: Vec<UnreadableEntry>,
    errors: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct MissingEntry {
    kind: String,
    variant: String,
    count: u64,
    estimated_bytes: u64,
}

/// What one generator makes of one sort of content, and how it goes through the original.
#[derive(Serialize)]
struct JobEntry {
    generator: String,
    media_type: String,
    contents: u64,
    outputs: Vec<String>,
    passes: Vec<String>,
}

#[derive(Serialize)]
struct UnreadableEntry {
    media_type: String,
    contents: u64,
}

pub(super) async fn plan(
    global: &Global,
    paths: &[PathBuf],
    hidden: bool,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen();
    // What was only for this is thrown away when it ends early as well.
    tokio::select! {
        planned = look(global, paths, hidden) => planned,
        () = signals.next() => Ok(Exit::Failure),
    }
}

async fn look(global: &Global, paths: &[PathBuf], hidden: bool) -> Result<Exit, Failure> {
    let started = Instant::now();
    let app = App::open(global.library.as_deref()).await?;
    let scratch =
        tempfile::tempdir().map_err(|error| Failure::internal("make a scratch folder", error))?;
    let file = scratch.path().join("catalog.db");
    let catalog = SeaOrmCatalog::open(&file, CatalogSettings::default()).await?;
    let roots = paths
        .iter()
        .map(|path| absolute(path))
        .collect::<Result<Vec<_>, _>>()?;
    let options = RefreshOptions {
        hidden: hidden || app.config.hidden,
        excluded: vec![app.library.root.clone()],
        ..RefreshOptions::default()
    };
    let watcher = Watcher::start();
    let now = app.engine.ports().clock.now();
    let looked = catalog.refresh(&roots, &options, &watcher, now).await;
    watcher.finish();
    let looked = looked?;
    let work = app.engine.plan_for(&catalog).await?;
    let workers = app.engine.settings().workers;
    let mut document = document(&work, &app.engine.settings().policy, workers);
    document.files = looked.files;
    document.errors = looked.problems;
    document.seconds = started.elapsed().as_secs_f64();
    if global.json {
        output::json(&document);
    } else {
        say(&document);
    }
    Ok(Exit::Done)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs no 53 bits")]
fn document(work: &PlannedWork, policy: &Policy, workers: usize) -> PlanDocument {
    let missing: Vec<_> = work
        .missing
        .iter()
        .map(|((kind, variant), planned)| MissingEntry {
            kind: kind.to_string(),
            variant: variant.to_string(),
            count: planned.count,
            estimated_bytes: planned.bytes,
        })
        .collect();
    let jobs = work.jobs.iter();
    let seconds = jobs.map(|(job, contents)| cpu_seconds(job) * *contents as f64);
    PlanDocument {
        files: 0,
        contents: work.contents,
        sidecars: missing.iter().map(|entry| entry.count).sum(),
        estimated_bytes: missing.iter().map(|entry| entry.estimated_bytes).sum(),
        estimated_seconds: seconds.sum::<f64>() / workers.max(1) as f64,
        missing,
        jobs: work
            .jobs
            .iter()
            .map(|(job, contents)| JobEntry {
                generator: job.generator.to_string(),
                media_type: job.media_type.to_string(),
                contents: *contents,
                outputs: outputs(job),
                passes: passes(job, policy),
            })
            .collect(),
        unreadable: work
            .unreadable
            .iter()
            .map(|(media_type, contents)| UnreadableEntry {
                media_type: media_type.to_string(),
                contents: *contents,
            })
            .collect(),
        errors: 0,
        seconds: 0.0,
    }
}

/// What a job is likely to cost; a film or a song is counted as one of a minute.
fn cpu_seconds(job: &PlannedJob) -> f64 {
    let wants = |wanted: &[Kind]| job.outputs.iter().any(|(kind, _)| wanted.contains(kind));
    if wants(&[Kind::PROXY]) {
        CPU_SECONDS_OF_A_PROXY
    } else if wants(&[Kind::OCR]) {
        CPU_SECONDS_OF_TEXT
    } else {
        CPU_SECONDS_OF_PICTURES
    }
}

fn outputs(job: &PlannedJob) -> Vec<String> {
    let outputs = job.outputs.iter();
    outputs
        .map(|(kind, variant)| format!("{kind} {variant}"))
        .collect()
}

/// How an original is gone through for all that is made of it.
fn passes(job: &PlannedJob, policy: &Policy) -> Vec<String> {
    if job.generator != vss_gen_ffmpeg::descriptor().generator.id {
        return vec!["one read, one decode".into()];
    }
    let recipe = |(kind, variant): &(Kind, Variant)| {
        let presets = policy.kinds.get(kind)?;
        Some(&presets.get(variant)?.recipe)
    };
    let passes = vss_gen_ffmpeg::Passes::of(job.outputs.iter().filter_map(recipe));
    passes.iter().map(ToString::to_string).collect()
}

fn say(document: &PlanDocument) {
    output::line(&format!(
        "{} files, {} contents",
        document.files, document.contents
    ));
    let heading = ["to make", "variant", "count", "about"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for entry in &document.missing {
        let about = output::bytes(entry.estimated_bytes);
        rows.push(vec![
            entry.kind.clone(),
            entry.variant.clone(),
            entry.count.to_string(),
            about,
        ]);
    }
    if document.missing.is_empty() {
        output::line("nothing to make");
    } else {
        output::table(&rows);
        output::line("");
        let heading = ["from", "contents", "by", "each in"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for job in &document.jobs {
            rows.push(vec![
                job.media_type.clone(),
                job.contents.to_string(),
                job.generator.clone(),
                job.passes.join("; "),
            ]);
        }
        output::table(&rows);
        output::line(&format!(
            "together about {} and {:.0} s",
            output::bytes(document.estimated_bytes),
            document.estimated_seconds
        ));
    }
    for entry in &document.unreadable {
        output::line(&format!(
            "nothing reads {} ({})",
            entry.media_type, entry.contents
        ));
    }
    if document.errors > 0 {
        output::line(&format!(
            "{} files cannot be indexed: `vss index` names them",
            document.errors
        ));
    }
}
