//! Finds the corpus of real media that some tests and benches need, and says so when there is none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The variable by which tests learn where the corpus is.
pub(crate) const VARIABLE: &str = "VSS_CORPUS";
/// Beside the checkout, where a shared copy may lie.
const BESIDE: &str = "../shared/corpus";
/// What makes a folder a corpus: one line a file with what a correct system makes of it.
const MANIFEST: &str = "MANIFEST.tsv";

/// The corpus' folder: `VSS_CORPUS` when set, else the shared copy beside the checkout.
pub(crate) fn find(root: &Path) -> Result<Option<PathBuf>> {
    choose(root, std::env::var_os(VARIABLE).map(PathBuf::from))
}

fn choose(root: &Path, named: Option<PathBuf>) -> Result<Option<PathBuf>> {
    let named_by_hand = named.is_some();
    let folder = named.unwrap_or_else(|| root.join(BESIDE));
    if folder.join(MANIFEST).is_file() {
        let whole = folder.canonicalize();
        return whole
            .map(Some)
            .with_context(|| format!("cannot resolve {}", folder.display()));
    }
    if named_by_hand {
        bail!(
            "{VARIABLE} names {}, which holds no {MANIFEST}",
            folder.display()
        );
    }
    Ok(None)
}

/// The corpus' files of these media types of which a sidecar must come out, in its order.
pub(crate) fn good(corpus: &Path, media_types: &[&str]) -> Result<Vec<PathBuf>> {
    let manifest = std::fs::read_to_string(corpus.join(MANIFEST));
    let manifest = manifest.with_context(|| format!("cannot read {MANIFEST}"))?;
    let mut lines = manifest.lines().map(|line| line.split('\t').collect());
    let header: Vec<&str> = lines.next().unwrap_or_default();
    let column = |name: &str| {
        let at = header.iter().position(|field| *field == name);
        at.with_context(|| format!("{MANIFEST} has no column {name}"))
    };
    let (path, media_type, expect) = (column("path")?, column("mime")?, column("expect")?);
    let good = lines.filter(|line: &Vec<&str>| {
        line.get(expect) == Some(&"ok")
            && line
                .get(media_type)
                .is_some_and(|name| media_types.contains(name))
    });
    Ok(good
        .filter_map(|line| Some(corpus.join(line.get(path)?)))
        .collect())
}

/// One line for the terminal: what the tests will do with real media.
pub(crate) fn announce(corpus: Option<&Path>) -> String {
    match corpus {
        Some(folder) => format!("corpus tests: real media from {}", folder.display()),
        None => format!(
            "corpus tests: SKIPPED, there is no {BESIDE}/{MANIFEST} and {VARIABLE} is not set"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_files_of_a_media_type_are_found_by_the_names_of_the_columns() {
        let folder = std::env::temp_dir().join(format!("vss-corpus-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let lines = "expect\tmime\tpath\nok\ta/b\tone\nerror\ta/b\ttwo\nok\tc/d\tthree\n";
        std::fs::write(folder.join(MANIFEST), lines).unwrap();
        let found = good(&folder, &["a/b", "e/f"]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.unwrap(), [folder.join("one")]);
    }

    #[test]
    fn a_named_folder_without_a_manifest_is_refused_and_an_absent_one_is_said() {
        let nowhere = Path::new("/no/such/checkout");
        assert!(choose(nowhere, Some(PathBuf::from("/no/such/corpus"))).is_err());
        assert_eq!(choose(nowhere, None).unwrap(), None);
        assert!(announce(None).contains("SKIPPED"));
    }
}
