//! Prepares what the comparison of `bench thumbs` needs besides us: sharp for the peer, Pillow for the scorer.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// The version whose figures docs/performance.md gives.
const SHARP: &str = "sharp@0.35.5";
const PYTHON_PACKAGES: &[&str] = &["pillow", "numpy"];

/// The peer's command line without its two folders, or why there is none.
pub(super) fn peer(script: &Path, bench_dir: &Path) -> Result<Command> {
    exists(script)?;
    needs("bash")?;
    needs("node")?;
    let modules = bench_dir.join("node_modules");
    if !modules.join("sharp").is_dir() {
        needs("npm")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(bench_dir)
            .arg(SHARP);
        shell::run(&mut npm)?;
    }
    let mut command = Command::new("bash");
    command.arg(script).env("NODE_PATH", &modules);
    Ok(command)
}

/// The scorer's command line without its two folders, or why there is none.
pub(super) fn scorer(script: &Path, bench_dir: &Path) -> Result<Command> {
    exists(script)?;
    let python = python(bench_dir)?;
    let mut command = Command::new(python);
    command.arg(script);
    Ok(command)
}

fn python(bench_dir: &Path) -> Result<PathBuf> {
    let venv = bench_dir.join("venv");
    let python = venv.join("bin/python");
    let imports = || shell::succeeds(Command::new(&python).args(["-c", "import PIL, numpy"]));
    if !imports() {
        needs("python3")?;
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let mut pip = Command::new(&python);
        shell::run(
            pip.args(["-m", "pip", "install", "--quiet"])
                .args(PYTHON_PACKAGES),
        )?;
    }
    Ok(python)
}

fn exists(script: &Path) -> Result<()> {
    if !script.is_file() {
        bail!("there is no {}", script.display());
    }
    Ok(())
}

fn needs(program: &str) -> Result<PathBuf> {
    shell::find_program(program).with_context(|| format!("{program} is not installed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_script_is_named() {
        let error = peer(Path::new("no/such/peer.sh"), Path::new("x"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "there is no no/such/peer.sh");
        assert!(scorer(Path::new("no/such/score.py"), Path::new("x")).is_err());
    }
}
