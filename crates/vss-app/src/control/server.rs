//! The answering side, inside the daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use vss_engine::{Engine, ReconcileOptions};
use vss_ports::CancelToken;

use super::{ActiveEntry, Answer, BusyWith, DaemonStatus, LONGEST, Request, socket};
use crate::failure::{Exit, Failure};
use crate::library::Library;

/// How long a client may take to say what it wants.
const SAY_WITHIN: Duration = Duration::from_secs(5);

/// What must be done between two runs, and who waits for it.
pub(crate) struct Errand {
    pub(crate) reconcile: ReconcileOptions,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The socket of a daemon; removed when it is dropped.
pub(crate) struct Server {
    listener: UnixListener,
    place: PathBuf,
    engine: Arc<Engine>,
    stop: CancelToken,
    errands: mpsc::Sender<Errand>,
    ready: Arc<AtomicU64>,
    busy_with: BusyWith,
    started: Instant,
    _alone: std::fs::File,
}

impl Server {
    /// Listens for this library, in the place of a dead daemon where there was one.
    pub(crate) fn bind(
        library: &Library,
        engine: Arc<Engine>,
        stop: CancelToken,
        errands: mpsc::Sender<Errand>,
        (ready, busy_with): (Arc<AtomicU64>, BusyWith),
    ) -> Result<Arc<Self>, Failure> {
        let place = socket::place(library)?;
        let unheld = |error: std::io::Error| {
            let message = format!("the daemon cannot listen at {}", place.display());
            Failure::new(Exit::Failure, message).because(error)
        };
        let Some(alone) = socket::hold(&place).map_err(unheld)? else {
            let message = "a daemon works on this library already";
            return Err(Failure::new(Exit::Library, message).remedy("`vss daemon --stop` ends it"));
        };
        if std::fs::remove_file(&place).is_ok() {
            tracing::info!(socket = %place.display(), "removed the socket of a dead daemon");
        }
        let listener = UnixListener::bind(&place).map_err(|error| {
            let message = format!("the daemon cannot listen at {}", place.display());
            Failure::new(Exit::Failure, message)
                .because(error)
                .remedy("set XDG_RUNTIME_DIR to a folder with a short path")
        })?;
        Ok(Arc::new(Self {
            listener,
            place,
            engine,
            stop,
            errands,
            ready,
            busy_with,
            started: Instant::now(),
            _alone: alone,
        }))
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let server = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(error) = server.answer(stream).await {
                            tracing::debug!(%error, "a client went away");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn answer(&self, stream: UnixStream) -> std::io::Result<()> {
        // The folder keeps others out; this keeps them out where the folder is misused.
        let client = stream.peer_cred()?.uid();
        if client != socket::user() && client != 0 {
            return Ok(());
        }
        let (reader, mut writer) = stream.into_split();
        let mut line = String::new();
        let mut reader = BufReader::new(reader.take(LONGEST));
        tokio::time::timeout(SAY_WITHIN, reader.read_line(&mut line)).await??;
        let answer = match serde_json::from_str(&line) {
            // A client that hangs up before it is answered does not want it any more.
            Ok(request) => tokio::select! {
                biased;
                answer = self.obey(request) => answer,
                () = has_gone(reader) => return Ok(()),
            },
            Err(error) => Answer::Failed {
                error: format!("this daemon is another version and does not understand: {error}"),
                exit_code: Exit::Usage.code(),
            },
        };
        writer.write_all(&serde_json::to_vec(&answer)?).await?;
        writer.shutdown().await
    }

    async fn obey(&self, request: Request) -> Answer {
        match request {
            Request::Status => self.status(),
            Request::Wake => {
                self.engine.wake();
                Answer::Done
            }
            Request::Cancel { selection } => match self.engine.cancel(&selection.into()).await {
                Ok(count) => Answer::Cancelled { count },
                Err(error) => refusal(&error.into()),
            },
            Request::Reconcile { verify, dry_run } => {
                let reconcile = ReconcileOptions {
                    verify_all: verify,
                    dry_run,
                };
                let (answer, answered) = oneshot::channel();
                let errand = Errand { reconcile, answer };
                let gone = || Answer::Failed {
                    error: "it is ending".into(),
                    exit_code: Exit::Library.code(),
                };
                match self.errands.send(errand).await {
                    Ok(()) => answered.await.unwrap_or_else(|_| gone()),
                    Err(_) => gone(),
                }
            }
            Request::Stop => {
                self.stop.cancel();
                self.engine.wake();
                Answer::Done
            }
        }
    }

    fn status(&self) -> Answer {
        Answer::Status(DaemonStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime: self.started.elapsed().as_secs(),
            ready: self.ready.load(Ordering::Relaxed),
            active: self.engine.active().iter().map(ActiveEntry::of).collect(),
            busy_with: self.busy_with.get(),
        })
    }
}

/// Waits until the other side has hung up; what else it says is not listened to.
async fn has_gone(mut reader: impl AsyncRead + Unpin) {
    let mut more = [0; 64];
    while !matches!(reader.read(&mut more).await, Ok(0) | Err(_)) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.place);
    }
}

/// A failure on its way to the client.
pub(crate) fn refusal(failure: &Failure) -> Answer {
    Answer::Failed {
        error: failure.to_string(),
        exit_code: failure.exit.code(),
    }
}
