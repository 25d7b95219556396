//! One module a command.

mod contact_sheet;
mod convert;
mod daemon;
mod doctor;
mod du;
mod explain;
mod export;
mod gc;
mod index;
mod init;
mod kinds;
mod link;
mod ls;
mod path;
mod plan;
mod presence;
mod queue;
mod reconcile;
mod regen;
mod run;
mod scrub;
mod status;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::failure::{Exit, Failure};
use crate::sample;

/// Does what the command line says.
pub(crate) async fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Init { place } => init::init(global, place.as_deref()).await,
        Command::Index(args) => index::index(global, args).await,
        Command::Run(args) => run::run(global, args).await,
        Command::Daemon(args) => daemon::daemon(global, args).await,
        Command::Queue { act } => queue::queue(global, act).await,
        Command::Status => status::status(global).await,
        Command::Path(args) => path::path(global, args).await,
        Command::Presence(args) => presence::presence(global, args).await,
        Command::Ls { target } => ls::ls(global, target).await,
        Command::Link(args) => link::link(global, args).await,
        Command::Unlink(args) => link::unlink(global, args).await,
        Command::Convert(args) => convert::convert(global, args).await,
        Command::Reconcile { verify, dry_run } => {
            reconcile::reconcile(global, *verify, *dry_run).await
        }
        Command::Gc(args) => gc::gc(global, args).await,
        Command::Du => du::du(global).await,
        Command::Scrub(args) => scrub::scrub(global, args).await,
        Command::Regen(args) => regen::regen(global, args).await,
        Command::Retry(args) => regen::retry(global, args).await,
        Command::Explain { targets, problems } => {
            explain::explain(global, targets, *problems).await
        }
        Command::Export(args) => export::export(global, args).await,
        Command::Plan { paths, hidden } => plan::plan(global, paths, *hidden).await,
        Command::Doctor => doctor::doctor(global).await,
        Command::Kinds => kinds::kinds(global).await,
        Command::ContactSheet {
            out,
            columns,
            limit,
        } => contact_sheet::contact_sheet(global, out, *columns, *limit).await,
        Command::Sample { folder } => sample::write(folder),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "vss", &mut std::io::stdout());
            Ok(Exit::Done)
        }
    }
}
