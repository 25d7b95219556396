//! Whether Tesseract has the languages that are configured.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use vss_core::plan::Policy;
use vss_gen_tesseract::{Advice, ORIENTATION};
use vss_sandbox::WorkerSettings;

use super::Check;
use crate::failure::{Exit, Failure};
use crate::wiring;

const NAME: &str = "text";

/// The engine's version and languages; nothing where there is no worker to ask.
pub(super) fn check(worker: &Result<WorkerSettings, Failure>, policy: &Policy) -> Option<Check> {
    let worker = worker
        .as_ref()
        .ok()
        .filter(|worker| worker.program.exists())?;
    let installed = match about(worker) {
        Ok(said) => said,
        Err(failure) => return Some(Check::bad(NAME, &failure)),
    };
    let (version, installed) = installed.split_once('\n').unwrap_or((&installed, ""));
    let installed: BTreeSet<&str> = installed.lines().collect();
    let sets = wiring::language_sets(policy);
    let configured = sets.iter().flatten().map(String::as_str);
    let needed: BTreeSet<&str> = configured.chain([ORIENTATION]).collect();
    let missing: Vec<_> = needed.difference(&installed).copied().collect();
    let list = |names: &[&str]| names.join(", ");
    if missing.is_empty() {
        let (all, wanted) = (
            installed.len(),
            list(&needed.into_iter().collect::<Vec<_>>()),
        );
        let detail = format!("Tesseract {version} has {wanted} as configured, {all} in all");
        return Some(Check::good(NAME, detail));
    }
    let have = match installed.is_empty() {
        true => "none".to_owned(),
        false => list(&installed.into_iter().collect::<Vec<_>>()),
    };
    let message = format!(
        "Tesseract {version} has no {}, which is configured; it has {have}",
        list(&missing)
    );
    let advice: Vec<_> = missing
        .iter()
        .map(|name| Advice(name).to_string())
        .collect();
    Some(Check::bad(
        NAME,
        &Failure::new(Exit::Failure, message).remedy(advice.join("; ")),
    ))
}

/// What the worker says about itself, asked as it is started for jobs: without an environment.
fn about(worker: &WorkerSettings) -> Result<String, Failure> {
    let program = worker.program.display();
    let answer = Command::new(&worker.program)
        .arg("--about")
        .env_clear()
        .stdin(Stdio::null())
        .output();
    let failed = format!("{program} could not say what it reads");
    let answer = answer.map_err(|error| Failure::new(Exit::Failure, &failed).because(error))?;
    match String::from_utf8(answer.stdout) {
        Ok(said) if answer.status.success() => Ok(said),
        _ => {
            let why = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
            Err(Failure::new(Exit::Failure, format!("{failed}: {why}"))
                .remedy("install the worker of the same release as vss, and Tesseract"))
        }
    }
}
