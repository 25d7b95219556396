//! The whole test suite in one command: what the README tells people and what `ci` runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{corpus, postgres, setup, shell, workspace};

/// The features that are off for a host and on for the tests: a server for the rows, and the
/// engines whose libraries are there.
pub(crate) fn features() -> String {
    let mut features = vec!["vss-store-seaorm/postgres"];
    features.extend(setup::engines());
    format!("--features={}", features.join(","))
}

/// System packages, then every test of the workspace, then the examples in the documentation.
pub(crate) fn run() -> Result<()> {
    setup::system_packages()?;
    let root = workspace::root()?;
    let media = Surroundings::find(&root)?;
    let features = features();
    let has_nextest = setup::Tool::NEXTEST.present(&root);
    let mut suite = if has_nextest {
        let nextest = [
            "nextest",
            "run",
            "--workspace",
            &features,
            "--profile",
            "ci",
        ];
        shell::cargo(&root, nextest)
    } else {
        println!("cargo-nextest is not installed (`cargo xtask setup` does it): using cargo test");
        shell::cargo(
            &root,
            [
                "test",
                "--workspace",
                &features,
                "--lib",
                "--bins",
                "--tests",
                "--no-fail-fast",
            ],
        )
    };
    let mut examples = shell::cargo(&root, ["test", "--workspace", &features, "--doc"]);
    // Both run, so that one failure does not hide the other.
    let suite = shell::run(media.tell(&mut suite));
    let examples = shell::run(media.tell(&mut examples));
    suite.and(examples)
}

/// The tests that kill, stop, fill and poison, each for many more rounds: hours. With `power` only
/// those that cut the power, which then are not skipped.
pub(crate) fn chaos(power: bool) -> Result<()> {
    if power {
        power_can_be_cut()?;
    }
    setup::system_packages()?;
    let root = workspace::root()?;
    let media = Surroundings::find(&root)?;
    let features = features();
    let mut suite = shell::cargo(
        &root,
        [
            "nextest",
            "run",
            "--workspace",
            &features,
            "--profile",
            "chaos",
            "-E",
            match power {
                true => "test(/(^|::)heavy::power::/)",
                false => "test(/(^|::)heavy::/) or test(any_sequence_of_calls_is_answered_alike)",
            },
        ],
    );
    let rounds = if power { "power" } else { "1" };
    shell::run(media.tell(&mut suite).env("VSS_CHAOS", rounds))
}

/// Whether this user may mount a disk that loses its power.
fn power_can_be_cut() -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "power is cut on a loop device, which only Linux has"
    );
    let user = shell::read(Command::new("id").arg("-u"))?;
    ensure!(
        user.trim() == "0",
        "power is cut on a disk that is mounted for it, which needs root: \
         sudo env \"PATH=$PATH\" cargo xtask chaos --power"
    );
    Ok(())
}

/// What tests need beside the checkout: real media and a PostgreSQL server, as far as they are
/// there. The server ends with it.
struct Surroundings {
    corpus: Option<PathBuf>,
    server: Option<postgres::Server>,
}

impl Surroundings {
    fn find(root: &Path) -> Result<Self> {
        let corpus = corpus::find(root)?;
        println!("{}", corpus::announce(corpus.as_deref()));
        let server = postgres::serve()?;
        Ok(Self { corpus, server })
    }

    /// Tells a command where they are.
    fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(folder) = &self.corpus {
            command.env(corpus::VARIABLE, folder);
        }
        if let Some(server) = &self.server {
            command.env(postgres::VARIABLE, &server.url);
        }
        command
    }
}
