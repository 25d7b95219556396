//! The scans of the corpus against what is really on them.

use std::path::{Path, PathBuf};

use vss_core::text::plain;

use crate::job::{english, recipe, run};
use crate::score::Score;

/// What the command line tool reaches with `--psm 1` on these scans: errors a character, and the
/// share of the words that are found.
const PEER: (f64, f64) = (0.109, 0.780);

fn scans() -> Option<PathBuf> {
    let corpus = std::env::var_os("VSS_CORPUS");
    if corpus.is_none() {
        println!("skipped: VSS_CORPUS names no folder with media");
    }
    Some(Path::new(&corpus?).join("documents/scans"))
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => "image/png",
        Some("tif") => "image/tiff",
        _ => "image/jpeg",
    }
}

#[test]
fn scans_are_read_as_well_as_by_the_command_line_tool() {
    let Some(folder) = scans() else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "txt"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "{paths:?}");
    let generator = english();
    let mut total = Score::default();
    for path in paths {
        let truth = path.with_extension("gt.txt");
        let truth = String::from_utf8_lossy(&std::fs::read(truth).unwrap()).into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let document = run(&generator, media_type(&path), &bytes, &recipe(&["eng"], 1)).unwrap();
        let score = Score::of(&truth, &plain(&document));
        println!(
            "{:40} errors {:.3} found {:.3} turned {}",
            path.file_name().unwrap().to_string_lossy(),
            score.character_errors(),
            score.word_recall(),
            document.pages[0].rotation,
        );
        total = total.and(score);
    }
    let (errors, recall) = (total.character_errors(), total.word_recall());
    println!("all: errors {errors:.4}, found {recall:.4}");
    assert!(errors <= PEER.0, "{errors}");
    assert!(recall >= PEER.1, "{recall}");
}
