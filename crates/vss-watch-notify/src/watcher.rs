//! The port: a thread for each watch, told to end when the watch is dropped.

use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use vss_ports::{
    Change, Coverage, PortError, PortErrorKind, PortResult, Watch, WatchRequest, Watcher,
};

use crate::keeper::Keeper;
use crate::notices::Notices;
use crate::outbox::Outbox;

/// When folders are looked at every so often, besides listening.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Polling {
    /// Where others can change files without this machine being told.
    #[default]
    Auto,
    /// Everywhere, and nothing is listened to.
    Always,
    /// Only what is beyond the system's limit.
    Never,
}

/// How a watcher works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchSettings {
    /// When folders are looked at every so often.
    pub polling: Polling,
    /// How often where they are.
    pub poll_every: Duration,
    /// How often folders are looked at that are beyond the system's limit.
    pub sweep_every: Duration,
    /// How often it is looked whether the roots are there. Each second while one is not.
    pub roots_every: Duration,
    /// Folders that are watched at most; as many as the system lets when `None`.
    pub most_watches: Option<usize>,
    /// Paths of a root that are kept until somebody listens.
    pub kept: NonZeroUsize,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            polling: Polling::Auto,
            poll_every: Duration::from_secs(60),
            sweep_every: Duration::from_secs(600),
            roots_every: Duration::from_secs(5),
            most_watches: None,
            kept: NonZeroUsize::MIN.saturating_add(65_535),
        }
    }
}

/// Watches folders on this machine.
#[derive(Clone, Debug, Default)]
pub struct NotifyWatcher {
    settings: WatchSettings,
}

impl NotifyWatcher {
    /// A watcher that works like this.
    pub fn new(settings: WatchSettings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Watcher for NotifyWatcher {
    async fn watch(&self, request: &WatchRequest) -> PortResult<Box<dyn Watch>> {
        let failed = |kind, cause: String| PortError::new(kind, "watch folders", cause);
        let notices = Notices::begin().map_err(|error| {
            let advice = "raise fs.inotify.max_user_instances";
            failed(PortErrorKind::Unavailable, format!("{error}: {advice}"))
        })?;
        let pair = UnixStream::pair();
        let (stop, stopped) =
            pair.map_err(|error| failed(PortErrorKind::Unavailable, error.to_string()))?;
        let outbox = Arc::new(Outbox::new(&request.roots, self.settings.kept.get()));
        let keeper = Keeper::new(&self.settings, request, notices, Arc::clone(&outbox));
        let (begun, begins) = oneshot::channel();
        let thread = std::thread::Builder::new().name("vss-watch".into());
        let spawned = thread.spawn(move || keeper.run(&stopped, begun));
        spawned.map_err(|error| failed(PortErrorKind::Unavailable, error.to_string()))?;
        begins
            .await
            .map_err(|error| failed(PortErrorKind::Unexpected, error.to_string()))?;
        Ok(Box::new(Running {
            outbox,
            _stop: stop,
        }))
    }
}

/// A watch. The thread sees the other end of `_stop` close.
struct Running {
    outbox: Arc<Outbox>,
    _stop: UnixStream,
}

#[async_trait]
impl Watch for Running {
    async fn next(&mut self) -> PortResult<Vec<Change>> {
        self.outbox.take().await.ok_or_else(|| {
            let cause = "the thread that watches has ended";
            PortError::new(PortErrorKind::Unexpected, "watch folders", cause)
        })
    }

    fn coverage(&self) -> Vec<Coverage> {
        self.outbox.coverage()
    }
}

/// A root while it is watched.
#[derive(Default)]
pub(crate) struct Root {
    /// As it was asked for.
    pub(crate) asked: PathBuf,
    /// Where it is now.
    pub(crate) there: Option<There>,
}

/// A root that is there.
pub(crate) struct There {
    /// Without links.
    pub(crate) path: PathBuf,
    /// Device and inode: another disk may be mounted in its place.
    pub(crate) identity: (u64, u64),
    /// Whether the system says that this very folder is gone.
    pub(crate) ended: bool,
    /// Why all of it is looked at every so often.
    pub(crate) polled: Option<String>,
    /// What each folder that is looked at every so often looked like, by the short of its path.
    pub(crate) prints: std::collections::HashMap<u64, u64>,
    /// Folders that are not watched.
    pub(crate) swept: u64,
    /// When it is looked at next.
    pub(crate) next_look: std::time::Instant,
}
