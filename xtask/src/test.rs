//! The whole test suite in one command: what the README tells people and what `ci` runs.

use anyhow::Result;

use crate::{corpus, setup, shell, workspace};

/// System packages, then every test of the workspace, then the examples in the documentation.
pub(crate) fn run() -> Result<()> {
    setup::system_packages()?;
    let root = workspace::root()?;
    let corpus = corpus::find(&root)?;
    println!("{}", corpus::announce(corpus.as_deref()));

    let has_nextest = setup::Tool::NEXTEST.present(&root);
    let mut suite = if has_nextest {
        shell::cargo(&root, ["nextest", "run", "--workspace", "--profile", "ci"])
    } else {
        println!("cargo-nextest is not installed (`cargo xtask setup` does it): using cargo test");
        shell::cargo(
            &root,
            [
                "test",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--no-fail-fast",
            ],
        )
    };
    let mut examples = shell::cargo(&root, ["test", "--workspace", "--doc"]);
    for command in [&mut suite, &mut examples] {
        if let Some(folder) = &corpus {
            command.env(corpus::VARIABLE, folder);
        }
    }
    // Both run, so that one failure does not hide the other.
    let suite = shell::run(&mut suite);
    let examples = shell::run(&mut examples);
    suite.and(examples)
}
