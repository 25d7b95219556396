//! Finds out what building and testing still needs on this machine, says so, and installs it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{shell, workspace};

/// A package of the system, what shows that it is there, and who needs it.
struct Package {
    /// Its name on Debian and Ubuntu.
    name: &'static str,
    probe: Probe,
    reason: &'static str,
}

enum Probe {
    Program(&'static str),
    File(&'static str),
    /// A program of a PostgreSQL server, which Debian keeps out of PATH.
    Postgres(&'static str),
}

impl Probe {
    fn finds(&self) -> bool {
        match self {
            Self::Program(name) => shell::find_program(name).is_some(),
            Self::File(path) => !cfg!(target_os = "linux") || Path::new(path).exists(),
            Self::Postgres(name) => {
                let versions = std::fs::read_dir("/usr/lib/postgresql")
                    .into_iter()
                    .flatten();
                let mut folders = versions.flatten().map(|version| version.path().join("bin"));
                shell::find_program(name).is_some()
                    || folders.any(|folder| folder.join(name).is_file())
            }
        }
    }
}

/// All system packages, in one place. Everything else is compiled from crates.
const PACKAGES: &[Package] = &[
    Package {
        name: "gcc",
        probe: Probe::Program("cc"),
        reason: "links every program; compiles libwebp, SQLite and the fast paths of BLAKE3",
    },
    Package {
        name: "libc6-dev",
        probe: Probe::File("/usr/include/stdio.h"),
        reason: "the headers of the C library, for the same",
    },
    Package {
        name: "make",
        probe: Probe::Program("make"),
        reason: "cmake drives it to build libjpeg-turbo (turbojpeg)",
    },
    Package {
        name: "cmake",
        probe: Probe::Program("cmake"),
        reason: "configures libjpeg-turbo (turbojpeg)",
    },
    Package {
        name: "nasm",
        probe: Probe::Program("nasm"),
        reason: "assembles libjpeg-turbo's SIMD; without it JPEG decoding is two to six times slower",
    },
    Package {
        name: "git",
        probe: Probe::Program("git"),
        reason: "`cargo xtask tidy` asks it which files count",
    },
];

/// What some tests want and are skipped without.
const OPTIONAL: &[Package] = &[Package {
    name: "postgresql",
    probe: Probe::Postgres("initdb"),
    reason: "a throw-away server for the PostgreSQL tests",
}];

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
    if let Err(error) = packages(OPTIONAL) {
        println!("going on without, some tests will be skipped: {error:#}");
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

/// Installs the missing system packages after saying which; does nothing when none is missing.
pub(crate) fn system_packages() -> Result<()> {
    packages(PACKAGES)
}

fn packages(wanted: &[Package]) -> Result<()> {
    let missing = missing(wanted, Probe::finds);
    if missing.is_empty() {
        let names: Vec<&str> = wanted.iter().map(|package| package.name).collect();
        println!("system packages: all there ({})", names.join(", "));
        return Ok(());
    }
    println!("missing system packages:");
    for package in &missing {
        println!("  {:<10} {}", package.name, package.reason);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let has = |program: &str| shell::find_program(program).is_some();
    let prefix = privileges(has("apt-get"), is_root(), has("sudo"), &names.join(" "))?;
    let apt = |arguments: &[&str]| {
        let mut words = prefix.to_vec();
        // Through `env`, since sudo drops our environment.
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
        words.extend(arguments);
        shell::run(Command::new(words[0]).args(&words[1..]))
    };
    // A stale list is no reason to give up: a package may still be found.
    if let Err(error) = apt(&["update"]) {
        println!("going on with the old package lists: {error:#}");
    }
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&names);
    apt(&arguments)
}

fn missing(packages: &[Package], there: impl Fn(&Probe) -> bool) -> Vec<&Package> {
    packages
        .iter()
        .filter(|package| !there(&package.probe))
        .collect()
}

/// What to put before apt-get, or why it cannot be used.
fn privileges(apt: bool, root: bool, sudo: bool, names: &str) -> Result<&'static [&'static str]> {
    match (apt, root, sudo) {
        (false, ..) => bail!(
            "this system has no apt-get; install what Debian calls `{names}` by other means, then run this again"
        ),
        (true, true, _) => Ok(&[]),
        (true, false, true) => Ok(&["sudo"]),
        (true, false, false) => bail!(
            "installing needs root, and there is no sudo; as root, run: apt-get install {names}"
        ),
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_absent_is_missing() {
        let all_but = |absent: &'static str| {
            missing(
                PACKAGES,
                move |probe| !matches!(probe, Probe::Program(name) if *name == absent),
            )
        };
        let names: Vec<_> = all_but("nasm").iter().map(|package| package.name).collect();
        assert_eq!(names, ["nasm"]);
        assert!(missing(PACKAGES, |_| true).is_empty());
        assert_eq!(missing(PACKAGES, |_| false).len(), PACKAGES.len());
    }

    #[test]
    fn who_cannot_install_is_told_what_to_do() {
        assert_eq!(privileges(true, true, false, "nasm").unwrap(), [""; 0]);
        assert_eq!(privileges(true, false, true, "nasm").unwrap(), ["sudo"]);
        let no_sudo = privileges(true, false, false, "nasm")
            .unwrap_err()
            .to_string();
        assert!(no_sudo.contains("apt-get install nasm"), "{no_sudo}");
        let no_apt = privileges(false, true, true, "nasm")
            .unwrap_err()
            .to_string();
        assert!(no_apt.contains("no apt-get"), "{no_apt}");
    }
}
