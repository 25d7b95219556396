//! `vss kinds`: what this library makes, and what could make it.

use std::collections::BTreeSet;

use serde::Serialize;
use vss_core::plan::{Demand, Policy, Recipe};

use crate::cli::Global;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::library::Library;
use crate::output;
use crate::wiring;

#[derive(Serialize)]
struct KindEntry {
    kind: String,
    variant: String,
    format: String,
    default: Demand,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_side: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<u8>,
    generators: Vec<String>,
    reads: Vec<String>,
}

/// Without a library it shows what a new one would make.
pub(super) async fn kinds(global: &Global) -> Result<Exit, Failure> {
    let policy = match &global.library {
        Some(place) => Config::load(&Library::open(Some(place))?.root)?.policy(),
        None => Policy::standard(),
    };
    let descriptors = wiring::descriptors();
    let mut entries = Vec::new();
    for (kind, presets) in &policy.kinds {
        let makers: Vec<_> = descriptors
            .iter()
            .filter(|d| d.kinds().any(|made| made == kind))
            .collect();
        // Camera files are read by two, each of which may be all there is.
        let mut reads: Vec<_> = makers
            .iter()
            .flat_map(|d| d.inputs_of(kind))
            .map(ToString::to_string)
            .collect();
        let mut seen = BTreeSet::new();
        reads.retain(|input| seen.insert(input.clone()));
        for (variant, preset) in presets {
            let still = match &preset.recipe {
                Recipe::Still(still) => Some(*still),
                _ => None,
            };
            entries.push(KindEntry {
                kind: kind.to_string(),
                variant: variant.to_string(),
                format: preset.format.to_string(),
                default: preset.demand.clone(),
                max_side: still.map(|still| still.max_side),
                quality: still.map(|still| still.quality),
                generators: makers.iter().map(|d| d.generator.to_string()).collect(),
                reads: reads.clone(),
            });
        }
    }
    if global.json {
        output::json(&entries);
        return Ok(Exit::Done);
    }
    let heading = [
        "kind", "variant", "format", "default", "px", "quality", "made by",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let number = |number: Option<u32>| number.map_or_else(|| "-".into(), |n| n.to_string());
    for entry in &entries {
        rows.push(vec![
            entry.kind.clone(),
            entry.variant.clone(),
            entry.format.clone(),
            demand(&entry.default),
            number(entry.max_side),
            number(entry.quality.map(u32::from)),
            entry.generators.join(", "),
        ]);
    }
    output::table(&rows);
    if let Some(first) = entries.first() {
        output::line(&format!("made from: {}", first.reads.join(", ")));
    }
    Ok(Exit::Done)
}

fn demand(demand: &Demand) -> String {
    match demand {
        Demand::Always(true) => "yes".into(),
        Demand::Always(false) => "on request".into(),
        Demand::For(patterns) => {
            let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
            patterns.join(", ")
        }
    }
}
