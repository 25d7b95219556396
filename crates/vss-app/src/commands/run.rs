//! `vss run`: make what is queued.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use vss_core::{Kind, Status};
use vss_engine::{Engine, RunOptions, RunReport, Until};
use vss_ports::{CancelToken, Event, SidecarCounts};

use super::daemon::daemon_of;
use crate::cli::{Global, RunArgs};
use crate::control::{self, DaemonStatus};
use crate::failure::{Exit, Failure};
use crate::library::{Library, Work};
use crate::output::{self, RunDocument};
use crate::progress::Progress;
use crate::signals::{Signals, told};
use crate::tally::Tally;
use crate::wiring::{App, Effort};

/// How often a daemon's progress is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);
/// Looks at a daemon that works, from one count of what is due to the next.
const COUNT_EVERY: u32 = 25;
/// Looks in a row at a daemon that does nothing, before nothing more is expected of it.
const IDLE_LOOKS: u32 = 25;

pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<Exit, Failure> {
    let started = Instant::now();
    let library = Library::open(global.library.as_deref())?;
    if daemon_of(&library).await?.is_some() {
        return follow(global).await;
    }
    let app = App::open_for(
        global.library.as_deref(),
        Work::Vault,
        Effort::of(args.workers),
    )
    .await?;
    let (report, cpu) = drain(&app, stop_on_signal()).await?;
    let document = RunDocument {
        ready: report.ready,
        failed: report.failed,
        unsupported: Some(report.unsupported),
        quarantined: report.quarantined,
        retried: report.retried,
        bytes: report.bytes,
        seconds: started.elapsed().as_secs_f64(),
        // This process and its workers.
        cpu_seconds: Some((cpu + report.cpu).as_secs_f64()),
        halted: report.halted.clone(),
        held: held(&app).await?,
    };
    if global.json {
        output::json(&document);
    } else {
        say(&document);
    }
    match &report.halted {
        Some(_) => Ok(Exit::Failure),
        None => Ok(Exit::Done),
    }
}

