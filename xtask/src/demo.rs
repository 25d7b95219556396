//! Shows on one's own pictures what vss does: a fresh library, thumbnails, and a page to look at.

mod outcome;
mod page;
mod program;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{setup, shell, workspace};
use outcome::Outcome;
use program::Vss;

/// Files that are looked at one by one afterwards; beyond it the totals must do.
const MOST_FILES_LISTED: usize = 2000;

/// Builds vss, indexes `folder` or a generated sample, runs the queue and shows what came out.
pub(crate) fn run(folder: Option<PathBuf>, out: Option<PathBuf>) -> Result<()> {
    let begin = Instant::now();
    setup::system_packages()?;
    let workspace = workspace::read()?;
    let out = absolute(&out.unwrap_or_else(|| workspace.target_dir.join("demo")))?;
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut build = shell::cargo(&workspace.root, ["build", "--release"]);
    build.args(["--package", "vss-app", "--bin", "vss"]);
    build.args(["--package", "vss-worker", "--bin", "vss-worker-image"]);
    for feature in setup::engines() {
        // Cargo does not find a feature with its package before it when a program is named.
        let feature = feature.trim_start_matches("vss-worker/");
        build.args(["--features", feature]);
        build.args(["--bin", &format!("vss-worker-{feature}")]);
    }
    shell::run(&mut build)?;
    let library = out.join("demo.sdlibrary");
    // The name is ours, and a demo starts from nothing.
    remove_folder(&library)?;
    let vss = Vss::new(workspace.target_dir.join("release/vss"), library.clone());

    let folder = match folder {
        Some(folder) => folder
            .canonicalize()
            .with_context(|| format!("no folder {}", folder.display()))?,
        None => {
            let sample = out.join("sample");
            remove_folder(&sample)?;
            vss.run(&["sample".as_ref(), sample.as_ref()])?;
            sample
        }
    };
    vss.run(&["init".as_ref()])?;
    let indexed = vss.json(&["index".as_ref(), folder.as_ref()])?;
    let made = vss.json(&["run".as_ref()])?;

    let files = pictures_and_others(&folder)?;
    let listed = &files[..files.len().min(MOST_FILES_LISTED)];
    let mut results = Vec::new();
    for file in listed {
        results.push((file.as_path(), vss.outcome(file)));
    }
    let sheet = out.join("contact-sheet.png");
    vss.run(&["contact-sheet".as_ref(), "--out".as_ref(), sheet.as_ref()])?;
    let html = out.join("index.html");
    let title = folder.display().to_string();
    std::fs::write(&html, page::render(&title, &sheet, &results))
        .with_context(|| format!("cannot write {}", html.display()))?;

    println!();
    tell_without(&folder, &results, files.len() - listed.len());
    println!("\n{}", totals(&indexed, &made));
    tell_one_path(&vss, &results)?;
    println!("library        {}", library.display());
    println!("thumbnails     {}", library.join("sidecars").display());
    println!("contact sheet  {}", sheet.display());
    println!("page           {}", html.display());
    println!("whole demo     {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// What was indexed and what was made, in two lines.
fn totals(indexed: &Value, made: &Value) -> String {
    let number = |value: &Value, key: &str| value[key].as_u64().unwrap_or_default();
    let seconds = |value: &Value, key: &str| value[key].as_f64().unwrap_or_default();
    format!(
        "indexed        {} files, {} contents in {:.1} s\nmade           {} sidecars ({} failed, {} quarantined), {} KB in {:.1} s, {:.1} CPU s",
        number(indexed, "files"),
        number(indexed, "contents"),
        seconds(indexed, "seconds"),
        number(made, "ready"),
        number(made, "failed"),
        number(made, "quarantined"),
        number(made, "bytes") / 1000,
        seconds(made, "seconds"),
        seconds(made, "cpu_seconds"),
    )
}

/// Each file that has no thumbnails, with its class.
fn tell_without(folder: &Path, results: &[(&Path, Outcome)], not_listed: usize) {
    let with = results
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Thumbs(_)))
        .count();
    println!("{with} of {} files have their thumbnails", results.len());
    if with < results.len() {
        println!("without thumbnails:");
    }
    for (file, outcome) in results {
        if let Outcome::Without { class, detail } = outcome {
            let name = file.strip_prefix(folder).unwrap_or(file);
            println!("  {class:<15} {}  {detail}", name.display());
        }
    }
    if not_listed > 0 {
        println!("{not_listed} more files are not listed here; `vss explain FILE` tells of each");
    }
}

/// The command that anyone would use next, with its answer.
fn tell_one_path(vss: &Vss, results: &[(&Path, Outcome)]) -> Result<()> {
    let first = results
        .iter()
        .find(|(_, outcome)| matches!(outcome, Outcome::Thumbs(_)));
    let Some((file, _)) = first else {
        return Ok(());
    };
    let arguments = [
        "path".as_ref(),
        file.as_os_str(),
        "thumb".as_ref(),
        "grid@1x".as_ref(),
    ];
    let answer = vss.json(&arguments)?;
    println!("for example    vss path {} thumb grid@1x", file.display());
    println!(
        "            -> {}",
        answer["path"].as_str().unwrap_or("(no path)")
    );
    Ok(())
}

/// Every regular file below `folder` that is not hidden, in order.
fn pictures_and_others(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("cannot look into {}", folder.display());
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let library = entry.path().extension().is_some_and(|it| it == "sdlibrary");
            if hidden || library {
                continue;
            } else if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("no such path {}", path.display()))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", folder.display())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_come_from_what_index_and_run_print() {
        let indexed = serde_json::json!({"files": 9, "contents": 1, "seconds": 0.25});
        let made = serde_json::json!({"ready": 3, "failed": 1, "quarantined": 0, "bytes": 12345, "seconds": 1.0, "cpu_seconds": 2.0});
        let text = totals(&indexed, &made);
        assert!(text.contains("9 files, 1 contents"), "{text}");
        assert!(
            text.contains("3 sidecars (1 failed, 0 quarantined), 12 KB"),
            "{text}"
        );
    }
}
