//! Thumbnails of camera JPEGs at 256, 512 and 1024 px, two at a time: our cost beside a peer's, in paired rounds.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::measure::{self, Cost, median};
use super::{BenchArgs, peer};
use crate::workspace::Workspace;
use crate::{corpus, shell};

const SIZES: [u32; 3] = [256, 512, 1024];

/// Prints our figures, and beside them the peer's and the score when these can be had.
pub(super) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let photos = photos(workspace, args)?;
    let count = count_with(&photos, ".jpg")?;
    if count == 0 || args.rounds == 0 {
        bail!(
            "nothing to measure: {count} JPEGs in {}, {} rounds",
            photos.display(),
            args.rounds
        );
    }
    shell::run(&mut shell::cargo(
        &workspace.root,
        [
            "build",
            "--release",
            "--package",
            "vss-gen-image",
            "--example",
            "thumbs",
        ],
    ))?;
    let bench_dir = workspace.target_dir.join("bench");
    std::fs::create_dir_all(&bench_dir).context("cannot make target/bench")?;
    let ours = Command::new(workspace.target_dir.join("release/examples/thumbs"));
    if args.name == "sandbox" {
        let confined = sandboxed(workspace)?;
        let mut sides = [
            Side::new("sandboxed", confined, &bench_dir),
            Side::new("within", ours, &bench_dir),
        ];
        rounds(&mut sides, &photos, count, args.rounds)?;
        println!("\n{}", report(&sides, count)?);
        return Ok(());
    }
    let mut sides = vec![Side::new("ours", ours, &bench_dir)];
    match peer::peer(&workspace.root.join(&args.peer), &bench_dir) {
        Ok(command) => sides.push(Side::new("peer", command, &bench_dir)),
        Err(why) => println!("no peer, so our own figures only: {why:#}"),
    }
    rounds(&mut sides, &photos, count, args.rounds)?;
    println!("\n{}", report(&sides, count)?);
    match peer::scorer(&workspace.root.join(&args.scorer), &bench_dir) {
        Ok(scorer) => {
            for side in &sides {
                println!("score of {}:", side.name);
                let mut command = Command::new(scorer.get_program());
                shell::run(command.args(scorer.get_args()).arg(&photos).arg(&side.out))?;
            }
        }
        Err(why) => println!("no score: {why:#}"),
    }
    Ok(())
}

/// The same work by confined workers.
fn sandboxed(workspace: &Workspace) -> Result<Command> {
    let program = super::build_worker(workspace, "image", None, "sandboxed_thumbs")?;
    Ok(Command::new(program))
}

/// Measures all sides, one after the other, round by round.
fn rounds(sides: &mut [Side], photos: &Path, count: u64, rounds: usize) -> Result<()> {
    println!("{count} photos of {}, {rounds} rounds", photos.display());
    for round in 1..=rounds {
        for side in &mut *sides {
            let cost = side.measure(photos)?;
            println!(
                "round {round} {}: {:.1} CPU ms a photo, {:.2} s",
                side.name,
                cost.cpu * 1000.0 / as_f64(count),
                cost.wall
            );
        }
    }
    Ok(())
}

/// One of the two programs, and what its runs cost.
struct Side {
    name: &'static str,
    command: Command,
    out: PathBuf,
    costs: Vec<Cost>,
}

impl Side {
    fn new(name: &'static str, command: Command, bench_dir: &Path) -> Self {
        Self {
            name,
            command,
            out: bench_dir.join(format!("thumbs-{name}")),
            costs: Vec::new(),
        }
    }

