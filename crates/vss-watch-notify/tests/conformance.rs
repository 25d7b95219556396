//! NotifyWatcher keeps the contract of Watcher: listening, sweeping what is beyond a limit, and
//! polling alone.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use vss_conformance::watcher::{Disk, Ground, KEPT, WatcherHarness};
use vss_watch_notify::{NotifyWatcher, Polling, WatchSettings};

struct Harness(WatchSettings);

impl WatcherHarness for Harness {
    fn fresh(&self, cramped: bool) -> Box<dyn Ground> {
        let mut settings = self.0.clone();
        if cramped {
            settings.kept = NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN);
        }
        Box::new(Disk::new(Arc::new(NotifyWatcher::new(settings))))
    }
}

fn main() {
    let often = Duration::from_millis(40);
    let listening = WatchSettings {
        roots_every: often,
        poll_every: often,
        sweep_every: often,
        ..WatchSettings::default()
    };
    let limited = WatchSettings {
        most_watches: Some(2),
        ..listening.clone()
    };
    let polling = WatchSettings {
        polling: Polling::Always,
        ..listening.clone()
    };
    let mut trials = Vec::new();
    for (name, settings) in [
        ("notify", listening),
        ("limited", limited),
        ("polling", polling),
    ] {
        trials.extend(vss_conformance::watcher::trials(
            name,
            Arc::new(Harness(settings)),
        ));
    }
    vss_conformance::run(trials);
}
