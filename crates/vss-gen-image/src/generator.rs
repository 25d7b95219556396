//! The generator itself: which pictures it takes, and a job from its first check to its last
//! written byte.

use std::os::unix::fs::FileExt;

use vss_core::plan::{GeneratorDescriptor, Recipe, StillRecipe};
use vss_core::{Format, MediaType};
use vss_ports::{GenerateFailure, GenerateJob, Generator, JobOutput, Produced};

use crate::cascade::{self, Level};
use crate::decoded::Decoded;
use crate::descriptor::descriptor;
use crate::failure::{Outcome, cancelled, corrupt, unsupported, unwritable};
use crate::limits::Room;
use crate::raster::{self, Raster};
use crate::scratch::{Pool, Scratch};
use crate::source::Source;
use crate::{jpeg, tiff, webp};

/// Makes thumbnails of still pictures, as WebP.
///
/// Jobs may run on any number of threads; each holds the memory of one decoded picture, and the
/// buffers are kept for the next job.
#[derive(Debug)]
pub struct ImageGenerator {
    descriptor: GeneratorDescriptor,
    pool: Pool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Codec {
    Jpeg,
    Tiff,
    Raster(Raster),
}

impl ImageGenerator {
    /// A generator as [`descriptor`] says.
    pub fn new() -> Self {
        Self {
            descriptor: descriptor(),
            pool: Pool::default(),
        }
    }
}

impl Default for ImageGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator for ImageGenerator {
    fn descriptor(&self) -> &GeneratorDescriptor {
        &self.descriptor
    }

    fn generate(
        &self,
        job: &GenerateJob<'_>,
    ) -> Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure> {
        check_cancel(job)?;
        let codec = codec_of(job.media_type)?;
        if job.source_size == 0 {
            return Err(corrupt("the file is empty"));
        }
        let recipes: Vec<_> = job.outputs.iter().map(recipe_of).collect();
        // What no recipe asks for is still decoded, for the smallest picture there is, so that a
        // source that cannot be used is found out whatever is asked of it.
        let known = recipes.iter().flatten().map(|recipe| recipe.max_side);
        let largest = known.max().unwrap_or(1);
        let mut scratch = self.pool.take();
        let produced = decode(codec, job, largest, &mut scratch)
            .and_then(|decoded| produce(job, &decoded, recipes, &mut scratch));
        self.pool.give_back(scratch);
        produced
    }
}

fn codec_of(media_type: &MediaType) -> Outcome<Codec> {
    Ok(match media_type.as_str() {
        "image/jpeg" => Codec::Jpeg,
        "image/png" | "image/apng" => Codec::Raster(Raster::Png),
        "image/webp" => Codec::Raster(Raster::Webp),
        "image/gif" => Codec::Raster(Raster::Gif),
        "image/bmp" | "image/x-ms-bmp" | "image/x-bmp" => Codec::Raster(Raster::Bmp),
        "image/tiff" | "image/x-tiff-big" => Codec::Tiff,
        "image/vnd.microsoft.icon" | "image/x-icon" => Codec::Raster(Raster::Ico),
        _ => return Err(unsupported(format!("{media_type} is not read"))),
    })
}

fn recipe_of(output: &JobOutput<'_>) -> Outcome<StillRecipe> {
    match output.recipe {
        Recipe::Still(still) if *output.format != Format::WEBP => Err(unsupported(format!(
            "a still of {} px as {}",
            still.max_side, output.format
        ))),
        Recipe::Still(still) if still.max_side == 0 => Err(unsupported("a still of 0 px")),
        Recipe::Still(still) => Ok(*still),
        other => Err(unsupported(format!("the recipe {other:?}"))),
    }
}

fn check_cancel(job: &GenerateJob<'_>) -> Outcome<()> {
    if job.cancel.is_cancelled() {
        return Err(cancelled());
    }
    Ok(())
}

fn decode(
    codec: Codec,
    job: &GenerateJob<'_>,
    largest: u32,
    scratch: &mut Scratch,
) -> Outcome<Decoded> {
    let source = Source::new(job.source, job.source_size);
    let room = Room {
        limits: &job.limits,
        host: job.host,
    };
    match codec {
        Codec::Jpeg => jpeg::decode(&source, &room, largest, scratch),
        Codec::Tiff => tiff::decode(&source, &room, scratch),
        Codec::Raster(raster) => raster::decode(raster, &source, &room, scratch),
    }
}

/// Makes every output whose recipe is known, and answers for all of them in their order.
fn produce(
    job: &GenerateJob<'_>,
    decoded: &Decoded,
    recipes: Vec<Outcome<StillRecipe>>,
    scratch: &mut Scratch,
) -> Outcome<Vec<Outcome<Produced>>> {
    check_cancel(job)?;
    job.host.progressed();
    let upright = if decoded.orientation.swaps_sides() {
        (decoded.height, decoded.width)
    } else {
        (decoded.width, decoded.height)
    };
    let size_of = |recipe: &StillRecipe| cascade::fitted(upright, recipe.max_side);
    let mut sizes: Vec<_> = recipes.iter().flatten().map(size_of).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.reverse();
    cascade::fill(scratch, decoded, &sizes)?;

    let mut answers = Vec::with_capacity(recipes.len());
    for (recipe, output) in recipes.into_iter().zip(job.outputs) {
        check_cancel(job)?;
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
        job.host.progressed();
        answers.push(answer);
    }
    Ok(answers)
}

fn write(level: &Level, quality: u8, output: &JobOutput<'_>, encoded: &mut Vec<u8>) -> Outcome<()> {
    webp::encode(&level.pixels, level.size, level.channels, quality, encoded)?;
    output
        .file
        .write_all_at(encoded, 0)
        .map_err(|error| unwritable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_media_type_that_is_named_has_a_codec_and_no_other() {
        let descriptor = descriptor();
        assert!(descriptor.inputs().all(|input| codec_of(input).is_ok()));
        assert!(codec_of(&"image/heic".parse().unwrap()).is_err());
    }
}
