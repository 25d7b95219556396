//! Runs the vss program as anyone would: by its command line, reading its JSON.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::outcome::{self, Outcome};
use crate::shell;

/// The program and the library it works on.
pub(super) struct Vss {
    program: PathBuf,
    library: PathBuf,
}

impl Vss {
    pub(super) fn new(program: PathBuf, library: PathBuf) -> Self {
        Self { program, library }
    }

    fn command(&self, arguments: &[&OsStr]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--library").arg(&self.library).args(arguments);
        command
    }

    /// Runs a command for its effect, with our terminal.
    pub(super) fn run(&self, arguments: &[&OsStr]) -> Result<()> {
        shell::run(&mut self.command(arguments))
    }

    /// Runs a command whose JSON the demo needs; progress and logs go to our terminal.
    pub(super) fn json(&self, arguments: &[&OsStr]) -> Result<Value> {
        let mut command = self.command(arguments);
        command.arg("--json").stderr(Stdio::inherit());
        println!("$ {}", shell::line(&command));
        let output = command.output().context("cannot start vss")?;
        let answer = serde_json::from_slice(&output.stdout);
        // A failed file is an answer too; only no answer at all ends the demo.
        answer.with_context(|| {
            format!(
                "{} printed no JSON ({})",
                shell::line(&command),
                output.status
            )
        })
    }

    /// What became of one file.
    pub(super) fn outcome(&self, file: &Path) -> Outcome {
        let rows = self.quiet("ls", file).unwrap_or(Value::Null);
        outcome::read(&rows, || self.quiet("explain", file).unwrap_or(Value::Null))
    }

    fn quiet(&self, question: &str, file: &Path) -> Result<Value> {
        let mut command = self.command(&[question.as_ref(), file.as_ref(), "--json".as_ref()]);
        let output = command
            .stderr(Stdio::null())
            .output()
            .context("cannot start vss")?;
        if output.stdout.is_empty() {
            bail!("no answer");
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
