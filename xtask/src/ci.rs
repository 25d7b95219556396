//! Everything a change must pass, in one command. Each step runs even when an earlier one failed, so that one run tells all.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{arch, setup, shell, test, tidy, workspace};

/// One step: its name, and what it does.
type Step<'a> = (&'a str, Box<dyn Fn() -> Result<()> + 'a>);

/// Runs every step and closes with a table of results.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    let cargo = |args: &[&str]| shell::cargo(&root, args);
    let steps: Vec<Step<'_>> = vec![
        ("setup", Box::new(|| setup::run(true))),
        (
            "fmt",
            Box::new(|| shell::run(&mut cargo(&["fmt", "--all", "--check"]))),
        ),
        ("arch", Box::new(arch::run)),
        ("tidy", Box::new(tidy::run)),
        // No advisories: their database is on the network, and a new one must not turn an old commit red.
        (
            "deny",
            Box::new(|| {
                shell::run(&mut cargo(&[
                    "deny", "--locked", "check", "bans", "licenses", "sources",
                ]))
            }),
        ),
        (
            "clippy",
            Box::new(|| {
                shell::run(&mut cargo(&[
                    "clippy",
                    "--locked",
                    "--workspace",
                    &test::features(),
                    "--all-targets",
                    "--",
                    "-D",
                    "warnings",
                ]))
            }),
        ),
        (
            "doc",
            Box::new(|| {
                let mut command = cargo(&[
                    "doc",
                    "--locked",
                    "--no-deps",
                    "--workspace",
                    &test::features(),
                ]);
                shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
            }),
        ),
        ("test", Box::new(test::run)),
    ];
    let mut results = Vec::new();
    for (name, step) in &steps {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = step();
        let took = start.elapsed();
        match &outcome {
            Ok(()) => println!("=== {name}: ok in {}", seconds(took)),
            Err(error) => println!("=== {name}: FAILED in {}: {error:#}", seconds(took)),
        }
        results.push((*name, took, outcome.err()));
    }
    println!("\n{}", summary(&results));
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, _, error)| error.is_some())
        .map(|(name, ..)| *name)
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn summary(results: &[(&str, Duration, Option<anyhow::Error>)]) -> String {
    let mut lines = vec!["step      seconds  result".to_owned()];
    for (name, took, error) in results {
        let result = error
            .as_ref()
            .map_or_else(|| "ok".to_owned(), |error| format!("FAILED: {error:#}"));
        lines.push(format!("{name:<8}{:>9.1}  {result}", took.as_secs_f64()));
    }
    let total: f64 = results.iter().map(|(_, took, _)| took.as_secs_f64()).sum();
    lines.push(format!("{:<8}{total:>9.1}", "total"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_failed_and_how_long_it_took() {
        let bad = anyhow::anyhow!("cargo fmt ended with 1");
        let results = [
            ("fmt", Duration::from_millis(1500), Some(bad)),
            ("arch", Duration::from_millis(500), None),
        ];
        assert_eq!(
            summary(&results),
            "step      seconds  result\nfmt           1.5  FAILED: cargo fmt ended with 1\narch          0.5  ok\ntotal         2.0"
        );
    }
}
