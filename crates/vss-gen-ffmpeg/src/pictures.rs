//! All pictures that a job wants of a video, while its frames go by.

use vss_core::plan::StripRecipe;
use vss_raster::Outcome;

use crate::av::{AvResult, Frame};
use crate::poster::Poster;
use crate::streams::Video;
use crate::strip::Strip;

/// The pictures wanted of a video.
#[derive(Debug)]
pub(crate) struct Pictures {
    /// The stream they are taken from.
    pub(crate) video: Video,
    /// When it begins and ends, in its time base.
    pub(crate) span: (i64, i64),
    /// The frame that stands for it.
    pub(crate) poster: Option<Poster>,
    /// A strip for each different setting, with why there is none.
    pub(crate) strips: Vec<(StripRecipe, Outcome<Strip>)>,
    /// Frames that went by.
    pub(crate) frames: u64,
    /// Frames that the decoder knew to be damaged.
    pub(crate) damaged: u64,
}

impl Pictures {
    /// For a video from one time to another.
    pub(crate) fn new(
        video: Video,
        span: (i64, i64),
        still: bool,
        recipes: impl IntoIterator<Item = StripRecipe>,
    ) -> Self {
        let mut strips: Vec<(StripRecipe, Outcome<Strip>)> = Vec::new();
        for recipe in recipes {
            if strips.iter().all(|(known, _)| *known != recipe) {
                strips.push((recipe, Strip::new(recipe, &video, span)));
            }
        }
        Self {
            poster: still.then(|| Poster::new(span.0, span.1)),
            video,
            span,
            strips,
            frames: 0,
            damaged: 0,
        }
    }

    /// The strips that there can be.
    pub(crate) fn strips_mut(&mut self) -> impl Iterator<Item = &mut Strip> {
        self.strips
            .iter_mut()
            .filter_map(|(_, strip)| strip.as_mut().ok())
    }

    /// Forgets what was looked up, to be taken from the whole instead.
    pub(crate) fn restart(&mut self) {
        let recipes: Vec<_> = self.strips.iter().map(|(recipe, _)| *recipe).collect();
        let (video, still) = (self.video.clone(), self.poster.is_some());
        *self = Self::new(video, self.span, still, recipes);
    }

    /// Takes the next frame of all, in their order.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn pass(&mut self, frame: &mut Frame) -> AvResult<()> {
        self.frames += 1;
        self.damaged += u64::from(frame.is_damaged());
        let Some(time) = frame.time() else {
            return Ok(());
        };
        if let Some(poster) = &mut self.poster {
            poster.pass(&self.video, frame, time)?;
        }
        let strips = self.strips.iter_mut();
        for strip in strips.filter_map(|(_, strip)| strip.as_mut().ok()) {
            strip.pass(&self.video, frame, time)?;
        }
        Ok(())
    }
}
