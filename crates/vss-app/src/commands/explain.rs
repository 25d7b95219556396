//! `vss explain`: why sidecars are there, missing, failed or queued, and what to do.

use std::ffi::OsString;

use serde::Serialize;
use vss_core::{FailureClass, Status};
use vss_engine::{ExplainedSidecar, Explanation, Problem, Verdict};
use vss_ports::{AttemptOutcome, AttemptRecord, ChangeSeq};

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::target::contents_of;
use crate::wiring::App;

/// Contents looked at in one step when the whole library is asked about.
const BATCH: usize = 500;

/// Attempts that a person is told of; JSON has all.
const ATTEMPTS_SAID: usize = 5;

#[derive(Serialize)]
struct ExplainDocument {
    content: String,
    media_type: Option<String>,
    size: Option<u64>,
    originals: Vec<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<FailureClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    sidecars: Vec<SidecarEntry>,
}

#[derive(Serialize)]
struct SidecarEntry {
    kind: String,
    variant: String,
    managed: bool,
    status: Option<Status>,
    reason: String,
    remedy: Option<String>,
    class: Option<FailureClass>,
    attempts: u32,
    next_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_since: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<AttemptEntry>,
}

#[derive(Serialize)]
struct AttemptEntry {
    attempt: u32,
    /// `ready`, `released`, or the class of the failure.
    outcome: &'static str,
    detail: String,
    generator: String,
    version: Option<String>,
    started_at: Option<String>,
    seconds: f64,
    cpu_seconds: Option<f64>,
    peak_memory: Option<u64>,
}

impl AttemptEntry {
    fn of(attempt: AttemptRecord) -> Self {
        Self {
            attempt: attempt.attempt,
            outcome: match attempt.outcome {
                AttemptOutcome::Ready => "ready",
                AttemptOutcome::Failed(class) => class.as_str(),
                AttemptOutcome::Released => "released",
            },
            detail: attempt.detail,
            generator: attempt.generator.to_string(),
            version: attempt.version.map(|version| version.to_string()),
            started_at: output::time(attempt.usage.started_at),
            seconds: attempt.usage.duration.as_secs_f64(),
            cpu_seconds: attempt.usage.cpu.map(|cpu| cpu.as_secs_f64()),
            peak_memory: attempt.usage.peak_memory,
        }
    }

    /// One line for a person.
    fn line(&self) -> String {
        let mut text = format!("attempt {}: {}", self.attempt, self.outcome);
        if let Some(at) = &self.started_at {
            text.push_str(&format!(" at {at}"));
        }
        text.push_str(&format!(", {:.1} s", self.seconds));
        if let Some(cpu) = self.cpu_seconds {
            text.push_str(&format!(", {cpu:.1} s of processor time"));
        }
        if let Some(peak) = self.peak_memory {
            text.push_str(&format!(", {} of memory", output::bytes(peak)));
        }
        if !self.detail.is_empty() {
            text.push_str(&format!(": {}", self.detail));
        }
        text
    }
}

#[derive(Serialize)]
struct ProblemEntry {
    content: String,
    paths: Vec<String>,
    media_type: String,
    class: Option<FailureClass>,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

pub(super) async fn explain(
    global: &Global,
    targets: &[OsString],
    problems: bool,
) -> Result<Exit, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    if problems {
        return explain_problems(global, &app).await;
    }
    let mut documents = Vec::with_capacity(targets.len());
    for content in contents_of(targets, &*app.engine.ports().catalog).await? {
        documents.push(document(app.engine.explain(content).await?));
    }
    match (global.json, documents.as_slice()) {
        (true, [one]) => output::json(one),
        (true, all) => output::json(&all),
        (false, all) => all.iter().for_each(say),
    }
    Ok(Exit::Done)
}

async fn explain_problems(global: &Global, app: &App) -> Result<Exit, Failure> {
    let (mut list, mut found) = (output::JsonList::default(), 0_u64);
    let mut after = ChangeSeq::default();
    loop {
        let (problems, next) = app.engine.problems(after, BATCH).await?;
        for problem in problems {
            found += 1;
            let entry = problem_entry(problem);
            match global.json {
                true => list.push(&entry),
                false => say_problem(&entry),
            }
        }
        let Some(next) = next else { break };
        after = next;
    }
    match (global.json, found) {
        (true, _) => list.end(),
        (false, 0) => output::line("no problems"),
        (false, _) => {}
    }
    Ok(Exit::Done)
}

