//! What the tasks know about the workspace, read once from `cargo metadata --no-deps`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The checkout and its members.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target_dir: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// One crate of ours, as far as the checks care.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// `[package.metadata.vss] layer`, as written.
    pub(crate) layer: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Names of its bench targets.
    pub(crate) benches: Vec<String>,
}

/// One line under `[dependencies]` and its kin.
#[derive(Debug, Default)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Under `[dev-dependencies]`: never part of what others link.
    pub(crate) dev: bool,
    pub(crate) features: Vec<String>,
}

/// The root of the checkout this program was built from.
pub(crate) fn root() -> Result<PathBuf> {
    let ours = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = ours.parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// Asks cargo; touches neither the network nor the target folder.
pub(crate) fn read() -> Result<Workspace> {
    let root = root()?;
    let mut command = shell::cargo(&root, ["metadata", "--no-deps", "--format-version", "1"]);
    parse(&root, &shell::read(&mut command)?)
}

fn parse(root: &Path, json: &str) -> Result<Workspace> {
    let document: Value = serde_json::from_str(json).context("cargo metadata is no JSON")?;
    let text = |value: &Value, key: &str| -> Result<String> {
        let found = value[key].as_str();
        Ok(found
            .with_context(|| format!("cargo metadata lacks {key:?}"))?
            .to_owned())
    };
    let root = root.to_path_buf();
    let mut members = Vec::new();
    for package in document["packages"]
        .as_array()
        .context("cargo metadata lacks packages")?
    {
        let mut dependencies = Vec::new();
        for dependency in list(&package["dependencies"]) {
            dependencies.push(Dependency {
                name: text(dependency, "name")?,
                dev: dependency["kind"] == "dev",
                features: strings(&dependency["features"]),
            });
        }
        let benches = list(&package["targets"])
            .iter()
            .filter(|target| list(&target["kind"]).iter().any(|kind| kind == "bench"));
        members.push(Member {
            name: text(package, "name")?,
            layer: package["metadata"]["vss"]["layer"]
                .as_str()
                .map(ToOwned::to_owned),
            dependencies,
            benches: benches
                .map(|target| text(target, "name"))
                .collect::<Result<_>>()?,
        });
    }
    Ok(Workspace {
        root,
        target_dir: PathBuf::from(text(&document, "target_directory")?),
        members,
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value) -> Vec<String> {
    list(value)
        .iter()
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_workspace_knows_itself() {
        let workspace = read().unwrap();
        let ours = workspace
            .members
            .iter()
            .find(|member| member.name == "xtask")
            .unwrap();
        assert_eq!(ours.layer.as_deref(), Some("tooling"));
        assert!(
            ours.dependencies
                .iter()
                .any(|dependency| dependency.name == "anyhow")
        );
    }

    #[test]
    fn a_dev_dependency_and_a_bench_target_are_told_apart() {
        let json = r#"{"target_directory": "/r/target", "packages": [{
            "name": "a", "metadata": null,
            "dependencies": [{"name": "x", "kind": "dev", "features": ["f"]},
                             {"name": "y", "kind": null, "features": []}],
            "targets": [{"name": "a", "kind": ["lib"]}, {"name": "fast", "kind": ["bench"]}]}]}"#;
        let workspace = parse(Path::new("/r"), json).unwrap();
        let member = &workspace.members[0];
        assert_eq!((member.name.as_str(), &member.layer), ("a", &None));
        assert_eq!(member.benches, ["fast"]);
        assert!(member.dependencies[0].dev && !member.dependencies[1].dev);
    }
}
