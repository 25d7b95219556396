//! Finds out what building and testing still needs on this machine, says so, and installs it.

mod manager;
mod packages;

use std::path::Path;

use anyhow::Result;

use crate::{shell, workspace};
use packages::{BASE, CAMERA, FONTS, Group, OCR, SERVER, TRACING, VIDEO};

/// The feature that builds the worker of video and audio.
pub(crate) const VIDEO_WORKER: &str = "vss-worker/av";

/// The feature that builds the worker of text.
pub(crate) const TEXT_WORKER: &str = "vss-worker/ocr";

/// The feature that builds the worker of camera files.
pub(crate) const CAMERA_WORKER: &str = "vss-worker/raw";

/// The engines that need libraries of the system: the feature that builds each, and what it needs.
const ENGINES: &[(&str, &Group)] = &[
    (VIDEO_WORKER, &VIDEO),
    (TEXT_WORKER, &OCR),
    (CAMERA_WORKER, &CAMERA),
];

/// A cargo subcommand that has to be installed.
pub(crate) struct Tool {
    name: &'static str,
    subcommand: &'static str,
    reason: &'static str,
}

impl Tool {
    pub(crate) const NEXTEST: Self = Self {
        name: "cargo-nextest",
        subcommand: "nextest",
        reason: "runs each test in its own process, with time limits",
    };
    const DENY: Self = Self {
        name: "cargo-deny",
        subcommand: "deny",
        reason: "checks licences, sources and banned crates",
    };

    pub(crate) fn present(&self, root: &Path) -> bool {
        shell::succeeds(&mut shell::cargo(root, [self.subcommand, "--version"]))
    }

    fn install(&self, root: &Path) -> Result<()> {
        if self.present(root) {
            println!("{}: there", self.name);
            return Ok(());
        }
        println!(
            "{}: missing ({}); building it takes some minutes",
            self.name, self.reason
        );
        let mut command = shell::cargo(root, ["install", "--locked", self.name]);
        // Its objects are of no use to the workspace: let cargo build it in a folder it removes.
        shell::run(command.env_remove("CARGO_TARGET_DIR"))
    }
}

/// System packages and cargo-nextest; with `ci` also cargo-deny.
pub(crate) fn run(ci: bool) -> Result<()> {
    system_packages()?;
    for group in [&VIDEO, &OCR, &CAMERA, &FONTS, &SERVER, &TRACING] {
        if let Err(error) = manager::install(group) {
            println!("going on without {}: {error:#}", group.what);
        }
    }
    let root = workspace::root()?;
    if let Err(error) = Tool::NEXTEST.install(&root) {
        println!("cannot install cargo-nextest ({error:#}); tests will run with `cargo test`");
    }
    if ci {
        Tool::DENY.install(&root)?;
    }
    Ok(())
}

/// Installs the missing packages that nothing can be built without, after saying which; does
/// nothing when none is missing.
pub(crate) fn system_packages() -> Result<()> {
    manager::install(&BASE)
}

/// The features that build the engines whose libraries are on this machine; says which are not.
pub(crate) fn engines() -> Vec<&'static str> {
    let mut features = Vec::new();
    for &(feature, group) in ENGINES {
        match group.missing().as_slice() {
            [] => features.push(feature),
            missing => println!(
                "{} is left out: there is no {} (`cargo xtask setup` installs it)",
                group.what,
                manager::names(missing).join(", ")
            ),
        }
    }
    features
}
