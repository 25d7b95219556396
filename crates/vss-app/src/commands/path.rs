//! `vss path`: where a sidecar's file is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use vss_core::{ContentUuid, SidecarKey, Status};
use vss_engine::PathAnswer;
use vss_ports::{Event, SidecarRecord};

use super::run::{drain, give_back_the_rest, stop_on_signal};
use crate::cli::{Global, PathArgs};
use crate::control;
use crate::failure::{Exit, Failure};
use crate::library::Work;
use crate::output::{self, PathDocument};
use crate::target::content_of;
use crate::wiring::{App, Effort};

/// How often somebody else's run is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn path(global: &Global, args: &PathArgs) -> Result<Exit, Failure> {
    let (app, content, answer) = look(global, args).await?;
    print(global, &app, args, content, answer).await
}

/// Where it is, after the wait that was asked for.
pub(super) async fn look(
    global: &Global,
    args: &PathArgs,
) -> Result<(App, ContentUuid, PathAnswer), Failure> {
    let app = App::open(global.library.as_deref()).await?;
    let content = content_of(&args.target, &*app.engine.ports().catalog).await?;
    let answer = match args.extract {
        true => {
            app.engine
                .extract(content, &args.kind, &args.variant)
                .await?
        }
        false => app.engine.path(content, &args.kind, &args.variant).await?,
    };
    if matches!(answer, PathAnswer::Pending { .. }) {
        control::wake(&app.library).await;
    }
    if let (PathAnswer::Pending { .. }, Some(seconds)) = (&answer, args.wait) {
        drop(app);
        let answer = wait(global, args, content, Duration::from_secs(seconds)).await?;
        let app = App::open(global.library.as_deref()).await?;
        return Ok((app, content, answer));
    }
    Ok((app, content, answer))
}

/// Makes it here, or waits for whoever runs already.
async fn wait(
    global: &Global,
    args: &PathArgs,
    content: ContentUuid,
    limit: Duration,
) -> Result<PathAnswer, Failure> {
    let until = Instant::now() + limit;
    let place = global.library.as_deref();
    let key = SidecarKey::new(content, args.kind.clone(), args.variant.clone());
    let looking = App::open(place).await?;
    loop {
        match App::open_for(place, Work::Vault, Effort::default()).await {
            Ok(app) => {
                make(&app, key, until).await?;
                return Ok(app.engine.path(content, &args.kind, &args.variant).await?);
            }
            Err(busy) if busy.exit == Exit::Library => {
                let row = looking.engine.ports().store.find(&key).await?;
                let on_its_way =
                    |row: &SidecarRecord| matches!(row.status, Status::Pending | Status::Running);
                if !row.as_ref().is_some_and(on_its_way) || Instant::now() >= until {
                    let engine = &looking.engine;
                    return Ok(engine.path(content, &args.kind, &args.variant).await?);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(other) => return Err(other),
        }
    }
}

/// Runs until the sidecar is made or has failed, or the time is over. It was queued before
/// everything else; what was begun after it is given back.
async fn make(app: &App, key: SidecarKey, until: Instant) -> Result<(), Failure> {
    let stop = stop_on_signal();
    let mut events = app.events.listen();
    let (done, engine) = (stop.clone(), Arc::clone(&app.engine));
    let watcher = tokio::spawn(async move {
        let deadline = tokio::time::sleep_until(until.into());
        tokio::pin!(deadline);
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = &mut deadline => break,
            };
            match event {
                Ok(
                    Event::SidecarReady { key: done, .. } | Event::SidecarFailed { key: done, .. },
                ) if done == key => {
                    break;
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            }
        }
        give_back_the_rest(&engine, &done).await;
    });
    let ran = drain(app, stop).await;
    watcher.abort();
    ran.map(|_| ())
}

/// Why a pending one is not made by the next run: its kind is held, or a failure after which it waits,
/// and what helps.
async fn waits(
    app: &App,
    args: &PathArgs,
    content: ContentUuid,
) -> Result<Option<String>, Failure> {
    let sidecars = app.engine.explain(content).await?.sidecars;
    let mut sidecars = sidecars.into_iter();
    let own = sidecars.find(|s| s.kind == args.kind && s.variant == args.variant);
    let waits = own.filter(|sidecar| sidecar.class.is_some() || sidecar.held_since.is_some());
    Ok(waits.map(|sidecar| match sidecar.remedy {
        Some(remedy) => format!("{}; next: {remedy}", sidecar.reason),
        None => sidecar.reason,
    }))
}

/// Says where it is, or why not.
pub(super) async fn print(
    global: &Global,
    app: &App,
    args: &PathArgs,
    content: ContentUuid,
    answer: PathAnswer,
) -> Result<Exit, Failure> {
    let (document, exit) = match answer {
        PathAnswer::Ready {
            file,
            format,
            part,
            managed,
        } => {
            let checksum = match global.json {
                true => {
                    let key = SidecarKey::new(content, args.kind.clone(), args.variant.clone());
                    let row = app.engine.ports().store.find(&key).await?;
                    row.and_then(|row| row.digest)
                        .map(|digest| digest.to_string())
                }
                false => None,
            };
            if !global.json {
                output::path(&file.path);
            }
            let document = PathDocument::Ready {
                path: file.path.to_string_lossy().into_owned(),
                size: file.size,
                checksum,
                format: format.to_string(),
                managed,
                offset: part.map(|part| part.offset),
                length: part.map(|part| part.length),
            };
            (document, Exit::Done)
        }
        PathAnswer::Pending { ticket } => (
            PathDocument::Pending {
                ticket: ticket.to_string(),
            },
            Exit::Pending,
        ),
        PathAnswer::Failed {
            class,
            detail,
            attempts,
        } => {
            let document = PathDocument::Failed {
                class: class.to_string(),
                detail,
                attempts,
            };
            (document, Exit::SidecarFailed)
        }
    };
    if global.json {
        output::json(&document);
        return Ok(exit);
    }
    match document {
        PathDocument::Ready { offset, length, .. } => {
            if let (Some(offset), Some(length)) = (offset, length) {
                tell(&format!(
                    "it is inside of that file: {length} bytes from byte {offset}; --extract makes a file of it"
                ));
            }
        }
        PathDocument::Pending { ticket } => match waits(app, args, content).await? {
            Some(why) => tell(&why),
            None => tell(&format!(
                "queued before everything else as {ticket}; next: vss run"
            )),
        },
        PathDocument::Failed {
            class,
            detail,
            attempts,
        } => {
            tell(&format!(
                "failed ({class}) after {attempts} attempts: {detail}"
            ));
            tell(&format!("see: vss explain {}", args.target.display()));
        }
    }
    Ok(exit)
}

/// Only a path goes to stdout, so that `$(vss path ..)` is a path or nothing.
#[expect(clippy::print_stderr, reason = "stdout is for the path alone")]
fn tell(text: &str) {
    eprintln!("{text}");
}
