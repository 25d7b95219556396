//! The variants of `vss.toml`: one table a kind and variant, beside or instead of the standard
//! ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vss_core::plan::{
    Demand, PcmRecipe, Policy, Preset, ProxyRecipe, Recipe, StillRecipe, StripMapRecipe,
    StripRecipe, TextRecipe, WaveformRecipe,
};
use vss_core::{Format, Kind, Variant};

/// The most a side of a WebP can have, in pixels.
const WEBP_SIDE: u32 = 16_383;

/// Every table of variants. A table for a thumbstrip stands for its map too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Presets {
    thumb: BTreeMap<Variant, Still>,
    thumbstrip: BTreeMap<Variant, Strip>,
    proxy: BTreeMap<Variant, Proxy>,
    waveform: BTreeMap<Variant, Waveform>,
    pcm: BTreeMap<Variant, Pcm>,
    ocr: BTreeMap<Variant, Text>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Still {
    /// The longer side in pixels.
    size: u32,
    /// 1 to 100.
    #[serde(default = "still_quality")]
    quality: u8,
    #[serde(default = "on_request")]
    default: Demand,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strip {
    columns: u32,
    rows: u32,
    /// The longer side of a tile in pixels.
    tile: u32,
    /// 1 to 100.
    #[serde(default = "strip_quality")]
    quality: u8,
    #[serde(default = "on_request")]
    default: Demand,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    /// The shorter side in pixels.
    size: u32,
    /// 0 to 51.
    #[serde(default = "proxy_crf")]
    crf: u8,
    /// Bits a second; 0 leaves audio out.
    #[serde(default = "proxy_audio")]
    audio: u32,
    #[serde(default = "on_request")]
    default: Demand,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waveform {
    points: u32,
    #[serde(default = "on_request")]
    default: Demand,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pcm {
    /// Samples a second.
    rate: u32,
    #[serde(default = "on_request")]
    default: Demand,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    languages: Vec<String>,
    #[serde(default = "text_pages")]
    pages: u32,
    #[serde(default = "on_request")]
    default: Demand,
}

const fn on_request() -> Demand {
    Demand::ON_REQUEST
}

const fn still_quality() -> u8 {
    85
}

const fn strip_quality() -> u8 {
    75
}

const fn proxy_crf() -> u8 {
    23
}

const fn proxy_audio() -> u32 {
    128_000
}

const fn text_pages() -> u32 {
    50
}

impl Default for Presets {
    /// The tables of the standard policy.
    fn default() -> Self {
        let mut tables = Self {
            thumb: BTreeMap::new(),
            thumbstrip: BTreeMap::new(),
            proxy: BTreeMap::new(),
            waveform: BTreeMap::new(),
            pcm: BTreeMap::new(),
            ocr: BTreeMap::new(),
        };
        for (name, preset) in Policy::standard().kinds.into_values().flatten() {
            tables.add(name, preset);
        }
        tables
    }
}

impl Presets {
    fn add(&mut self, name: Variant, preset: Preset) {
        let default = preset.demand;
        match preset.recipe {
            Recipe::Still(StillRecipe { max_side, quality }) => {
                let still = Still {
                    size: max_side,
                    quality,
                    default,
                };
                self.thumb.insert(name, still);
            }
            Recipe::Strip(strip) => {
                let strip = Strip {
                    columns: strip.columns,
                    rows: strip.rows,
                    tile: strip.tile_side,
                    quality: strip.quality,
                    default,
                };
                self.thumbstrip.insert(name, strip);
            }
            Recipe::Proxy(proxy) => {
                let proxy = Proxy {
                    size: proxy.short_side,
                    crf: proxy.crf,
                    audio: proxy.audio_bitrate,
                    default,
                };
                self.proxy.insert(name, proxy);
            }
            Recipe::Waveform(WaveformRecipe { points }) => {
                self.waveform.insert(name, Waveform { points, default });
            }
            Recipe::Pcm(PcmRecipe { sample_rate }) => {
                let rate = sample_rate;
                self.pcm.insert(name, Pcm { rate, default });
            }
            Recipe::Text(text) => {
                let text = Text {
                    languages: text.languages,
                    pages: text.max_pages,
                    default,
                };
                self.ocr.insert(name, text);
            }
            // A map follows from its strip.
            _ => {}
        }
    }

    /// What is wanted of contents.
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, BTreeMap<Variant, Preset>> {
        let mut kinds = BTreeMap::new();
        kinds.insert(Kind::THUMB, tables(&self.thumb, Still::preset));
        let picture = |strip: &Strip| strip.preset(Format::WEBP, Recipe::Strip);
        kinds.insert(Kind::THUMBSTRIP, tables(&self.thumbstrip, picture));
        let map = |(name, strip): (&Variant, &Strip)| {
            let map = |strip| Recipe::StripMap(StripMapRecipe::of(strip, name));
            (name.clone(), strip.preset(Format::VTT, map))
        };
        let maps = self.thumbstrip.iter().map(map).collect();
        kinds.insert(Kind::THUMBSTRIP_MAP, maps);
        kinds.insert(Kind::PROXY, tables(&self.proxy, Proxy::preset));
        kinds.insert(Kind::WAVEFORM, tables(&self.waveform, Waveform::preset));
        kinds.insert(Kind::PCM, tables(&self.pcm, Pcm::preset));
        kinds.insert(Kind::OCR, tables(&self.ocr, Text::preset));
        kinds
    }

    /// What is wrong with a table, as `key: what`.
    pub(crate) fn fault(&self) -> Option<String> {
        let thumbs = self.thumb.iter().map(|(n, t)| ("thumb", n, t.fault()));
        let strips = self.thumbstrip.iter();
        let strips = strips.map(|(n, t)| ("thumbstrip", n, t.fault()));
        let proxies = self.proxy.iter().map(|(n, t)| ("proxy", n, t.fault()));
        let waves = self.waveform.iter();
        let waves = waves.map(|(n, t)| ("waveform", n, t.fault()));
        let pcms = self.pcm.iter().map(|(n, t)| ("pcm", n, t.fault()));
        let texts = self.ocr.iter().map(|(n, t)| ("ocr", n, t.fault()));
        let all = thumbs.chain(strips).chain(proxies);
        all.chain(waves)
            .chain(pcms)
            .chain(texts)
            .find_map(|(kind, name, fault)| Some(format!("kinds.{kind}.\"{name}\": {}", fault?)))
    }
}

fn tables<T>(
    tables: &BTreeMap<Variant, T>,
    preset: impl Fn(&T) -> Preset,
) -> BTreeMap<Variant, Preset> {
    let presets = tables.iter();
    presets
        .map(|(name, table)| (name.clone(), preset(table)))
        .collect()
}

/// The first rule that does not hold, in words.
fn broken(rules: &[(bool, &'static str)]) -> Option<&'static str> {
    rules
        .iter()
        .find(|(holds, _)| !holds)
        .map(|(_, what)| *what)
}

impl Still {
    fn preset(&self) -> Preset {
        Preset {
            format: Format::WEBP,
            recipe: Recipe::Still(StillRecipe {
                max_side: self.size,
                quality: self.quality,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let size = "size must be 1 to 16383, the most a WebP can have";
        let quality = (1..=100).contains(&self.quality);
        broken(&[
            ((1..=WEBP_SIDE).contains(&self.size), size),
            (quality, "quality must be 1 to 100"),
        ])
    }
}

impl Strip {
    fn preset(&self, format: Format, recipe: impl Fn(StripRecipe) -> Recipe) -> Preset {
        Preset {
            format,
            recipe: recipe(StripRecipe {
                columns: self.columns,
                rows: self.rows,
                tile_side: self.tile,
                quality: self.quality,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let side = |tiles: u32| (1..=WEBP_SIDE).contains(&tiles.saturating_mul(self.tile));
        let sides = "columns and rows times tile must be 1 to 16383, the most a WebP can have";
        let quality = (1..=100).contains(&self.quality);
        broken(&[
            (side(self.columns) && side(self.rows), sides),
            (quality, "quality must be 1 to 100"),
        ])
    }
}

impl Proxy {
    fn preset(&self) -> Preset {
        Preset {
            format: Format::MP4,
            recipe: Recipe::Proxy(ProxyRecipe {
                short_side: self.size,
                crf: self.crf,
                audio_bitrate: self.audio,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let audio = self.audio == 0 || (8_000..=512_000).contains(&self.audio);
        broken(&[
            ((16..=4_320).contains(&self.size), "size must be 16 to 4320"),
            (self.crf <= 51, "crf must be 0 to 51"),
            (audio, "audio must be 0, or 8000 to 512000 bits a second"),
        ])
    }
}

impl Waveform {
    fn preset(&self) -> Preset {
        Preset {
            format: Format::JSON,
            recipe: Recipe::Waveform(WaveformRecipe {
                points: self.points,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let points = (1..=100_000).contains(&self.points);
        broken(&[(points, "points must be 1 to 100000")])
    }
}

impl Pcm {
    fn preset(&self) -> Preset {
        Preset {
            format: Format::WAV,
            recipe: Recipe::Pcm(PcmRecipe {
                sample_rate: self.rate,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let rate = (1_000..=192_000).contains(&self.rate);
        broken(&[(rate, "rate must be 1000 to 192000")])
    }
}

impl Text {
    fn preset(&self) -> Preset {
        Preset {
            format: Format::JSON,
            recipe: Recipe::Text(TextRecipe {
                languages: self.languages.clone(),
                max_pages: self.pages,
            }),
            demand: self.default.clone(),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let language = |l: &String| (3..=16).contains(&l.len()) && l.chars().all(plain);
        let languages = !self.languages.is_empty() && self.languages.iter().all(language);
        broken(&[
            (
                languages,
                "languages must name some, such as [\"eng\", \"deu\"]",
            ),
            (
                (1..=10_000).contains(&self.pages),
                "pages must be 1 to 10000",
            ),
        ])
    }
}
