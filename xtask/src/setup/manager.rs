//! Installs packages with whatever the system installs packages with.

use std::process::Command;

use anyhow::{Result, bail};

use super::packages::{Group, Package};
use crate::shell;

/// What installs packages here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manager {
    Apt,
    Dnf,
    Brew,
}

impl Manager {
    const ALL: [Self; 3] = [Self::Apt, Self::Dnf, Self::Brew];

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Brew => "brew",
        }
    }

    fn find() -> Option<Self> {
        let there = |manager: &Self| shell::find_program(manager.program()).is_some();
        Self::ALL.into_iter().find(there)
    }

    fn name(self, package: &Package) -> &'static str {
        match self {
            Self::Apt => package.apt,
            Self::Dnf => package.dnf,
            Self::Brew => package.brew,
        }
    }

    /// The names of packages here, each once.
    fn names(self, packages: &[&'static Package]) -> Vec<&'static str> {
        let mut names = Vec::new();
        for package in packages {
            let name = self.name(package);
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The words before and after the packages' names.
    fn install(self) -> &'static [&'static str] {
        match self {
            // Through `env`, since sudo drops our environment.
            Self::Apt => &[
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "-q",
                "install",
                "-y",
                "--no-install-recommends",
            ],
            Self::Dnf => &["dnf", "install", "-y", "--setopt=install_weak_deps=False"],
            Self::Brew => &["brew", "install"],
        }
    }
}

/// What packages are called here, or on Debian where that is not known.
pub(super) fn names(packages: &[&'static Package]) -> Vec<&'static str> {
    Manager::find().unwrap_or(Manager::Apt).names(packages)
}

/// Installs what is missing of a group after saying what; does nothing when nothing is.
pub(super) fn install(group: &Group) -> Result<()> {
    let missing = group.missing();
    if missing.is_empty() {
        let all: Vec<_> = group.packages.iter().collect();
        println!("{}: all there ({})", group.what, names(&all).join(", "));
        return Ok(());
    }
    println!("missing for {}:", group.what);
    for package in &missing {
        println!("  {:<20} {}", names(&[package]).join(""), package.reason);
    }
    let manager = Manager::find();
    let names = names(&missing);
    let has_sudo = shell::find_program("sudo").is_some();
    let (manager, prefix) = privileges(manager, is_root(), has_sudo, &names.join(" "))?;
    let run = |words: &[&str]| {
        let words: Vec<_> = prefix.iter().chain(words).collect();
        shell::run(Command::new(words[0]).args(&words[1..]))
    };
    // A stale list is no reason to give up: a package may still be found.
    if manager == Manager::Apt
        && let Err(error) = run(&["apt-get", "-q", "update"])
    {
        println!("going on with the old package lists: {error:#}");
    }
    let words: Vec<_> = manager.install().iter().chain(&names).copied().collect();
    run(&words)
}

/// What installs, what to put before it, or why nothing can be installed.
fn privileges(
    manager: Option<Manager>,
    root: bool,
    sudo: bool,
    names: &str,
) -> Result<(Manager, &'static [&'static str])> {
    let Some(manager) = manager else {
        bail!(
            "this system has no apt-get, dnf or brew; install what Debian calls `{names}` by other \
             means, then run this again"
        );
    };
    match (manager, root, sudo) {
        // Homebrew refuses to run as root.
        (Manager::Brew, ..) | (_, true, _) => Ok((manager, &[])),
        (_, false, true) => Ok((manager, &["sudo"])),
        (_, false, false) => bail!(
            "installing needs root, and there is no sudo; as root, run: {} install {names}",
            manager.program()
        ),
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::super::packages::{BASE, OCR, SERVER, TRACING, VIDEO};
    use super::*;

    #[test]
    fn every_package_has_a_name_wherever_something_has_to_be_installed() {
        for group in [&BASE, &VIDEO, &OCR, &SERVER, &TRACING] {
            let all: Vec<_> = group.packages.iter().collect();
            for package in &all {
                assert!(!package.apt.is_empty() && !package.dnf.is_empty());
            }
            for manager in Manager::ALL {
                let names = manager.names(&all);
                let mut once = names.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(names.len(), once.len(), "{manager:?} {names:?}");
            }
        }
        let ffmpeg: Vec<_> = VIDEO.packages.iter().collect();
        let named = Manager::Brew.names(&ffmpeg);
        assert_eq!(named, ["pkgconf", "llvm", "ffmpeg"]);
    }

    #[test]
    fn who_cannot_install_is_told_what_to_do() {
        let apt = Some(Manager::Apt);
        let prefix = |root, sudo| privileges(apt, root, sudo, "nasm").map(|(_, prefix)| prefix);
        assert_eq!(prefix(true, false).unwrap(), [""; 0]);
        assert_eq!(prefix(false, true).unwrap(), ["sudo"]);
        let no_sudo = prefix(false, false).unwrap_err().to_string();
        assert!(no_sudo.contains("apt-get install nasm"), "{no_sudo}");
        let nothing = privileges(None, true, true, "nasm")
            .unwrap_err()
            .to_string();
        assert!(nothing.contains("no apt-get, dnf or brew"), "{nothing}");
        let brew = privileges(Some(Manager::Brew), false, true, "nasm").unwrap();
        assert_eq!(brew.1, [""; 0], "never as root");
    }
}