    /// One run into an empty folder.
    fn measure(&mut self, photos: &Path) -> Result<Cost> {
        if self.out.exists() {
            std::fs::remove_dir_all(&self.out).context("cannot empty the folder of thumbnails")?;
        }
        std::fs::create_dir_all(&self.out).context("cannot make the folder of thumbnails")?;
        let mut command = Command::new(self.command.get_program());
        command
            .args(self.command.get_args())
            .arg(photos)
            .arg(&self.out);
        command.envs(
            self.command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        let cost = measure::run(&mut command)?;
        self.costs.push(cost);
        Ok(cost)
    }

    fn cpu(&self) -> f64 {
        median(self.costs.iter().map(|cost| cost.cpu))
    }

    fn peak_mib(&self) -> f64 {
        median(
            self.costs
                .iter()
                .map(|cost| as_f64(cost.peak) / 1_048_576.0),
        )
    }
}

fn photos(workspace: &Workspace, args: &BenchArgs) -> Result<PathBuf> {
    if let Some(photos) = &args.photos {
        return photos
            .canonicalize()
            .with_context(|| format!("no folder {}", photos.display()));
    }
    let corpus = corpus::find(&workspace.root)?;
    let corpus = corpus.context("there is no corpus: name a folder of JPEGs with --photos")?;
    Ok(corpus.join("photos/camera"))
}

fn report(sides: &[Side], photos: u64) -> Result<String> {
    let mut text = String::from("medians  CPU ms/photo  wall s  peak MiB");
    for size in SIZES {
        write!(text, "  kB @{size}")?;
    }
    for side in sides {
        let wall = median(side.costs.iter().map(|cost| cost.wall));
        let cpu = side.cpu() * 1000.0 / as_f64(photos);
        write!(
            text,
            "\n{:<9}{cpu:>12.1}{wall:>8.2}{:>10.1}",
            side.name,
            side.peak_mib()
        )?;
        for size in SIZES {
            let kilobytes = as_f64(bytes_with(&side.out, &format!("_{size}.webp"))?) / 1000.0;
            write!(text, "{kilobytes:>9.0}")?;
        }
    }
    if let [ours, peer] = sides {
        // Of pairs, since what else the machine does weighs on both runs of a round.
        let pairs = ours
            .costs
            .iter()
            .zip(&peer.costs)
            .map(|(ours, peer)| ours.cpu / peer.cpu);
        write!(
            text,
            "\nCPU of {} / {}, median of the rounds: {:.3}",
            ours.name,
            peer.name,
            median(pairs)
        )?;
        for size in SIZES {
            let suffix = format!("_{size}.webp");
            let bytes = |side: &Side| bytes_with(&side.out, &suffix).map(as_f64);
            write!(
                text,
                "\nbytes of {} / {} at {size}: {:.3}",
                ours.name,
                peer.name,
                bytes(ours)? / bytes(peer)?
            )?;
        }
    }
    Ok(text)
}

fn count_with(folder: &Path, suffix: &str) -> Result<u64> {
    sum(folder, suffix, |_| 1)
}

fn bytes_with(folder: &Path, suffix: &str) -> Result<u64> {
    sum(folder, suffix, std::fs::Metadata::len)
}

fn sum(folder: &Path, suffix: &str, of: impl Fn(&std::fs::Metadata) -> u64) -> Result<u64> {
    let entries = std::fs::read_dir(folder);
    let mut sum = 0;
    for entry in entries.with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            sum += of(&entry.metadata()?);
        }
    }
    Ok(sum)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, far below 2^53"
)]
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(name: &'static str, cpu: &[f64], out: PathBuf) -> Side {
        let cost = |&cpu: &f64| Cost {
            cpu,
            wall: 1.0,
            peak: 10 * 1_048_576,
        };
        let costs = cpu.iter().map(cost).collect();
        Side {
            name,
            command: Command::new("true"),
            out,
            costs,
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_pairs() {
        let empty = std::env::temp_dir().join(format!("vss-bench-test-{}", std::process::id()));
        std::fs::create_dir_all(&empty).unwrap();
        // The machine was twice as slow in the second round: that pair still says one half.
        let sides = [
            side("ours", &[1.0, 2.0, 1.0], empty.clone()),
            side("peer", &[2.0, 4.0, 4.0], empty.clone()),
        ];
        let text = report(&sides, 10).unwrap();
        std::fs::remove_dir(&empty).unwrap();
        assert!(
            text.contains("ours            100.0    1.00      10.0"),
            "{text}"
        );
        assert!(text.contains("median of the rounds: 0.500"), "{text}");
    }
}
