//! Every still that a job wants of one decoded picture.

use std::os::unix::fs::FileExt;

use vss_core::Format;
use vss_core::plan::{Recipe, StillRecipe};
use vss_ports::{CancelToken, JobHost, JobOutput, Produced};

use crate::cascade::{self, Level};
use crate::decoded::Decoded;
use crate::failure::{Outcome, cancelled, unsupported, unwritable};
use crate::scratch::Scratch;
use crate::{jpeg, webp};

/// What a still can be.
const FORMATS: [Format; 2] = [Format::WEBP, Format::JPEG];

/// The longest side among the stills of these outputs; 1 where there is none, so that a source
/// that cannot be used is found out whatever is asked of it.
pub fn largest<'a>(outputs: impl IntoIterator<Item = &'a JobOutput<'a>>) -> u32 {
    let known = outputs.into_iter().filter_map(|o| recipe_of(o).ok());
    known.map(|recipe| recipe.max_side).max().unwrap_or(1)
}

/// Writes every still among `outputs` from the picture in the scratch, and answers for all of
/// `outputs` in their order; what is no still, or neither WebP nor JPEG, is `unsupported`.
///
/// The job's host is told of each, and the token is looked at before each.
///
/// # Errors
/// `timeout` once cancelled, `out_of_memory`, `corrupt_source` for pixels that do not fit what is
/// said of them.
pub fn stills(
    outputs: &[&JobOutput<'_>],
    decoded: &Decoded,
    host: &dyn JobHost,
    cancel: &CancelToken,
    scratch: &mut Scratch,
) -> Outcome<Vec<Outcome<Produced>>> {
    check_cancel(cancel)?;
    host.progressed();
    let recipes: Vec<_> = outputs.iter().map(|output| recipe_of(output)).collect();
    let upright = decoded.upright();
    let size_of = |recipe: &StillRecipe| cascade::fitted(upright, recipe.max_side);
    let mut sizes: Vec<_> = recipes.iter().flatten().map(size_of).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.reverse();
    cascade::fill(scratch, decoded, &sizes)?;

    let mut answers = Vec::with_capacity(recipes.len());
    for (recipe, output) in recipes.into_iter().zip(outputs) {
        check_cancel(cancel)?;
        let answer = recipe.and_then(|recipe| {
            let size = size_of(&recipe);
            let level = scratch.levels.iter().find(|level| level.size == size);
            let level = level.ok_or_else(|| unsupported("a size that was not made"))?;
            write(level, recipe.quality, output, &mut scratch.encoded)?;
            Ok(Produced {
                width: size.0,
                height: size.1,
                degraded: decoded.degraded.clone(),
            })
        });
        host.progressed();
        answers.push(answer);
    }
    Ok(answers)
}

fn recipe_of(output: &JobOutput<'_>) -> Outcome<StillRecipe> {
    match output.recipe {
        Recipe::Still(still) if !FORMATS.contains(output.format) => Err(unsupported(format!(
            "a still of {} px as {}",
            still.max_side, output.format
        ))),
        Recipe::Still(still) if still.max_side == 0 => Err(unsupported("a still of 0 px")),
        Recipe::Still(still) => Ok(*still),
        other => Err(unsupported(format!("the recipe {other:?}"))),
    }
}

fn check_cancel(cancel: &CancelToken) -> Outcome<()> {
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    Ok(())
}

fn write(level: &Level, quality: u8, output: &JobOutput<'_>, encoded: &mut Vec<u8>) -> Outcome<()> {
    let encode = match *output.format == Format::JPEG {
        true => jpeg::encode,
        false => webp::encode,
    };
    encode(&level.pixels, level.size, level.channels, quality, encoded)?;
    output
        .file
        .write_all_at(encoded, 0)
        .map_err(|error| unwritable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, Orientation};
    use vss_core::FailureClass;
    use vss_core::plan::WaveformRecipe;
    use vss_ports::Unlimited;

    #[test]
    fn pixels_from_elsewhere_become_upright_stills() {
        let mut scratch = Scratch::default();
        let canvas = scratch.canvas(3 * 40 * 20).unwrap();
        // The left half is red, the right one blue; turned clockwise, red is on top.
        for (at, pixel) in canvas.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(if at % 40 < 20 {
                &[220, 0, 0]
            } else {
                &[0, 0, 220]
            });
        }
        let decoded = Decoded {
            orientation: Orientation::Clockwise,
            ..Decoded::unscaled(40, 20, Layout::Rgb)
        };
        let recipes = [
            Recipe::Still(StillRecipe {
                max_side: 20,
                quality: 90,
            }),
            Recipe::Waveform(WaveformRecipe { points: 8 }),
        ];
        let files = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
        let outputs: Vec<_> = recipes
            .iter()
            .zip(&files)
            .map(|(recipe, file)| JobOutput {
                format: &Format::WEBP,
                recipe,
                file,
            })
            .collect();
        let wanted: Vec<_> = outputs.iter().collect();
        assert_eq!(largest(wanted.iter().copied()), 20);
        let answers = stills(
            &wanted,
            &decoded,
            &Unlimited,
            &CancelToken::new(),
            &mut scratch,
        );
        let [Ok(still), Err(other)] = &answers.unwrap()[..] else {
            panic!("one still, and one that is none");
        };
        assert_eq!((still.width, still.height), (10, 20));
        assert_eq!(other.class, FailureClass::Unsupported);
        let mut file = vec![0; 4_000];
        let length = files[0].read_at(&mut file, 0).unwrap();
        let picture = image::load_from_memory(&file[..length])
            .unwrap()
            .into_rgb8();
        let (top, bottom) = (picture.get_pixel(5, 4).0, picture.get_pixel(5, 15).0);
        assert!(top[0] > 180 && top[2] < 60, "{top:?}");
        assert!(bottom[2] > 180 && bottom[0] < 60, "{bottom:?}");
    }
}
