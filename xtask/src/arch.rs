//! Checks the layers of the workspace: every arrow between crates points inwards, as ARCHITECTURE.md says.
//!
//! The check is a pure function over [`Member`]s, so that a test can hand it a wrong arrow.

mod rules;

use anyhow::{Result, bail};

use crate::workspace::{self, Dependency, Member};
pub(crate) use rules::Layer;
use rules::{FENCES, SCHEMA_CRATE, SCHEMA_USERS};

/// Prints every wrong arrow of the real workspace, and fails when there is one.
pub(crate) fn run() -> Result<()> {
    let workspace = workspace::read()?;
    let wrong = check(&workspace.members);
    for line in &wrong {
        println!("{line}");
    }
    if !wrong.is_empty() {
        bail!("{} arrow(s) point the wrong way", wrong.len());
    }
    println!(
        "arch: {} crates, every arrow points inwards",
        workspace.members.len()
    );
    Ok(())
}

/// One line a violation: who -> whom, which rule, what to do.
pub(crate) fn check(members: &[Member]) -> Vec<String> {
    let mut wrong = Vec::new();
    for member in members {
        let Some(layer) = layer_of(member) else {
            wrong.push(format!(
                "{} -> (no layer): every crate declares [package.metadata.vss] layer; write one of {}",
                member.name,
                Layer::spellings(),
            ));
            continue;
        };
        // Dev-dependencies are free: no one who links the crate gets them.
        for dependency in member
            .dependencies
            .iter()
            .filter(|dependency| !dependency.dev)
        {
            let arrow = format!("{} -> {}", member.name, dependency.name);
            let refusal = match members.iter().find(|other| other.name == dependency.name) {
                Some(other) => refuse_ours(member, layer, other),
                None => refuse_foreign(member, layer, dependency),
            };
            wrong.extend(refusal.map(|why| format!("{arrow}: {why}")));
        }
    }
    wrong
}

fn layer_of(member: &Member) -> Option<Layer> {
    member.layer.as_deref().and_then(Layer::parse)
}

fn refuse_ours(member: &Member, layer: Layer, other: &Member) -> Option<String> {
    // Without a layer the other crate has its own line.
    let target = layer_of(other)?;
    let schema = other.name == SCHEMA_CRATE;
    if schema && (SCHEMA_USERS.contains(&member.name.as_str()) || layer == Layer::Root) {
        return None;
    }
    if layer.may_use(target) {
        return None;
    }
    let remedy = if layer == Layer::Adapter && target == Layer::Adapter {
        "put what both need behind a port and let the root hand it over"
    } else if target == Layer::Adapter {
        "speak to its port in vss-ports, and name the adapter only in a root"
    } else {
        "move the shared part inwards, or make it a dev-dependency when only tests need it"
    };
    Some(format!(
        "layer {} may use {} of ours, not {}; {remedy}",
        layer.as_str(),
        layer.reach(),
        target.as_str(),
    ))
}

