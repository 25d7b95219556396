//! Whether the system lets as many folders be watched as there are.

use vss_watch_notify::{Limits, count_folders};

use super::Check;
use crate::output;
use crate::wiring::App;

/// Folders of the vault that are counted at most.
const COUNTED: u64 = 2_000_000;
/// Watches that other programs of this user may need: editors, desktops, synchronisers.
const OTHERS: u64 = 8_192;

/// What there is to watch beside what may be watched.
pub(super) fn check(app: &App, originals: u64) -> Check {
    let Some(limits) = Limits::read() else {
        return Check::good(
            "watch",
            "no inotify here: folders are looked at every so often",
        );
    };
    let vault = count_folders(&app.library.sidecars_root(), COUNTED);
    let at_least = if vault >= COUNTED { "at least " } else { "" };
    let Limits {
        watches,
        instances,
        queued,
    } = limits;
    let detail = format!(
        "{at_least}{} folders in the vault and {} with originals; inotify lets a user watch {} \
         (max_user_watches), begin {} watches (max_user_instances), and keeps {} notices \
         (max_queued_events)",
        output::count(vault),
        output::count(originals),
        output::count(watches),
        output::count(instances),
        output::count(queued),
    );
    let needed = vault + originals + OTHERS;
    Check {
        // What is beyond the limit is looked at every so often: slower, and not wrong.
        remedy: (needed > watches).then(|| {
            let wanted = needed.saturating_mul(2).next_power_of_two();
            format!(
                "to watch all of them: echo fs.inotify.max_user_watches={wanted} | sudo tee \
                 /etc/sysctl.d/60-vss.conf && sudo sysctl --system; a kilobyte each while they \
                 are watched. Until then the rest is looked at every {} s (watch.sweep_every)",
                app.config.watch.sweep_every().as_secs()
            )
        }),
        ..Check::good("watch", detail)
    }
}
