//! Rules about each member's Cargo.toml: complete, one version and one set of lints, and adapters that run the contract.

use toml::{Table, Value};

use super::Violation;
use super::tree::{File, inside, text};
use crate::arch::Layer;

/// What every member takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "license", "publish"];
/// The schema of two adapters: it implements no port of its own.
const WITHOUT_A_PORT: &str = "vss-migrations";

/// Every Cargo.toml below the root.
pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let manifests = files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"));
    for File {
        path,
        text: manifest,
    } in manifests
    {
        let folder = path.trim_end_matches("/Cargo.toml");
        let tests = format!("{folder}/tests");
        let has_tests = inside(files, &tests).any(|(name, _)| name == "conformance.rs");
        wrong.extend(complete(path, manifest, has_tests));
    }
    if text(files, "Cargo.toml").is_none() {
        wrong.push(Violation::new("Cargo.toml", 0, "there is no workspace"));
    }
    wrong
}

fn complete(path: &str, manifest: &str, has_conformance_file: bool) -> Vec<Violation> {
    let document: Table = match manifest.parse() {
        Ok(document) => document,
        Err(error) => return vec![Violation::new(path, 0, format!("is no TOML: {error}"))],
    };
    let mut wrong = Vec::new();
    let mut demand = |holds: bool, message: String| {
        if !holds {
            wrong.push(Violation::new(path, 0, message));
        }
    };
    let package = document.get("package");
    let description = at(package, &["description"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    demand(
        !description.trim().is_empty(),
        "[package] has no description".to_owned(),
    );
    for key in INHERITED {
        let inherited = at(package, &[key, "workspace"]).and_then(Value::as_bool);
        demand(
            inherited == Some(true),
            format!("[package] must say {key}.workspace = true"),
        );
    }
    let lints = at(document.get("lints"), &["workspace"]).and_then(Value::as_bool);
    demand(
        lints == Some(true),
        "must say [lints] workspace = true".to_owned(),
    );
    let layer = at(package, &["metadata", "vss", "layer"]).and_then(Value::as_str);
    let layer = layer.unwrap_or_default();
    let layers = Layer::spellings();
    demand(
        Layer::parse(layer).is_some(),
        format!("[package.metadata.vss] layer is {layer:?}; it must be one of {layers}"),
    );
    let name = at(package, &["name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    if layer == "adapter" && name != WITHOUT_A_PORT {
        demand(
            has_conformance_file,
            "an adapter runs its port's contract: add tests/conformance.rs".into(),
        );
        demand(
            has_own_harness(&document),
            "an adapter's manifest needs [[test]] name = \"conformance\", harness = false"
                .to_owned(),
        );
    }
    wrong
}

fn has_own_harness(document: &Table) -> bool {
    let tests = document.get("test").and_then(Value::as_array);
    tests.into_iter().flatten().any(|test| {
        test.get("name").and_then(Value::as_str) == Some("conformance")
            && test.get("harness").and_then(Value::as_bool) == Some(false)
    })
}

fn at<'a>(value: Option<&'a Value>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value?, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [package]
        name = "vss-vault-fs"
        description = "A vault."
        version.workspace = true
        edition.workspace = true
        license.workspace = true
        publish.workspace = true
        [package.metadata.vss]
        layer = "adapter"
        [[test]]
        name = "conformance"
        harness = false
        [lints]
        workspace = true
    "#;

    #[test]
    fn a_complete_manifest_passes() {
        assert_eq!(complete("a/Cargo.toml", GOOD, true), []);
    }

    #[test]
    fn each_missing_part_is_named() {
        for (part, with, complaint) in [
            ("description = \"A vault.\"", "", "no description"),
            (
                "version.workspace = true",
                "version = \"0.1.0\"",
                "version.workspace",
            ),
            ("edition.workspace = true", "", "edition.workspace"),
            (
                "license.workspace = true",
                "license = \"MIT\"",
                "license.workspace",
            ),
            ("publish.workspace = true", "", "publish.workspace"),
            (
                "layer = \"adapter\"",
                "layer = \"middle\"",
                "layer is \"middle\"",
            ),
            ("harness = false", "", "harness = false"),
            (
                "[lints]\n        workspace = true",
                "",
                "[lints] workspace = true",
            ),
        ] {
            assert!(GOOD.contains(part), "{part}");
            let wrong = complete("a/Cargo.toml", &GOOD.replace(part, with), true);
            assert_eq!(wrong.len(), 1, "{part}: {wrong:?}");
            assert!(wrong[0].message.contains(complaint), "{}", wrong[0]);
        }
    }

    #[test]
    fn an_adapter_without_conformance_tests_is_refused_and_the_schema_crate_is_not() {
        let wrong = complete("a/Cargo.toml", GOOD, false);
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0].message.contains("tests/conformance.rs"),
            "{}",
            wrong[0]
        );
        let schema = GOOD.replace("vss-vault-fs", WITHOUT_A_PORT);
        assert_eq!(complete("a/Cargo.toml", &schema, false), []);
    }
}
