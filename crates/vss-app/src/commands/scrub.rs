//! `vss scrub`: hash every sidecar, set aside what is damaged, and make it again.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use vss_core::SidecarKey;
use vss_engine::{Finding, Repair, ScrubOptions, ScrubReport};
use vss_ports::{CancelToken, Event};

use super::run::{drain, give_back_the_rest, stop_on_signal};
use crate::cli::{Global, ScrubArgs};
use crate::control;
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output;
use crate::progress::Progress;
use crate::wiring::{App, Effort};

/// Damaged sidecars named to a person; JSON names all.
const NAMED: usize = 20;

/// How often what is being made again is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct ScrubDocument {
    checked: u64,
    corrupt: u64,
    missing: u64,
    repaired: u64,
    unrepaired: Vec<UnrepairedEntry>,
    findings: Vec<FindingEntry>,
    finished: bool,
    dry_run: bool,
    bytes: u64,
    seconds: f64,
}

#[derive(Clone, Serialize)]
struct FindingEntry {
    content: String,
    kind: String,
    variant: String,
    damage: &'static str,
    /// Where the damaged file is now.
    kept: Option<String>,
}

#[derive(Serialize)]
struct UnrepairedEntry {
    #[serde(flatten)]
    finding: FindingEntry,
    reason: String,
    remedy: Option<String>,
}

