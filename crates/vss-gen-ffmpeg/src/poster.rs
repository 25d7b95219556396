//! The frame that stands for a video: the first of a few that is neither black nor blank, key
//! frames before others.

use crate::av::{AvResult, Frame};
use crate::looks::Looks;
use crate::streams::Video;

/// Where frames are looked at, in hundredths of the duration.
const PLACES: [i64; 5] = [10, 20, 35, 50, 75];

/// The choice of a frame, as far as it has come.
#[derive(Debug)]
pub(crate) struct Poster {
    targets: Vec<i64>,
    next: usize,
    /// The last key frame at or before the next target.
    latest: Option<(i64, Frame)>,
    /// When the key frame was shown that was looked at last.
    looked: Option<i64>,
    key: Choice,
    exact: Choice,
}

#[derive(Debug, Default)]
struct Choice {
    best: Option<(f64, Frame)>,
    good: bool,
}

impl Choice {
    fn offer(&mut self, video: &Video, frame: &mut Frame) -> AvResult<()> {
        if self.good {
            return Ok(());
        }
        let looks = Looks::of(&video.view, frame, video.timing())?;
        self.good = looks.are_good();
        let score = looks.score();
        let better = |(best, _): &(f64, Frame)| score > *best;
        if self.good || self.best.as_ref().is_none_or(better) {
            self.best = Some((score, frame.share()?));
        }
        Ok(())
    }
}

impl Poster {
    /// For a video from one time to another.
    pub(crate) fn new(begin: i64, end: i64) -> Self {
        let length = i128::from(end.saturating_sub(begin).max(0));
        let at = |percent: i64| {
            let since = length * i128::from(percent) / 100;
            begin.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
        };
        let mut targets = PLACES.map(at).to_vec();
        targets.dedup();
        Self {
            targets,
            next: 0,
            latest: None,
            looked: None,
            key: Choice::default(),
            exact: Choice::default(),
        }
    }

    /// Where frames are looked at.
    pub(crate) fn targets(&self) -> Vec<i64> {
        self.targets.clone()
    }

    /// Whether a key frame was good enough, so that no other has to be looked at.
    pub(crate) const fn is_decided(&self) -> bool {
        self.key.good
    }

    /// Whether any frame was good enough.
    pub(crate) const fn is_content(&self) -> bool {
        self.key.good || self.exact.good
    }

    /// Takes the last key frame at or before a target.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn key(&mut self, video: &Video, frame: &mut Frame) -> AvResult<()> {
        let time = frame.time();
        if time.is_some() && self.looked == time {
            return Ok(());
        }
        self.looked = time;
        self.key.offer(video, frame)
    }

    /// Takes the first frame at or after a target.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn exact(&mut self, video: &Video, frame: &mut Frame) -> AvResult<()> {
        self.exact.offer(video, frame)
    }

    /// Takes the next frame of all, in their order.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn pass(&mut self, video: &Video, frame: &mut Frame, time: i64) -> AvResult<()> {
        while !self.is_decided()
            && let Some(&target) = self.targets.get(self.next)
        {
            if time <= target && (frame.is_key() || self.latest.is_none()) {
                self.latest = Some((time, frame.share()?));
            }
            if time < target {
                return Ok(());
            }
            if let Some((time, mut latest)) = self.latest.take() {
                self.key(video, &mut latest)?;
                self.latest = Some((time, latest));
            }
            self.exact(video, frame)?;
            self.next += 1;
        }
        Ok(())
    }

    /// The frame, when there was any.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn choose(mut self, video: &Video) -> AvResult<Option<Frame>> {
        if let Some((_, mut latest)) = self.latest.take()
            && !self.is_content()
        {
            self.key(video, &mut latest)?;
        }
        let (key, exact) = (self.key, self.exact);
        if key.good {
            return Ok(key.best.map(|(_, frame)| frame));
        }
        if exact.good {
            return Ok(exact.best.map(|(_, frame)| frame));
        }
        let both = [key.best, exact.best].into_iter().flatten();
        let best = both.max_by(|(one, _), (other, _)| one.total_cmp(other));
        Ok(best.map(|(_, frame)| frame))
    }
}
