//! Ctrl-C and SIGTERM, from the moment that somebody listens, and whoever else tells work to end.

use std::time::Duration;

use vss_ports::CancelToken;

/// Waits until a token is cancelled. A token wakes nobody, so it is looked at: seldom enough that a
/// daemon without work costs nothing.
pub(crate) async fn told(stop: &CancelToken) {
    while !stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Listens from when it is made, so that a signal that comes before anybody waits is not lost, nor
/// ends the process.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler the signal ends the process, which the next run recovers from.
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = heard(&mut self.interrupt) => {}
            () = heard(&mut self.terminate) => {}
        }
    }
}

#[cfg(unix)]
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Self {
        Self {}
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
