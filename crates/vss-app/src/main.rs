//! The `vss` program: reads the command line, wires the adapters to the engine, does one command
//! and ends with an exit code that scripts can rely on.
#![expect(
    clippy::disallowed_methods,
    reason = "the root owns the environment, and the library folder until its adapters are open"
)]

mod cli;
mod commands;
mod config;
mod contact_sheet;
mod control;
#[cfg(unix)]
mod daemon;
mod databases;
mod device;
mod failure;
mod lasting;
mod library;
mod logging;
mod output;
mod presets;
mod progress;
mod quota_config;
mod sample;
mod searchable;
mod signals;
mod tally;
mod target;
mod watch_config;
mod watching;
mod whole_file;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A daemon's log is all that anybody sees of it.
    let talks = matches!(cli.command, cli::Command::Daemon(_));
    logging::start(cli.global.verbose.max(u8::from(talks)));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::report(&failure::Failure::internal("start", error), &cli.global);
        }
    };
    match runtime.block_on(commands::dispatch(&cli)) {
        Ok(exit) => match output::unwritten() {
            None => exit.into(),
            Some(why) => {
                let message = format!("what was to be said could not be written: {why}");
                let failure = failure::Failure::new(failure::Exit::Failure, message)
                    .remedy("make room where the output goes, then ask again");
                failure::report(&failure, &cli.global)
            }
        },
        Err(failure) => failure::report(&failure, &cli.global),
    }
}
