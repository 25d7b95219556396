//! How an output is made: the settings of a variant, as every engine gets them.

use serde::{Deserialize, Serialize};

use crate::{DigestHasher, Format, Variant, layout};

/// How an output is to be made. Every engine takes the recipes it knows and refuses the rest.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipe {
    /// A still picture: of a picture itself, a frame of a video, the first page of a document,
    /// the cover of a song.
    Still(StillRecipe),
    /// Frames of a video side by side in one picture.
    Strip(StripRecipe),
    /// Which time of the video each tile of a [`Recipe::Strip`] of the same settings shows.
    StripMap(StripMapRecipe),
    /// A smaller rendition of a video.
    Proxy(ProxyRecipe),
    /// The loudness of audio over time.
    Waveform(WaveformRecipe),
    /// Audio as plain samples, for engines that listen.
    Pcm(PcmRecipe),
    /// The text in a picture or a document.
    Text(TextRecipe),
}

impl Recipe {
    /// The grid of a strip or of its map.
    pub const fn strip(&self) -> Option<StripRecipe> {
        match self {
            Self::Strip(strip) | Self::StripMap(StripMapRecipe { strip, .. }) => Some(*strip),
            _ => None,
        }
    }
}

/// A still picture: oriented upright, sRGB, alpha kept, never larger than the original.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StillRecipe {
    /// The longer side, in pixels, at most.
    pub max_side: u32,
    /// Quality on sharp's WebP scale, 1 to 100.
    pub quality: u8,
}

/// A grid of tiles, filled row by row with frames from 5 % to 95 % of the duration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StripRecipe {
    /// Tiles in a row.
    pub columns: u32,
    /// Rows of tiles.
    pub rows: u32,
    /// The longer side of a tile, in pixels, at most.
    pub tile_side: u32,
    /// Quality on sharp's WebP scale, 1 to 100.
    pub quality: u8,
}

/// The map of a strip.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StripMapRecipe {
    /// The strip's settings.
    pub strip: StripRecipe,
    /// The file name of the strip, which lies beside its map: what a player is to open.
    pub picture: String,
}

impl StripMapRecipe {
    /// The map of the strip of a variant.
    pub fn of(strip: StripRecipe, variant: &Variant) -> Self {
        Self {
            strip,
            picture: layout::file_name(variant, &Format::WEBP),
        }
    }
}

/// H.264 High, 8-bit 4:2:0, upright, SDR, with the index in front; the timing of the original.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ProxyRecipe {
    /// The shorter side, in pixels, at most: what the `p` of `720p` counts. Never enlarged.
    pub short_side: u32,
    /// x264's constant rate factor, 0 (lossless) to 51.
    pub crf: u8,
    /// Bits a second of AAC audio; 0 leaves audio out.
    pub audio_bitrate: u32,
}

/// The extremes of the samples in each of a number of equal stretches of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct WaveformRecipe {
    /// Stretches, at most: a song shorter than that many samples has fewer.
    pub points: u32,
}

/// One channel of signed 16-bit samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PcmRecipe {
    /// Samples a second.
    pub sample_rate: u32,
}

/// Text with its place on the page.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TextRecipe {
    /// Languages to expect, as ISO 639-2/T codes with the engine's suffixes (`eng`, `chi_sim`).
    pub languages: Vec<String>,
    /// Pages read of a document, from the first.
    pub max_pages: u32,
}

/// Eight hexadecimal digits that differ when anything differs that a row does not already say of
/// an output: its format or a setting.
pub fn recipe_mark(format: &Format, recipe: &Recipe) -> String {
    let mut hasher = DigestHasher::new();
    // Debug output of plain values is a faithful spelling of them.
    hasher.update(format!("{format} {recipe:?}").as_bytes());
    hasher.finish().to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_with_every_setting_and_with_nothing_else() {
        let mark = |max_side, quality| {
            let recipe = Recipe::Still(StillRecipe { max_side, quality });
            recipe_mark(&Format::WEBP, &recipe)
        };
        // Rows keep it: a change of spelling would make every library stale.
        assert_eq!(mark(256, 85), "db42fafd");
        assert_ne!(mark(256, 85), mark(256, 86));
        assert_ne!(mark(256, 85), mark(257, 85));
        let strip = StripRecipe {
            columns: 5,
            rows: 5,
            tile_side: 320,
            quality: 75,
        };
        let picture = recipe_mark(&Format::WEBP, &Recipe::Strip(strip));
        assert_ne!(
            picture,
            recipe_mark(
                &Format::WEBP,
                &Recipe::StripMap(StripMapRecipe::of(strip, &Variant::PREVIEW))
            )
        );
        assert_ne!(picture, recipe_mark(&Format::MP4, &Recipe::Strip(strip)));
    }
}
