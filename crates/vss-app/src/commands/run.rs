//! `vss run`: make what is queued.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use vss_core::Status;
use vss_engine::{RunOptions, RunReport};
use vss_ports::{CancelToken, Event, PortResult};

use crate::cli::{Global, RunArgs};
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output::{self, RunDocument};
use crate::progress::Progress;
use crate::wiring::App;

pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<Exit, Failure> {
    let started = Instant::now();
    let app = App::open_for(global.library.as_deref(), Work::Vault, args.workers).await?;
    let (report, cpu) = drain(&app, stop_on_signal()).await?;
    let document = RunDocument {
        ready: report.ready,
        failed: report.failed,
        quarantined: report.quarantined,
        retried: report.retried,
        bytes: report.bytes,
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu.as_secs_f64(),
        halted: report.halted.clone(),
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

/// Runs with a progress display; the processor time it took.
pub(super) async fn drain(app: &App, stop: CancelToken) -> Result<(RunReport, Duration), Failure> {
    let cpu_before = cpu_time();
    let total = outstanding(app).await?;
    let progress = Arc::new(Progress::start("making", Some(total)));
    let shown = tokio::spawn(show(app.events.listen(), Arc::clone(&progress)));
    let ran = app
        .engine
        .run(&RunOptions {
            stop,
            sole_owner: true,
        })
        .await;
    shown.abort();
    progress.finish();
    Ok((ran?, cpu_time().saturating_sub(cpu_before)))
}

/// Pending and running sidecars.
async fn outstanding(app: &App) -> PortResult<u64> {
    let counts = app.engine.ports().store.counts().await?;
    let of = |status| {
        counts
            .rows
            .values()
            .filter_map(|kind| kind.get(&status))
            .sum::<u64>()
    };
    Ok(of(Status::Pending) + of(Status::Running))
}

async fn show(mut events: Receiver<Event>, progress: Arc<Progress>) {
    loop {
        match events.recv().await {
            Ok(Event::SidecarReady { .. } | Event::SidecarFailed { .. }) => progress.add_one(),
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => (0..missed).for_each(|_| progress.add_one()),
            Err(RecvError::Closed) => return,
        }
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
    tokio::spawn(async move {
        next_signal().await;
        asked.cancel();
        eprintln!("finishing what is under way; again to stop at once");
        next_signal().await;
        std::process::exit(130);
    });
    stop
}

async fn next_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the signal ends the process, which the next run recovers from.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn cpu_time() -> Duration {
    cpu_time::ProcessTime::now().as_duration()
}

fn say(document: &RunDocument) {
    let made = match document.ready {
        0 => "nothing made".to_owned(),
        ready => format!(
            "{ready} sidecars made ({}) in {:.1} s, {:.1} s of processor time",
            output::bytes(document.bytes),
            document.seconds,
            document.cpu_seconds
        ),
    };
    output::line(&made);
    if document.retried > 0 {
        output::line(&format!(
            "{} could not be made now and are tried again",
            document.retried
        ));
    }
    let gone_wrong = document.failed + document.quarantined;
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
