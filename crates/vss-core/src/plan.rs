//! Which sidecars a content should have: a pure function of its media type, the library's policy
//! and the generators at hand.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{DigestHasher, Format, GeneratorRef, Kind, MediaType, Variant};

pub use crate::policy::{DecodeLimits, Demand, Policy, Preset};
pub use crate::recipe::{
    PcmRecipe, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe, StripRecipe, TextRecipe,
    WaveformRecipe, recipe_mark,
};

/// What a generator can do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GeneratorDescriptor {
    /// Its name and version.
    pub generator: GeneratorRef,
    /// What it makes from what.
    pub abilities: Vec<Ability>,
}

/// Kinds that a generator makes from each of some sorts of file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ability {
    /// The media types it reads.
    pub inputs: Vec<MediaType>,
    /// The kinds it makes from them.
    pub kinds: Vec<Kind>,
}

impl GeneratorDescriptor {
    /// That of a generator of this name and version, which makes the kinds from the media types beside
    /// them.
    ///
    /// # Panics
    /// When one of the words is no name of its sort: they are constants of whoever calls this.
    #[expect(
        clippy::expect_used,
        reason = "the words are constants; every test makes generators of them"
    )]
    pub fn of(id: &str, version: Version, abilities: &[(&[&str], &[Kind])]) -> Self {
        let ability = |(inputs, kinds): &(&[&str], &[Kind])| {
            let inputs = inputs.iter().map(|name| name.parse());
            Ability {
                inputs: inputs
                    .collect::<Result<_, _>>()
                    .expect("names of media types"),
                kinds: kinds.to_vec(),
            }
        };
        let id = id.parse().expect("a name of a generator");
        Self {
            generator: GeneratorRef { id, version },
            abilities: abilities.iter().map(ability).collect(),
        }
    }

    /// Whether it makes this kind from this sort of file.
    pub fn makes(&self, kind: &Kind, from: &MediaType) -> bool {
        let fits = |able: &Ability| able.kinds.contains(kind) && able.inputs.contains(from);
        self.abilities.iter().any(fits)
    }

    /// Whether it makes anything from this sort of file.
    pub fn reads(&self, media_type: &MediaType) -> bool {
        self.inputs().any(|input| input == media_type)
    }

    /// What it reads; a type may come twice.
    pub fn inputs(&self) -> impl Iterator<Item = &MediaType> {
        self.abilities.iter().flat_map(|able| &able.inputs)
    }

    /// What it makes; a kind may come twice.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.abilities.iter().flat_map(|able| &able.kinds)
    }

    /// What it reads to make this kind.
    pub fn inputs_of<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = &'a MediaType> {
        let able = self.abilities.iter().filter(|a| a.kinds.contains(kind));
        able.flat_map(|able| &able.inputs)
    }
}

/// One sidecar that should exist, and who is to make it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WantedOutput {
    /// Its kind.
    pub kind: Kind,
    /// Its variant.
    pub variant: Variant,
    /// Its format.
    pub format: Format,
    /// How it is made.
    pub recipe: Recipe,
    /// Who makes it, marked with the recipe.
    pub generator: GeneratorRef,
}

/// Why one sidecar cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The policy does not name the kind.
    #[error("kind {0} is not configured: `vss kinds` lists what is")]
    UnknownKind(Kind),
    /// The policy does not name the variant.
    #[error("kind {kind} has no variant {variant}: `vss kinds` lists what it has")]
    UnknownVariant {
        /// The kind.
        kind: Kind,
        /// The variant it does not have.
        variant: Variant,
    },
    /// No generator makes the kind from this sort of file.
    #[error("no generator makes {kind} from {media_type}")]
    NoGenerator {
        /// The kind.
        kind: Kind,
        /// What the content is.
        media_type: MediaType,
    },
}

/// What a content of this media type gets by default: one output per preset in demand for which
/// there is a generator (the first that fits). Empty when nothing reads such files.
pub fn plan(
    media_type: &MediaType,
    policy: &Policy,
    generators: &[GeneratorDescriptor],
) -> Vec<WantedOutput> {
    let mut wanted = Vec::new();
    for (kind, presets) in &policy.kinds {
        let Some(by) = generators.iter().find(|g| g.makes(kind, media_type)) else {
            continue;
        };
        for (variant, preset) in presets {
            if preset.demand.includes(media_type) {
                wanted.push(output(kind, variant, preset, by));
            }
        }
    }
    wanted
}