/// Waits while a daemon makes what is due.
async fn follow(global: &Global) -> Result<Exit, Failure> {
    let (started, app) = (Instant::now(), App::open(global.library.as_deref()).await?);
    let store = &app.engine.ports().store;
    let before = store.counts().await?;
    let left = due(&app).await?;
    control::wake(&app.library).await;
    let progress = Progress::start("the daemon is making", Some(left));
    // What nobody works on for a while is not for this daemon: no such generator, or a broken one.
    let (mut looks, mut idle, mut halted) = (0_u32, 0, None);
    loop {
        let daemon = daemon_of(&app.library).await?;
        let works = |daemon: &DaemonStatus| !daemon.active.is_empty() || daemon.busy_with.is_some();
        let works = daemon.as_ref().is_some_and(works);
        // All that is due is counted one by one, so not at each look.
        if !works || looks.is_multiple_of(COUNT_EVERY) {
            let still = due(&app).await?;
            if still == 0 {
                break;
            }
            idle = if works { 0 } else { idle + 1 };
            if idle == IDLE_LOOKS {
                halted = Some(format!(
                    "{still} sidecars are due, but the daemon makes none of them"
                ));
                break;
            }
        }
        looks += 1;
        let Some(daemon) = daemon else {
            let message = "the daemon ended before everything was made";
            return Err(Failure::new(Exit::Failure, message)
                .remedy("start it again, or `vss run` without it; nothing is lost"));
        };
        let now = store.counts().await?;
        let ended = [Status::Ready, Status::Failed, Status::Quarantined];
        let ended = ended.map(|status| rows(&now, status).saturating_sub(rows(&before, status)));
        progress.set(
            ended.iter().sum::<u64>().min(left),
            daemon.busy_with.as_deref().unwrap_or_default(),
        );
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
    progress.finish();
    let after = store.counts().await?;
    let grown = |status| rows(&after, status).saturating_sub(rows(&before, status));
    let bytes = |counts: &SidecarCounts| counts.bytes.values().sum::<u64>();
    let document = RunDocument {
        ready: grown(Status::Ready),
        failed: grown(Status::Failed),
        unsupported: None,
        quarantined: grown(Status::Quarantined),
        retried: 0,
        bytes: bytes(&after).saturating_sub(bytes(&before)),
        seconds: started.elapsed().as_secs_f64(),
        // The daemon's, who may do other things as well.
        cpu_seconds: None,
        halted,
        held: held(&app).await?,
    };
    match global.json {
        true => output::json(&document),
        false => say(&document),
    }
    Ok(match document.halted {
        Some(_) => Exit::Failure,
        None => Exit::Done,
    })
}

/// Pending sidecars of kinds that are held.
async fn held(app: &App) -> Result<BTreeMap<Kind, u64>, Failure> {
    let held = app.engine.held().await?;
    if held.is_empty() {
        return Ok(BTreeMap::new());
    }
    let counts = app.engine.ports().store.counts().await?;
    let pending = held.into_iter().filter_map(|(kind, _)| {
        let rows = counts.rows.get(&kind)?.get(&Status::Pending).copied()?;
        (rows > 0).then_some((kind, rows))
    });
    Ok(pending.collect())
}

/// Rows in a state, of all kinds.
fn rows(counts: &SidecarCounts, status: Status) -> u64 {
    let kinds = counts.rows.values();
    kinds.filter_map(|kind| kind.get(&status)).sum()
}

/// Sidecars of kinds that are not held, whose time has come or that are being made.
async fn due(app: &App) -> Result<u64, Failure> {
    let queue = app.engine.queue().await?;
    let held = |kind: &Kind| queue.paused.iter().any(|(paused, _)| paused == kind);
    let depths = queue.depths.iter();
    let depths = depths.map(|depth| match held(&depth.kind) {
        true => depth.running,
        false => depth.due + depth.running,
    });
    Ok(depths.sum())
}

/// Runs with a progress display; the processor time it took.
pub(super) async fn drain(app: &App, stop: CancelToken) -> Result<(RunReport, Duration), Failure> {
    let cpu_before = cpu_time();
    if app.is_sole_owner() {
        // What was looked at by then stays known, so that it may end anywhere.
        tokio::select! {
            made = app.engine.make_rows_again() => drop(made?),
            () = told(&stop) => {
                let halted = Some("stopped on request".to_owned());
                let report = RunReport { halted, ..RunReport::default() };
                return Ok((report, Duration::ZERO));
            }
        }
    }
    let tally = Tally::of(&app.engine.ports().store.counts().await?);
    let progress = Arc::new(Progress::start("making", Some(tally.total())));
    let shown = tokio::spawn(show(app.events.listen(), tally, Arc::clone(&progress)));
    let ran = app
        .engine
        .run(&RunOptions {
            stop,
            sole_owner: app.is_sole_owner(),
            until: Until::Drained,
        })
        .await;
    shown.abort();
    progress.finish();
    Ok((ran?, cpu_time().saturating_sub(cpu_before)))
}

/// Ends a run that has made what it was for: the jobs that are still under way are given back, which
/// is not held against them. To be dropped when the run has ended.
pub(super) async fn give_back_the_rest(engine: &Engine, stop: &CancelToken) {
    stop.cancel();
    engine.wake();
    loop {
        engine.abandon_jobs();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn show(mut events: Receiver<Event>, mut tally: Tally, progress: Arc<Progress>) {
    let (started, mut done) = (Instant::now(), 0);
    loop {
        match events.recv().await {
            Ok(Event::SidecarReady { key, .. } | Event::SidecarFailed { key, .. }) => {
                done += 1;
                tally.add_one(&key.kind);
            }
            Ok(_) => continue,
            Err(RecvError::Lagged(missed)) => done += missed,
            Err(RecvError::Closed) => return,
        }
        progress.set(done, &tally.note(started.elapsed()));
    }
}

/// The first Ctrl-C or SIGTERM finishes what is under way; a second one ends the program at once,
/// which the next run recovers from.
#[expect(
    clippy::print_stderr,
    reason = "whoever pressed Ctrl-C wants to know what happens"
)]
pub(super) fn stop_on_signal() -> CancelToken {
    let stop = CancelToken::new();
    let asked = stop.clone();
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        asked.cancel();
        eprintln!("finishing what is under way; again to stop at once");
        signals.next().await;
        std::process::exit(130);
    });
    stop
}

fn cpu_time() -> Duration {
    cpu_time::ProcessTime::now().as_duration()
}

fn say(document: &RunDocument) {
    let made = match document.ready {
        0 => "nothing made".to_owned(),
        ready => {
            let size = output::bytes(document.bytes);
            let seconds = document.seconds;
            match document.cpu_seconds {
                Some(cpu) => format!(
                    "{ready} sidecars made ({size}) in {seconds:.1} s, {cpu:.1} s of processor time"
                ),
                None => format!("{ready} sidecars made ({size}) in {seconds:.1} s by the daemon"),
            }
        }
    };
    output::line(&made);
    if document.retried > 0 {
        output::line(&format!(
            "{} could not be made now and are tried again later; at once with: vss retry",
            document.retried
        ));
    }
    let empty = document.unsupported.unwrap_or_default();
    if empty > 0 {
        output::line(&format!(
            "{empty} have nothing to make them of: no picture, no sound, or a format nothing reads"
        ));
    }
    for (kind, count) in &document.held {
        output::line(&format!(
            "{count} of {kind}, which is held; to let it go on: vss queue resume {kind}"
        ));
    }
    let gone_wrong = (document.failed + document.quarantined).saturating_sub(empty);
    if gone_wrong > 0 {
        output::line(&format!("{gone_wrong} failed; see: vss explain --problems"));
    }
    if let Some(why) = &document.halted {
        output::line(&format!("stopped before everything was done: {why}"));
        output::line(
            "mend that, if it needs mending; the next `vss run` goes on with what is left",
        );
    }
}
