//! The filters that bring sound to a rate, and keep it where it is in its film.

use crate::av::{AvResult, Frame, Graph, Mix, Ratio};

/// What sound becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Resampling {
    /// Samples a second.
    pub(crate) rate: u32,
    /// How samples are stored, by FFmpeg's name.
    pub(crate) samples: &'static str,
    /// Its channels.
    pub(crate) mix: Mix,
}

impl Resampling {
    /// A chain for sound like this, in which gaps are filled and overlaps cut: also before its first
    /// frame, back to where what came before ends, which is counted in samples of what comes out.
    /// With nothing before it, it begins at its own time.
    ///
    /// # Errors
    /// When the chain makes no sense for such sound.
    pub(crate) fn graph(self, like: &Frame, unit: Ratio, before: Option<i64>) -> AvResult<Graph> {
        let Self { rate, samples, mix } = self;
        // FFmpeg counts there in samples of what comes in.
        let first = before.map(|count| {
            let comes_in = i64::from(like.sample_rate().max(1));
            i128::from(count) * i128::from(comes_in) / i128::from(rate.max(1))
        });
        let first = first.map_or_else(String::new, |first| format!(":first_pts={first}"));
        let chain = format!(
            "aresample={rate}:async=1{first},\
             aformat=sample_fmts={samples}:channel_layouts={}:sample_rates={rate}",
            mix.name()
        );
        Graph::audio(like, unit, mix, &chain)
    }
}
