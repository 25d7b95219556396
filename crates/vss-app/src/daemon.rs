//! The life of a daemon: run, answer, index again now and then, and end without losing anything.

mod looking;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use vss_engine::{ReconcileError, ReconcileOptions, RunOptions, RunReport, Until};
use vss_ports::{CancelToken, Event};

use crate::control::{Answer, BusyWith, Errand, STRANGERS_NAMED, Server, refusal};
use crate::failure::{Exit, Failure};
use crate::lasting::Lasting;
use crate::output::ReconcileDocument;
use crate::signals::{Signals, told};
use crate::watching;
use crate::wiring::{self, App};

/// How long a run that ended for want of room, or because its engine only died, rests.
const REST: Duration = Duration::from_secs(30);
/// How long the rows rest that could not be made again, and how long a run goes well before trouble
/// counts as over.
const REST_SHORT: Duration = Duration::from_secs(5);

/// What a daemon is to do.
pub(crate) struct DaemonOptions {
    /// Indexed at the start and again every so often.
    pub(crate) folders: Vec<PathBuf>,
    /// How often; never again when `None`.
    pub(crate) index_every: Option<Duration>,
    /// How long jobs may go on after it was told to end.
    pub(crate) grace: Duration,
    /// Whether folders and the vault are watched, unless the configuration says otherwise.
    pub(crate) watch: bool,
}

/// Lives until it is told to end.
pub(crate) async fn live(app: App, options: DaemonOptions) -> Result<RunReport, Failure> {
    let app = Arc::new(app);
    let stop = CancelToken::new();
    let ready = Arc::new(AtomicU64::new(0));
    let (errands, mut errand) = mpsc::channel(8);
    let engine = Arc::clone(&app.engine);
    let counting = tokio::spawn(count(app.events.listen(), Arc::clone(&ready)));
    let busy_with = BusyWith::default();
    let said = (ready, busy_with.clone());
    let server = Server::bind(&app.library, engine, stop.clone(), errands, said)?;
    let serving = tokio::spawn(server.serve());
    let watches = options.watch && app.config.watch.on;
    let tending = tokio::spawn(tend(Arc::clone(&app), watches));
    let indexing = tokio::spawn(looking::index(
        Arc::clone(&app),
        options.folders,
        options.index_every,
        watches,
    ));
    let scrubbing = tokio::spawn(scrub(Arc::clone(&app), stop.clone()));
    let ending = tokio::spawn(end_on_signal(
        Arc::clone(&app),
        Signals::listen(),
        stop.clone(),
        options.grace,
    ));
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    tracing::info!(library = %app.library.root.display(), pid = std::process::id(), "the daemon works");

    let lived = work(&app, &stop, &mut errand, &busy_with).await;

    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    for task in [counting, serving, tending, indexing, scrubbing, ending] {
        task.abort();
        // The server's socket goes with its last handle.
        let _ = task.await;
    }
    lived
}

/// Runs, and runs errands in between, until it is told to end.
async fn work(
    app: &Arc<App>,
    stop: &CancelToken,
    errands: &mut mpsc::Receiver<Errand>,
    busy_with: &BusyWith,
) -> Result<RunReport, Failure> {
    let mut total = RunReport::default();
    if app.is_sole_owner() {
        busy_with.set(Some("making rows of the files that are there"));
        if !make_rows_again(app, stop).await? {
            return Ok(total);
        }
        busy_with.set(None);
    }
    let mut trouble = Lasting::new("nothing is made for a while");
    // Since it began, what is made ends it.
    let mut made = None;
    loop {
        let turn = CancelToken::new();
        let options = RunOptions {
            stop: turn.clone(),
            sole_owner: app.is_sole_owner(),
            until: Until::Stopped,
        };
        let run = app.engine.run(&options);
        tokio::pin!(run);
        // A run ends by itself on a full disk, else when it is told to.
        let (ran, errand) = loop {
            tokio::select! {
                ran = &mut run => break (ran, None),
                errand = next(errands, stop) => {
                    turn.cancel();
                    app.engine.wake();
                    break (run.await, errand);
                }
                () = made_again(&mut made), if made.is_some() => {
                    trouble.is_over();
                    made = None;
                }
            }
        };
        let why = match ran {
            Ok(report) => {
                add(&mut total, &report);
                let why = report.halted.unwrap_or_default();
                // Where it became full is in brackets, and another place each time.
                let what = why.split(" (").next().unwrap_or_default().to_owned();
                Failure::new(Exit::Failure, why).about(what)
            }
            // A store that is away comes back.
            Err(error) if error.is_retryable() => error.into(),
            Err(error) => return Err(error.into()),
        };
        if let Some(errand) = errand {
            busy_with.set(Some("comparing files with rows"));
            run_errand(app, errand, stop).await;
            busy_with.set(None);
        } else if !stop.is_cancelled() {
            trouble.goes_on(&why);
            made = Some(app.events.listen());
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                () = told(stop) => {}
            }
        }
        if stop.is_cancelled() {
            return Ok(total);
        }
    }
}