/// What one named sidecar of a content takes.
///
/// # Errors
/// [`PlanError`] when the policy does not have it or nothing can make it.
pub fn plan_one(
    media_type: &MediaType,
    kind: &Kind,
    variant: &Variant,
    policy: &Policy,
    generators: &[GeneratorDescriptor],
) -> Result<WantedOutput, PlanError> {
    let presets = policy
        .kinds
        .get(kind)
        .ok_or_else(|| PlanError::UnknownKind(kind.clone()))?;
    let preset = presets
        .get(variant)
        .ok_or_else(|| PlanError::UnknownVariant {
            kind: kind.clone(),
            variant: variant.clone(),
        })?;
    let by = generators
        .iter()
        .find(|g| g.makes(kind, media_type))
        .ok_or_else(|| PlanError::NoGenerator {
            kind: kind.clone(),
            media_type: media_type.clone(),
        })?;
    Ok(output(kind, variant, preset, by))
}

fn output(
    kind: &Kind,
    variant: &Variant,
    preset: &Preset,
    by: &GeneratorDescriptor,
) -> WantedOutput {
    WantedOutput {
        kind: kind.clone(),
        variant: variant.clone(),
        format: preset.format.clone(),
        recipe: preset.recipe.clone(),
        generator: maker(&by.generator, &preset.format, &preset.recipe),
    }
}

/// Who a row says made an output: the generator, marked with the recipe.
pub fn maker(generator: &GeneratorRef, format: &Format, recipe: &Recipe) -> GeneratorRef {
    let mark = recipe_mark(format, recipe);
    // Hexadecimal digits are always fit for build metadata.
    generator
        .marked(&mark)
        .unwrap_or_else(|_| generator.clone())
}

/// A short text that changes whenever [`plan`] could answer differently: what was planned under
/// another fingerprint has to be planned again.
pub fn fingerprint(policy: &Policy, generators: &[GeneratorDescriptor]) -> String {
    let mut hasher = DigestHasher::new();
    // Debug output of ordered maps and plain values is a faithful, stable spelling within one
    // build; a new build may plan once more, which is idempotent.
    hasher.update(format!("{:?}", policy.kinds).as_bytes());
    for descriptor in generators {
        hasher.update(format!("{descriptor:?}").as_bytes());
    }
    hasher.finish().to_string().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stills() -> GeneratorDescriptor {
        GeneratorDescriptor {
            generator: GeneratorRef {
                id: "image".parse().unwrap(),
                version: "1.0.0".parse().unwrap(),
            },
            abilities: vec![Ability {
                inputs: vec!["image/jpeg".parse().unwrap()],
                kinds: vec![Kind::THUMB],
            }],
        }
    }

    #[test]
    fn a_photo_gets_its_three_default_thumbnails() {
        let jpeg = "image/jpeg".parse().unwrap();
        let wanted = plan(&jpeg, &Policy::standard(), &[stills()]);
        let sides: Vec<_> = wanted
            .iter()
            .map(|w| {
                let Recipe::Still(still) = &w.recipe else {
                    panic!("{w:?} is no still");
                };
                (w.variant.as_str(), still.max_side, still.quality)
            })
            .collect();
        assert_eq!(
            sides,
            [
                ("detail@1x", 1024, 90),
                ("grid@1x", 256, 85),
                ("grid@2x", 512, 85)
            ]
        );
    }

    #[test]
    fn what_nothing_reads_gets_nothing_and_asking_for_it_says_why() {
        let text: MediaType = "text/plain".parse().unwrap();
        let policy = Policy::standard();
        assert_eq!(plan(&text, &policy, &[stills()]), []);
        let one = |media: &MediaType, kind: &str, variant: &str| {
            let (kind, variant) = (kind.parse().unwrap(), variant.parse().unwrap());
            plan_one(media, &kind, &variant, &policy, &[stills()])
        };
        assert!(matches!(
            one(&text, "thumb", "grid@1x"),
            Err(PlanError::NoGenerator { .. })
        ));
        assert!(matches!(
            one(&text, "live", "original"),
            Err(PlanError::UnknownKind(_))
        ));
        let jpeg = "image/jpeg".parse().unwrap();
        assert!(matches!(
            one(&jpeg, "thumb", "huge"),
            Err(PlanError::UnknownVariant { .. })
        ));
        assert!(one(&jpeg, "thumb", "icon@1x").is_ok());
    }

    #[test]
    fn a_new_generator_version_or_preset_changes_the_fingerprint_and_limits_do_not() {
        let policy = Policy::standard();
        let before = fingerprint(&policy, &[stills()]);
        let mut newer = stills();
        newer.generator.version = "1.0.1".parse().unwrap();
        assert_ne!(before, fingerprint(&policy, &[newer]));
        let mut fewer = policy.clone();
        fewer.kinds.clear();
        assert_ne!(before, fingerprint(&fewer, &[stills()]));
        let mut roomier = policy.clone();
        roomier.limits.max_pixels *= 2;
        assert_eq!(before, fingerprint(&roomier, &[stills()]));
    }
}
