//! What the commands that make sidecars, or steer who makes them, understand.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use vss_core::{FailureClass, Kind, Status};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("scope").required(true))]
pub(crate) struct RegenArgs {
    /// Whatever should be there and is not
    #[arg(long, group = "scope")]
    pub(crate) missing: bool,
    /// What failed or was set aside
    #[arg(long, group = "scope")]
    pub(crate) failed: bool,
    /// What another version of its generator made
    #[arg(long, group = "scope")]
    pub(crate) stale: bool,
    /// What is not what its row says any more: hashes every file
    #[arg(long, group = "scope")]
    pub(crate) corrupt: bool,
    /// Whatever is there; old files are served until the new ones are
    #[arg(long, group = "scope")]
    pub(crate) all: bool,
    /// Of this kind only
    #[arg(long, conflicts_with_all = ["missing", "corrupt"])]
    pub(crate) kind: Option<Kind>,
    /// Of these files or contents only
    #[arg(value_name = "FILE|UUID", conflicts_with_all = ["missing", "corrupt"])]
    pub(crate) targets: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// Of these files or contents only
    #[arg(value_name = "FILE|UUID")]
    pub(crate) targets: Vec<OsString>,
    /// Of this kind only
    #[arg(long)]
    pub(crate) kind: Option<Kind>,
    /// Failed with this class only
    #[arg(long)]
    pub(crate) class: Option<FailureClass>,
}

#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// Folders to index at the start and again every so often
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Seconds between two looks at the folders; 0 looks once
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub(crate) index_every: u64,
    /// Neither watch these folders nor the library's own; look at them every so often only
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Seconds that jobs may go on after SIGTERM before they are given back
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace: u64,
    /// Jobs side by side [default: all cores but one, when there are more than two]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
    /// Ask the running daemon to finish what is under way and end
    #[arg(long, conflicts_with_all = ["paths", "workers"])]
    pub(crate) stop: bool,
}

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueAct {
    /// What is due, waiting, running and held
    Ls {
        /// Of this kind only
        #[arg(long)]
        kind: Option<Kind>,
        /// Rows in this state: pending, running, failed, quarantined
        #[arg(long, value_name = "STATE", default_values = ["running", "failed", "quarantined"])]
        status: Vec<Status>,
        /// Rows at most
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Make nothing of these kinds until they are resumed
    Pause(KindsArgs),
    /// Let kinds go on
    Resume(KindsArgs),
    /// Queue failed sidecars again
    Retry(RetryArgs),
    /// Give up what is queued or under way; it comes back only by a retry
    Cancel(CancelArgs),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct KindsArgs {
    /// The kinds
    #[arg(value_name = "KIND", group = "which")]
    pub(crate) kinds: Vec<Kind>,
    /// Every kind that this library makes
    #[arg(long, group = "which")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct CancelArgs {
    /// Of these files or contents
    #[arg(value_name = "FILE|UUID", group = "which")]
    pub(crate) targets: Vec<OsString>,
    /// Of this kind
    #[arg(long, group = "which")]
    pub(crate) kind: Option<Kind>,
    /// Everything
    #[arg(long, group = "which", conflicts_with_all = ["targets", "kind"])]
    pub(crate) all: bool,
    /// Only say how many
    #[arg(long)]
    pub(crate) dry_run: bool,
}
