//! Text of the corpus' scans, two at a time: our cost and errors beside the command line tool's, in
//! paired rounds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::BenchArgs;
use super::measure::{self, Cost, median};
use crate::workspace::Workspace;
use crate::{corpus, setup, shell};

/// Who reads: a name, what the program is told, and whether threads are limited from outside, as
/// our worker does by itself.
const SIDES: [(&str, &str, bool); 3] = [
    ("ours", "worker", false),
    ("tesseract", "cli", true),
    // How it comes: as many threads as there are cores.
    ("unlimited", "cli", false),
];

/// Prints the cost of each side, the ratio of the pairs, and what each read wrong.
pub(super) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let corpus = corpus::find(&workspace.root)?.context("there is no corpus with scans")?;
    if args.rounds == 0 || !setup::engines().contains(&setup::TEXT_WORKER) {
        bail!("nothing to measure: no rounds, or no Tesseract to build the worker with");
    }
    let program = super::driver(workspace, args, "ocr", Some("ocr"), "ocr_pages")?;
    let scans = corpus.join("documents/scans");
    let mut sides = SIDES.map(|(name, how, limited)| {
        let out = workspace.target_dir.join(format!("bench/ocr-{name}"));
        Side::new(name, how, limited, out)
    });
    for round in 1..=args.rounds {
        for side in &mut sides {
            let cost = side.measure(&program, &scans)?;
            println!(
                "round {round} {}: {:.2} CPU s, {:.2} s",
                side.name, cost.cpu, cost.wall
            );
        }
    }
    println!("\n{}", report(&sides));
    for side in &sides {
        println!("{}:", side.name);
        let mut score = Command::new(&program);
        shell::run(score.arg("score").args([&scans, &side.out]))?;
    }
    Ok(())
}

/// One of the programs, and what its runs cost.
struct Side {
    name: &'static str,
    how: &'static str,
    limited: bool,
    out: PathBuf,
    costs: Vec<Cost>,
}

impl Side {
    fn new(name: &'static str, how: &'static str, limited: bool, out: PathBuf) -> Self {
        Self {
            name,
            how,
            limited,
            out,
            costs: Vec::new(),
        }
    }

    /// One run into an empty folder.
    fn measure(&mut self, program: &Path, scans: &Path) -> Result<Cost> {
        if self.out.exists() {
            std::fs::remove_dir_all(&self.out).context("cannot empty the folder of texts")?;
        }
        std::fs::create_dir_all(&self.out).context("cannot make the folder of texts")?;
        let mut command = Command::new(program);
        command.arg(self.how).args([scans, &self.out]);
        match self.limited {
            true => command.env("OMP_THREAD_LIMIT", "1"),
            false => command.env_remove("OMP_THREAD_LIMIT"),
        };
        let cost = measure::run(&mut command)?;
        self.costs.push(cost);
        Ok(cost)
    }
}

fn report(sides: &[Side]) -> String {
    let mut lines = vec!["medians       CPU s  wall s  of the first: CPU".to_owned()];
    let first = sides.first().map_or(&[][..], |side| &side.costs);
    for side in sides {
        let cpu = median(side.costs.iter().map(|cost| cost.cpu));
        let wall = median(side.costs.iter().map(|cost| cost.wall));
        // Of pairs, since what else the machine does weighs on all runs of a round.
        let pairs = first.iter().zip(&side.costs);
        let ratio = median(pairs.map(|(first, other)| first.cpu / other.cpu));
        lines.push(format!(
            "{:<10}{cpu:>9.2}{wall:>8.2}{ratio:>12.3}",
            side.name
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_pairs() {
        let side = |name, cpu: [f64; 3]| Side {
            costs: cpu
                .map(|cpu| Cost {
                    cpu,
                    wall: 1.0,
                    peak: 0,
                })
                .into(),
            ..Side::new(name, "cli", true, PathBuf::new())
        };
        // The machine was twice as slow in the second round: that pair still says one half.
        let text = report(&[side("ours", [1.0, 2.0, 1.0]), side("peer", [2.0, 4.0, 4.0])]);
        assert!(
            text.contains("ours           1.00    1.00       1.000"),
            "{text}"
        );
        assert!(
            text.contains("peer           4.00    1.00       0.500"),
            "{text}"
        );
    }
}