impl FindingEntry {
    fn of(finding: &Finding) -> Self {
        Self {
            content: finding.key.content.to_string(),
            kind: finding.key.kind.to_string(),
            variant: finding.key.variant.to_string(),
            damage: finding.damage.as_str(),
            kept: finding.kept.as_deref().map(shown),
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) async fn scrub(global: &Global, args: &ScrubArgs) -> Result<Exit, Failure> {
    let (started, stop) = (Instant::now(), stop_on_signal());
    let report = look(global, args, &stop).await?;
    let (mut repaired, mut unrepaired) = (0, Vec::new());
    if args.dry_run {
        let left = |finding| (finding, "only looked at".to_owned(), None);
        unrepaired.extend(report.findings.iter().map(left));
    } else {
        let keys = report.findings.iter().filter(|found| found.left.is_none());
        let keys: Vec<SidecarKey> = keys.map(|found| found.key.clone()).collect();
        if !keys.is_empty() {
            repair(global, keys, stop).await?;
        }
        let app = App::open(global.library.as_deref()).await?;
        for finding in &report.findings {
            if let Some(why) = &finding.left {
                let remedy = "look at the disk and at who may read the library, then scrub again";
                unrepaired.push((finding, why.clone(), Some(remedy.to_owned())));
                continue;
            }
            match app.engine.repair_of(&finding.key).await? {
                Repair::Done => repaired += 1,
                Repair::UnderWay => {
                    let remedy = Some("`vss run`".to_owned());
                    unrepaired.push((finding, "queued to be made again".to_owned(), remedy));
                }
                Repair::Impossible { reason, remedy } => {
                    unrepaired.push((finding, reason, remedy));
                }
            }
        }
    }
    let entry = |(finding, reason, remedy)| UnrepairedEntry {
        finding: FindingEntry::of(finding),
        reason,
        remedy,
    };
    let document = ScrubDocument {
        checked: report.checked,
        corrupt: report.findings.len() as u64,
        missing: report.missing,
        repaired,
        unrepaired: unrepaired.into_iter().map(entry).collect(),
        findings: report.findings.iter().map(FindingEntry::of).collect(),
        finished: report.finished,
        dry_run: args.dry_run,
        bytes: report.bytes,
        seconds: started.elapsed().as_secs_f64(),
    };
    match global.json {
        true => output::json(&document),
        false => say(&document),
    }
    Ok(match document.unrepaired.is_empty() && document.finished {
        true => Exit::Done,
        false => Exit::Failure,
    })
}

/// Hashes, with progress by bytes.
async fn look(
    global: &Global,
    args: &ScrubArgs,
    stop: &CancelToken,
) -> Result<ScrubReport, Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let options = ScrubOptions {
        all: args.all,
        dry_run: args.dry_run,
        stop: stop.clone(),
    };
    let counts = app.engine.ports().store.counts().await?;
    let done = match (args.all, app.engine.scrub_cycle().await?) {
        (false, Some(cycle)) => cycle.bytes,
        _ => 0,
    };
    let total = counts.bytes.values().sum::<u64>().saturating_sub(done) >> 20;
    let progress = Arc::new(Progress::start("scrubbing, in MiB", Some(total)));
    let (shown, mut events) = (Arc::clone(&progress), app.events.listen());
    let showing = tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(Event::ScrubProgress { checked, bytes }) => {
                    shown.set(bytes >> 20, &format!("{checked} sidecars"));
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let scrubbed = app.engine.scrub(&options).await;
    showing.abort();
    progress.finish();
    Ok(scrubbed?)
}

/// Has what was damaged made again: here, or by the daemon or whoever else has the lock.
async fn repair(
    global: &Global,
    mut keys: Vec<SidecarKey>,
    stop: CancelToken,
) -> Result<(), Failure> {
    let place = global.library.as_deref();
    let looking = App::open(place).await?;
    control::wake(&looking.library).await;
    loop {
        match App::open_for(place, Work::Vault, Effort::default()).await {
            Ok(app) => return make(Arc::new(app), keys, stop).await,
            Err(busy) if busy.exit == Exit::Library => {}
            Err(other) => return Err(other),
        }
        if are_settled(&looking, &mut keys).await? || stop.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Runs until nothing of these is under way. They were queued before everything else, so little
/// else is made on the way.
async fn make(app: Arc<App>, mut keys: Vec<SidecarKey>, stop: CancelToken) -> Result<(), Failure> {
    let (watched, done) = (Arc::clone(&app), stop.clone());
    let watcher = tokio::spawn(async move {
        loop {
            match are_settled(&watched, &mut keys).await {
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Ok(true) => break,
                Err(error) => {
                    tracing::warn!(%error, "what is being made again cannot be looked at");
                    break;
                }
            }
        }
        give_back_the_rest(&watched.engine, &done).await;
    });
    let ran = drain(&app, stop).await;
    watcher.abort();
    ran.map(|_| ())
}

/// Whether none of these is under way any more; those that are not are left out the next time.
async fn are_settled(app: &App, keys: &mut Vec<SidecarKey>) -> Result<bool, Failure> {
    while let Some(key) = keys.last() {
        if app.engine.repair_of(key).await? == Repair::UnderWay {
            return Ok(false);
        }
        keys.pop();
    }
    Ok(true)
}

fn say(document: &ScrubDocument) {
    let size = output::bytes(document.bytes);
    let (checked, seconds) = (document.checked, document.seconds);
    output::line(&format!(
        "{checked} sidecars hashed ({size}) in {seconds:.1} s"
    ));
    if document.missing > 0 {
        output::line(&format!("{} had no file", document.missing));
    }
    if document.corrupt == 0 {
        output::line("none is damaged");
    } else {
        let (corrupt, repaired) = (document.corrupt, document.repaired);
        output::line(&match document.dry_run {
            true => format!("{corrupt} damaged; nothing was changed"),
            false => format!("{corrupt} damaged, {repaired} made again"),
        });
    }
    for found in document.findings.iter().take(NAMED) {
        let kept = found.kept.as_ref();
        let kept = kept.map(|kept| format!("; the damaged file is kept as {kept}"));
        output::line(&format!(
            "  {} {} of {}: {}{}",
            found.kind,
            found.variant,
            found.content,
            in_words(found.damage),
            kept.unwrap_or_default()
        ));
    }
    if document.findings.len() > NAMED {
        output::line(&format!("  and {} more", document.findings.len() - NAMED));
    }
    let unrepaired = document.unrepaired.iter().filter(|_| !document.dry_run);
    for left in unrepaired.take(NAMED) {
        let FindingEntry {
            kind,
            variant,
            content,
            ..
        } = &left.finding;
        output::line(&format!(
            "not made again: {kind} {variant} of {content}: {}",
            left.reason
        ));
        if let Some(remedy) = &left.remedy {
            output::line(&format!("  what to do: {remedy}"));
        }
    }
    if document.missing > 0 && !document.dry_run {
        output::line("next: vss run");
    }
    if !document.finished {
        output::line("stopped before the end; `vss scrub` goes on from there");
    }
}

fn in_words(damage: &str) -> &'static str {
    match damage {
        "bit_rot" => "its bits rotted",
        "edited" => "somebody else wrote to it",
        "replaced" => "it was cut short, or another file put in its place",
        "unreadable" => "the disk does not give it back",
        _ => "nobody vouches for it",
    }
}
