//! The whole test suite in one command: what the README tells people and what `ci` runs.

use anyhow::Result;

use crate::{corpus, postgres, setup, shell, workspace};

/// Features that are off for a host and on for the tests.
pub(crate) const FEATURES: &str = "--features=vss-store-seaorm/postgres";

/// System packages, then every test of the workspace, then the examples in the documentation.
pub(crate) fn run() -> Result<()> {
    setup::system_packages()?;
    let root = workspace::root()?;
    let corpus = corpus::find(&root)?;
    println!("{}", corpus::announce(corpus.as_deref()));
    // Until the end of this function.
    let server = postgres::serve()?;

    let has_nextest = setup::Tool::NEXTEST.present(&root);
    let mut suite = if has_nextest {
        let nextest = ["nextest", "run", "--workspace", FEATURES, "--profile", "ci"];
        shell::cargo(&root, nextest)
    } else {
        println!("cargo-nextest is not installed (`cargo xtask setup` does it): using cargo test");
        shell::cargo(
            &root,
            [
                "test",
                "--workspace",
                FEATURES,
                "--lib",
                "--bins",
                "--tests",
                "--no-fail-fast",
            ],
        )
    };
    let mut examples = shell::cargo(&root, ["test", "--workspace", FEATURES, "--doc"]);
    for command in [&mut suite, &mut examples] {
        if let Some(folder) = &corpus {
            command.env(corpus::VARIABLE, folder);
        }
        if let Some(server) = &server {
            command.env(postgres::VARIABLE, &server.url);
        }
    }
    // Both run, so that one failure does not hide the other.
    let suite = shell::run(&mut suite);
    let examples = shell::run(&mut examples);
    suite.and(examples)
}
