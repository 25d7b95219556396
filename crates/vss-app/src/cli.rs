//! The command line, as clap reads it and prints it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vss_core::{Kind, Variant};

mod making;

pub(crate) use making::{CancelArgs, DaemonArgs, KindsArgs, QueueAct, RegenArgs, RetryArgs};

/// Thumbnails and other sidecars of your files: made once per content, kept beside your files and
/// never in them.
#[derive(Debug, Parser)]
#[command(name = "vss", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The library folder (NAME.sdlibrary)
    #[arg(
        long,
        short = 'L',
        global = true,
        env = "VSS_LIBRARY",
        value_name = "LIBRARY"
    )]
    pub(crate) library: Option<PathBuf>,
    /// Print one JSON document on stdout; progress and logs go to stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on stderr; -vv says everything (VSS_LOG takes filters such as vss_engine=debug)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an empty library
    Init {
        /// Its folder; `.sdlibrary` is added when it is not there
        #[arg(value_name = "LIBRARY")]
        place: Option<PathBuf>,
    },
    /// Find out what is in folders and queue what is missing; originals are only read
    Index(IndexArgs),
    /// Make what is queued, and return when nothing is due
    Run(RunArgs),
    /// Stay and make whatever is queued, until told to end; other commands find it
    Daemon(DaemonArgs),
    /// Look at the queue, hold it, or change it
    Queue {
        #[command(subcommand)]
        act: QueueAct,
    },
    /// How much there is, and in which state
    Status,
    /// Where a sidecar's file is; queues it before everything else when it is not there
    Path(PathArgs),
    /// Write the text of a file in a format that other programs read
    Export(ExportArgs),
    /// Which sidecars of many contents are here
    Presence(PresenceArgs),
    /// The sidecars of one content
    Ls {
        /// A file, or the uuid of a content
        #[arg(value_name = "FILE|UUID")]
        target: OsString,
    },
    /// Make one file a sidecar of another: a video of a picture, XMP, subtitles; indexing keeps to it
    Link(LinkArgs),
    /// Keep one file from being a sidecar of another; indexing keeps to it
    Unlink(UnlinkArgs),
    /// Move originals that serve as sidecars into the library, or back
    Convert(ConvertArgs),
    /// Make rows and files agree, in both directions
    Reconcile {
        /// Also hash every file that looks right
        #[arg(long)]
        verify: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Hash every sidecar, set aside what is damaged, and make it again
    Scrub(ScrubArgs),
    /// Show, and when told to delete, the sidecars of files that are gone
    Gc(GcArgs),
    /// How much room sidecars take
    Du,
    /// Queue sidecars to be made again
    Regen(RegenArgs),
    /// Queue failed sidecars again
    Retry(RetryArgs),
    /// Why sidecars of a file are there, missing, failed or queued, and what to do
    Explain {
        /// Files, or uuids of contents
        #[arg(value_name = "FILE|UUID", required_unless_present = "problems")]
        targets: Vec<OsString>,
        /// Everything in the library that does not have all it should have
        #[arg(long, conflicts_with = "targets")]
        problems: bool,
    },
    /// What indexing a folder and running would make: count, bytes, seconds
    Plan {
        /// Folders or files
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Also hidden files
        #[arg(long)]
        hidden: bool,
    },
    /// Whether everything this program needs is in order
    Doctor,
    /// The kinds and variants this library makes
    Kinds,
    /// Draw the library's thumbnails on one PNG
    ContactSheet {
        /// The picture to write
        #[arg(long, value_name = "FILE.png")]
        out: PathBuf,
        /// Pictures a row
        #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=40))]
        columns: u32,
        /// Pictures at most
        #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=4000))]
        limit: u32,
    },
    /// Write a folder of sample pictures to try things on
    #[command(hide = true)]
    Sample {
        /// The folder; made when it is not there
        folder: PathBuf,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Folders or files
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Also hidden files and folders
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Stay, and index whatever changes, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Jobs side by side [default: all cores but one, when there are more than two]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// A file, or the uuid of a content
    #[arg(value_name = "FILE|UUID")]
    pub(crate) target: OsString,
    /// The kind, such as thumb
    pub(crate) kind: Kind,
    /// The variant, such as grid@1x
    pub(crate) variant: Variant,
    /// Make it now and wait for it, for so many seconds at most
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "60")]
    pub(crate) wait: Option<u64>,
    /// Make a file of its own of what is only a part of an original (the video of a Motion Photo)
    #[arg(long)]
    pub(crate) extract: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The file that the other one belongs to
    #[arg(value_name = "FILE")]
    pub(crate) of: PathBuf,
    /// The file that is to be its sidecar; it stays where it is
    #[arg(value_name = "COMPANION")]
    pub(crate) companion: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct UnlinkArgs {
    /// The file that the other one belonged to
    #[arg(value_name = "FILE")]
    pub(crate) of: PathBuf,
    /// The file that is not to be its sidecar [default: the file itself, for a Motion Photo]
    #[arg(value_name = "COMPANION")]
    pub(crate) companion: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct ConvertArgs {
    /// The sidecars of these files or contents
    #[arg(value_name = "FILE|UUID", group = "which")]
    pub(crate) targets: Vec<OsString>,
    /// Sidecars of this kind: live, rendition, xmp, subtitle
    #[arg(long, group = "which")]
    pub(crate) kind: Option<Kind>,
    /// Everything that can be moved
    #[arg(long, group = "which", conflicts_with_all = ["targets", "kind"])]
    pub(crate) all: bool,
    /// Move them back to where they were, as long as that place is free
    #[arg(long, requires = "targets", conflicts_with = "dry_run")]
    pub(crate) revert: bool,
    /// Only say what would be moved
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A file, or the uuid of a content
    #[arg(value_name = "FILE|UUID")]
    pub(crate) target: OsString,
    /// The kind: ocr
    pub(crate) kind: Kind,
    /// The format
    #[arg(long = "as", value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// The file to write, which must not be there yet [default: stdout]
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// The variant, where the library has several
    #[arg(long, default_value = "ocr")]
    pub(crate) variant: Variant,
    /// Make it now if it is not there, and wait for it, for so many seconds at most
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
          default_missing_value = "60")]
    pub(crate) wait: Option<u64>,
}