fn refuse_foreign(member: &Member, layer: Layer, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    for fence in FENCES {
        if fence.covers(name) && !fence.owners.contains(&member.name.as_str()) {
            return Some(format!(
                "{name} belongs to {} alone; {}",
                fence.owners.join(", "),
                fence.remedy
            ));
        }
    }
    let allowed = layer.foreign()?;
    let Some((_, features)) = allowed.iter().find(|(crate_name, _)| *crate_name == name) else {
        return Some(format!(
            "{name} is not on the allow-list of layer {}; do the work behind a port, or argue for the crate in xtask/src/arch/rules.rs",
            layer.as_str(),
        ));
    };
    let features = features.as_ref()?;
    let asked = dependency.features.iter().map(String::as_str);
    let extra: Vec<&str> = asked
        .filter(|feature| !features.contains(feature))
        .collect();
    (!extra.is_empty()).then(|| {
        format!(
            "layer {} may use {name} only with {}, not {}; input and output go through a port",
            layer.as_str(),
            features.join(", "),
            extra.join(", "),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, layer: &str, dependencies: &[&str]) -> Member {
        Member {
            name: name.to_owned(),
            layer: Some(layer.to_owned()),
            dependencies: dependencies
                .iter()
                .map(|name| dependency(name, &[], false))
                .collect(),
            ..Member::default()
        }
    }

    fn dependency(name: &str, features: &[&str], dev: bool) -> Dependency {
        let features = features.iter().map(|&feature| feature.to_owned()).collect();
        Dependency {
            name: name.to_owned(),
            dev,
            features,
        }
    }

    /// A workspace in good order, in which each test breaks one thing.
    fn good() -> Vec<Member> {
        vec![
            member("vss-core", "domain", &["serde", "uuid"]),
            member("vss-ports", "ports", &["vss-core", "async-trait"]),
            member(
                "vss-engine",
                "application",
                &["vss-core", "vss-ports", "tracing"],
            ),
            member(
                "vss-testkit",
                "testing",
                &["vss-core", "vss-ports", "tokio"],
            ),
            member(
                "vss-migrations",
                "adapter",
                &["sea-orm-migration", "sea-orm"],
            ),
            member(
                "vss-store-seaorm",
                "adapter",
                &["vss-ports", "vss-migrations", "sea-orm"],
            ),
            member(
                "vss-vault-fs",
                "adapter",
                &["vss-core", "vss-ports", "rustix"],
            ),
            member("vss-raster", "codec", &["vss-ports", "libwebp-sys"]),
            member("vss-gen-image", "adapter", &["vss-ports", "vss-raster"]),
            member(
                "vss-app",
                "root",
                &["vss-engine", "vss-store-seaorm", "vss-vault-fs"],
            ),
            member("xtask", "tooling", &["anyhow"]),
        ]
    }

    /// What `check` says once `name` also depends on `target`.
    fn with_arrow(name: &str, target: Dependency) -> Vec<String> {
        let mut members = good();
        let from = members
            .iter_mut()
            .find(|member| member.name == name)
            .unwrap();
        from.dependencies.push(target);
        check(&members)
    }

    #[test]
    fn the_real_workspace_keeps_its_layers() {
        let wrong = check(&workspace::read().unwrap().members);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_workspace_in_good_order_passes() {
        assert_eq!(check(&good()), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_arrow_is_refused_with_who_whom_and_why() {
        for (from, to, why) in [
            (
                "vss-core",
                "vss-ports",
                "layer domain may use nothing of ours",
            ),
            (
                "vss-ports",
                "vss-engine",
                "layer ports may use domain of ours",
            ),
            (
                "vss-engine",
                "vss-store-seaorm",
                "layer application may use domain, ports of ours",
            ),
            (
                "vss-engine",
                "vss-migrations",
                "layer application may use domain, ports of ours",
            ),
            (
                "vss-vault-fs",
                "vss-store-seaorm",
                "not adapter; put what both need behind a port",
            ),
            (
                "vss-vault-fs",
                "vss-migrations",
                "not adapter; put what both need behind a port",
            ),
            (
                "vss-testkit",
                "vss-vault-fs",
                "layer testing may use domain, ports, codec of ours",
            ),
            (
                "vss-raster",
                "vss-gen-image",
                "layer codec may use domain, ports, codec of ours",
            ),
            ("xtask", "vss-core", "layer tooling may use nothing of ours"),
            ("vss-app", "xtask", "not tooling"),
        ] {
            let wrong = with_arrow(from, dependency(to, &[], false));
            assert_eq!(wrong.len(), 1, "{from} -> {to}: {wrong:?}");
            assert!(
                wrong[0].starts_with(&format!("{from} -> {to}: ")),
                "{}",
                wrong[0]
            );
            assert!(wrong[0].contains(why), "{}", wrong[0]);
        }
    }

    #[test]
    fn a_fenced_crate_stays_in_its_adapter() {
        for (from, to) in [
            ("vss-engine", "sea-orm"),
            ("vss-vault-fs", "sqlx"),
            ("vss-app", "sea-orm"),
            ("vss-store-seaorm", "sea-orm-migration"),
            ("vss-app", "turbojpeg"),
            ("vss-vault-fs", "libwebp-sys"),
            ("vss-app", "ffmpeg-next"),
            ("vss-app", "tesseract"),
            ("vss-raster", "libraw-rs"),
            ("vss-app", "notify"),
            ("vss-app", "iroh-mdns-address-lookup"),
        ] {
            let wrong = with_arrow(from, dependency(to, &[], false));
            assert_eq!(wrong.len(), 1, "{from} -> {to}: {wrong:?}");
            assert!(wrong[0].contains("belongs to"), "{}", wrong[0]);
        }
    }

    #[test]
    fn an_inner_crate_takes_only_what_its_allow_list_names() {
        let wrong = with_arrow("vss-core", dependency("tokio", &[], false));
        assert!(
            wrong[0].contains("not on the allow-list of layer domain"),
            "{wrong:?}"
        );
        let wrong = with_arrow("vss-engine", dependency("tokio", &["fs", "sync"], false));
        assert!(wrong[0].contains("not fs;"), "{wrong:?}");
        assert!(with_arrow("vss-engine", dependency("tokio", &["sync"], false)).is_empty());
    }

    #[test]
    fn a_dev_dependency_is_free() {
        assert!(with_arrow("vss-core", dependency("vss-testkit", &[], true)).is_empty());
        assert!(with_arrow("vss-engine", dependency("sea-orm", &[], true)).is_empty());
    }

    #[test]
    fn a_crate_without_a_known_layer_is_refused() {
        for layer in [None, Some("middleware".to_owned())] {
            let mut members = good();
            members[0].layer = layer;
            let wrong = check(&members);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(
                wrong[0].starts_with("vss-core -> (no layer)"),
                "{}",
                wrong[0]
            );
        }
    }
}
