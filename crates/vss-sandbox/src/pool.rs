//! Workers that wait for a job, and the one thread that starts them.
//!
//! The kernel ends a worker together with the thread that started it, and the threads that run
//! jobs come and go; so one thread that lives as long as the pool starts them all.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use vss_core::FailureClass;
use vss_ports::GenerateFailure;

use crate::WorkerSettings;
use crate::process::WorkerProcess;
use crate::start::start;

type Started = Result<WorkerProcess, GenerateFailure>;

/// All workers of a generator that run no job.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    starter: Mutex<Option<Starter>>,
}

#[derive(Debug)]
struct Shared {
    settings: WorkerSettings,
    idle: Mutex<Vec<WorkerProcess>>,
}

#[derive(Debug)]
struct Starter {
    requests: Sender<Request>,
    thread: JoinHandle<()>,
}

enum Request {
    /// Somebody waits for a worker.
    One(SyncSender<Started>),
    /// One is to be there before somebody waits.
    Spare,
}

impl Pool {
    pub(crate) fn new(settings: WorkerSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                idle: Mutex::default(),
            }),
            starter: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> &WorkerSettings {
        &self.shared.settings
    }

    /// A worker that waits for a job, started if there is none.
    ///
    /// # Errors
    /// `tool_missing`, with what to do about it.
    pub(crate) fn take(&self) -> Started {
        loop {
            let Some(mut worker) = self.shared.idle().pop() else {
                break;
            };
            if worker.is_alive() {
                return Ok(worker);
            }
            tracing::debug!("a worker died while it waited");
        }
        let (reply, started) = sync_channel(1);
        self.ask(Request::One(reply))?;
        started.recv().map_err(|_| gone())?
    }

    /// Puts one back whose job went well; after its last one it is replaced.
    pub(crate) fn give_back(&self, worker: WorkerProcess) {
        if worker.jobs >= self.shared.settings.limits.jobs {
            self.retire(worker);
        } else {
            self.shared.idle().push(worker);
        }
    }

    /// Ends one and has another started in its place.
    pub(crate) fn retire(&self, worker: WorkerProcess) {
        drop(worker);
        // Without a spare the next job waits for its worker, and says why there is none.
        let _unavailable = self.ask(Request::Spare);
    }

    fn ask(&self, request: Request) -> Result<(), GenerateFailure> {
        let mut starter = self.starter.lock().unwrap_or_else(PoisonError::into_inner);
        if starter.is_none() {
            let (requests, received) = channel();
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new()
                .name("vss-worker-starter".into())
                .spawn(move || shared.start_all(&received))
                .map_err(|error| {
                    let why = format!("no thread to start workers from: {error}");
                    GenerateFailure::new(FailureClass::TransientIo, why)
                })?;
            *starter = Some(Starter { requests, thread });
        }
        let requests = starter.as_ref().map(|starter| &starter.requests);
        let sent = requests.map(|requests| requests.send(request));
        sent.ok_or_else(gone)?.map_err(|_| gone())
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Vec<WorkerProcess>> {
        // Its holders only push and pop.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_all(&self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            match request {
                Request::One(reply) => {
                    // Who gave up waiting gets none; the worker ends as it is dropped.
                    let _gave_up = reply.send(start(&self.settings));
                }
                Request::Spare if self.idle().is_empty() => match start(&self.settings) {
                    Ok(worker) => self.idle().push(worker),
                    Err(why) => tracing::debug!(%why, "no spare worker"),
                },
                Request::Spare => {}
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let starter = self.starter.get_mut();
        let starter = starter.unwrap_or_else(PoisonError::into_inner).take();
        self.shared.idle().clear();
        if let Some(Starter { requests, thread }) = starter {
            drop(requests);
            // It ends with its last request; a panic of its own is nobody's news any more.
            let _ended = thread.join();
        }
    }
}

fn gone() -> GenerateFailure {
    GenerateFailure::new(
        FailureClass::TransientIo,
        "the thread that starts workers is gone",
    )
}
