//! What a library wants of its contents, and what it puts up with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recipe::{
    PcmRecipe, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe, StripRecipe, TextRecipe,
    WaveformRecipe,
};
use crate::{Format, Kind, MediaPattern, MediaType, Variant};

/// What a variant name stands for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Preset {
    /// Its file format.
    pub format: Format,
    /// How it is made.
    pub recipe: Recipe,
    /// Which contents get one unasked.
    pub demand: Demand,
}

/// Which contents get a variant unasked, of those from which it can be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Demand {
    /// All or none; in text `true` or `false`.
    Always(bool),
    /// Those of these media types; in text a list.
    For(Vec<MediaPattern>),
}

impl Demand {
    /// Only when somebody asks.
    pub const ON_REQUEST: Self = Self::Always(false);

    /// Whether a content of this media type gets one unasked.
    pub fn includes(&self, media_type: &MediaType) -> bool {
        match self {
            Self::Always(all) => *all,
            Self::For(patterns) => patterns.iter().any(|pattern| pattern.matches(media_type)),
        }
    }
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
    /// Thumbnails for everything, a strip of frames for videos, the waveform of audio, text for documents and screenshots
    /// (which are PNG files wherever a machine takes them), and the rest on request.
    pub fn standard() -> Self {
        let still = |max_side, quality, always| Preset {
            format: Format::WEBP,
            recipe: Recipe::Still(StillRecipe { max_side, quality }),
            demand: Demand::Always(always),
        };
        let thumbs = [
            (Variant::ICON_1X, still(128, 80, false)),
            (Variant::ICON_2X, still(256, 80, false)),
            (Variant::GRID_1X, still(256, 85, true)),
            (Variant::GRID_2X, still(512, 85, true)),
            (Variant::DETAIL_1X, still(1024, 90, true)),
            (Variant::DETAIL_2X, still(2048, 90, false)),
        ];
        let strips = [
            (Variant::PREVIEW, (5, 320, 75, true)),
            (Variant::DETAILED, (10, 240, 70, false)),
            (Variant::MOBILE, (3, 160, 75, false)),
        ];
        let strip = |name: &Variant, (side, tile_side, quality, always), map: bool| {
            let recipe = StripRecipe {
                columns: side,
                rows: side,
                tile_side,
                quality,
            };
            let (format, recipe) = match map {
                true => {
                    let map = StripMapRecipe::of(recipe, name);
                    (Format::VTT, Recipe::StripMap(map))
                }
                false => (Format::WEBP, Recipe::Strip(recipe)),
            };
            Preset {
                format,
                recipe,
                demand: Demand::Always(always),
            }
        };
        let strips_of = |map| {
            let strips = strips.clone();
            strips.map(|(name, of)| (name.clone(), strip(&name, of, map)))
        };
        let on_request = |format, recipe| Preset {
            format,
            recipe,
            demand: Demand::ON_REQUEST,
        };
        let proxy = |short_side, crf, audio_bitrate| {
            let recipe = ProxyRecipe {
                short_side,
                crf,
                audio_bitrate,
            };
            on_request(Format::MP4, Recipe::Proxy(recipe))
        };
        let proxies = [
            (Variant::SCRUB, proxy(180, 28, 0)),
            (Variant::QUICK, proxy(480, 26, 96_000)),
            (Variant::EDIT, proxy(720, 23, 128_000)),
            (Variant::FULL_HD, proxy(1_080, 23, 160_000)),
        ];
        let waveform = Preset {
            format: Format::JSON,
            recipe: Recipe::Waveform(WaveformRecipe { points: 1_000 }),
            demand: Demand::For(vec![MediaPattern::AUDIO]),
        };
        let speech = Recipe::Pcm(PcmRecipe {
            sample_rate: 16_000,
        });
        let text = Preset {
            format: Format::JSON,
            recipe: Recipe::Text(TextRecipe {
                languages: vec!["eng".into()],
                max_pages: 50,
            }),
            demand: Demand::For(vec![MediaPattern::PDF, MediaPattern::PNG]),
        };
        Self {
            kinds: BTreeMap::from([
                (Kind::THUMB, thumbs.into()),
                (Kind::THUMBSTRIP, strips_of(false).into()),
                (Kind::THUMBSTRIP_MAP, strips_of(true).into()),
                (Kind::PROXY, proxies.into()),
                (Kind::WAVEFORM, [(Variant::PREVIEW, waveform)].into()),
                (
                    Kind::PCM,
                    [(Variant::SPEECH, on_request(Format::WAV, speech))].into(),
                ),
                (Kind::OCR, [(Variant::OCR, text)].into()),
            ]),
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