/// Waits until a sidecar was made a while ago: where hardly any room is left, some still fit.
async fn made_again(made: &mut Option<Receiver<Event>>) {
    use tokio::sync::broadcast::error::RecvError;
    let Some(events) = made else { return };
    while !matches!(
        events.recv().await,
        Ok(Event::SidecarReady { .. }) | Err(RecvError::Closed)
    ) {}
    tokio::time::sleep(REST_SHORT).await;
}

/// Before anything is made, for rows that are new; `false` when it is time to end.
async fn make_rows_again(app: &App, stop: &CancelToken) -> Result<bool, Failure> {
    let mut trouble = Lasting::new("the rows could not be made again");
    while !stop.is_cancelled() {
        // What was looked at stays looked at: it may end anywhere.
        let made = tokio::select! {
            made = app.engine.make_rows_again() => made,
            () = told(stop) => return Ok(false),
        };
        match made {
            Ok(_) => {
                trouble.is_over();
                return Ok(true);
            }
            Err(ReconcileError::Port(error)) if error.is_retryable() => {
                trouble.goes_on(&error.into());
                tokio::time::sleep(REST_SHORT).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The next errand; `None` when it is time to end.
async fn next(errands: &mut mpsc::Receiver<Errand>, stop: &CancelToken) -> Option<Errand> {
    tokio::select! {
        errand = errands.recv() => errand,
        () = told(stop) => None,
    }
}

fn add(total: &mut RunReport, report: &RunReport) {
    total.ready += report.ready;
    total.failed += report.failed;
    total.unsupported += report.unsupported;
    total.quarantined += report.quarantined;
    total.retried += report.retried;
    total.fenced += report.fenced;
    total.bytes += report.bytes;
    total.cpu += report.cpu;
}

/// Does what somebody asked for, until it is done, whoever asked has gone, or it is time to end: what
/// was brought into step by then stays so.
async fn run_errand(app: &App, errand: Errand, stop: &CancelToken) {
    let Errand {
        reconcile: options,
        mut answer,
    } = errand;
    let ended = tokio::select! {
        said = reconcile(app, options) => said,
        () = answer.closed() => {
            tracing::info!("whoever asked to reconcile has gone");
            return;
        }
        () = told(stop) => Answer::Failed {
            error: "it was told to end before all was looked at".into(),
            exit_code: Exit::Library.code(),
        },
    };
    // The client may have gone.
    let _ = answer.send(ended);
}

async fn reconcile(app: &App, options: ReconcileOptions) -> Answer {
    if !app.is_sole_owner() {
        return Answer::Failed {
            error: "others may work on this library: end every daemon and run first".into(),
            exit_code: Exit::Library.code(),
        };
    }
    let started = std::time::Instant::now();
    match app.engine.reconcile(options).await {
        Ok(report) => {
            let mut document = ReconcileDocument::of(&report, started.elapsed());
            document.strangers.truncate(STRANGERS_NAMED);
            Answer::Reconciled(document)
        }
        Err(error) => refusal(&error.into()),
    }
}

async fn count(mut events: Receiver<Event>, ready: Arc<AtomicU64>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match events.recv().await {
            Ok(Event::SidecarReady { .. }) => {
                ready.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => {
                ready.fetch_add(missed, Ordering::Relaxed);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Looks after the vault.
async fn tend(app: Arc<App>, watches: bool) {
    if watches {
        let watcher = wiring::watcher(&app.config);
        watching::keep_whole(app, &watcher).await;
    }
}

/// Compares sidecars with their rows, a few at a time.
async fn scrub(app: Arc<App>, stop: CancelToken) {
    if let Some(pace) = app.config.verify.pace() {
        app.engine.scrub_slowly(pace, &stop).await;
    }
}

/// The first signal lets jobs end, for so long; then they are given back. A second one ends the
/// process at once, which the next start recovers from.
async fn end_on_signal(app: Arc<App>, mut signals: Signals, stop: CancelToken, grace: Duration) {
    tokio::select! {
        () = signals.next() => {
            tracing::info!("told to end: finishing what is under way");
            stop.cancel();
            app.engine.wake();
        }
        () = told(&stop) => {}
    }
    let asked = async {
        tokio::time::sleep(grace).await;
        let abandoned = app.engine.abandon_jobs();
        tracing::warn!(abandoned, "jobs took too long to end and are given back");
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = asked => {}
        () = signals.next() => std::process::exit(130),
    }
}

/// Says nothing where systemd does not listen.
fn tell_systemd(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
