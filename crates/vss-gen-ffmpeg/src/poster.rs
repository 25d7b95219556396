//! The frame that stands for a video: the first of a few that is neither black nor blank, key
//! frames before others.

use crate::av::{AvResult, Frame};
use crate::looks::Looks;
use crate::streams::Video;

/// Where frames are looked at, in hundredths of the duration.
const PLACES: [i64; 5] = [10, 20, 35, 50, 75];

/// Where key frames are looked at besides, when those are black or blank: they cost little.
const MORE_PLACES: [i64; 3] = [5, 60, 90];

/// The choice of a frame, as far as it has come.
#[derive(Debug)]
pub(crate) struct Poster {
    begin: i64,
    length: i128,
    next: usize,
    /// The last key frame at or before the next target.
    latest: Option<(i64, Frame)>,
    /// When the key frames were shown that were looked at.
    looked: Vec<i64>,
    key: Choice,
    exact: Choice,
}

#[derive(Debug, Default)]
struct Choice {
    best: Option<(f64, Frame)>,
    /// Whether there is something to see in the best.
    shows: bool,
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
            self.shows = !looks.are_blank();
        }
        Ok(())
    }
}

impl Poster {
    /// For a video from one time to another.
    pub(crate) fn new(begin: i64, end: i64) -> Self {
        Self {
            begin,
            length: i128::from(end.saturating_sub(begin).max(0)),
            next: 0,
            latest: None,
            looked: Vec::new(),
            key: Choice::default(),
            exact: Choice::default(),
        }
    }

    fn at(&self, percent: i64) -> i64 {
        let since = self.length * i128::from(percent) / 100;
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        self.begin.saturating_add(since)
    }

    /// Where frames are looked at, in their order.
    pub(crate) fn targets(&self) -> [i64; PLACES.len()] {
        PLACES.map(|percent| self.at(percent))
    }

    /// Where key frames are looked up, one after the other until one is good.
    pub(crate) fn key_targets(&self) -> impl Iterator<Item = i64> + use<> {
        let more = MORE_PLACES.map(|percent| self.at(percent));
        self.targets().into_iter().chain(more)
    }

    /// Whether a key frame was good enough, so that no other has to be looked at.
    pub(crate) const fn is_decided(&self) -> bool {
        self.key.good
    }

    /// Whether any frame was good enough.
    pub(crate) const fn is_content(&self) -> bool {
        self.key.good || self.exact.good
    }

    /// Whether the key frame of this time was looked at.
    pub(crate) fn knows(&self, time: i64) -> bool {
        self.looked.contains(&time)
    }

    /// Whether key frames say all there is to say: there were some and one shows something, or so
    /// many from all over the video that others would not show more.
    pub(crate) const fn has_seen_enough(&self) -> bool {
        let several = self.looked.len() > 1 && self.key.shows;
        self.key.good || several || self.looked.len() >= PLACES.len()
    }

    /// Takes the last key frame at or before a target, of this time.
    ///
    /// # Errors
    /// When it cannot be scaled.
    pub(crate) fn key(&mut self, video: &Video, frame: &mut Frame, time: i64) -> AvResult<()> {
        if self.knows(time) {
            return Ok(());
        }
        self.looked.push(time);
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
            && let Some(&target) = self.targets().get(self.next)
        {
            if time <= target && (frame.is_key() || self.latest.is_none()) {
                self.latest = Some((time, frame.share()?));
            }
            if time < target {
                return Ok(());
            }
            if let Some((time, mut latest)) = self.latest.take() {
                self.key(video, &mut latest, time)?;
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
        if let Some((time, mut latest)) = self.latest.take()
            && !self.is_content()
        {
            self.key(video, &mut latest, time)?;
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