/// What a text is exported as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Plain text: a line a line, a form feed after each page
    Txt,
    /// A table with the columns of Tesseract's tsv
    Tsv,
    /// hOCR: HTML with the place of each word
    Hocr,
    /// ALTO 4: XML with the place of each word
    Alto,
    /// The picture as a PDF whose words can be searched and copied
    Pdf,
}

#[derive(Debug, Args)]
pub(crate) struct PresenceArgs {
    /// The kind
    #[arg(long)]
    pub(crate) kind: Kind,
    /// The variants
    #[arg(long, required = true, num_args = 1)]
    pub(crate) variant: Vec<Variant>,
    /// Files, or uuids of contents
    #[arg(value_name = "FILE|UUID", required = true)]
    pub(crate) targets: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Delete what the last `vss gc` showed
    #[arg(long)]
    pub(crate) apply: bool,
    /// Only show it; this is what happens without --apply too
    #[arg(long, conflicts_with = "apply")]
    pub(crate) dry_run: bool,
    /// Days that a content must have been without any original
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 30,
        conflicts_with = "apply"
    )]
    pub(crate) grace: u16,
    /// Also what is hard to make again, or cannot be: proxies, texts, adopted files
    #[arg(long)]
    pub(crate) precious: bool,
    /// Go on although a location is missing; what is in it is kept
    #[arg(long)]
    pub(crate) despite_missing: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// From the beginning, not from where the last scrub stopped
    #[arg(long)]
    pub(crate) all: bool,
    /// Only say what is damaged
    #[arg(long)]
    pub(crate) dry_run: bool,
}
