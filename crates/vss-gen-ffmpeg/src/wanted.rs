//! What a job wants: of which sort it is, and whether it can be made of an original at all.

use vss_core::Format;
use vss_core::plan::Recipe;
use vss_ports::{GenerateFailure, JobOutput};
use vss_raster::failure::unsupported;

use crate::streams::Streams;

/// Whether it is the frame that stands for a video.
pub(crate) fn is_still(recipe: &Recipe) -> bool {
    matches!(recipe, Recipe::Still(_))
}

/// Whether it is made of single frames.
pub(crate) fn is_picture(recipe: &Recipe) -> bool {
    recipe.strip().is_some() || is_still(recipe)
}

/// The longer side of a frame in it, in pixels, at most; 0 for what shows none.
pub(crate) fn side(recipe: &Recipe) -> u32 {
    match recipe {
        Recipe::Still(still) => still.max_side,
        other => other.strip().map_or(0, |strip| strip.tile_side),
    }
}

/// Why an output cannot be made of an original with these streams, whatever is in them.
pub(crate) fn refusal(output: &JobOutput<'_>, streams: &Streams) -> Option<GenerateFailure> {
    let format = match output.recipe {
        Recipe::Still(_) | Recipe::Strip(_) => Format::WEBP,
        Recipe::StripMap(_) => Format::VTT,
        Recipe::Proxy(_) => Format::MP4,
        Recipe::Waveform(_) => Format::JSON,
        Recipe::Pcm(_) => Format::WAV,
        other => return Some(unsupported(format!("the recipe {other:?}"))),
    };
    if *output.format != format {
        let why = format!("{:?} as {}", output.recipe, output.format);
        return Some(unsupported(why));
    }
    let makes_sense = match output.recipe {
        Recipe::Still(still) => still.max_side > 0,
        Recipe::Proxy(proxy) => proxy.short_side >= 2 && proxy.crf <= 51,
        Recipe::Waveform(waveform) => (1..=1_000_000).contains(&waveform.points),
        Recipe::Pcm(pcm) => (1_000..=192_000).contains(&pcm.sample_rate),
        _ => true,
    };
    if !makes_sense {
        let why = format!("the settings {:?}", output.recipe);
        return Some(unsupported(why));
    }
    let refusal = match output.recipe {
        Recipe::Still(_) if streams.cover.is_some() => return None,
        Recipe::Still(_) => streams.no_picture(),
        Recipe::Waveform(_) | Recipe::Pcm(_) => {
            let silent = || unsupported("it holds no audio that is read");
            return streams.audio.is_none().then(silent);
        }
        _ => streams.no_video(),
    };
    streams.video.is_none().then_some(refusal)
}
