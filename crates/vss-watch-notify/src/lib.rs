//! Watcher on the notices that the machine itself gives of changed files, and on looking every so
//! often where it gives none.
//!
//! One thread a watch does everything; it sleeps until something happens.
//!
//! | file | idea |
//! |---|---|
//! | `watcher` | the port: starts the thread, hands on what it tells |
//! | `outbox` | what was told and not yet heard, each path once |
//! | `keeper` | the thread: sleeps and sees to what there is; in `heed`, what each notice means |
//! | `cover` | begins to watch folders, as many as the system lets |
//! | `patrol` | looks at folders that cannot be watched, and whether the roots are there |
//! | `mounts` | disks that are mounted or taken away below a root |
//! | `folders` | which folders are watched, and how they are called now |
//! | `notice`, `notices` | what the system says, and inotify |
//! | `survey` | reads one folder: what to look into, and whether it changed |
//! | `network` | which file systems others change without this machine hearing of it |
//! | `limits` | what the system lets be watched |
#![expect(
    clippy::disallowed_methods,
    reason = "this adapter looks at the folders that it watches, in the machine's own time"
)]

mod cover;
mod folders;
mod keeper;
mod limits;
mod mounts;
mod network;
mod notice;
#[cfg(target_os = "linux")]
mod notices;
#[cfg(not(target_os = "linux"))]
#[path = "notices_elsewhere.rs"]
mod notices;
mod outbox;
mod patrol;
mod survey;
mod watcher;

pub use limits::Limits;
pub use network::network_name;
pub use survey::count_folders;
pub use watcher::{NotifyWatcher, Polling, WatchSettings};
