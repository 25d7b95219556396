//! Ours and other programs on the same files, in turns: who they are, and what the pairs come to.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::measure::{self, Cost, median};
use crate::shell;

/// Another program, as a line of a shell: the files are its arguments, `$OUT` a folder.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// Programs that it is made of.
    pub(super) needs: &'static [&'static str],
    pub(super) script: String,
}

impl Peer {
    /// The first program that is not there.
    pub(super) fn missing(&self) -> Option<&'static str> {
        let mut needs = self.needs.iter().copied();
        needs.find(|program| shell::find_program(program).is_none())
    }

    /// It, with these files. What it says is not heard: some warn of every frame.
    pub(super) fn command(&self, files: &[PathBuf], out: &Path) -> Command {
        let mut command = Command::new("sh");
        let script = ["-c", &self.script, "sh"];
        command.args(script).args(files).env("OUT", out);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// Our program that makes sidecars by confined workers, with these files.
pub(super) fn ours(program: &Path, names: &str, files: &[PathBuf], out: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(out).arg(names).args(files);
    command
}

/// One run into an empty folder.
pub(super) fn cost(command: &mut Command, out: &Path) -> Result<Cost> {
    empty(out)?;
    measure::run(command)
}

/// Makes a folder with nothing in it.
pub(super) fn empty(out: &Path) -> Result<()> {
    if out.exists() {
        std::fs::remove_dir_all(out).context("cannot empty the folder of sidecars")?;
    }
    std::fs::create_dir_all(out).context("cannot make the folder of sidecars")
}

/// What ours and a peer's runs cost, round by round.
#[derive(Clone, Default)]
pub(super) struct Pairs {
    pub(super) own: Vec<Cost>,
    pub(super) other: Vec<Cost>,
}

impl Pairs {
    /// CPU seconds of both, the middle and the extremes; and of the pairs the ratio, since what
    /// else the machine does weighs on both runs of a round.
    pub(super) fn line(&self) -> String {
        let pairs = self.own.iter().zip(&self.other);
        format!(
            "{} s against {} s, ratio {}",
            spread(self.own.iter().map(|cost| cost.cpu)),
            spread(self.other.iter().map(|cost| cost.cpu)),
            spread(pairs.map(|(own, other)| own.cpu / other.cpu)),
        )
    }
}

/// The middle, and in brackets the least and the most.
pub(super) fn spread(values: impl IntoIterator<Item = f64>) -> String {
    let values: Vec<f64> = values.into_iter().collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.3} ({least:.3} to {most:.3})", median(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_pairs() {
        let costs = |cpu: [f64; 3]| {
            let cost = |cpu| Cost {
                cpu,
                wall: 1.0,
                peak: 0,
            };
            cpu.map(cost).to_vec()
        };
        // The machine was twice as slow in the second round: that pair still says one half.
        let pairs = Pairs {
            own: costs([1.0, 2.0, 1.0]),
            other: costs([2.0, 4.0, 4.0]),
        };
        let line = pairs.line();
        let ours = "1.000 (1.000 to 2.000) s against 4.000 (2.000 to 4.000) s";
        assert_eq!(line, format!("{ours}, ratio 0.500 (0.250 to 0.500)"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mut peer = Peer {
            name: "a peer",
            needs: &["sh", "no-such-program-anywhere"],
            script: String::new(),
        };
        assert_eq!(peer.missing(), Some("no-such-program-anywhere"));
        peer.needs = &["sh"];
        assert_eq!(peer.missing(), None);
    }
}
