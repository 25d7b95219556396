//! Repeats the figures of docs/performance.md: `thumbs`, `stills`, `video` and `ocr` beside peers, everything else a bench target of the workspace.

mod contest;
mod measure;
mod ocr;
mod peer;
mod stills;
mod thumbs;
mod video;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace::Workspace;
use crate::{setup, shell, workspace};

/// What to measure and how.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// `thumbs`, `sandbox` (the same work confined), `stills`, `video`, `ocr`, or the name of a bench target (presence, path, enqueue, index ..)
    name: String,
    /// thumbs: folder of JPEGs [default: photos/camera of the corpus]
    #[arg(long)]
    photos: Option<PathBuf>,
    /// thumbs, stills, video, ocr: rounds of ours and the peer's run, one after the other
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// stills, video: only comparisons whose name has this in it
    #[arg(long)]
    only: Option<String>,
    /// stills, video, ocr: a `confined_sidecars` or `ocr_pages` that is built already, in a folder below that of its worker [default: one is built]
    #[arg(long)]
    ours: Option<PathBuf>,
    /// thumbs: the peer, a script called with PHOTO_DIR OUT_DIR
    #[arg(long, default_value = "../shared/baselines/thumbs_sharp_once.sh")]
    peer: PathBuf,
    /// thumbs: the scorer, a Python program called with PHOTO_DIR OUT_DIR
    #[arg(long, default_value = "../shared/baselines/score_thumbs.py")]
    scorer: PathBuf,
}

/// Runs one benchmark.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    setup::system_packages()?;
    let workspace = workspace::read()?;
    if args.name == "ocr" {
        return ocr::run(&workspace, args);
    }
    if ["thumbs", "sandbox"].contains(&args.name.as_str()) {
        return thumbs::run(&workspace, args);
    }
    if args.name == "video" {
        return video::run(&workspace, args);
    }
    if args.name == "stills" {
        return stills::run(&workspace, args);
    }
    let benches = || {
        let members = workspace.members.iter();
        members.flat_map(|member| {
            member
                .benches
                .iter()
                .map(move |bench| (&member.name, bench))
        })
    };
    let Some((package, _)) = benches().find(|(_, bench)| **bench == args.name) else {
        let names: Vec<&str> = benches().map(|(_, bench)| bench.as_str()).collect();
        bail!(
            "no bench {:?}; there are: thumbs, sandbox, stills, video, ocr, {}",
            args.name,
            names.join(", ")
        );
    };
    shell::run(&mut shell::cargo(
        &workspace.root,
        ["bench", "--package", package, "--bench", &args.name],
    ))
}

/// The program that drives a worker: as named, or built with it.
fn driver(
    workspace: &Workspace,
    args: &BenchArgs,
    worker: &str,
    feature: Option<&str>,
    example: &str,
) -> Result<PathBuf> {
    match &args.ours {
        Some(built) => built
            .canonicalize()
            .with_context(|| format!("no program {}", built.display())),
        None => build_worker(workspace, worker, feature, example),
    }
}

/// Builds a worker for release, and the example that drives it; where the example is.
fn build_worker(
    workspace: &Workspace,
    worker: &str,
    feature: Option<&str>,
    example: &str,
) -> Result<PathBuf> {
    let mut build = shell::cargo(
        &workspace.root,
        ["build", "--release", "--package", "vss-worker"],
    );
    build.args(["--bin", &format!("vss-worker-{worker}")]);
    build.args(["--example", example]);
    // Without the package before it: cargo does not find that a named program has it otherwise.
    build.args(feature.iter().flat_map(|feature| ["--features", feature]));
    shell::run(&mut build)?;
    Ok(workspace.target_dir.join("release/examples").join(example))
}
