//! What can be configured about watching folders.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vss_engine::Settling;
use vss_watch_notify::{Polling, WatchSettings};

/// The table `watch`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watch {
    /// Whether a daemon watches.
    pub(crate) on: bool,
    /// Seconds that a file has to stand still before it is indexed.
    settle: f64,
    /// Seconds that a file of the vault has to stand still before it is compared.
    vault_settle: f64,
    /// When folders are looked at every so often as well.
    poll: Poll,
    /// Seconds between two looks where they are.
    poll_every: u64,
    /// Seconds between two looks at what is beyond the system's limit.
    sweep_every: u64,
    /// Folders that are watched at most; 0 means as many as the system lets.
    most: usize,
}

/// When folders are looked at every so often as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Poll {
    Auto,
    Always,
    Never,
}

impl Default for Watch {
    fn default() -> Self {
        let standard = WatchSettings::default();
        Self {
            on: true,
            settle: 1.0,
            vault_settle: 0.3,
            poll: Poll::Auto,
            poll_every: standard.poll_every.as_secs(),
            sweep_every: standard.sweep_every.as_secs(),
            most: 0,
        }
    }
}

impl Watch {
    /// What the environment may set.
    pub(crate) const KEYS: &'static [&'static str] = &[
        "on",
        "settle",
        "vault_settle",
        "poll",
        "poll_every",
        "sweep_every",
        "most",
    ];

    /// What cannot be.
    pub(crate) fn fault(&self) -> Option<String> {
        let time = |seconds: f64| (0.01..=3_600.0).contains(&seconds);
        for (key, seconds) in [("settle", self.settle), ("vault_settle", self.vault_settle)] {
            if !time(seconds) {
                return Some(format!("watch.{key} must be from 0.01 to 3600 seconds"));
            }
        }
        for (key, seconds) in [
            ("poll_every", self.poll_every),
            ("sweep_every", self.sweep_every),
        ] {
            if seconds == 0 {
                return Some(format!("watch.{key} must be at least 1"));
            }
        }
        None
    }

    pub(crate) fn settle(&self) -> Duration {
        Duration::try_from_secs_f64(self.settle).unwrap_or(Duration::MAX)
    }

    /// How long originals wait.
    pub(crate) fn settling(&self) -> Settling {
        at_most_ten_times(self.settle())
    }

    /// How long files of the vault wait.
    pub(crate) fn vault_settling(&self) -> Settling {
        let settle = Duration::try_from_secs_f64(self.vault_settle);
        at_most_ten_times(settle.unwrap_or(Duration::MAX))
    }

    pub(crate) fn poll_every(&self) -> Duration {
        Duration::from_secs(self.poll_every)
    }

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_secs(self.sweep_every)
    }

    /// What the watcher is told.
    pub(crate) fn settings(&self) -> WatchSettings {
        WatchSettings {
            polling: match self.poll {
                Poll::Auto => Polling::Auto,
                Poll::Always => Polling::Always,
                Poll::Never => Polling::Never,
            },
            poll_every: self.poll_every(),
            sweep_every: self.sweep_every(),
            most_watches: (self.most > 0).then_some(self.most),
            ..WatchSettings::default()
        }
    }
}

fn at_most_ten_times(settle: Duration) -> Settling {
    Settling {
        settle,
        at_most: settle.saturating_mul(10),
    }
}
