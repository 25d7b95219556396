//! `vss daemon`: stays and makes whatever is queued.

use std::time::Duration;

use crate::cli::{DaemonArgs, Global};
use crate::control::{self, Answer, DaemonStatus, Request};
use crate::failure::{Exit, Failure};
use crate::library::Library;
use crate::output;

/// How often an ending daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn daemon(global: &Global, args: &DaemonArgs) -> Result<Exit, Failure> {
    if args.stop {
        return stop(global).await;
    }
    live(global, args).await
}

#[cfg(unix)]
async fn live(global: &Global, args: &DaemonArgs) -> Result<Exit, Failure> {
    use crate::daemon::{DaemonOptions, live};
    use crate::library::Work;
    use crate::target::absolute;
    use crate::wiring::{App, Effort};

    let folders = args.paths.iter().map(|path| absolute(path));
    let options = DaemonOptions {
        folders: folders.collect::<Result<_, _>>()?,
        index_every: (args.index_every > 0).then(|| Duration::from_secs(args.index_every)),
        grace: Duration::from_secs(args.grace),
        watch: !args.no_watch,
    };
    let library = Library::open(global.library.as_deref())?;
    if let Some(other) = daemon_of(&library).await? {
        let place = library.root.display();
        let message = format!("a daemon works on {place} already: process {}", other.pid);
        return Err(Failure::new(Exit::Library, message).remedy("`vss daemon --stop` ends it"));
    }
    let effort = Effort {
        background: true,
        ..Effort::of(args.workers)
    };
    let app = App::open_for(global.library.as_deref(), Work::Vault, effort).await?;
    let report = live(app, options).await?;
    let ended = format!(
        "ended; {} sidecars made, {} failed",
        report.ready, report.failed
    );
    if !global.json {
        output::line(&ended);
    }
    Ok(Exit::Done)
}

#[cfg(not(unix))]
async fn live(_: &Global, _: &DaemonArgs) -> Result<Exit, Failure> {
    Err(Failure::new(
        Exit::Usage,
        "this system has no unix sockets for a daemon to listen on",
    )
    .remedy("use `vss run`, as often as you like"))
}

/// Asks it to end and waits until it has.
async fn stop(global: &Global) -> Result<Exit, Failure> {
    let library = Library::open(global.library.as_deref())?;
    let asked = control::ask(&library, &Request::Stop).await?;
    if asked.is_none() {
        let message = format!("no daemon works on {}", library.root.display());
        return Err(Failure::new(Exit::Failure, message));
    }
    while daemon_of(&library).await?.is_some() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if !global.json {
        output::line("the daemon has ended");
    }
    Ok(Exit::Done)
}

/// The library's daemon, where there is one.
pub(super) async fn daemon_of(library: &Library) -> Result<Option<DaemonStatus>, Failure> {
    match control::ask(library, &Request::Status).await? {
        Some(Answer::Status(status)) => Ok(Some(status)),
        _ => Ok(None),
    }
}