fn document(explanation: Explanation) -> ExplainDocument {
    let verdict = match explanation.verdict {
        Verdict::Complete => "complete",
        Verdict::Working => "working",
        Verdict::Failed => "failed",
        Verdict::Unsupported => "unsupported",
        Verdict::Unknown => "unknown",
    };
    let (class, detail) = match (&explanation.verdict, &explanation.media_type) {
        (Verdict::Unsupported, Some(media_type)) => {
            let detail = format!("no generator reads {media_type}");
            (Some(FailureClass::Unsupported), Some(detail))
        }
        (Verdict::Unknown, _) => (
            None,
            Some("not indexed here: `vss index` the folder it is in".into()),
        ),
        _ => {
            let failed = explanation
                .sidecars
                .iter()
                .find(|sidecar| sidecar.class.is_some());
            (
                failed.and_then(|s| s.class),
                failed.map(|s| s.reason.clone()),
            )
        }
    };
    ExplainDocument {
        content: explanation.content.to_string(),
        media_type: explanation
            .media_type
            .map(|media_type| media_type.to_string()),
        size: explanation.size,
        originals: lossy(&explanation.originals),
        verdict,
        class,
        detail,
        sidecars: explanation
            .sidecars
            .into_iter()
            .map(sidecar_entry)
            .collect(),
    }
}

fn sidecar_entry(sidecar: ExplainedSidecar) -> SidecarEntry {
    let next_attempt = sidecar.next_attempt.and_then(output::time);
    let held_since = sidecar.held_since.and_then(output::time);
    SidecarEntry {
        kind: sidecar.kind.to_string(),
        variant: sidecar.variant.to_string(),
        managed: sidecar.managed,
        status: sidecar.status,
        reason: sidecar.reason,
        remedy: sidecar.remedy,
        class: sidecar.class,
        attempts: sidecar.attempts,
        next_attempt,
        held_since,
        history: sidecar.history.into_iter().map(AttemptEntry::of).collect(),
    }
}

fn problem_entry(problem: Problem) -> ProblemEntry {
    ProblemEntry {
        content: problem.content.to_string(),
        paths: lossy(&problem.originals),
        media_type: problem.media_type.to_string(),
        class: problem.class,
        detail: problem.detail,
        remedy: problem.class.map(FailureClass::remedy),
    }
}

fn lossy(paths: &[std::path::PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

fn say(document: &ExplainDocument) {
    let name = document.originals.first().unwrap_or(&document.content);
    let what = document
        .media_type
        .as_deref()
        .unwrap_or("not in the catalog");
    output::line(&format!("{name}: {} ({what})", document.verdict));
    for copy in document.originals.iter().skip(1) {
        output::line(&format!("  same content: {copy}"));
    }
    if let (true, Some(detail)) = (document.sidecars.is_empty(), &document.detail) {
        output::line(&format!("  {detail}"));
    }
    for sidecar in &document.sidecars {
        let status = sidecar.status.map_or("missing", Status::as_str);
        output::line(&format!(
            "  {} {}: {status}: {}",
            sidecar.kind, sidecar.variant, sidecar.reason
        ));
        for attempt in sidecar.history.iter().rev().take(ATTEMPTS_SAID).rev() {
            output::line(&format!("    {}", attempt.line()));
        }
        if let Some(at) = &sidecar.next_attempt {
            output::line(&format!("    next attempt: {at}"));
        }
        if let Some(remedy) = &sidecar.remedy {
            output::line(&format!("    what to do: {remedy}"));
        }
    }
}

fn say_problem(entry: &ProblemEntry) {
    let name = entry.paths.first().unwrap_or(&entry.content);
    let class = entry.class.map_or("waiting", FailureClass::as_str);
    output::line(&format!("{name}: {class}: {}", entry.detail));
}
