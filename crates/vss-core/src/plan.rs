//! Which sidecars a content should have: a pure function of its media type, the library's policy
//! and the generators at hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DigestHasher, Format, GeneratorRef, Kind, MediaType, Variant};

/// How an output is to be made. Every engine takes the recipes it knows and refuses the rest.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipe {
    /// A still picture.
    Still(StillRecipe),
}

/// A still picture: oriented upright, sRGB, alpha kept, never larger than the original.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StillRecipe {
    /// The longer side, in pixels, at most.
    pub max_side: u32,
    /// Quality on sharp's WebP scale, 1 to 100.
    pub quality: u8,
}

/// What a variant name stands for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Preset {
    /// Its file format.
    pub format: Format,
    /// How it is made.
    pub recipe: Recipe,
    /// Whether every content gets one; otherwise it is made when somebody asks for it.
    pub by_default: bool,
}

/// Limits an original must keep before its pixels are decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DecodeLimits {
    /// Width times height, in pixels.
    pub max_pixels: u64,
    /// Width or height, in pixels.
    pub max_side: u32,
    /// Decoded pixels in memory, in bytes.
    pub max_decoded_bytes: u64,
}

impl Default for DecodeLimits {
    /// 100 megapixels, 65,535 px a side, 512 MiB.
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_side: 65_535,
            max_decoded_bytes: 512 << 20,
        }
    }
}

/// What a library wants of its contents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// The presets of each kind that is wanted at all.
    pub kinds: BTreeMap<Kind, BTreeMap<Variant, Preset>>,
    /// Limits on originals.
    pub limits: DecodeLimits,
}

impl Policy {
    /// The six thumbnail variants, three of them by default.
    pub fn standard() -> Self {
        let preset = |max_side, quality, by_default| Preset {
            format: Format::WEBP,
            recipe: Recipe::Still(StillRecipe { max_side, quality }),
            by_default,
        };
        let thumbs = BTreeMap::from([
            (Variant::ICON_1X, preset(128, 80, false)),
            (Variant::ICON_2X, preset(256, 80, false)),
            (Variant::GRID_1X, preset(256, 85, true)),
            (Variant::GRID_2X, preset(512, 85, true)),
            (Variant::DETAIL_1X, preset(1024, 90, true)),
            (Variant::DETAIL_2X, preset(2048, 90, false)),
        ]);
        Self {
            kinds: BTreeMap::from([(Kind::THUMB, thumbs)]),
            limits: DecodeLimits::default(),
        }
    }

    /// The format a sidecar would have: its preset's, else its kind's usual one.
    pub fn format_of(&self, kind: &Kind, variant: &Variant) -> Option<Format> {
        let preset = self
            .kinds
            .get(kind)
            .and_then(|presets| presets.get(variant));
        preset
            .map(|preset| preset.format.clone())
            .or_else(|| kind.default_format())
    }
}

/// What a generator can do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GeneratorDescriptor {
    /// Its name and version.
    pub generator: GeneratorRef,
    /// The media types it reads.
    pub inputs: Vec<MediaType>,
    /// The kinds it makes.
    pub kinds: Vec<Kind>,
}

impl GeneratorDescriptor {
    /// Whether it makes this kind from this sort of file.
    pub fn makes(&self, kind: &Kind, from: &MediaType) -> bool {
        self.kinds.contains(kind) && self.inputs.contains(from)
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
    /// Who makes it.
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

/// What a content of this media type gets by default: one output per default preset for which
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
        for (variant, preset) in presets.iter().filter(|(_, preset)| preset.by_default) {
            wanted.push(output(kind, variant, preset, by));
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
        generator: by.generator.clone(),
    }
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
            inputs: vec!["image/jpeg".parse().unwrap()],
            kinds: vec![Kind::THUMB],
        }
    }

    #[test]
    fn a_photo_gets_its_three_default_thumbnails() {
        let jpeg = "image/jpeg".parse().unwrap();
        let wanted = plan(&jpeg, &Policy::standard(), &[stills()]);
        let sides: Vec<_> = wanted
            .iter()
            .map(|w| {
                let Recipe::Still(still) = &w.recipe;
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
            one(&text, "ocr", "ocr"),
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
