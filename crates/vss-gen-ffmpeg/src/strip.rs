//! Frames of a video side by side in one picture.

use std::os::unix::fs::FileExt;

use vss_core::plan::{Recipe, StripRecipe};
use vss_ports::{JobOutput, Produced};
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, out_of_memory, unsupported, unwritable};
use vss_raster::webp::{self, LARGEST_SIDE};

use crate::av::{AvError, AvResult, Frame, Ratio};
use crate::chain::Chain;
use crate::streams::Video;
use crate::view::Pixels;
use crate::vtt::{self, Tile};

const CHANNELS: usize = 3;

/// A strip on its way.
#[derive(Debug)]
pub(crate) struct Strip {
    recipe: StripRecipe,
    tile: (u32, u32),
    targets: Vec<i64>,
    /// When the frames of the tiles so far are shown.
    times: Vec<i64>,
    canvas: Vec<u8>,
    graph: Option<Chain>,
    last: Option<(i64, Frame)>,
}

impl Strip {
    /// Of a video from one time to another.
    ///
    /// # Errors
    /// `unsupported` for a grid that is none or that WebP cannot hold, `out_of_memory`.
    pub(crate) fn new(
        recipe: StripRecipe,
        video: &Video,
        (begin, end): (i64, i64),
    ) -> Outcome<Self> {
        let tile = video.view.fitted(recipe.tile_side);
        let sides = |tiles: u32, side: u32| {
            let whole = tiles.checked_mul(side).filter(|side| *side > 0);
            whole.filter(|side| *side <= LARGEST_SIDE)
        };
        let (Some(width), Some(height)) =
            (sides(recipe.columns, tile.0), sides(recipe.rows, tile.1))
        else {
            return Err(unsupported(format!(
                "a strip of {} x {} tiles of {} px",
                recipe.columns, recipe.rows, recipe.tile_side
            )));
        };
        let mut canvas = Vec::new();
        let length = width as usize * height as usize * CHANNELS;
        canvas.try_reserve_exact(length).map_err(out_of_memory)?;
        canvas.resize(length, 0);
        Ok(Self {
            recipe,
            tile,
            targets: targets(recipe.columns.saturating_mul(recipe.rows), begin, end),
            times: Vec::new(),
            canvas,
            graph: None,
            last: None,
        })
    }

    /// Where its frames are to be taken, in order.
    pub(crate) fn targets(&self) -> Vec<i64> {
        self.targets.clone()
    }

    /// Puts the next tile in its place.
    ///
    /// # Errors
    /// When the frame cannot be scaled.
    pub(crate) fn put(&mut self, video: &Video, frame: &mut Frame, time: i64) -> AvResult<()> {
        if !self.graph.as_ref().is_some_and(|graph| graph.takes(frame)) {
            self.graph = None;
        }
        let graph = match &mut self.graph {
            Some(graph) => graph,
            none => {
                let graph = video
                    .view
                    .graph(frame, video.timing(), self.tile, Pixels::Rgb)?;
                none.insert(graph)
            }
        };
        graph.push(Some(frame))?;
        let mut small = Frame::new()?;
        graph.pull(&mut small)?;
        let (x, y) = self.place(self.times.len());
        let stride = self.recipe.columns as usize * self.tile.0 as usize * CHANNELS;
        let begin = y as usize * stride + x as usize * CHANNELS;
        for (line, row) in small.rows(CHANNELS)?.enumerate() {
            let at = begin + line * stride;
            if let Some(target) = self.canvas.get_mut(at..at + row.len()) {
                target.copy_from_slice(row);
            }
        }
        self.times.push(time);
        Ok(())
    }

    /// Takes the next frame of all, in their order.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn pass(&mut self, video: &Video, frame: &mut Frame, time: i64) -> AvResult<()> {
        while let Some(target) = self.targets.get(self.times.len())
            && time >= *target
        {
            self.put(video, frame, time)?;
        }
        self.last = match self.times.len() < self.targets.len() {
            true => Some((time, frame.share()?)),
            false => None,
        };
        Ok(())
    }

    /// Fills what is left of the tiles with the last frame there was.
    ///
    /// # Errors
    /// `corrupt_source` when there was none.
    pub(crate) fn complete(&mut self, video: &Video) -> Outcome<()> {
        if let Some((time, mut frame)) = self.last.take() {
            while self.times.len() < self.targets.len() {
                self.put(video, &mut frame, time)
                    .map_err(AvError::of_source)?;
            }
        }
        match self.times.len() == self.targets.len() {
            true => Ok(()),
            false => Err(corrupt("too few frames could be decoded")),
        }
    }

    /// Writes the strip, or the map of it.
    ///
    /// # Errors
    /// `unsupported` when it is neither, and whatever keeps it from being written.
    pub(crate) fn write(
        &self,
        output: &JobOutput<'_>,
        (unit, begin, end): (Ratio, i64, i64),
        encoded: &mut Vec<u8>,
    ) -> Outcome<(u32, u32)> {
        let (width, height) = self.tile;
        let size = (width * self.recipe.columns, height * self.recipe.rows);
        match output.recipe {
            Recipe::Strip(recipe) => {
                webp::encode(&self.canvas, size, CHANNELS, recipe.quality, encoded)?;
            }
            Recipe::StripMap(map) => {
                let millis = Ratio { num: 1, den: 1_000 };
                let count = |time: i64| {
                    let since = unit.rescale(time.saturating_sub(begin), millis);
                    u64::try_from(since).unwrap_or(0)
                };
                let tile = |(index, time): (usize, &i64)| Tile {
                    time: count(*time),
                    at: self.place(index),
                };
                let tiles: Vec<_> = self.times.iter().enumerate().map(tile).collect();
                encoded.clear();
                let text = vtt::write(&map.picture, &tiles, self.tile, count(end));
                encoded.extend(text.bytes());
            }
            other => return Err(unsupported(format!("the recipe {other:?}"))),
        }
        let written = output.file.write_all_at(encoded, 0);
        written.map_err(|error| unwritable(&error))?;
        Ok(size)
    }

    fn place(&self, index: usize) -> (u32, u32) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let (column, row) = (index % self.recipe.columns, index / self.recipe.columns);
        (column * self.tile.0, row.saturating_mul(self.tile.1))
    }
}

/// What was made of a strip.
pub(crate) fn produced(
    output: &JobOutput<'_>,
    size: (u32, u32),
    degraded: Option<String>,
) -> Produced {
    let (width, height) = match output.recipe {
        Recipe::Strip(_) => size,
        _ => (0, 0),
    };
    Produced {
        width,
        height,
        degraded,
    }
}

/// Times from 5 % to 95 %, as many as there are tiles, evenly.
fn targets(tiles: u32, begin: i64, end: i64) -> Vec<i64> {
    let length = i128::from(end.saturating_sub(begin).max(0));
    let steps = i128::from(tiles.saturating_sub(1).max(1));
    let at = |tile: u32| {
        let share = match tiles {
            1 => steps * 50,
            _ => steps * 5 + 90 * i128::from(tile),
        };
        let since = length * share / (steps * 100);
        begin.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    };
    (0..tiles).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_taken_evenly_from_5_to_95_percent() {
        assert_eq!(targets(4, 1_000, 2_000), [1_050, 1_350, 1_650, 1_950]);
        assert_eq!(targets(1, 0, 1_000), [500]);
        assert_eq!(targets(3, 7, 7), [7, 7, 7]);
        assert_eq!(targets(2, 0, i64::MAX).len(), 2);
    }
}
