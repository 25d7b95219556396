//! Developer tasks of the workspace, one module a task, so that a fresh checkout needs no other script.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to the terminal and reads the checkout"
)]

mod arch;
mod bench;
mod ci;
mod corpus;
mod demo;
mod postgres;
mod setup;
mod shell;
mod test;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of the Virtual Sidecar System.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build vss, make a library of FOLDER's pictures and show what came out
    Demo {
        /// Pictures to index; without it a small sample is generated
        folder: Option<PathBuf>,
        /// Where the library, the contact sheet and the page go [default: target/demo]
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run the whole test suite
    Test,
    /// Run the tests that kill, stop, fill and poison for many more rounds: hours
    Chaos {
        /// Only the power cuts, 200 of them; needs root
        #[arg(long)]
        power: bool,
    },
    /// Install what building and testing needs, saying first what is missing
    Setup {
        /// Also what only `ci` needs: cargo-deny
        #[arg(long)]
        ci: bool,
    },
    /// Run everything a change must pass
    Ci,
    /// Check the layers: which crate may depend on which
    Arch,
    /// Check the house rules that the compiler does not know
    Tidy,
    /// Measure: `thumbs` beside a peer, or any bench target of the workspace by its name
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Demo { folder, out } => demo::run(folder, out),
        Task::Test => test::run(),
        Task::Chaos { power } => test::chaos(power),
        Task::Setup { ci } => setup::run(ci),
        Task::Ci => ci::run(),
        Task::Arch => arch::run(),
        Task::Tidy => tidy::run(),
        Task::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
